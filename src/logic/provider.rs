//! What a DNS provider holds and says, as plain values.

use std::net::IpAddr;
use std::time::Duration;

use super::units::RecordType;

/// A zone as the provider lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The provider's id.
    pub id: String,
    /// Its name in ASCII form.
    pub name: String,
    /// What the provider says of it; `active` where it serves it, or where nothing is said.
    pub status: String,
    /// Where its name servers have to be, as the provider says.
    pub name_servers: Vec<String>,
}

impl Zone {
    /// What the provider says of it, where it does not serve it.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        (self.status != ACTIVE).then_some(self.status.as_str())
    }

    /// What follows from what the provider says of it, where it does not serve it, and what to do about that.
    #[must_use]
    pub fn remedy(&self) -> (&'static str, String) {
        let said = |of: &&(&str, &'static str, &str)| of.0 == self.status;
        let (_, follows, fix) = *TROUBLES.iter().find(said).unwrap_or(&OTHER_TROUBLE);
        if fix != SET_SERVERS {
            return (follows, fix.to_owned());
        }
        let servers = match self.name_servers.as_slice() {
            [] => "those the dashboard shows".to_owned(),
            servers => servers.join(" and "),
        };
        (
            follows,
            format!(
                "{SET_SERVERS} of {} at its registrar to {servers}",
                self.name
            ),
        )
    }

    /// Whether it is no longer here at all.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.status.as_str(), "deleted" | "moved")
    }
}

/// The status of a zone that is served.
pub const ACTIVE: &str = "active";

const UNSERVED: &str = "so public DNS does not serve its records";
const SET_SERVERS: &str = "set the name servers";
const SEE_OVERVIEW: &str = "see why in the overview of the zone at https://dash.cloudflare.com";
/// What Cloudflare says of a zone (<https://developers.cloudflare.com/dns/zone-setups/reference/domain-status/>, and `status` of its API),
/// what follows, and what to do.
const TROUBLES: [(&str, &str, &str); 7] = [
    ("pending", UNSERVED, SET_SERVERS),
    ("moved", UNSERVED, SET_SERVERS),
    (
        "initializing",
        UNSERVED,
        "finish its setup at https://dash.cloudflare.com: choose a plan, then set the name servers",
    ),
    (
        "deleted",
        UNSERVED,
        "add it there again, or correct the name",
    ),
    (
        "purged",
        UNSERVED,
        "add it there again, or correct the name",
    ),
    ("deactivated", UNSERVED, SEE_OVERVIEW),
    (
        "read only",
        "so its records cannot be changed",
        SEE_OVERVIEW,
    ),
];
const OTHER_TROUBLE: (&str, &str, &str) =
    ("", "so public DNS may not serve its records", SEE_OVERVIEW);

/// A record as the provider lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The provider's id.
    pub id: String,
    /// Its type: `A`, `CNAME`, ...
    pub kind: String,
    /// Its name in ASCII form.
    pub name: String,
    /// Its content; for A and AAAA an address.
    pub content: String,
    /// Seconds, 1 for automatic.
    pub ttl: u32,
    /// Whether the provider proxies it.
    pub proxied: bool,
}

impl Found {
    /// Stands for one that cannot be read: of this type, as far as that is told, and why it cannot.
    #[must_use]
    pub fn unreadable(kind: &str, why: String) -> Self {
        Self {
            id: String::new(),
            kind: kind.to_owned(),
            name: String::new(),
            content: why,
            ttl: 0,
            proxied: false,
        }
    }

    /// Whether it can be read: the provider gives each an id.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        !self.id.is_empty()
    }

    /// The content as an address, where it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.content.parse().ok()
    }
}

/// Those of a name's records that can be read, for one of this type, and this id where one is chosen. One that cannot is a neighbour where it
/// is of another type, or of an unknown one, or an alias, and the record is there.
///
/// # Errors
/// What is wrong with one that is no such neighbour: the record would seem to be missing, and be made a second time.
pub fn readable(
    mut found: Vec<Found>,
    kind: RecordType,
    id: Option<&str>,
) -> Result<Vec<Found>, ApiError> {
    let is_kind = |it: &Found| it.kind == kind.as_str();
    let is_it = |it: &Found| it.is_readable() && is_kind(it) && id.is_none_or(|id| it.id == id);
    let is_there = found.iter().any(is_it);
    let matters = |it: &Found| match it.kind.as_str() {
        "A" | "AAAA" => is_kind(it) && !(is_there && id.is_some()),
        _ => !is_there,
    };
    if let Some(flawed) = found.iter().find(|it| !it.is_readable() && matters(it)) {
        return Err(ApiError {
            kind: ApiErrorKind::Refused,
            message: flawed.content.clone(),
        });
    }
    found.retain(Found::is_readable);
    Ok(found)
}

/// The records of a zone that was read as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    /// Names that were asked for, as far as all of their records are known for sure, and those. The others have to be read by their names.
    pub names: Vec<(String, Vec<Found>)>,
    /// In how many calls it can be read; [`u64::MAX`] where it cannot.
    pub calls: u64,
}

/// What shall change in a record; whatever is none stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// A new address.
    pub content: Option<IpAddr>,
    /// A new TTL in seconds, 1 for automatic.
    pub ttl: Option<u32>,
    /// A new proxy setting.
    pub proxied: Option<bool>,
}

impl Change {
    /// Whether nothing shall change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A record that shall be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Its name in ASCII form.
    pub name: String,
    /// A or AAAA.
    pub kind: RecordType,
    /// The address.
    pub content: IpAddr,
    /// Seconds, 1 for automatic.
    pub ttl: u32,
    /// Whether the provider shall proxy it.
    pub proxied: bool,
}

/// A call that failed: what it means for the caller, and one plain line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// What it means.
    pub kind: ApiErrorKind,
    /// What was asked, what came back, what to do.
    pub message: String,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

/// What a failed call means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// The token is not accepted.
    TokenRejected,
    /// HTTP 429; nothing was applied.
    RateLimited {
        /// As the server asked.
        retry_after: Option<Duration>,
    },
    /// The cycle had no time left to ask.
    NoTime,
    /// No connection was made.
    Unreachable,
    /// The server is in trouble; nothing was applied.
    Unavailable {
        /// As the server asked.
        retry_after: Option<Duration>,
    },
    /// The zone or the record is not there any more.
    Gone,
    /// The record to change went away since it was read.
    RecordGone,
    /// The record to create exists.
    Exists,
    /// A record of another type stands in the way.
    Conflict,
    /// The zone may not be read or changed: the token lacks a permission for it, or it is one of those that the API does not serve.
    Forbidden,
    /// A change of a record was understood and refused.
    Refused,
    /// A write whose answer was lost or says something else than was written: it may have been applied.
    Unconfirmed {
        /// As the server asked.
        retry_after: Option<Duration>,
        /// The API itself says that it failed: it is in trouble, or a change is what it fails at.
        is_told: bool,
    },
}

/// How far a failure reaches: what is left alone for a while after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Whatever the API would be asked.
    Everything,
    /// What belongs to the zone.
    Zone,
    /// The one record.
    Record,
    /// Nothing: the next cycle asks again.
    Nothing,
}

impl ApiErrorKind {
    /// How far it reaches.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::TokenRejected | Self::RateLimited { .. } | Self::Unreachable => Scope::Everything,
            Self::Unavailable { .. } | Self::Unconfirmed { .. } | Self::Forbidden | Self::Gone => {
                Scope::Zone
            }
            Self::Refused | Self::RecordGone | Self::Conflict => Scope::Record,
            Self::NoTime | Self::Exists => Scope::Nothing,
        }
    }

    /// Whether it says nothing of what was asked about, and is over by itself as a rule.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::NoTime
            | Self::Unreachable
            | Self::Unavailable { .. }
            | Self::Unconfirmed { .. } => true,
            Self::TokenRejected
            | Self::Gone
            | Self::RecordGone
            | Self::Exists
            | Self::Conflict
            | Self::Forbidden
            | Self::Refused => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_about_a_zone_fits_what_cloudflare_says_of_it() {
        let told = |status: &str, servers: &[&str]| {
            let (follows, fix) = Zone {
                id: "z1".to_owned(),
                name: "example.com".to_owned(),
                status: status.to_owned(),
                name_servers: servers.iter().map(ToString::to_string).collect(),
            }
            .remedy();
            format!("{follows}; fix: {fix}")
        };
        for status in ["pending", "moved"] {
            assert_eq!(
                told(status, &["a.ns", "b.ns"]),
                "so public DNS does not serve its records; fix: set the name servers of example.com at its registrar to a.ns and b.ns"
            );
        }
        assert!(told("pending", &[]).ends_with(" to those the dashboard shows"));
        assert!(told("initializing", &[]).contains("fix: finish its setup"));
        for status in ["deactivated", "read only", "on fire"] {
            let told = told(status, &["a.ns"]);
            assert!(told.contains("fix: see why in the overview"), "{told}");
        }
        assert!(told("read only", &[]).starts_with("so its records cannot be changed; "));
    }

    #[test]
    fn what_cannot_be_read_matters_where_it_may_be_the_record() {
        let good = |id: &str, kind: &str| Found {
            id: id.to_owned(),
            content: "11.22.33.44".to_owned(),
            ..Found::unreadable(kind, String::new())
        };
        let bad = |kind: &str| Found::unreadable(kind, format!("bad {kind}"));
        for (there, id, told) in [
            (vec![good("1", "A"), bad("AAAA"), bad("")], None, Ok(1)),
            (vec![good("1", "A"), bad("CNAME")], None, Ok(1)),
            (vec![bad("AAAA")], None, Ok(0)),
            (vec![bad("AAAA"), bad("A")], None, Err("bad A")),
            (vec![good("1", "A"), bad("A")], None, Err("bad A")),
            (vec![good("1", "A"), bad("A")], Some("1"), Ok(1)),
            (vec![good("1", "A"), bad("A")], Some("2"), Err("bad A")),
            (vec![good("1", "AAAA"), bad("")], None, Err("bad ")),
            (vec![bad("CNAME")], None, Err("bad CNAME")),
            (vec![], None, Ok(0)),
        ] {
            let read = readable(there, RecordType::A, id);
            let read = read.map(|it| it.len()).map_err(|error| error.message);
            assert_eq!(read, told.map_err(str::to_owned));
        }
    }
}
