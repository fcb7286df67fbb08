//! This host's interfaces, as its kernel tells of them without any privilege: hardware addresses, radio or wire, and for how long an address
//! is valid.

use std::io::Read as _;
use std::net::Ipv4Addr;
use std::path::Path;

use super::netlink;
use crate::file::of_kernel;

/// `rtnetlink(7)`, `linux/rtnetlink.h`, `linux/if_addr.h`.
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_CACHEINFO: u16 = 6;
/// `netlink(7)`, `linux/netlink.h`: a request for all there are.
const NLM_F_REQUEST_DUMP: u16 = 0x0301;
/// What the kernel says of an address that stays (`INFINITY_LIFE_TIME`).
const FOR_EVER: u32 = u32::MAX;
/// A host with more addresses than fit into so many answers is no home's.
const MOST_ANSWERS: usize = 32;
const INTERFACES: &str = "/sys/class/net";

/// The hardware address of an interface (`sysfs-class-net`); none where it has none.
#[must_use]
pub fn mac(interface: &str) -> Option<String> {
    let file = Path::new(INTERFACES).join(interface).join("address");
    let text = of_kernel(file).trim().to_owned();
    let is_told = text.len() == 17 && text.bytes().any(|it| !matches!(it, b'0' | b':'));
    is_told.then_some(text)
}

/// Whether an interface is one of radio (`cfg80211`, or a driver with wireless extensions).
#[must_use]
pub fn is_wifi(interface: &str) -> bool {
    is_wifi_in(Path::new(INTERFACES), interface)
}

fn is_wifi_in(interfaces: &Path, interface: &str) -> bool {
    let folder = interfaces.join(interface);
    folder.join("phy80211").exists() || folder.join("wireless").exists()
}

/// For how many seconds an address of this host is valid, as one of DHCP is; none where it stays, or nobody knows.
#[must_use]
pub fn valid_for(address: Ipv4Addr) -> Option<u32> {
    // Of an `ifaddrmsg` the family counts.
    let family = u8::try_from(libc::AF_INET).unwrap_or_default();
    let asked = [family, 0, 0, 0, 0, 0, 0, 0];
    let mut socket = netlink::ask(RTM_GETADDR, NLM_F_REQUEST_DUMP, &asked)?;
    let mut answer = [0; 16 * 1024];
    for _ in 0..MOST_ANSWERS {
        let length = socket.read(&mut answer).ok()?;
        match valid_in(answer.get(..length)?, address) {
            Found::Here(valid) => return (valid != FOR_EVER).then_some(valid),
            Found::NotYet => {}
            Found::Nowhere => break,
        }
    }
    None
}

/// What a part of the answer says of an address.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// For how many seconds it is valid.
    Here(u32),
    /// More is to come.
    NotYet,
    /// That was all, or is none.
    Nowhere,
}

fn valid_in(mut answer: &[u8], address: Ipv4Addr) -> Found {
    while let Some((message, rest)) = part(answer, 4) {
        let kind = message.get(4..6).and_then(|it| it.try_into().ok());
        if kind.map(u16::from_ne_bytes) != Some(RTM_NEWADDR) {
            return Found::Nowhere;
        }
        let (mut is_it, mut valid) = (false, FOR_EVER);
        // Behind the header and the `ifaddrmsg`.
        let mut attributes = message.get(24..).unwrap_or_default();
        while let Some((attribute, rest)) = part(attributes, 2) {
            let kind = attribute.get(2..4).and_then(|it| it.try_into().ok());
            let data = attribute.get(4..).unwrap_or_default();
            match kind.map(u16::from_ne_bytes) {
                Some(IFA_LOCAL | IFA_ADDRESS) => is_it |= data == address.octets(),
                Some(IFA_CACHEINFO) => {
                    let told = data.get(4..8).and_then(|it| it.try_into().ok());
                    valid = told.map_or(FOR_EVER, u32::from_ne_bytes);
                }
                Some(_) | None => {}
            }
            attributes = rest;
        }
        if is_it {
            return Found::Here(valid);
        }
        answer = rest;
    }
    Found::NotYet
}

/// What begins with its own length, in so many bytes, and what follows it at the next boundary; none where it is no such thing.
fn part(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let length = match width {
        2 => u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?).into(),
        _ => usize::try_from(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?)).ok()?,
    };
    let whole = bytes.get(..length).filter(|whole| whole.len() >= width)?;
    let rest = bytes.get(length.next_multiple_of(4)..);
    Some((whole, rest.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn loopback_has_an_address_that_stays_no_hardware_address_and_no_radio() {
        assert_eq!(valid_for(Ipv4Addr::LOCALHOST), None);
        assert_eq!(mac("lo"), None);
        assert_eq!(mac("no-such-interface"), None);
        assert!(!is_wifi("lo"));
    }

    #[test]
    fn radio_is_known_by_either_of_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        for (name, inside) in [
            ("wlan0", "phy80211"),
            ("ra0", "wireless"),
            ("eth0", "queues"),
        ] {
            fs::create_dir_all(folder.path().join(name).join(inside)).unwrap();
            assert_eq!(is_wifi_in(folder.path(), name), name != "eth0", "{name}");
        }
        assert!(!is_wifi_in(folder.path(), "nowhere0"));
    }

    fn attribute(kind: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + data.len()).unwrap();
        [&length.to_ne_bytes(), &kind.to_ne_bytes(), data].concat()
    }

    fn message(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
        let attributes = attributes.concat();
        let length = u32::try_from(24 + attributes.len()).unwrap();
        let mut whole = length.to_ne_bytes().to_vec();
        whole.extend(kind.to_ne_bytes());
        whole.extend([0; 18]);
        whole.extend(attributes);
        whole
    }

    fn address(octets: [u8; 4], valid: u32) -> Vec<u8> {
        let lifetimes = [100, valid, 0, 0].map(u32::to_ne_bytes).concat();
        message(
            RTM_NEWADDR,
            &[
                attribute(IFA_ADDRESS, &octets),
                attribute(IFA_LOCAL, &octets),
                // The label, which is padded.
                attribute(3, b"eth0\0\0\0\0"),
                attribute(IFA_CACHEINFO, &lifetimes),
            ],
        )
    }

    #[test]
    fn of_several_addresses_the_one_that_is_meant_tells_its_time() {
        let own = Ipv4Addr::new(192, 168, 0, 9);
        let both = [
            address([127, 0, 0, 1], FOR_EVER),
            address([192, 168, 0, 9], 86_400),
        ]
        .concat();
        assert_eq!(valid_in(&both, own), Found::Here(86_400));
        assert_eq!(valid_in(&both, Ipv4Addr::LOCALHOST), Found::Here(FOR_EVER));
        assert_eq!(valid_in(&both, Ipv4Addr::BROADCAST), Found::NotYet);
        let done = [both.clone(), message(3, &[])].concat();
        assert_eq!(valid_in(&done, Ipv4Addr::BROADCAST), Found::Nowhere);
    }

    #[test]
    fn what_is_cut_short_or_none_of_it_tells_nothing() {
        let own = Ipv4Addr::new(192, 168, 0, 9);
        let whole = address([192, 168, 0, 9], 86_400);
        for cut in 0..whole.len() {
            assert_eq!(valid_in(whole.get(..cut).unwrap(), own), Found::NotYet);
        }
        assert_eq!(valid_in(&message(2, &[]), own), Found::Nowhere, "an error");
        // Lengths that lead nowhere end it.
        assert_eq!(valid_in(&[0; 64], own), Found::NotYet);
        let mut endless = whole;
        endless.splice(24..26, [0, 0]);
        assert_eq!(valid_in(&endless, own), Found::NotYet);
        assert_eq!(valid_in(&[0xff; 64], own), Found::NotYet);
    }
}
