//! The verdict of one cycle: which part of the path is broken, if any.

use serde::{Deserialize, Serialize};

use super::observation::Observation;
use super::units::Family;

/// Where the path to the internet ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// The WAN answers and the public address is known.
    Healthy,
    /// The WAN answers, but no usable address was observed.
    Degraded,
    /// The router answers, the WAN does not.
    WanDown,
    /// Neither the router nor the WAN answers.
    RouterDown,
    /// This host has no link or no route.
    HostDown,
}

impl Verdict {
    /// The name as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::WanDown => "WAN_DOWN",
            Self::RouterDown => "ROUTER_DOWN",
            Self::HostDown => "HOST_DOWN",
        }
    }

    /// Judges an observation. `family` is that of the first record, on which readiness runs too.
    ///
    /// A WAN that answers outweighs what is silent nearer by: an ICMP-shy router proves nothing.
    #[must_use]
    pub fn of(seen: &Observation, family: Family) -> Self {
        if seen.wan.ok() {
            if seen.counted(family).is_some() {
                Self::Healthy
            } else {
                Self::Degraded
            }
        } else if !seen.host.ok() {
            Self::HostDown
        } else if seen.router.ok() {
            Self::WanDown
        } else {
            Self::RouterDown
        }
    }

    /// Whether the line is down, wherever the break is.
    #[must_use]
    pub const fn is_down(self) -> bool {
        match self {
            Self::Healthy | Self::Degraded => false,
            Self::WanDown | Self::RouterDown | Self::HostDown => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::seen;

    #[test]
    fn each_combination_of_signals_has_its_verdict() {
        let address = Some("11.22.33.44");
        for (host, router, wan, ip, verdict) in [
            (true, true, true, address, Verdict::Healthy),
            (true, false, true, address, Verdict::Healthy),
            (false, false, true, address, Verdict::Healthy),
            (true, true, true, None, Verdict::Degraded),
            (false, false, true, None, Verdict::Degraded),
            (true, true, false, None, Verdict::WanDown),
            (true, false, false, None, Verdict::RouterDown),
            (false, true, false, None, Verdict::HostDown),
            (false, false, false, None, Verdict::HostDown),
        ] {
            let observation = seen(host, router, wan, ip);
            assert_eq!(
                Verdict::of(&observation, Family::V4),
                verdict,
                "{host} {router} {wan} {ip:?}"
            );
        }
    }

    #[test]
    fn an_address_of_another_family_does_not_make_the_line_healthy() {
        assert_eq!(
            Verdict::of(&seen(true, true, true, Some("11.22.33.44")), Family::V6),
            Verdict::Degraded
        );
    }
}
