//! AAAA records with a host part of their own: what is compared, confirmed and written is about the prefix.

use super::*;
use crate::logic::event::Event;
use crate::logic::fixtures::{at, desired, ip, limits, policy, record, up};
use crate::logic::host_part::{HostPart, OwnAddress};
use crate::logic::records::{Layer, Next, RecordSpec, Settled};
use crate::logic::settle::{Ending, Outcome, settle};
use crate::logic::units::RecordType;

const STABLE: HostPart = HostPart::Stable { prefix: 64 };

fn suffix(bits: &str) -> HostPart {
    HostPart::Suffix {
        bits: bits.parse().unwrap(),
        prefix: 64,
    }
}

fn aaaa(name: &str, host: HostPart) -> RecordSpec {
    RecordSpec {
        host,
        ..record(name, RecordType::Aaaa)
    }
}

/// A home in which each record is settled as right at the provider.
struct Home {
    state: State,
    specs: Vec<RecordSpec>,
    seconds: u64,
    events: Vec<Event>,
}

impl Home {
    fn new(hosts: &[HostPart]) -> Self {
        let named = hosts.iter().enumerate();
        Self {
            state: State::cold(&at(0)),
            specs: named
                .map(|(i, host)| aaaa(&format!("h{i}.example.com"), *host))
                .collect(),
            seconds: 0,
            events: vec![],
        }
    }

    /// What each record is to hold, and what is asked first.
    fn cycle(&mut self, seen: &Observation) -> Vec<(Option<String>, Next)> {
        self.seconds += 30;
        let (policy, limits, now) = (policy(), limits(), at(self.seconds));
        let desired = desired(&self.specs, &policy, &limits);
        let state = resume(self.state.clone(), &desired, &now);
        let (state, decision) = step(state, seen, &now, &desired);
        let outcomes: Vec<Outcome> = decision
            .records
            .iter()
            .map(|planned| Outcome {
                wanted: planned.wanted,
                settled: match planned.next.clone() {
                    Next::Done(settled) => settled,
                    Next::AskDoh | Next::AskApi | Next::Write(_) => Settled::Right {
                        layer: Layer::Api,
                        public: true,
                        proxied: Some(false),
                    },
                },
                public: None,
                at: at(self.seconds + 3),
            })
            .collect();
        let ending = Ending {
            outcomes: &outcomes.iter().collect::<Vec<_>>(),
            errors: &[],
            ended: &at(self.seconds + 5),
            elapsed: Duration::from_millis(300),
            jitter: Duration::ZERO,
        };
        self.state = settle(state, &ending, &now, &desired);
        self.events.extend(self.state.outbox.iter().cloned());
        let told = decision.records.into_iter();
        told.map(|it| (it.wanted.map(|it| it.to_string()), it.next))
            .collect()
    }

    fn wanted(&mut self, seen: &Observation) -> Vec<String> {
        let told = self.cycle(seen).into_iter();
        told.map(|(wanted, next)| match (wanted, next) {
            (Some(wanted), _) => wanted,
            (None, Next::Done(settled)) => settled.reason().unwrap_or_default().to_owned(),
            (None, next) => format!("{next:?}"),
        })
        .collect()
    }
}

#[test]
fn addresses_that_change_behind_a_prefix_disturb_no_record_that_has_a_part_of_its_own() {
    let mut home = Home::new(&[suffix("::1234"), suffix("::5")]);
    home.cycle(&up("2a00:1:2:3::a001"));
    assert_eq!(
        home.wanted(&up("2a00:1:2:3::a002")),
        ["2a00:1:2:3::1234", "2a00:1:2:3::5"],
        "confirmed by another address of the prefix"
    );
    for i in 0..200 {
        let told = home.cycle(&up(&format!("2a00:1:2:3::b{i:03}")));
        for (wanted, next) in told {
            assert!(wanted.is_some());
            let is_right = matches!(next, Next::Done(Settled::Right { .. }) | Next::AskDoh);
            assert!(is_right, "cycle {i}: {next:?}");
        }
        assert_eq!(home.state.readiness(), Readiness::Ready);
    }
    let changes = home.events.iter().filter_map(|event| match &event.what {
        EventKind::Address {
            from, to, prefix, ..
        } => Some((*from, *to, *prefix)),
        _ => None,
    });
    let changes: Vec<_> = changes.collect();
    assert_eq!(changes, [(None, ip("2a00:1:2:3::"), Some(64))]);
}

#[test]
fn where_one_record_wants_the_address_itself_all_of_it_is_confirmed() {
    let mut home = Home::new(&[HostPart::Seen, suffix("::5")]);
    home.cycle(&up("2a00:1:2:3::a001"));
    let why = "2a00:1:2:3::a002 has 1 of 2 confirmations";
    assert_eq!(home.wanted(&up("2a00:1:2:3::a002")), [why, why]);
    assert_eq!(
        home.wanted(&up("2a00:1:2:3::a002")),
        ["2a00:1:2:3::a002", "2a00:1:2:3::5"]
    );
}

#[test]
fn a_prefix_needs_its_confirmations_and_to_be_seen_in_this_very_cycle() {
    let mut home = Home::new(&[suffix("::5")]);
    let waits = |prefix: &str| format!("{prefix} has 1 of 2 confirmations");
    assert_eq!(
        home.wanted(&up("2a00:1:2:3::a")),
        [waits("2a00:1:2:3::/64")]
    );
    assert_eq!(
        home.wanted(&up("2a00:1:2:4::a")),
        [waits("2a00:1:2:4::/64")]
    );
    assert_eq!(home.wanted(&up("2a00:1:2:4::b")), ["2a00:1:2:4::5"]);
    let none = Observation {
        public_ip: vec![],
        ..up("2a00:1:2:4::b")
    };
    assert_eq!(
        home.wanted(&none),
        ["no IPv6 address was observed in this cycle"]
    );
    assert_eq!(
        home.wanted(&up("2a00:1:2:5::a")),
        [waits("2a00:1:2:5::/64")]
    );
}

#[test]
fn a_new_prefix_is_for_all_records_in_the_same_cycle() {
    let mut home = Home::new(&[suffix("::1"), suffix("::2"), suffix("::3")]);
    for address in ["2a00:1:2:3::a", "2a00:1:2:3::b", "2a00:1:2:4::a"] {
        home.cycle(&up(address));
    }
    let told = home.cycle(&up("2a00:1:2:4::b"));
    for (i, (wanted, next)) in told.into_iter().enumerate() {
        assert_eq!(wanted, Some(format!("2a00:1:2:4::{}", i + 1)));
        assert_eq!(next, Next::AskApi);
    }
}

#[test]
fn a_stable_address_follows_this_hosts_own_and_is_held_where_that_is_not_of_the_line() {
    let own = |address: &str, flags| OwnAddress {
        address: address.parse().unwrap(),
        flags,
        tunnel: None,
    };
    let seen = |address: &str, own: &[OwnAddress]| Observation {
        own: own.to_vec(),
        ..up(address)
    };
    let mut home = Home::new(&[STABLE]);
    let mine = [own("2a00:1:2:3::a", 0x01), own("2a00:1:2:3::77", 0x00)];
    home.cycle(&seen("2a00:1:2:3::a", &mine));
    assert_eq!(
        home.wanted(&seen("2a00:1:2:3::a", &mine)),
        ["2a00:1:2:3::77"]
    );
    let now = at(home.seconds + 30);
    let (policy, limits) = (policy(), limits());
    let wants = desired(&home.specs, &policy, &limits);
    assert!(
        foresee(&home.state, &now, &wants)[0].is_some(),
        "as it holds"
    );
    // The router gave another prefix, and the providers see a translated one.
    let ula = [own("fd00:1::77", 0x00)];
    let (wanted, next) = home.cycle(&seen("2a00:1:2:3::a", &ula)).remove(0);
    assert_eq!(wanted, None);
    let Next::Done(Settled::Held {
        reason, is_trouble, ..
    }) = next
    else {
        panic!("{next:?}");
    };
    assert!(is_trouble);
    assert!(
        reason
            .starts_with("h0.example.com AAAA: the address providers see 2a00:1:2:3::/64, and no"),
        "{reason}"
    );
    assert_eq!(
        home.wanted(&seen("2a00:1:2:3::a", &mine)),
        ["2a00:1:2:3::77"]
    );
}

#[test]
fn while_prefixes_take_turns_the_record_waits_for_that_and_not_for_an_address() {
    let mut home = Home::new(&[suffix("::1234")]);
    let seen = |at: usize| up(["2a00:1:2:3::a", "2a00:1:2:4::b"][at % 2]);
    assert_eq!(home.cycle(&seen(0))[0].0, None);
    assert_eq!(home.wanted(&seen(0)), ["2a00:1:2:3::1234"]);
    for at in 1..8 {
        home.wanted(&seen(at));
    }
    let told = home.wanted(&seen(9)).concat();
    let turns = "two uplinks? 2a00:1:2:3::/64 and 2a00:1:2:4::/64 take turns";
    assert!(told.starts_with(turns), "{told}");
    // What nobody names is another matter.
    let mut mute = seen(0);
    mute.public_ip[0].signal.result = Err("timed out".to_owned());
    mute.public_ip[0].answers.clear();
    assert!(!home.wanted(&mute).concat().contains("uplinks"));
}
