//! When does what the address providers say count as an observation?
//!
//! While the trusted address stands, one provider that names it is enough. Anything else needs a second provider on
//! another host, and where they differ the others are asked: an address counts once two name it and no other is named as often.

use std::net::IpAddr;

use super::host_part::prefix_of;
use super::observation::{Answer, Counted};
use super::order;

/// What to do with the answers so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tally {
    /// Ask that many more providers, side by side.
    Ask(usize),
    /// This address counts.
    Counted(Counted),
    /// Nothing counts in this cycle, and why.
    Nothing(String),
}

/// Weighs the answers so far. `left` providers were not asked yet; `trusted` is the address that needs no second
/// provider: that of a family that has its confirmations, none otherwise. Where only a prefix of so many bits is `compared`, answers that have
/// it in common agree, and the first of them counts.
#[must_use]
pub fn tally(
    answers: &[Answer],
    left: usize,
    trusted: Option<IpAddr>,
    compared: Option<u8>,
) -> Tally {
    let is_same = |one: IpAddr, other| prefix_of(one, compared) == prefix_of(other, compared);
    let votes = votes(answers, compared);
    let mut counts = vec![];
    for vote in votes {
        order::insert(&mut counts, vote, |new, known| new > known);
    }
    match counts.as_slice() {
        [] => ask(left, if trusted.is_some() { 1 } else { 2 })
            .unwrap_or_else(|| Tally::Nothing(no_answer(answers))),
        [(1, address)] if trusted.is_some_and(|trusted| is_same(trusted, *address)) => {
            Tally::Counted(Counted {
                address: *address,
                corroborated: false,
                hinted: false,
            })
        }
        [(1, address)] => ask(left, 1).unwrap_or_else(|| {
            Tally::Nothing(format!(
                "only one provider names {address}, but a second on another host must agree{}",
                failures(answers)
            ))
        }),
        [(most, address), rest @ ..]
            if *most >= 2 && rest.first().is_none_or(|(next, _)| next < most) =>
        {
            Tally::Counted(Counted {
                address: *address,
                corroborated: true,
                hinted: false,
            })
        }
        _ => ask(left, left).unwrap_or_else(|| {
            Tally::Nothing(format!("the providers disagree: {}", told(answers)))
        }),
    }
}

/// How many hosts name each address, that which was named first at the beginning: a host has one voice for it. Where only a prefix is
/// `compared`, the first of those that have it in common stands for all.
#[must_use]
pub fn votes(answers: &[Answer], compared: Option<u8>) -> Vec<(usize, IpAddr)> {
    let is_same = |one: IpAddr, other| prefix_of(one, compared) == prefix_of(other, compared);
    let mut votes: Vec<(usize, IpAddr)> = vec![];
    for (at, answer) in answers.iter().enumerate() {
        let Ok(address) = answer.address else {
            continue;
        };
        let is_twin = |other: &Answer| {
            let is_alike = |other: &IpAddr| is_same(*other, address);
            other.address.as_ref().is_ok_and(is_alike) && other.authority == answer.authority
        };
        if answers.iter().take(at).any(is_twin) {
            continue;
        }
        match votes.iter_mut().find(|(_, known)| is_same(*known, address)) {
            Some((count, _)) => *count += 1,
            None => votes.push((1, address)),
        }
    }
    votes
}

fn ask(left: usize, wanted: usize) -> Option<Tally> {
    (left > 0).then(|| Tally::Ask(wanted.min(left)))
}

fn no_answer(answers: &[Answer]) -> String {
    if answers.is_empty() {
        "no provider is configured".to_owned()
    } else {
        format!("no provider gave a usable address{}", failures(answers))
    }
}

fn failures(answers: &[Answer]) -> String {
    answers
        .iter()
        .filter_map(|answer| {
            answer
                .address
                .as_ref()
                .err()
                .map(|why| format!("; {}: {why}", answer.authority))
        })
        .collect()
}

fn told(answers: &[Answer]) -> String {
    let told: Vec<String> = answers
        .iter()
        .filter_map(|answer| {
            answer
                .address
                .as_ref()
                .ok()
                .map(|address| format!("{} says {address}", answer.authority))
        })
        .collect();
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::ip;
    use proptest::prelude::*;

    const A: &str = "11.0.0.1";
    const B: &str = "11.0.0.2";

    fn answers(said: &[&str]) -> Vec<Answer> {
        said.iter()
            .enumerate()
            .map(|(i, said)| Answer {
                provider: format!("https://p{i}"),
                authority: format!("p{i}:443"),
                address: said.parse().map_err(|_| "timed out".to_owned()),
            })
            .collect()
    }

    fn counted(address: &str, corroborated: bool) -> Tally {
        Tally::Counted(Counted {
            address: ip(address),
            corroborated,
            hinted: false,
        })
    }

    #[test]
    fn one_provider_is_enough_for_the_trusted_address() {
        assert_eq!(tally(&[], 4, Some(ip(A)), None), Tally::Ask(1));
        assert_eq!(
            tally(&answers(&[A]), 3, Some(ip(A)), None),
            counted(A, false)
        );
        assert_eq!(
            tally(&answers(&["-", A]), 2, Some(ip(A)), None),
            counted(A, false)
        );
    }

    #[test]
    fn another_address_needs_a_second_provider() {
        assert_eq!(tally(&answers(&[B]), 3, Some(ip(A)), None), Tally::Ask(1));
        assert_eq!(
            tally(&answers(&[B, B]), 2, Some(ip(A)), None),
            counted(B, true)
        );
    }

    #[test]
    fn without_a_trusted_address_two_are_asked_at_once() {
        assert_eq!(tally(&[], 4, None, None), Tally::Ask(2));
        assert_eq!(tally(&answers(&[A, "-"]), 2, None, None), Tally::Ask(1));
        assert_eq!(tally(&answers(&[A, A]), 2, None, None), counted(A, true));
    }

    #[test]
    fn where_two_differ_all_others_are_asked_and_the_majority_counts() {
        assert_eq!(tally(&answers(&[A, B]), 2, None, None), Tally::Ask(2));
        assert_eq!(tally(&answers(&[A, B, B]), 1, None, None), counted(B, true));
        assert_eq!(
            tally(&answers(&[B, A, A]), 1, Some(ip(A)), None),
            counted(A, true)
        );
    }

    #[test]
    fn a_tie_does_not_count() {
        assert_eq!(
            tally(&answers(&[A, B, B, A]), 0, None, None),
            Tally::Nothing(
                "the providers disagree: p0:443 says 11.0.0.1, p1:443 says 11.0.0.2, p2:443 says 11.0.0.2, p3:443 says 11.0.0.1"
                    .to_owned()
            )
        );
    }

    #[test]
    fn two_urls_on_one_host_are_one_voice() {
        let mut said = answers(&[A, A]);
        said[1].authority = said[0].authority.clone();
        assert_eq!(tally(&said, 1, None, None), Tally::Ask(1));
        assert!(matches!(tally(&said, 0, None, None), Tally::Nothing(_)));
    }

    #[test]
    fn where_a_prefix_is_compared_two_addresses_of_it_agree_and_the_first_counts() {
        let (one, two, other) = ("2a00:1:2:3::a", "2a00:1:2:3::b", "2a00:1:2:4::a");
        let tally = |said: &[&str], left, trusted| tally(&answers(said), left, trusted, Some(64));
        assert_eq!(tally(&[one, two], 1, None), counted(one, true));
        assert_eq!(
            tally(&[two], 2, Some(ip("2a00:1:2:3::"))),
            counted(two, false)
        );
        assert_eq!(tally(&[other], 2, Some(ip("2a00:1:2:3::"))), Tally::Ask(1));
        assert_eq!(tally(&[one, other], 1, None), Tally::Ask(1));
        assert_eq!(tally(&[one, other, two], 0, None), counted(one, true));
        // A host has one voice, whichever addresses it names.
        let mut said = answers(&[one, two]);
        said[1].authority = said[0].authority.clone();
        assert_eq!(super::tally(&said, 1, None, Some(64)), Tally::Ask(1));
    }

    #[test]
    fn silence_says_who_was_silent_and_why() {
        assert_eq!(
            tally(&answers(&["-", "-"]), 0, None, None),
            Tally::Nothing(
                "no provider gave a usable address; p0:443: timed out; p1:443: timed out"
                    .to_owned()
            )
        );
    }

    proptest! {
        #[test]
        fn one_liar_among_honest_providers_never_counts(liar in 0..4usize, asked in 0..=4usize, knows in any::<bool>()) {
            let said: Vec<&str> = (0..4).map(|i| if i == liar { B } else { A }).take(asked).collect();
            let trusted = knows.then(|| ip(A));
            if let Tally::Counted(counted) = tally(&answers(&said), 4 - asked, trusted, None) {
                prop_assert_eq!(counted.address, ip(A));
            }
        }

        #[test]
        fn asking_ends(said in proptest::collection::vec(0..4u8, 4), knows in any::<bool>()) {
            let text: Vec<&str> = said.iter().map(|s| match s { 0 => "-", 1 => A, 2 => B, _ => "11.0.0.3" }).collect();
            let mut asked = 0;
            for _ in 0..=4 {
                match tally(&answers(&text[..asked]), 4 - asked, knows.then(|| ip(A)), None) {
                    Tally::Ask(more) => { prop_assert!(more > 0 && more <= 4 - asked); asked += more; }
                    Tally::Counted(_) | Tally::Nothing(_) => return Ok(()),
                }
            }
            prop_assert!(false, "asked on and on");
        }
    }
}
