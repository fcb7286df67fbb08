//! What the servers have seen.

/// What one kind of servers has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections accepted, whether or not the client was content with the certificate.
    pub connections: u64,
    /// Requests read.
    pub requests: u64,
}

/// What the servers have seen since the start or the last `World::reset_counts`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// WAN targets.
    pub wan: Tally,
    /// IPv4 address providers.
    pub ip: Tally,
    /// IPv6 address providers.
    pub ip6: Tally,
    /// Resolvers.
    pub doh: Tally,
    /// The Cloudflare API.
    pub api: Tally,
}
