//! What comes back from beyond the router, and what it proves.
//!
//! Two questions want two proofs. "May I believe what I hear?" wants somebody who proved who he is. "Is the line dead?" wants that
//! nothing at all came back. Between them lies what is not known, and nothing is done on the strength of that.

use super::named::named;
use std::fmt;
use std::time::Duration;

/// How much later than the router itself an answer comes at least that has a longer way.
const FURTHER: Duration = Duration::from_millis(2);
/// No router takes longer than this for what it answers by itself. A router probe may: it tries several ways.
const SLOWEST_ROUTER: Duration = Duration::from_millis(10);

/// What came back from one server in one cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It proved who it is: TLS was verified, or all of the world is on this host.
    Verified,
    /// Something came back and proved nothing.
    Answered {
        /// Why it proves nothing.
        doubt: Doubt,
        /// How long the first of it took; none where no router is in between.
        after: Option<Duration>,
    },
    /// Nothing came back from whom it was sent to: time ran out, or the network said that there is no way.
    Silent,
    /// Nothing was sent: the name has no address, this host has no way there or keeps in what goes there, or whoever answers is not beyond the
    /// router.
    NotAsked,
    /// Nothing was sent that was to be: this host is short of open files, memory or time.
    Missed,
}

/// Why an answer proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// By this host's clock its certificate is not valid yet, or no more.
    Dates,
    /// Its certificate is from an authority that is not known.
    Authority,
    /// Its certificate is for another name.
    Name,
    /// What it says is no sound TLS.
    NoTls,
    /// It refused, broke off, or said nothing.
    Nothing,
    /// It takes connections, and was not asked who it is.
    Unasked,
}

/// Whether the line is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Somebody beyond the router proved who he is.
    Up,
    /// It is not known.
    Unverified(Reason),
    /// Everybody was silent who was asked, and somebody was asked.
    Down,
}

named! {
    /// Why it is not known whether the line is up.
    pub enum Reason {
        /// Certificates are not valid by a clock that may be wrong.
        Clock = "clock",
        /// Certificates are from an authority that is not known.
        UnknownAuthority = "unknown_authority",
        /// Certificates are for other names.
        Portal = "portal",
        /// Something else than TLS is spoken.
        NotTls = "not_tls",
        /// Connections are refused, broken off or left without a word.
        Blocked = "blocked",
        /// Who takes connections was not asked who he is.
        Unproved = "unproved",
        /// All that answers is as near as the router.
        RouterPage = "router_page",
        /// There was nobody who could be asked.
        NobodyAsked = "nobody_asked",
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clock => "certificates are not valid at this host's time: is its clock right?",
            Self::UnknownAuthority => {
                "certificates are from an unknown authority: a login page, an intercepting proxy, or outdated trust roots (network.trust)"
            }
            Self::Portal => {
                "certificates are for another name: a login page or a proxy is in the way"
            }
            Self::NotTls => {
                "what answers does not speak TLS as it should: a login page or a proxy may be in the way"
            }
            Self::Blocked => {
                "connections are refused, broken off or left without a word: the servers may be blocked"
            }
            Self::Unproved => {
                "what answers is not asked who it is: a tcp:// target proves nothing"
            }
            Self::RouterPage => "only the router itself seems to answer, probably with its own page",
            Self::NobodyAsked => "no server could be asked",
        })
    }
}

impl Reason {
    /// Whether something came back that, for all that is known, may as well be the router's or a stranger's: then an operator may
    /// say that such a line is as good as dead. A wrong clock says nothing of the line, and neither does nobody.
    #[must_use]
    pub const fn may_be_dead(self) -> bool {
        match self {
            Self::UnknownAuthority
            | Self::Portal
            | Self::NotTls
            | Self::Blocked
            | Self::Unproved
            | Self::RouterPage => true,
            Self::Clock | Self::NobodyAsked => false,
        }
    }
}

impl Line {
    /// Judges what was heard. `router` is how long the router took to answer, where it did.
    #[must_use]
    pub fn of(heard: &[Heard], router: Option<Duration>, clock_is_plausible: bool) -> Self {
        let own_speed = router.unwrap_or_default().min(SLOWEST_ROUTER) + FURTHER;
        let doubts: Vec<(Doubt, bool)> = heard
            .iter()
            .filter_map(|heard| match heard {
                Heard::Answered { doubt, after } => {
                    Some((*doubt, after.is_some_and(|after| after <= own_speed)))
                }
                Heard::Verified | Heard::Silent | Heard::NotAsked | Heard::Missed => None,
            })
            .collect();
        let any = |wanted| doubts.iter().any(|(doubt, _)| *doubt == wanted);
        if heard.contains(&Heard::Verified) {
            Self::Up
        } else if doubts.is_empty() {
            if heard.contains(&Heard::Silent) {
                Self::Down
            } else {
                Self::Unverified(Reason::NobodyAsked)
            }
        } else if any(Doubt::Dates) || !clock_is_plausible {
            Self::Unverified(Reason::Clock)
        } else if doubts.iter().all(|(_, is_near)| *is_near) {
            Self::Unverified(Reason::RouterPage)
        } else if any(Doubt::Authority) {
            Self::Unverified(Reason::UnknownAuthority)
        } else if any(Doubt::Name) {
            Self::Unverified(Reason::Portal)
        } else if any(Doubt::NoTls) {
            Self::Unverified(Reason::NotTls)
        } else if any(Doubt::Nothing) {
            Self::Unverified(Reason::Blocked)
        } else {
            Self::Unverified(Reason::Unproved)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: Option<Duration> = Some(Duration::from_millis(1));

    fn after(doubt: Doubt, ms: u64) -> Heard {
        Heard::Answered {
            doubt,
            after: Some(Duration::from_millis(ms)),
        }
    }

    #[test]
    fn a_line_is_up_by_proof_and_down_by_silence_alone() {
        use Doubt::{Authority, Dates, Name, NoTls, Nothing};
        use Heard::{NotAsked, Silent, Verified};
        use Line::{Down, Unverified, Up};

        for (heard, line) in [
            (vec![Verified], Up),
            (vec![Silent, NotAsked, after(Dates, 20), Verified], Up),
            (vec![Silent], Down),
            (vec![NotAsked, Silent, Silent], Down),
            (vec![], Unverified(Reason::NobodyAsked)),
            (vec![NotAsked, NotAsked], Unverified(Reason::NobodyAsked)),
            (vec![Silent, after(Dates, 20)], Unverified(Reason::Clock)),
            (vec![after(Dates, 0)], Unverified(Reason::Clock)),
            (
                vec![after(Name, 20), after(Authority, 20), Silent],
                Unverified(Reason::UnknownAuthority),
            ),
            (
                vec![after(Name, 20), after(Nothing, 20)],
                Unverified(Reason::Portal),
            ),
            (
                vec![Silent, after(Nothing, 20)],
                Unverified(Reason::Blocked),
            ),
            (
                vec![after(Nothing, 20), Silent, after(NoTls, 20)],
                Unverified(Reason::NotTls),
            ),
            (
                vec![after(NoTls, 20), after(Name, 20)],
                Unverified(Reason::Portal),
            ),
            (
                vec![Silent, after(Doubt::Unasked, 20)],
                Unverified(Reason::Unproved),
            ),
            (vec![Silent, Heard::Missed], Down),
            (vec![Heard::Missed], Unverified(Reason::NobodyAsked)),
            (
                vec![Silent, after(Nothing, 3), after(Name, 2)],
                Unverified(Reason::RouterPage),
            ),
            (
                vec![after(Nothing, 3), after(Nothing, 4)],
                Unverified(Reason::Blocked),
            ),
        ] {
            assert_eq!(Line::of(&heard, ROUTER, true), line, "{heard:?}");
        }
    }

    #[test]
    fn with_a_clock_that_cannot_be_true_the_clock_is_what_is_told_but_silence_stays_silence() {
        let portal = [after(Doubt::Authority, 20)];
        assert_eq!(
            Line::of(&portal, ROUTER, false),
            Line::Unverified(Reason::Clock)
        );
        assert_eq!(Line::of(&[Heard::Silent], ROUTER, false), Line::Down);
        assert_eq!(Line::of(&[Heard::Verified], ROUTER, false), Line::Up);
    }

    #[test]
    fn a_router_that_takes_its_time_is_not_as_far_as_the_internet() {
        let slow = Some(Duration::from_millis(800));
        let answer = [after(Doubt::Nothing, 15)];
        assert_eq!(
            Line::of(&answer, slow, true),
            Line::Unverified(Reason::Blocked)
        );
        let near = [after(Doubt::Nothing, 12)];
        assert_eq!(
            Line::of(&near, slow, true),
            Line::Unverified(Reason::RouterPage)
        );
        // Of a router that is not known, only what comes at once may be.
        let at_once = [after(Doubt::Nothing, 2)];
        assert_eq!(
            Line::of(&at_once, None, true),
            Line::Unverified(Reason::RouterPage)
        );
    }

    #[test]
    fn where_no_router_is_in_between_an_answer_is_not_the_routers() {
        let answer = Heard::Answered {
            doubt: Doubt::Nothing,
            after: None,
        };
        assert_eq!(
            Line::of(&[answer], ROUTER, true),
            Line::Unverified(Reason::Blocked)
        );
    }

    #[test]
    fn neither_a_wrong_clock_nor_nobody_is_a_sign_of_a_dead_line() {
        for (reason, may_be) in [
            (Reason::Clock, false),
            (Reason::NobodyAsked, false),
            (Reason::UnknownAuthority, true),
            (Reason::Portal, true),
            (Reason::NotTls, true),
            (Reason::Blocked, true),
            (Reason::RouterPage, true),
        ] {
            assert_eq!(reason.may_be_dead(), may_be, "{reason}");
        }
    }
}
