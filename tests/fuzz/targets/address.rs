//! What a provider says that this host's address is.

use std::net::IpAddr;

use cadence::config::Endpoint;
use cadence::logic::address::{is_proxied, publishable};
use cadence::logic::units::Family;
use cadence::probe::public_ip::parse_answer;

use super::checks;

/// A provider that answers with an address alone, in plain text.
pub fn body(input: &[u8]) {
    read(input, "https://a.example/ip", "a.example");
}

/// A provider that answers with Cloudflare's trace document.
pub fn trace(input: &[u8]) {
    read(input, "https://a.example/cdn-cgi/trace", "a.example");
}

fn read(input: &[u8], url: &str, host: &str) {
    let provider = Endpoint {
        url: url.to_owned(),
        host: host.to_owned(),
        port: 443,
    };
    for family in [Family::V4, Family::V6] {
        match parse_answer(&provider, input, family) {
            Ok(address) => {
                assert_eq!(Family::of(address), family);
                let again = if url.ends_with("trace") {
                    format!("h={host}\nip={address}\nwarp=off\n")
                } else {
                    format!("{address}\n")
                };
                assert_eq!(
                    parse_answer(&provider, again.as_bytes(), family),
                    Ok(address)
                );
                judge(address);
            }
            Err(error) => checks::line(&error, 120),
        }
    }
}

/// An address that may be published is a home's own, by another judge: the standard library.
fn judge(address: IpAddr) {
    if let Err(refusal) = publishable(address) {
        checks::line(&refusal.to_string(), 160);
        return;
    }
    assert!(!is_proxied(&[address]));
    let strange = match address {
        IpAddr::V4(it) => {
            let [a, b, ..] = it.octets();
            it.is_private()
                || it.is_loopback()
                || it.is_link_local()
                || it.is_broadcast()
                || it.is_documentation()
                || it.is_multicast()
                || it.is_unspecified()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(it) => {
            it.is_loopback()
                || it.is_unspecified()
                || it.is_multicast()
                || it.is_unique_local()
                || it.is_unicast_link_local()
                || it.to_ipv4().is_some()
                || it.segments()[0] & 0xe000 != 0x2000
        }
    };
    assert!(!strange, "{address} may be published");
}
