//! Which record is wanted, and the cheapest evidence that settles whether it is right.

use super::units::RecordType;

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
}
