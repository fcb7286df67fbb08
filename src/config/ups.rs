//! The `[ups]` section: who is asked for the mains.

use std::fmt;

use super::section::Section;
use super::url;

/// The port of Network UPS Tools (RFC 9271, section 3).
const NUT_PORT: u16 = 3493;
/// The port of apcupsd's network information server.
const NIS_PORT: u16 = 3551;
/// No name of a UPS is longer.
const MAX_NAME: usize = 64;

/// A server that tells of a UPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpsServer {
    /// Under which name Network UPS Tools know it; none of apcupsd, which knows one.
    pub name: Option<String>,
    /// A name or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for UpsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}@")?;
        }
        let Self { host, port, .. } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// Reads the section; none where no server is named.
pub fn read(mut section: Section<'_, '_>) -> Option<UpsServer> {
    // Of one type, which the binary has once.
    type Parse = fn(&str) -> Result<UpsServer, String>;
    let (as_nut, as_apcupsd): (Parse, Parse) = (nut, apcupsd);
    let nut = section.parsed("nut", as_nut);
    let second = nut.as_ref().map_or(as_apcupsd, |_| one_alone);
    let apcupsd = section.parsed("apcupsd", second);
    section.close();
    nut.or(apcupsd)
}

fn apcupsd(text: &str) -> Result<UpsServer, String> {
    server(None, text, NIS_PORT)
}

fn one_alone(_: &str) -> Result<UpsServer, String> {
    Err("either ups.nut or ups.apcupsd, not both".to_owned())
}

/// Reads `ups@host` or `ups@host:port`, as `upsc` does.
fn nut(text: &str) -> Result<UpsServer, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = |name: &str| (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_plain);
    match text.split_once('@').filter(|(name, _)| is_name(name)) {
        Some((name, host)) => server(Some(name.to_owned()), host, NUT_PORT),
        None => Err(
            "one UPS and its host, as upsc names them: \"ups@localhost\" or \"ups@host:port\""
                .to_owned(),
        ),
    }
}

fn server(name: Option<String>, host: &str, port: u16) -> Result<UpsServer, String> {
    let (host, written) = url::authority(host)?;
    let port = written.unwrap_or(port);
    Ok(UpsServer { name, host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ups_of_network_ups_tools_is_named_as_upsc_names_it() {
        for (text, shown) in [
            ("ups@localhost", "ups@localhost:3493"),
            ("ups@127.0.0.1:13493", "ups@127.0.0.1:13493"),
            ("rack-1.a_b@192.168.0.9", "rack-1.a_b@192.168.0.9:3493"),
            ("ups@[fd00::9]", "ups@[fd00::9]:3493"),
            ("ups@[::1]:13493", "ups@[::1]:13493"),
        ] {
            assert_eq!(nut(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_names_no_ups_is_refused_with_what_is_allowed() {
        const NAMED: &str =
            "one UPS and its host, as upsc names them: \"ups@localhost\" or \"ups@host:port\"";
        let long = format!("{}@localhost", "a".repeat(MAX_NAME + 1));
        for (text, allowed) in [
            ("ups", NAMED),
            ("localhost:3493", NAMED),
            ("@localhost", NAMED),
            ("a b@localhost", NAMED),
            ("u\"ps@localhost", NAMED),
            (&*long, NAMED),
            ("ups@", "a host or host:port"),
            ("ups@localhost:0", "a port from 1 to 65535"),
            ("ups@localhost:nut", "a port from 1 to 65535"),
            ("ups@a@b", "an address without a user name or password"),
            ("ups@fd00::9", "a host or host:port"),
        ] {
            assert_eq!(nut(text).unwrap_err(), allowed, "{text}");
        }
    }

    #[test]
    fn apcupsd_knows_one_ups_at_a_port_of_its_own() {
        let server = |text| apcupsd(text).unwrap().to_string();
        assert_eq!(server("localhost"), "localhost:3551");
        assert_eq!(server("[::1]:3552"), "[::1]:3552");
    }
}
