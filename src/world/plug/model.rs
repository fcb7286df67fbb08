//! Which plugs there are, and how they can behave.

use std::net::Ipv4Addr;
use std::time::Duration;

/// The model of an emulated plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlugModel {
    /// Shelly, first generation.
    Shelly1,
    /// Shelly, second generation.
    Shelly2,
    /// Tasmota.
    Tasmota,
    /// Something with one URL to switch on and another to switch off.
    Http,
}

impl PlugModel {
    /// Every model.
    pub const ALL: [Self; 4] = [Self::Shelly1, Self::Shelly2, Self::Tasmota, Self::Http];

    /// Where it is on the local network.
    pub(super) const fn host(self) -> Ipv4Addr {
        let last = match self {
            Self::Shelly1 => 11,
            Self::Shelly2 => 12,
            Self::Tasmota => 13,
            Self::Http => 14,
        };
        Ipv4Addr::new(127, 0, 0, last)
    }

    /// The hardware address that a plug of this model begins with.
    pub(super) const fn mac(self) -> &'static str {
        match self {
            Self::Shelly1 => "A8032ABE54D8",
            Self::Shelly2 => "A8032ABE54DC",
            Self::Tasmota => "A8032ABE54E0",
            Self::Http => "A8032ABE54E4",
        }
    }

    /// Whether it serves one connection after the other, as the web servers of an ESP8266 do: who holds one keeps the rest
    /// waiting, and what those have sent is done when their turn comes, whether they still wait for it or not.
    pub(super) const fn serves_one_at_a_time(self) -> bool {
        !matches!(self, Self::Http)
    }
}

/// How a plug behaves. Where an answer is spoilt, what was asked is done all the same: that is the harder case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlugMode {
    /// As documented.
    Honest,
    /// Answers after that long.
    Slow(Duration),
    /// Does nothing and answers with this status.
    Status(u16),
    /// Does nothing and answers 401, whatever the credentials.
    Unauthorized,
    /// Answers with a page for people.
    Garbage,
    /// Answers with half a body.
    Truncated,
    /// Resets the connection when it has read the request.
    Reset,
    /// Takes every command and does nothing. Asked for its state, it tells the truth.
    Ignores,
    /// Takes every command and does nothing. Asked for its state, it lies.
    Lies,
    /// Switches and forgets the time after which to switch back.
    Forgets,
    /// [`PlugModel::Http`] resets the connection of an off, and carries it out that long afterwards, whatever it was told since.
    Late(Duration),
}
