//! Which record is wanted: one `[[record]]` of the configuration, as it is meant.

use std::net::IpAddr;

use super::host_part::HostPart;
use super::units::{Family, RecordType};

/// Which record: its type, and its name in ASCII form.
pub type Key<'a> = (RecordType, &'a str);

/// One `[[record]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSpec {
    /// The name in ASCII (punycode) form, in lower case, without a dot at its end.
    pub name: String,
    /// The name as the operator wrote it, for display.
    pub display: String,
    /// A or AAAA.
    pub kind: RecordType,
    /// The wanted TTL in seconds, 1 for automatic; none: an existing record keeps its own.
    pub ttl: Option<u32>,
    /// Whether Cloudflare shall proxy it; none: an existing record keeps its own.
    pub proxied: Option<bool>,
    /// Whether it may be created where it is missing.
    pub create: bool,
    /// The zone in ASCII form; none: found from the name.
    pub zone: Option<String>,
    /// Pins one record by its id where several share name and type.
    pub id: Option<String>,
    /// Whose address of the line it holds.
    pub host: HostPart,
}

impl RecordSpec {
    /// Whether more than its address is configured: what public DNS cannot tell.
    #[must_use]
    pub const fn asks_more(&self) -> bool {
        self.ttl.is_some() || self.proxied.is_some() || self.id.is_some() || self.zone.is_some()
    }

    /// What is asked for beside the address, as it is remembered of a refusal.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("ttl {:?}, proxied {:?}", self.ttl, self.proxied)
    }

    /// The key of the record in the state.
    #[must_use]
    pub fn key(&self) -> Key<'_> {
        (self.kind, &self.name)
    }

    /// The record for people: `vpn.example.com A`.
    #[must_use]
    pub fn label(&self) -> String {
        [&self.display, " ", self.kind.as_str()].concat()
    }

    /// Whether public DNS, which answers with these, shows this record with that address. It answers with all records of a name: only of
    /// one that is pinned are others meant to be there.
    #[must_use]
    pub fn is_shown(&self, wanted: IpAddr, answer: &[IpAddr]) -> bool {
        answer == [wanted] || self.id.is_some() && answer.contains(&wanted)
    }

    /// Whether a zone of this name may be its own: whether it is among the [candidates](Self::zone_candidates).
    #[must_use]
    pub fn may_be_in(&self, zone: &str) -> bool {
        let name = self.name.strip_prefix("*.").unwrap_or(&self.name);
        let is_above = |before: &str| before.is_empty() || before.ends_with('.');
        match &self.zone {
            Some(own) => own == zone,
            None => zone.contains('.') && name.strip_suffix(zone).is_some_and(is_above),
        }
    }

    /// The names that its zone may have, the longest first: every suffix of two labels and more.
    #[must_use]
    pub fn zone_candidates(&self) -> Vec<String> {
        if let Some(zone) = &self.zone {
            return vec![zone.clone()];
        }
        let name = self.name.strip_prefix("*.").unwrap_or(&self.name);
        std::iter::successors(Some(name), |name| {
            name.split_once('.').map(|(_, rest)| rest)
        })
        .filter(|name| name.contains('.'))
        .map(str::to_owned)
        .collect()
    }
}

/// The families of the addresses that these records hold, that of the first record first.
#[must_use]
pub fn families(records: &[RecordSpec]) -> Vec<Family> {
    let mut families = vec![];
    for record in records {
        if !families.contains(&record.kind.family()) {
            families.push(record.kind.family());
        }
    }
    families
}

/// How many bits of an address of this family are compared, for these records; none where all of them are, as one record wants the address
/// itself.
#[must_use]
pub fn compared(records: &[RecordSpec], family: Family) -> Option<u8> {
    let of_family = records.iter().filter(|it| it.kind.family() == family);
    let mut prefixes = of_family.map(|record| record.host.prefix());
    prefixes.try_fold(0, |longest, prefix| Some(prefix?.max(longest)))
}

/// Whether any of these records needs to know the addresses of this host.
#[must_use]
pub fn asks_own(records: &[RecordSpec]) -> bool {
    records.iter().any(|record| record.host != HostPart::Seen)
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
