//! URLs and addresses of the configuration. Every error is what is allowed; the caller says what was found and where.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::http::Uri;
use ureq::http::uri::Authority;

use super::bounds::MAX_INTERFACE;
use super::server::{Endpoint, RouterAddress, WanScheme, WanTarget};

/// Where plain `http://` is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// To this host alone: what is fetched decides what is published.
    Loopback,
    /// Anywhere: a plug on the local network speaks nothing else.
    Anywhere,
}

/// Reads an `https://` or, where it is accepted, an `http://` URL (RFC 3986).
pub fn endpoint(text: &str, plain: PlainHttp) -> Result<Endpoint, String> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a URL in ASCII without white space or control characters".to_owned());
    }
    if text.contains('#') {
        return Err("a URL without a fragment (\"#\")".to_owned());
    }
    let schemes = || match plain {
        PlainHttp::Loopback => {
            "an https:// URL with a host, or http:// for a loopback address".to_owned()
        }
        PlainHttp::Anywhere => "an http:// or https:// URL with a host".to_owned(),
    };
    let uri: Uri = text.parse().map_err(|_| schemes())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(schemes());
    };
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return Err(schemes()),
    };
    let (host, port) = host_and_port(authority)?;
    if scheme == "http" && plain == PlainHttp::Loopback && !is_loopback(&host) {
        return Err(schemes());
    }
    // A slash after `?` is part of the question.
    let url = if uri.query().is_none() {
        text.strip_suffix('/').unwrap_or(text)
    } else {
        text
    };
    Ok(Endpoint {
        url: url.to_owned(),
        host,
        port: port.unwrap_or(default_port),
    })
}

/// Reads an `https://` URL, or an `http://` one of a loopback address.
pub fn secure(text: &str) -> Result<Endpoint, String> {
    endpoint(text, PlainHttp::Loopback)
}

/// Reads `tls://host:port` or `tcp://host:port`.
pub fn wan_target(text: &str) -> Result<WanTarget, String> {
    let allowed = || "\"tls://host:port\" or \"tcp://host:port\"".to_owned();
    let (scheme, rest) = match text.split_once("://") {
        Some(("tls", rest)) => (WanScheme::Tls, rest),
        Some(("tcp", rest)) => (WanScheme::Tcp, rest),
        _ => return Err(allowed()),
    };
    match authority(rest)? {
        (host, Some(port)) => Ok(WanTarget { scheme, host, port }),
        (_, None) => Err(allowed()),
    }
}

/// Reads the `host` or `host:port` of a plug, and leaves it as it was written.
///
/// # Errors
/// Says what is allowed.
pub fn plug_address(text: &str) -> Result<String, String> {
    authority(text).map(|_| text.to_owned())
}

/// The port of an address, where one is written.
///
/// # Errors
/// Says what is allowed.
pub fn port_of(address: &str) -> Result<Option<u16>, String> {
    authority(address).map(|(_, port)| port)
}

/// The host of a plug's address.
#[must_use]
pub fn host(address: &str) -> Option<String> {
    authority(address).ok().map(|(host, _)| host)
}

/// A hardware address as twelve upper-case hexadecimal digits, however it was written.
#[must_use]
pub fn hardware_address(text: &str) -> Option<String> {
    let digits = text.replace([':', '-'], "");
    (digits.len() == 12 && digits.bytes().all(|it| it.is_ascii_hexdigit()))
        .then(|| digits.to_ascii_uppercase())
}

/// Reads the router's address; a link-local IPv6 one comes with its interface (RFC 4007 section 11).
///
/// # Errors
/// Says what is allowed.
pub fn router(text: &str) -> Result<RouterAddress, String> {
    let allowed = || {
        "an IP address, a link-local IPv6 one with its interface as in \"fe80::1%eth0\"".to_owned()
    };
    let (address, scope) = match text.split_once('%') {
        Some((address, scope)) => (address, Some(interface(scope)?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| allowed())?;
    let is_link_local = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    if is_link_local != scope.is_some() {
        return Err(allowed());
    }
    Ok(RouterAddress { address, scope })
}

/// Reads the name of a network interface, by the kernel's own rules (`dev_valid_name`).
pub fn interface(text: &str) -> Result<String, String> {
    let is_plain = |c: char| !matches!(c, '/' | ':' | '@') && !c.is_whitespace() && !c.is_control();
    let is_name = |text: &str| {
        (1..=MAX_INTERFACE).contains(&text.len())
            && !matches!(text, "." | "..")
            && text.chars().all(is_plain)
    };
    if let Some((name, _)) = text.split_once('@').filter(|(name, _)| is_name(name)) {
        return Err(format!(
            "{name:?} alone: \"@\" and what follows are how `ip link` shows the other end"
        ));
    }
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "the name of a network interface such as \"eth0\": 1 to {MAX_INTERFACE} characters without \"/\", \":\", \"@\" or white space"
        ))
    }
}

/// Reads `host` or `host:port` (RFC 3986).
pub fn authority(text: &str) -> Result<(String, Option<u16>), String> {
    let authority: Authority = text.parse().map_err(|_| "a host or host:port".to_owned())?;
    host_and_port(&authority)
}

/// The host without brackets, and the port where one is written.
fn host_and_port(authority: &Authority) -> Result<(String, Option<u16>), String> {
    if authority.as_str().contains('@') {
        return Err("an address without a user name or password".to_owned());
    }
    let written = authority.host();
    let host = match written
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => {
            inner
                .parse::<Ipv6Addr>()
                .map_err(|_| "an IPv6 address in the brackets".to_owned())?;
            inner
        }
        None if is_host(written) => written,
        None => {
            return Err("a host name, an IPv4 address or an IPv6 address in brackets".to_owned());
        }
    };
    let port = match authority.as_str().strip_prefix(written) {
        Some("") => None,
        Some(rest) => Some(port(rest).ok_or("a port from 1 to 65535")?),
        None => return Err("a host or host:port".to_owned()),
    };
    Ok((host.to_owned(), port))
}

/// Reads `:443`.
fn port(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(':')?;
    // `parse` alone would take "+443" too.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port != 0)
}

/// A name (RFC 952, and underscores as home networks have them) or an IPv4 address.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let looks_like_ipv4 = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    name.len() <= 253
        && name.split('.').all(is_label)
        && (!looks_like_ipv4 || text.parse::<Ipv4Addr>().is_ok())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, u16) {
        let endpoint = endpoint(text, PlainHttp::Loopback).unwrap();
        (endpoint.url, endpoint.host, endpoint.port)
    }

    #[test]
    fn urls_are_taken_apart() {
        for (text, url, host, port) in [
            (
                "https://api.ipify.org",
                "https://api.ipify.org",
                "api.ipify.org",
                443,
            ),
            (
                "https://1.1.1.1/dns-query/",
                "https://1.1.1.1/dns-query",
                "1.1.1.1",
                443,
            ),
            (
                "https://a.example:8443/x?y=/",
                "https://a.example:8443/x?y=/",
                "a.example",
                8443,
            ),
            (
                "https://[2606:4700::1111]:444/",
                "https://[2606:4700::1111]:444",
                "2606:4700::1111",
                444,
            ),
            (
                "http://127.0.0.53:8080/",
                "http://127.0.0.53:8080",
                "127.0.0.53",
                8080,
            ),
            ("http://[::1]", "http://[::1]", "::1", 80),
            ("http://localhost:1", "http://localhost:1", "localhost", 1),
        ] {
            assert_eq!(
                parts(text),
                (url.to_owned(), host.to_owned(), port),
                "{text}"
            );
        }
    }

    #[test]
    fn a_hardware_address_is_twelve_digits_however_it_is_written() {
        for text in ["a8:03:2a:be:54:dc", "A8-03-2A-BE-54-DC", "a8032abe54dc"] {
            assert_eq!(hardware_address(text).as_deref(), Some("A8032ABE54DC"));
        }
        for other in [
            "",
            "A8032ABE54D",
            "A8032ABE54DC0",
            "shelly1-be54",
            "ü8032ABE54D",
        ] {
            assert_eq!(hardware_address(other), None, "{other}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_what_is_allowed() {
        const SCHEMES: &str = "an https:// URL with a host, or http:// for a loopback address";
        const HOST: &str = "a host name, an IPv4 address or an IPv6 address in brackets";
        const PORT: &str = "a port from 1 to 65535";
        for (text, allowed) in [
            ("http://example.com", SCHEMES),
            ("http://127.0.0.1.example.com", SCHEMES),
            ("http://192.168.0.1", SCHEMES),
            ("ftp://example.com", SCHEMES),
            ("example.com", SCHEMES),
            ("https:example.com", SCHEMES),
            ("https://", SCHEMES),
            ("https:///path", SCHEMES),
            ("https://[::1", SCHEMES),
            (
                "https://user:pass@example.com",
                "an address without a user name or password",
            ),
            ("https://example.com/#x", "a URL without a fragment (\"#\")"),
            (
                "https://example.com/a b",
                "a URL in ASCII without white space or control characters",
            ),
            (
                "https://example.com/\n",
                "a URL in ASCII without white space or control characters",
            ),
            (
                "https://bücher.example",
                "a URL in ASCII without white space or control characters",
            ),
            ("https://:443", HOST),
            ("https://256.1.1.1", HOST),
            ("https://1.1.1", HOST),
            ("https://a..b", HOST),
            (
                "https://[fe80::1%25eth0]",
                "an IPv6 address in the brackets",
            ),
            ("https://example.com:0", PORT),
            ("https://example.com:65536", PORT),
            ("https://example.com:", PORT),
            ("https://example.com:+443", PORT),
        ] {
            assert_eq!(
                endpoint(text, PlainHttp::Loopback),
                Err(allowed.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_plug_may_be_reached_by_plain_http_anywhere() {
        assert!(endpoint("http://192.168.0.150/relay/0?turn=off", PlainHttp::Anywhere).is_ok());
        assert_eq!(
            endpoint("ftp://192.168.0.150", PlainHttp::Anywhere),
            Err("an http:// or https:// URL with a host".to_owned())
        );
        assert_eq!(
            plug_address("192.168.0.150:8080"),
            Ok("192.168.0.150:8080".to_owned())
        );
        for text in [
            "",
            "http://plug",
            "plug/relay",
            "admin:pw@plug",
            "plug:0",
            "fe80::1",
        ] {
            assert!(plug_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn wan_targets_need_a_scheme_and_a_port() {
        let target = |scheme, host: &str, port| {
            Ok(WanTarget {
                scheme,
                host: host.to_owned(),
                port,
            })
        };
        assert_eq!(
            wan_target("tls://1.1.1.1:443"),
            target(WanScheme::Tls, "1.1.1.1", 443)
        );
        assert_eq!(
            wan_target("tcp://[2620:fe::fe]:53"),
            target(WanScheme::Tcp, "2620:fe::fe", 53)
        );
        for text in [
            "1.1.1.1:443",
            "tls://1.1.1.1",
            "https://1.1.1.1:443",
            "tls://1.1.1.1:443/",
            "tls://",
            "tls://a@b:1",
        ] {
            assert!(wan_target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_router_is_an_address_and_a_link_local_one_has_an_interface() {
        let router_address = |address: &str, scope: Option<&str>| {
            Ok(RouterAddress {
                address: address.parse().unwrap(),
                scope: scope.map(str::to_owned),
            })
        };
        assert_eq!(router("192.168.0.1"), router_address("192.168.0.1", None));
        assert_eq!(router("fd00::1"), router_address("fd00::1", None));
        assert_eq!(
            router("fe80::1%eth0"),
            router_address("fe80::1", Some("eth0"))
        );
        for text in [
            "router.local",
            "fe80::1",
            "fe80::1%",
            "fe80::1%a/b",
            "192.168.0.1%eth0",
            "fd00::1%eth0",
            "192.168.0.1:80",
        ] {
            assert!(router(text).is_err(), "{text}");
        }
    }

    #[test]
    fn interface_names_follow_the_kernel() {
        for text in ["eth0", "enp3s0f1np1.1234", "wg-home", "br_lan"] {
            assert_eq!(interface(text).is_ok(), text.len() <= 15, "{text}");
        }
        for text in [
            "", ".", "..", "eth 0", "eth/0", "eth0:1", "@if5", "eth\u{0}",
        ] {
            assert!(interface(text).is_err(), "{text}");
        }
        let error = interface("dm0@if5").unwrap_err();
        assert!(error.starts_with("\"dm0\" alone"), "{error}");
    }
}
