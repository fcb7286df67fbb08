//! Whether the router can be asked by ICMP, and what an administrator said about that.

use std::path::Path;

use super::finding::Finding;
use super::identity::{Identity, parse_range};
use super::runner::Runner;
use crate::app::timer::is_process_1;
use crate::config::Settings;
use crate::file::of_kernel;
use crate::system;

/// Where the package permits its user echo requests.
const PERMITTED: &str = "/etc/sysctl.d/10-cadence.conf";
/// Whose echo requests the kernel sends.
const RANGE: &str = "net.ipv4.ping_group_range";
/// What only the package has, which brings such a file once.
const INSTALLED: &str = "/usr/share/doc/cadence/copyright";

/// Why an administrator may want it so that the range is not this one: the package's file was removed, or permits something else now.
fn closed(own: &Path, is_installed: bool, range: &str) -> Option<String> {
    if !own.exists() {
        return is_installed.then(|| format!("as the package's {} was removed", own.display()));
    }
    let (text, wanted) = (of_kernel(own), parse_range(range)?);
    let permits = |line: &str| {
        let (name, said) = line.split_once('=')?;
        let said = parse_range(said).filter(|_| name.trim() == RANGE)?;
        Some(said.contains(wanted.start()) && said.contains(wanted.end()))
    };
    let is_permitted = text.lines().filter_map(permits).any(|it| it);
    (!is_permitted).then(|| format!("as {} has it", own.display()))
}

/// Whether whoever runs the cycles may send echo requests.
pub fn icmp(settings: &Settings, runner: Option<&Runner>) -> Finding {
    if settings.network.interface.is_some() {
        let why = "not used: network.interface is set, so the router is probed over TCP";
        return Finding::ok("icmp", why);
    }
    let process = Identity::of_process();
    let (who, identity) = match runner {
        Some(runner) => (format!("the user {}", runner.user), &runner.identity),
        None => ("this user".to_owned(), &process),
    };
    match identity.as_ref().map(Identity::ping_range_to_set) {
        Some(Ok(None)) => Finding::ok("icmp", format!("permitted for {who}")),
        Some(Ok(Some(range))) => {
            let found = format!("not permitted for {who}: the router is probed over TCP instead");
            if let Some(why) = closed(Path::new(PERMITTED), Path::new(INSTALLED).exists(), &range) {
                return Finding::ok("icmp", format!("{found}, {why}"));
            }
            let apply = if system::runs_systemd() {
                "systemctl restart systemd-sysctl"
            } else {
                "sysctl -p /etc/sysctl.d/10-cadence.conf"
            };
            // It holds what its user needs, and need only be applied.
            if Path::new(PERMITTED).exists() {
                return Finding::warn("icmp", found).fix(format!("sudo {apply}"));
            }
            // The network is the host's.
            let place = if is_process_1() { "on the host: " } else { "" };
            Finding::warn("icmp", found).fix(format!(
                "{place}echo \"{RANGE} = {range}\" | sudo install -D -m 0644 /dev/stdin {PERMITTED} && sudo {apply}"
            ))
        }
        Some(Err(_)) | None => Finding::warn("icmp", "cannot tell whether it is permitted"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_an_administrator_closed_is_not_advised_to_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("10-cadence.conf");
        let closed = |is_installed| closed(&own, is_installed, "999 999");
        let gone = format!("as the package's {} was removed", own.display());
        assert_eq!(closed(false), None);
        assert_eq!(closed(true), Some(gone));
        fs::write(&own, "# why\nnet.ipv4.ping_group_range = 999 999\n").unwrap();
        assert_eq!(closed(true), None, "it only has to be applied");
        fs::write(&own, "net.ipv4.ping_group_range=0 2147483647\n").unwrap();
        assert_eq!(closed(true), None);
        for other in [
            "#net.ipv4.ping_group_range = 999 999\n",
            "net.ipv4.ping_group_range = 1 0\n",
            "",
        ] {
            fs::write(&own, other).unwrap();
            assert_eq!(closed(true), Some(format!("as {} has it", own.display())));
        }
    }
}
