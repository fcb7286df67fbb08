//! Two uplinks behind one router that take turns.
//!
//! A router that balances its load, or whose lines fail over to and fro, shows two public addresses. Both are right, so to follow them would
//! write a record some dozen times a day for nothing. An address that is no more does not come back; one that takes turns does. So once the
//! line went from one address to the other, back, and there again, each time within [`WINDOW`], or both were named by two providers in one
//! cycle, the address that is published stays while anybody names it, and gives way only when nobody has for as long.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use super::host_part::{Shown, prefix_of};
use super::moment::Moment;
use super::observation::{Counted, Observation, PublicIp};
use super::order;
use super::quorum;
use super::stored::stored;
use super::units::Family;

/// An address that nobody named for as long is gone: ten minutes, and what lies between two cycles.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);
/// After a day without a turn it is one line again.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// Back, and there again: a line that fails over once and comes back returns once.
const RETURNS: u32 = 2;
/// So many uplinks a home may have.
const MOST: usize = 4;

stored! {
    /// The addresses that a line went from and to.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Uplinks {
        /// The addresses that counted within [`WINDOW`], that which counted last at the end.
        named: Vec<Named>,
        /// How many bits of them are compared; none where all of them are.
        #[serde(skip_serializing_if = "Option::is_none")]
        prefix: Option<u8>,
        /// How often the line came back to one of them.
        returns: u32,
        /// When it went to another one last.
        turned: Moment,
    }
}

stored! {
    /// An address, and when somebody named it last.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Named {
        address: IpAddr,
        at: Moment,
    }
}

impl Named {
    fn is_alive(&self, now: &Moment) -> bool {
        self.at.elapsed(now).under(WINDOW)
    }
}

impl Uplinks {
    /// What is to be told of a line whose addresses take turns; none where they do not.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        if self.returns < RETURNS {
            return None;
        }
        let mut all = vec![];
        for named in &self.named {
            order::insert(&mut all, named.address, |new, known| new < known);
        }
        let all = all.iter().map(|it| Shown(*it, self.prefix).to_string());
        let all: Vec<String> = all.collect();
        let all = all.join(" and ");
        Some(format!(
            "two uplinks? {all} take turns, and the one that is published stays while it is named; fix: have the router send this host \
             out by one line"
        ))
    }

    /// What is known after the line was at `address`; `before` is the one that was trusted last.
    fn after(
        known: Option<Self>,
        address: IpAddr,
        before: Option<IpAddr>,
        now: &Moment,
    ) -> Option<Self> {
        let here = |address| Named {
            address,
            at: now.clone(),
        };
        let Some(mut known) = known else {
            let before = before.filter(|before| *before != address)?;
            return Some(Self {
                named: vec![here(before), here(address)],
                prefix: None,
                returns: 0,
                turned: now.clone(),
            });
        };
        if known
            .named
            .last()
            .is_none_or(|last| last.address != address)
        {
            known.named.retain(|named| named.is_alive(now));
            if known.named.iter().any(|named| named.address == address) {
                known.returns = known.returns.saturating_add(1);
            }
            known.turned = now.clone();
        }
        known.named.retain(|named| named.address != address);
        known.named.push(here(address));
        let too_many = known.named.len().saturating_sub(MOST);
        known.named.drain(..too_many);
        Some(known)
    }

    /// Each was named by two providers in this cycle.
    fn at_once(both: [IpAddr; 2], now: &Moment) -> Self {
        let here = |address| Named {
            address,
            at: now.clone(),
        };
        Self {
            named: both.map(here).into(),
            prefix: None,
            returns: RETURNS,
            turned: now.clone(),
        }
    }

    /// Whether it may matter still.
    fn is_recent(&self, now: &Moment) -> bool {
        let long = if self.returns >= RETURNS {
            REMEMBERED
        } else {
            WINDOW
        };
        self.turned.elapsed(now).under(long)
    }

    /// Whether these take turns, and somebody named this one of them a short time ago.
    fn keep(&self, published: IpAddr, now: &Moment) -> bool {
        let is_it = |named: &Named| named.address == published && named.is_alive(now);
        self.returns >= RETURNS && self.named.iter().any(is_it)
    }
}

/// What there is to weigh an observation by.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The family that is looked at.
    pub family: Family,
    /// How many bits of its addresses are compared; none where all of them are.
    pub prefix: Option<u8>,
    /// The address that was trusted last.
    pub published: Option<IpAddr>,
    /// Whether it is trusted still.
    pub is_ready: bool,
}

/// An observation as it counts on a line whose uplinks may take turns. What `known` tells is brought up to date.
#[must_use]
pub fn weigh<'a>(
    known: &mut Option<Uplinks>,
    line: Line,
    seen: Cow<'a, Observation>,
    now: &Moment,
) -> Cow<'a, Observation> {
    let Line {
        family,
        prefix,
        published,
        is_ready,
    } = line;
    let compared = |address| prefix_of(address, prefix);
    let published = published.map(compared);
    let is_of = |it: &PublicIp| it.family == family;
    let Some(at) = seen.public_ip.iter().position(is_of) else {
        return seen;
    };
    let counted = seen.counted(family).filter(|it| !it.hinted);
    let counted = counted.map(|it| compared(it.address));
    let answers = seen.public_ip.get(at).map_or(&[][..], |it| &it.answers);
    let counts = quorum::votes(answers, prefix);
    let voters = |address| {
        let of_it = counts.iter().find(|(_, named)| compared(*named) == address);
        of_it.map_or(0, |(count, _)| *count)
    };
    // The published address and another one, where two providers name each.
    let other = counts
        .iter()
        .find(|(count, named)| *count >= 2 && Some(compared(*named)) != published);
    let tied = published.filter(|it| voters(*it) >= 2).zip(other);
    let before = known.take().filter(|it| it.is_recent(now));
    *known = match (counted, tied) {
        (Some(counted), _) => Uplinks::after(before, counted, published, now),
        (None, Some((published, (_, other)))) => {
            Some(Uplinks::at_once([published, compared(*other)], now))
        }
        (None, None) => before,
    };
    let Some((uplinks, published)) = known.as_mut().zip(published) else {
        return seen;
    };
    uplinks.prefix = prefix;
    for named in &mut uplinks.named {
        if voters(named.address) > 0 {
            named.at = now.clone();
        }
    }
    if counted == Some(published) || !uplinks.keep(published, now) {
        return seen;
    }
    let result = if is_ready {
        Ok(Counted {
            address: published,
            corroborated: false,
            hinted: true,
        })
    } else if voters(published) >= 2 {
        Ok(Counted {
            address: published,
            corroborated: true,
            hinted: false,
        })
    } else if counts.is_empty() {
        // Nobody named any: why, is told.
        return seen;
    } else {
        Err(uplinks.told().unwrap_or_default())
    };
    let mut seen = seen.into_owned();
    if let Some(it) = seen.public_ip.get_mut(at) {
        it.signal.result = result;
    }
    Cow::Owned(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::{at, ip, mute, up};
    use crate::logic::observation::Answer;

    const A: &str = "11.0.0.1";
    const B: &str = "11.0.0.2";

    /// A line that publishes what counted twice in a row, as the machine does; one cycle every half a minute.
    struct Home {
        known: Option<Uplinks>,
        published: IpAddr,
        candidate: Option<IpAddr>,
        seconds: u64,
        changes: u32,
    }

    impl Home {
        fn new() -> Self {
            Self {
                known: None,
                published: ip(A),
                candidate: None,
                seconds: 0,
                changes: 0,
            }
        }

        fn cycle(&mut self, seen: &Observation) -> Option<Counted> {
            self.seconds += 30;
            let is_ready = self.candidate.is_none();
            let line = Line {
                family: Family::of(self.published),
                prefix: Some(64).filter(|_| self.published.is_ipv6()),
                published: Some(self.published),
                is_ready,
            };
            let now = at(self.seconds);
            let seen = weigh(&mut self.known, line, Cow::Borrowed(seen), &now);
            let counted = seen.counted(line.family);
            match counted.map(|it| it.address) {
                Some(it) if is_ready && it == self.published => {}
                Some(it) if self.candidate == Some(it) => {
                    self.changes += u32::from(it != self.published);
                    (self.published, self.candidate) = (it, None);
                }
                Some(it) => self.candidate = Some(it),
                None => {}
            }
            counted
        }

        fn see(&mut self, pattern: &str) -> &mut Self {
            for letter in pattern.chars() {
                self.cycle(&match letter {
                    'a' => up(A),
                    'b' => up(B),
                    _ => mute(),
                });
            }
            self
        }
    }

    /// What four providers say.
    fn answers(said: &[&str]) -> Observation {
        let mut seen = up(A);
        seen.public_ip[0].signal.result = Err("the providers disagree".to_owned());
        let answer = |(i, said): (usize, &&str)| Answer {
            provider: format!("https://p{i}"),
            authority: format!("p{i}:443"),
            address: Ok(ip(said)),
        };
        seen.public_ip[0].answers = said.iter().enumerate().map(answer).collect();
        seen
    }

    #[test]
    fn an_address_that_changes_is_followed_and_so_is_one_that_comes_back_once() {
        let mut home = Home::new();
        assert_eq!(home.see("aabb").changes, 1);
        assert_eq!(home.see("bbbbaa").changes, 2);
        assert_eq!(home.known.as_ref().and_then(Uplinks::told), None);
        // A quarter of an hour later it is forgotten.
        assert_eq!(home.see(&"a".repeat(31)).known, None);
    }

    #[test]
    fn where_two_addresses_take_turns_the_published_one_stays() {
        let mut home = Home::new();
        home.see("abbaabb");
        let so_far = home.changes;
        for _ in 0..200 {
            home.see("aabbbabab");
        }
        assert!(home.changes <= so_far + 1, "{} changes", home.changes);
        let told = home.known.and_then(|it| it.told()).unwrap();
        assert!(told.starts_with("two uplinks? 11.0.0.1 and 11.0.0.2 take turns"));
    }

    /// How often the record changes in a day where the line is that long at each of so many addresses; a cycle every two minutes, and every half
    /// a minute while an address waits.
    fn changes_in_a_day(stay: u64, lines: u32) -> u32 {
        let mut home = Home::new();
        while home.seconds < 24 * 3600 {
            let pause = if home.candidate.is_none() { 90 } else { 0 };
            home.seconds += pause;
            let at = (home.seconds + 30) / stay % u64::from(lines);
            home.cycle(&up(&format!("11.0.0.{}", 1 + at)));
        }
        home.changes
    }

    #[test]
    fn whoever_takes_turns_within_ten_minutes_moves_a_record_twice_a_day_at_most() {
        for stay in [31, 60, 130, 200, 400, 540, 600] {
            for lines in [2, 3] {
                // A line is away for as long as it takes all the others.
                if stay * u64::from(lines - 1) <= 600 {
                    let changes = changes_in_a_day(stay, lines);
                    assert!(changes <= lines, "{changes}: {lines} of {stay} s");
                }
            }
        }
    }

    #[test]
    fn what_nobody_names_for_a_quarter_of_an_hour_gives_way() {
        let mut home = Home::new();
        home.see("abab").see("abab");
        home.published = ip(A);
        home.candidate = None;
        let before = home.changes;
        home.see(&"b".repeat(29));
        assert_eq!((home.published, home.changes), (ip(A), before));
        home.see("bbb");
        assert_eq!((home.published, home.changes), (ip(B), before + 1));
    }

    #[test]
    fn two_providers_for_each_in_one_cycle_are_two_uplinks_at_once() {
        let mut home = Home::new();
        let counted = home.cycle(&answers(&[A, B, B, A])).unwrap();
        assert_eq!((counted.address, counted.hinted), (ip(A), true));
        let counted = home.cycle(&up(B)).unwrap();
        assert!(
            counted.hinted,
            "it keeps the line READY, and nothing is written by it"
        );
    }

    #[test]
    fn a_liar_beside_honest_providers_is_no_uplink() {
        let mut home = Home::new();
        for said in [[A, B, A, A], [B, A, A, A], [A, A, A, B]] {
            home.cycle(&answers(&said));
            assert_eq!(home.known, None);
        }
        // Nor is a host that says it twice.
        let mut twin = answers(&[A, B, A, B]);
        twin.public_ip[0].answers[3].authority = "p1:443".to_owned();
        home.cycle(&twin);
        assert_eq!(home.known, None);
    }

    #[test]
    fn while_it_is_not_ready_only_what_two_providers_name_counts() {
        let mut home = Home::new();
        home.cycle(&answers(&[A, B, B, A]));
        home.candidate = Some(ip(B));
        assert_eq!(home.cycle(&up(B)), None, "A was named a short time ago");
        home.candidate = Some(ip(B));
        let counted = home.cycle(&answers(&[A, B, B, A])).unwrap();
        assert_eq!(
            (counted.address, counted.corroborated, counted.hinted),
            (ip(A), true, false)
        );
    }

    #[test]
    fn temporary_addresses_of_one_prefix_are_no_two_uplinks() {
        let mut home = Home::new();
        home.published = ip("2a00:1:2:3::");
        for at in 0..20 {
            let seen = up(["2a00:1:2:3::a", "2a00:1:2:3::b"][at % 2]);
            home.cycle(&seen).unwrap();
            home.candidate = None;
        }
        assert_eq!(home.known, None);
    }

    #[test]
    fn prefixes_that_take_turns_are_told_as_such() {
        let mut home = Home::new();
        home.published = ip("2a00:1:2:3::");
        for at in 0..8 {
            home.cycle(&up(["2a00:1:2:3::a", "2a00:1:2:4::b"][at % 2]));
        }
        let told = home.known.and_then(|it| it.told()).unwrap();
        let turns = "two uplinks? 2a00:1:2:3::/64 and 2a00:1:2:4::/64 take turns";
        assert!(told.starts_with(turns), "{told}");
    }

    #[test]
    fn what_the_router_alone_tells_is_no_turn() {
        let mut home = Home::new();
        let mut hinted = up(B);
        for it in &mut hinted.public_ip {
            it.signal.result.as_mut().unwrap().hinted = true;
            it.answers.clear();
        }
        for _ in 0..4 {
            home.see("a").cycle(&hinted);
        }
        assert_eq!(home.known, None);
    }
}
