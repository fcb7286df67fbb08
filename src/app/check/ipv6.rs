//! What the AAAA records would hold, where that is not simply the address that the providers see.

use std::net::IpAddr;

use super::finding::Finding;
use crate::logic::host_part::{HostPart, OwnAddress, told_passing};
use crate::logic::records::RecordSpec;
use crate::logic::units::RecordType;

/// One for each record with a host part, and one for those without where what the providers see will not stay.
pub fn findings(records: &[RecordSpec], seen: IpAddr, own: &[OwnAddress]) -> Vec<Finding> {
    let of_v6 = || records.iter().filter(|it| it.kind == RecordType::Aaaa);
    let is_seen = |record: &RecordSpec| record.host == HostPart::Seen;
    let is_any_seen = of_v6().any(is_seen);
    let passing = told_passing(seen, own).filter(|_| is_any_seen);
    let with_part = of_v6().filter(|it| !is_seen(it));
    let held = with_part.map(|record| {
        let label = record.label();
        match record.host.of(seen, own) {
            Ok(address) => {
                let from = record.host.as_str().unwrap_or_default();
                Finding::ok("ipv6", format!("{label} is to hold {address} ({from})"))
            }
            Err(why) => Finding::fail("ipv6", format!("{label}: {why}")),
        }
    });
    let passing = passing.map(|told| Finding::warn("ipv6", told));
    passing.into_iter().chain(held).collect()
}
