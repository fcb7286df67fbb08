//! The verdict of one cycle: which part of the path is broken, if any.

use super::named::named;

use super::line::{Line, Reason};
use super::observation::Observation;
use super::units::Family;

named! {
    /// Where the path to the internet ends.
    #[derive(PartialOrd, Ord, Hash)]
    pub enum Verdict {
        /// The WAN answers and the public address is known.
        Healthy = "HEALTHY",
        /// The WAN answers, but no usable address was observed.
        Degraded = "DEGRADED",
        /// Something may answer from beyond the router, and nobody proved who he is.
        Unverified = "UNVERIFIED",
        /// The router answers, and nothing comes back from beyond it.
        WanDown = "WAN_DOWN",
        /// Neither the router nor the WAN answers.
        RouterDown = "ROUTER_DOWN",
        /// This host has no link or no route.
        HostDown = "HOST_DOWN",
    }
}

impl Verdict {
    /// Judges an observation. Of several families in use one with an address is enough, where no other one is up without one.
    ///
    /// What comes from beyond the router outweighs what is silent nearer by: an ICMP-shy router proves nothing, and neither does a
    /// default route that is in another table than the usual one. An interface without a link carries nothing, whatever was sent.
    #[must_use]
    pub fn of(seen: &Observation) -> Self {
        let counts = |family| seen.counted(family).is_some();
        let any = [Family::V4, Family::V6].into_iter().any(counts);
        let is_known = any && !seen.public_ip.iter().any(|it| seen.lacks(it.family));
        let link_is_gone = !seen.host.ok() && seen.host.target.is_some();
        match seen.line {
            Line::Up if is_known => Self::Healthy,
            Line::Up => Self::Degraded,
            Line::Unverified(Reason::NobodyAsked) if !seen.host.ok() => Self::HostDown,
            Line::Unverified(_) => Self::Unverified,
            Line::Down if link_is_gone => Self::HostDown,
            Line::Down if seen.router.ok() => Self::WanDown,
            Line::Down => Self::RouterDown,
        }
    }

    /// Whether the line cannot be used, as far as is known, wherever the break is.
    #[must_use]
    pub const fn is_down(self) -> bool {
        match self {
            Self::Healthy | Self::Degraded => false,
            Self::Unverified | Self::WanDown | Self::RouterDown | Self::HostDown => true,
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
        ] {
            let observation = seen(host, router, wan, ip);
            assert_eq!(
                Verdict::of(&observation),
                verdict,
                "{host} {router} {wan} {ip:?}"
            );
        }
    }

    #[test]
    fn a_family_that_is_up_without_an_address_is_degraded_beside_one_with_an_address() {
        let mut both = seen(true, true, true, Some("11.22.33.44"));
        let mut other = both.public_ip.clone();
        for it in &mut other {
            it.family = Family::V6;
            it.signal.result = Err("no provider answered".to_owned());
        }
        both.public_ip.extend(other);
        assert_eq!(Verdict::of(&both), Verdict::Degraded);
        // Where that one is not up, it is not the line.
        *both.lines.of_mut(Family::V6) = Line::Down;
        assert_eq!(Verdict::of(&both), Verdict::Healthy);
    }

    #[test]
    fn what_is_not_known_is_neither_up_nor_down() {
        for reason in [
            Reason::Clock,
            Reason::UnknownAuthority,
            Reason::Portal,
            Reason::NotTls,
            Reason::Blocked,
            Reason::RouterPage,
        ] {
            for (host, router) in [(true, true), (true, false), (false, true), (false, false)] {
                let observation = Observation {
                    line: Line::Unverified(reason),
                    ..seen(host, router, false, None)
                };
                let verdict = Verdict::of(&observation);
                assert_eq!(verdict, Verdict::Unverified, "{reason:?} {host} {router}");
            }
        }
    }

    #[test]
    fn a_host_is_down_that_has_no_link_or_no_way_to_anybody() {
        let interface = Some("eth0".to_owned());
        for (host, target, router, line, verdict) in [
            (
                false,
                None,
                true,
                Line::Unverified(Reason::NobodyAsked),
                Verdict::HostDown,
            ),
            (
                false,
                None,
                false,
                Line::Unverified(Reason::NobodyAsked),
                Verdict::HostDown,
            ),
            (
                true,
                None,
                true,
                Line::Unverified(Reason::NobodyAsked),
                Verdict::Unverified,
            ),
            // The default route is in another table, or there are two halves of one.
            (false, None, true, Line::Down, Verdict::WanDown),
            (false, None, false, Line::Down, Verdict::RouterDown),
            (
                false,
                interface.clone(),
                true,
                Line::Down,
                Verdict::HostDown,
            ),
            (
                false,
                interface.clone(),
                false,
                Line::Down,
                Verdict::HostDown,
            ),
            (true, interface, true, Line::Down, Verdict::WanDown),
        ] {
            let mut observation = seen(host, router, false, None);
            observation.host.target = target;
            observation.line = line;
            let found = Verdict::of(&observation);
            assert_eq!(found, verdict, "{host} {router} {line:?}");
        }
    }

    #[test]
    fn an_address_of_either_family_makes_the_line_healthy_but_not_one_over_which_nobody_proved_anything()
     {
        for (address, family) in [("11.22.33.44", Family::V4), ("2a00::1", Family::V6)] {
            let mut observation = seen(true, true, true, Some(address));
            assert_eq!(Verdict::of(&observation), Verdict::Healthy);
            *observation.lines.of_mut(family) = Line::Down;
            assert_eq!(Verdict::of(&observation), Verdict::Degraded);
        }
    }
}
