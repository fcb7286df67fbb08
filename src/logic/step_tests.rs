use super::*;
use crate::logic::event::Event;
use crate::logic::event::RecordOutcome;
use crate::logic::fixtures::{
    at, desired, doubtful, down, ip, limits, mute, policy, public_ip, record, seen, up,
};
use crate::logic::line::Reason;
use crate::logic::observation::Served;
use crate::logic::policy::Policy;
use crate::logic::provider::{Change, Found};
use crate::logic::records::{Instead, Layer, Next, RecordSpec, Settled, Write, WriteFate};
use crate::logic::recovery::Limits;
use crate::logic::settle::{Ending, Outcome, settle};
use crate::logic::settled::Replacement;
use crate::logic::state::Speed;
use crate::logic::units::RecordType;

const A: &str = "11.0.0.1";
const B: &str = "11.0.0.2";

fn specs() -> Vec<RecordSpec> {
    vec![record("vpn.example.com", RecordType::A)]
}

/// A line that is driven cycle by cycle; every record is settled as right, by the layer that it asks for.
struct Driven {
    state: State,
    specs: Vec<RecordSpec>,
    policy: Policy,
    limits: Limits,
    seconds: u64,
}

impl Driven {
    fn new(specs: Vec<RecordSpec>) -> Self {
        Self {
            state: State::cold(&at(0)),
            specs,
            policy: policy(),
            limits: limits(),
            seconds: 0,
        }
    }

    fn cycle(&mut self, seen: &Observation) -> Decision {
        self.cycle_settled(seen, |next| match next {
            Next::Done(settled) => settled,
            Next::AskDoh => right(Layer::Doh, true),
            Next::AskApi | Next::Write(_) => right(Layer::Api, false),
        })
    }

    fn cycle_settled(
        &mut self,
        seen: &Observation,
        settle_as: impl Fn(Next) -> Settled,
    ) -> Decision {
        self.seconds += 30;
        let now = at(self.seconds);
        let desired = desired(&self.specs, &self.policy, &self.limits);
        let state = resume(self.state.clone(), &desired, &now);
        let (state, decision) = step(state, seen, &now, &desired);
        let outcomes: Vec<Outcome> = decision
            .records
            .iter()
            .map(|planned| Outcome {
                wanted: planned.wanted,
                settled: settle_as(planned.next.clone()),
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
        decision
    }

    fn told(&self) -> Vec<&'static str> {
        self.state
            .outbox
            .iter()
            .map(|event| event.what.kind())
            .collect()
    }

    fn events(&self) -> Vec<EventKind> {
        self.state
            .outbox
            .iter()
            .map(|Event { what, .. }| what.clone())
            .collect()
    }
}

fn right(layer: Layer, public: bool) -> Settled {
    Settled::Right {
        layer,
        public,
        proxied: None,
    }
}

fn written(from: &str, to: &str) -> Settled {
    let before = Found {
        id: "1".into(),
        kind: "A".into(),
        name: "vpn.example.com".into(),
        content: from.into(),
        ttl: 60,
        proxied: false,
    };
    let change = Change {
        content: Some(ip(to)),
        ..Change::default()
    };
    Settled::Written(Write::Patch {
        before: Box::new(before),
        change,
    })
}

fn reason(decision: &Decision) -> &str {
    match &decision.records[0].next {
        Next::Done(Settled::Held { reason, .. }) => reason,
        other => panic!("not held: {other:?}"),
    }
}

#[test]
fn nothing_is_asked_or_written_before_the_address_is_confirmed() {
    let mut line = Driven::new(specs());
    assert_eq!(
        reason(&line.cycle(&up(A))),
        "11.0.0.1 has 1 of 2 confirmations"
    );
    let decision = line.cycle(&up(A));
    assert_eq!(decision.records[0].next, Next::AskDoh);
    assert_eq!(decision.records[0].wanted, Some(ip(A)));
}

#[test]
fn a_changed_address_holds_its_records_until_it_is_confirmed() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle(&up(A));
    assert_eq!(
        reason(&line.cycle(&up(B))),
        "11.0.0.2 has 1 of 2 confirmations"
    );
    assert_eq!(
        line.cycle(&up(B)).records[0].next,
        Next::AskApi,
        "the cache knows that the record holds another"
    );
}

#[test]
fn a_line_that_is_down_holds_its_records() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle(&up(A));
    let decision = line.cycle(&down());
    assert_eq!(
        (decision.verdict, reason(&decision)),
        (Verdict::WanDown, "the line is down")
    );
}

#[test]
fn nothing_is_written_on_the_strength_of_an_address_seen_in_an_earlier_cycle() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle(&up(A));
    let decision = line.cycle(&mute());
    assert_eq!(line.state.readiness(), Readiness::Ready);
    assert_eq!(
        reason(&decision),
        "no IPv4 address was observed in this cycle"
    );
}

#[test]
fn each_family_waits_for_its_own_confirmations() {
    let both = vec![
        record("vpn.example.com", RecordType::A),
        record("vpn.example.com", RecordType::Aaaa),
    ];
    let mut line = Driven::new(both);
    line.cycle(&up(A));
    let mut dual = up(A);
    dual.public_ip.push(public_ip(ip("2a00::1")));
    let decision = line.cycle(&dual);
    assert_eq!(decision.records[0].wanted, Some(ip(A)));
    assert_eq!(decision.records[1].wanted, None);
    assert_eq!(line.cycle(&dual).records[1].wanted, Some(ip("2a00::1")));
}

#[test]
fn a_family_that_stays_behind_is_told_after_ten_minutes_in_which_somebody_looked() {
    let both = vec![
        record("vpn.example.com", RecordType::A),
        record("vpn.example.com", RecordType::Aaaa),
    ];
    let mut line = Driven::new(both);
    let mut half = up(A);
    half.lines.ipv6 = Line::Down;
    line.cycle(&half);
    line.seconds += 3 * 3600;
    for _ in 0..20 {
        assert_eq!(line.cycle(&half).left_behind, [""; 0], "{}", line.seconds);
    }
    let told =
        "IPv6 has not been READY for over 10 min: its records wait, while the others are updated";
    assert_eq!(line.cycle(&half).left_behind, [told]);
    half.lines.ipv6 = Line::Unverified(Reason::NobodyAsked);
    assert_eq!(line.cycle(&half).left_behind, [told], "why is no news");
    assert_eq!(
        line.cycle(&down()).left_behind,
        [""; 0],
        "the line is what is to be told"
    );
}

#[test]
fn the_history_tells_a_first_publish_from_start_to_end() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    assert_eq!(line.told(), ["readiness"]);
    line.cycle_settled(&up(A), |_| written(B, A));
    assert_eq!(line.told(), ["readiness", "address", "record"]);
    line.cycle(&up(A));
    assert_eq!(
        line.events(),
        [EventKind::Converged {
            name: "vpn.example.com".into(),
            record: RecordType::A,
            address: ip(A),
            seconds: 30
        }]
    );
    assert_eq!(line.state.last_change.as_ref().unwrap().dns_s, Some(30));
    line.cycle(&up(A));
    assert_eq!(line.told(), [""; 0], "a quiet cycle has nothing to tell");
}

fn replacement(from: Option<&str>, to: &str) -> Replacement {
    Replacement {
        from: from.map(str::to_owned),
        to: ip(to),
        at: at(61),
    }
}

/// The process that wrote was killed, or the connection broke.
#[test]
fn a_write_whose_answer_was_lost_is_told_once_it_is_found_and_followed_until_public_dns_shows_it() {
    let first = &specs()[0];
    for (from, outcome) in [
        (Some(B), RecordOutcome::Updated),
        (None, RecordOutcome::Created),
    ] {
        let from = from.map(str::to_owned);
        let mut line = Driven::new(specs());
        line.cycle(&up(A));
        line.cycle(&up(A));
        let record = line.state.records.get_mut(first.key()).unwrap();
        record.intend(replacement(from.as_deref(), A));
        line.cycle(&up(A));
        let told = EventKind::Record {
            name: "vpn.example.com".into(),
            record: RecordType::A,
            outcome,
            from: from.clone(),
            to: Some(ip(A)),
            reason: Some("not confirmed then; the API shows it now".into()),
        };
        assert_eq!(line.events(), [told]);
        let change = line.state.last_change.clone().unwrap();
        assert_eq!(
            (change.from, change.to, change.at),
            (from, ip(A), at(61).wall)
        );
        line.cycle(&up(A));
        assert_eq!(line.told(), ["converged"]);
        assert_eq!(line.state.last_change.as_ref().unwrap().dns_s, Some(62));
    }
}

#[test]
fn a_write_that_was_refused_or_of_another_address_is_not_told_when_the_record_is_right_by_another_hand()
 {
    let first = &specs()[0];
    let refused = Settled::Failed {
        reason: "refused".into(),
        write: WriteFate::NotApplied,
        found: Instead::Unread,
    };
    for wanted in [A, B] {
        let mut line = Driven::new(specs());
        line.cycle(&up(A));
        line.cycle(&up(A));
        let record = line.state.records.get_mut(first.key()).unwrap();
        record.intend(replacement(None, wanted));
        if wanted == A {
            line.cycle_settled(&up(A), |_| refused.clone());
        }
        line.cycle_settled(&up(A), |_| right(Layer::Api, false));
        assert_eq!(line.told(), [""; 0], "{wanted}");
        assert_eq!(
            line.state.records.get(first.key()).unwrap().unanswered,
            None
        );
    }
}

#[test]
fn a_write_is_followed_at_the_fast_cadence_until_public_dns_shows_it() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle_settled(&up(A), |_| written(B, A));
    assert_eq!(line.state.next.as_ref().unwrap().speed, Speed::Fast);
    line.cycle(&up(A));
    assert_eq!(line.state.next.as_ref().unwrap().speed, Speed::Slow);
}

#[test]
fn an_outage_is_told_at_its_start_and_at_its_end_with_its_length() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle(&down());
    assert!(line.events().contains(&EventKind::Outage {
        phase: OutagePhase::Began,
        verdict: Verdict::WanDown,
        doubt: None,
        seconds: None,
        on_battery: false,
    }));
    line.cycle(&down());
    line.cycle(&seen(true, false, false, None));
    assert_eq!(line.told(), [""; 0]);
    assert_eq!(line.state.outage.as_ref().unwrap().cycles, 3);
    line.cycle(&up(A));
    assert!(line.events().contains(&EventKind::Outage {
        phase: OutagePhase::Ended,
        verdict: Verdict::RouterDown,
        doubt: None,
        seconds: Some(90),
        on_battery: false,
    }));
}

#[test]
fn an_outage_says_whether_the_mains_were_out_in_it() {
    let says = |seen: Observation, status: &str| Observation {
        ups: Some(crate::logic::observation::Signal {
            target: None,
            elapsed: Duration::ZERO,
            result: crate::logic::ups::Ups::said(status, None, None),
        }),
        ..seen
    };
    let marks = |line: &Driven| -> Vec<bool> {
        let marks = line.events().into_iter().filter_map(|what| match what {
            EventKind::Outage { on_battery, .. } => Some(on_battery),
            _ => None,
        });
        marks.collect()
    };
    // The mains fail with the line, after it, and before it.
    for (statuses, began, ended) in [
        (["OL", "OB", "OB", "OL"], true, true),
        (["OL", "OL", "OB", "OL"], false, true),
        (["OB", "OL", "OL", "OL"], false, false),
        (["OL", "OL", "OL", "OB"], false, false),
    ] {
        let mut line = Driven::new(specs());
        line.cycle(&says(up(A), statuses[0]));
        line.cycle(&says(down(), statuses[1]));
        assert_eq!(marks(&line), [began], "{statuses:?}");
        line.cycle(&says(down(), statuses[2]));
        line.cycle(&says(up(A), statuses[3]));
        assert_eq!(marks(&line), [ended], "{statuses:?}");
    }
}

#[test]
fn a_host_that_moves_is_an_event_with_what_changed_of_it_alone() {
    let at_place = |address: &str, interface: &str, mac: &str| Observation {
        lan: Some(lan::Place {
            address: address.parse().unwrap(),
            interface: interface.to_owned(),
            mac: Some(mac.to_owned()),
        }),
        ..up(A)
    };
    let mut line = Driven::new(specs());
    let mut moves = |seen: &Observation| -> Vec<String> {
        line.cycle(seen);
        let moves = line.events().into_iter().filter(|it| it.kind() == "lan");
        moves
            .map(|it| serde_json::to_string(&it).unwrap())
            .collect()
    };
    assert_eq!(moves(&at_place("192.168.0.9", "eth0", "a")), [""; 0]);
    assert_eq!(
        moves(&at_place("192.168.0.23", "wlan0", "b")),
        [
            r#"{"kind":"lan","from":"192.168.0.9","to":"192.168.0.23","interface":"wlan0","from_interface":"eth0"}"#
        ]
    );
    // Of a host that is on no network nothing is known.
    assert_eq!(moves(&down()), [""; 0]);
    assert_eq!(
        moves(&at_place("192.168.0.23", "wlan0", "c")),
        [
            r#"{"kind":"lan","from":"192.168.0.23","to":"192.168.0.23","interface":"wlan0","mac":"c","from_mac":"b"}"#
        ]
    );
}

#[test]
fn the_same_trouble_is_told_once() {
    let failed = |_| Settled::Failed {
        reason: "vpn.example.com A does not exist".to_owned(),
        write: WriteFate::None,
        found: Instead::Unread,
    };
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle_settled(&up(A), failed);
    assert_eq!(line.told(), ["readiness", "address", "record"]);
    line.cycle_settled(&up(A), failed);
    assert_eq!(line.told(), [""; 0]);
    line.cycle(&up(A));
    line.cycle_settled(&up(A), failed);
    assert_eq!(line.told(), ["record"], "it came back");
}

#[test]
fn events_are_numbered_without_gaps_across_cycles() {
    let mut line = Driven::new(specs());
    let mut numbers = vec![];
    for i in 0..40 {
        line.cycle(&if i % 3 == 0 { down() } else { up(A) });
        numbers.extend(line.state.outbox.iter().map(|event| event.seq));
    }
    assert_eq!(
        numbers,
        (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>()
    );
}

#[test]
fn a_gap_between_cycles_is_told() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.seconds += 3600;
    line.cycle(&up(A));
    assert!(line.events().contains(&EventKind::Gap {
        seconds: Some(3630)
    }));
}

#[test]
fn what_is_remembered_of_a_record_goes_with_the_record() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle(&up(A));
    assert_eq!(line.state.records.len(), 1);
    line.specs = vec![record("new.example.com", RecordType::A)];
    line.cycle(&up(A));
    let known = line.state.records.iter();
    assert_eq!(
        known.map(|(key, _)| key).collect::<Vec<_>>(),
        [(RecordType::A, "new.example.com")]
    );
}

#[test]
fn every_cycle_counts_once_and_ready_ones_twice() {
    let mut line = Driven::new(specs());
    for seen in [up(A), up(A), up(A), down(), up(A)] {
        line.cycle(&seen);
    }
    assert_eq!(
        (
            line.state.cycle,
            line.state.uptime.ready,
            line.state.uptime.total
        ),
        (5, 2, 5)
    );
}

#[test]
fn the_same_input_gives_the_same_output() {
    let (specs, policy, limits) = (specs(), policy(), limits());
    let desired = desired(&specs, &policy, &limits);
    let state = State::cold(&at(0));
    assert_eq!(
        step(state.clone(), &up(A), &at(1), &desired),
        step(state, &up(A), &at(1), &desired)
    );
}

#[test]
fn an_outage_behind_a_living_router_leads_to_a_cut_at_the_first_permitted_moment_and_is_learned_from()
 {
    let mut line = Driven::new(specs());
    let silent = || {
        let mut seen = down();
        seen.wan.elapsed = Duration::from_secs(2);
        seen
    };
    line.cycle(&up(A));
    let mut waited = 0;
    while line.cycle(&silent()).recovery != recovery::Decision::Cut {
        waited += 1;
    }
    assert_eq!(waited, 8, "4 min at one cycle in 30 s");
    let now = at(line.seconds);
    line.state.recovery.intend(&now);
    assert!(
        matches!(
            line.cycle(&silent()).recovery,
            recovery::Decision::Suppressed(_)
        ),
        "the plug is not known to be on"
    );
    line.state.recovery.restored(&at(line.seconds));
    line.cycle(&silent());
    line.cycle(&up(A));
    assert!(line.events().contains(&EventKind::Recovery {
        phase: RecoveryPhase::Helped,
        attempt: 1,
        seconds: Some(60),
        reason: None
    }));
}

/// What is seen over the line that the plug serves, beside another one.
fn beside(served: &Observation, other: Observation) -> Observation {
    let Observation {
        host,
        router,
        wan,
        line,
        ..
    } = served.clone();
    Observation {
        served: Some(Box::new(Served {
            host,
            router,
            wan,
            line,
        })),
        ..other
    }
}

#[test]
fn an_answer_over_another_line_than_the_one_that_the_plug_serves_neither_cuts_nor_keeps_its_power()
{
    let silent = || {
        let mut seen = down();
        seen.wan.elapsed = Duration::from_secs(2);
        seen
    };
    let cuts = |seen: &Observation| {
        let mut line = Driven::new(specs());
        line.cycle(&up(A));
        line.cycle(&up(A));
        let cut = |_| line.cycle(seen).recovery == recovery::Decision::Cut;
        let cuts = (0..20).any(cut);
        (cuts, line.state.readiness())
    };
    let kept = up(A);
    assert_eq!(cuts(&beside(&silent(), kept)), (true, Readiness::Ready));
    assert!(!cuts(&beside(&up(B), silent())).0);
    let doubtful = doubtful(Reason::NobodyAsked);
    assert!(!cuts(&beside(&doubtful, silent())).0);
    let no_router = seen(true, false, false, None);
    assert!(!cuts(&beside(&no_router, silent())).0);
}

#[test]
fn what_works_over_another_line_does_not_end_the_outage_of_the_one_that_the_plug_serves() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle(&down());
    line.state.recovery.intend(&at(line.seconds));
    line.state.recovery.restored(&at(line.seconds));
    let failed_over = beside(&down(), up(B));
    for _ in 0..8 {
        line.cycle(&failed_over);
    }
    assert_eq!(line.state.recovery.in_outage, 1);
    assert_eq!(
        line.state.recovery.result.as_ref().unwrap().helped,
        Some(false)
    );
}

#[test]
fn a_line_that_is_seen_to_work_twice_ends_an_outage_though_nobody_names_its_address() {
    let mut line = Driven::new(specs());
    line.cycle(&up(A));
    line.cycle(&down());
    line.state.recovery.intend(&at(line.seconds));
    line.state.recovery.restored(&at(line.seconds));
    let unnamed = seen(true, true, true, None);
    for in_outage in [1, 0] {
        line.cycle(&unnamed);
        assert_eq!(line.state.verdict, Some(Verdict::Degraded));
        assert_eq!(line.state.recovery.in_outage, in_outage);
    }
}

#[test]
fn what_becomes_of_the_line_that_the_plug_serves_is_told_where_this_host_goes_out_by_another() {
    let mut line = Driven::new(specs());
    let mut told = |seen: &Observation| -> Vec<String> {
        line.cycle(seen);
        let events = line.events().into_iter();
        let events = events.filter(|it| ["line", "outage"].contains(&it.kind()));
        events
            .map(|it| serde_json::to_string(&it).unwrap())
            .collect()
    };
    let ended = |seconds: u64| {
        format!(r#"{{"kind":"line","phase":"ended","verdict":"HEALTHY","seconds":{seconds}}}"#)
    };
    let began = r#"{"kind":"line","phase":"began","verdict":"WAN_DOWN","seconds":null}"#;
    assert_eq!(told(&beside(&up(A), up(B))), [""; 0]);
    assert_eq!(told(&beside(&down(), up(B))), [began]);
    assert_eq!(told(&beside(&down(), up(B))), [""; 0]);
    assert_eq!(told(&beside(&up(A), up(B))), [ended(60)]);
    // This host goes out by it again: where it works, it is back, and where it does not, that is an outage.
    assert_eq!(told(&beside(&down(), up(B))), [began]);
    assert_eq!(told(&up(A)), [ended(30)]);
    assert_eq!(told(&beside(&down(), up(B))), [began]);
    let outage = told(&down());
    assert_eq!(outage.len(), 1);
    assert!(outage[0].contains("outage"), "{outage:?}");
}

#[test]
fn an_attempt_that_did_not_help_is_said_to_have_not_helped() {
    let mut line = Driven::new(specs());
    line.cycle(&down());
    line.state.recovery.intend(&at(line.seconds));
    line.state.recovery.restored(&at(line.seconds));
    let told = |line: &Driven| line.told().contains(&"recovery");
    for _ in 0..7 {
        line.cycle(&down());
        assert!(!told(&line));
    }
    line.cycle(&down());
    assert!(told(&line));
    line.cycle(&down());
    assert!(!told(&line), "once");
    assert_eq!(
        line.state.recovery.result.as_ref().unwrap().helped,
        Some(false)
    );
}

#[test]
fn a_line_that_nobody_verified_demotes_and_publishes_nothing_and_says_why() {
    let records = [record("vpn.example.com", RecordType::A)];
    let policy = policy();
    let limits = limits();
    let desired = desired(&records, &policy, &limits);
    let mut state = State::cold(&at(0));
    for s in [0, 120] {
        state = step(state, &up("11.22.33.44"), &at(s), &desired).0;
    }
    assert_eq!(state.readiness(), Readiness::Ready);
    let (state, decision) = step(state, &doubtful(Reason::Portal), &at(240), &desired);
    assert_eq!(decision.verdict, Verdict::Unverified);
    assert_eq!(state.readiness(), Readiness::NotReady);
    assert_eq!(state.doubt, Some(Reason::Portal));
    assert_eq!(state.recovery.streak, None, "it is no silence");
    let Next::Done(Settled::Held { reason, .. }) = &decision.records[0].next else {
        panic!("{decision:?}");
    };
    assert_eq!(
        reason,
        "no server beyond the router could be verified: certificates are for another name: a login page or a proxy is in the way"
    );
    let (state, decision) = step(state, &down(), &at(270), &desired);
    assert_eq!((decision.verdict, state.doubt), (Verdict::WanDown, None));
    let (state, _) = step(state, &doubtful(Reason::Portal), &at(300), &desired);
    assert_eq!(state.recovery.streak, None, "what answers ends the silence");
}

#[test]
fn a_line_that_nobody_verified_is_never_cut_unless_that_is_wanted() {
    let records = [record("vpn.example.com", RecordType::A)];
    let policy = policy();
    for (when_unverified, reason, cuts) in [
        (false, Reason::RouterPage, false),
        (true, Reason::RouterPage, true),
        (true, Reason::Clock, false),
        (true, Reason::NobodyAsked, false),
    ] {
        let limits = Limits {
            when_unverified,
            ..limits()
        };
        let desired = desired(&records, &policy, &limits);
        let mut state = State::cold(&at(0));
        let mut cut = false;
        for cycle in 0..20 {
            let mut seen = doubtful(reason);
            seen.wan.elapsed = Duration::from_secs(2);
            let (after, decision) = step(state, &seen, &at(cycle * 30), &desired);
            state = after;
            cut |= decision.recovery == recovery::Decision::Cut;
        }
        assert_eq!(cut, cuts, "{when_unverified} {reason:?}");
    }
}

#[test]
fn a_host_without_a_network_is_not_told_as_a_line_in_doubt() {
    let records = specs();
    let (policy, limits) = (policy(), limits());
    let desired = desired(&records, &policy, &limits);
    let mut seen = doubtful(Reason::NobodyAsked);
    seen.host.result = Err("no default route".to_owned());
    let (state, decision) = step(State::cold(&at(0)), &seen, &at(0), &desired);
    assert_eq!((decision.verdict, state.doubt), (Verdict::HostDown, None));
}

#[test]
fn a_line_is_dead_where_nobody_answers_and_no_family_is_forgotten() {
    let records = [
        record("vpn.example.com", RecordType::Aaaa),
        record("vpn.example.com", RecordType::A),
    ];
    let (policy, limits) = (policy(), limits());
    let desired = desired(&records, &policy, &limits);
    assert_eq!(desired.families(), [Family::V6, Family::V4]);
    assert!(is_dead(&down(), &at(0), &desired));
    assert!(!is_dead(&up(A), &at(0), &desired));
    assert!(!is_dead(&doubtful(Reason::Portal), &at(0), &desired));
}

#[test]
fn an_address_is_told_with_those_who_said_it_and_nobody_else() {
    let records = specs();
    let (policy, limits) = (policy(), limits());
    let desired = desired(&records, &policy, &limits);
    let mut observed = up(A);
    let liar = crate::logic::observation::Answer {
        provider: "https://liar".to_owned(),
        authority: "liar:443".to_owned(),
        address: Ok(ip(B)),
    };
    observed.public_ip[0].answers.push(liar);
    observed.public_ip.push(public_ip(ip("2606::1")));
    let mut state = State::cold(&at(0));
    for s in [0, 30] {
        state = step(state, &observed, &at(s), &desired).0;
    }
    let told = state.outbox.iter().find_map(|event| match &event.what {
        EventKind::Address { to, providers, .. } if *to == ip(A) => Some(providers.clone()),
        _ => None,
    });
    assert_eq!(told, Some(vec!["https://a".to_owned()]));
}

#[test]
fn a_plug_that_was_seen_on_may_be_off_after_a_boot() {
    let (specs, policy, limits) = (specs(), policy(), limits());
    let desired = desired(&specs, &policy, &limits);
    let mut line = Driven::new(specs.clone());
    line.cycle(&down());
    line.state.recovery.lights(&at(30));
    let resumed = |now: &Moment| resume(line.state.clone(), &desired, now).recovery;
    assert_eq!(resumed(&at(60)), line.state.recovery);
    let reborn = Moment {
        boot: "another".into(),
        ..at(60)
    };
    assert_eq!(resumed(&reborn).plug_seen, None);
}

#[test]
fn what_a_cycle_will_ask_is_foreseen_by_the_address_that_it_saw_before() {
    let mut line = Driven::new(specs());
    let foreseen = |line: &Driven, trust: bool| {
        let now = at(line.seconds + 30);
        let desired = Desired {
            trust,
            ..desired(&line.specs, &line.policy, &line.limits)
        };
        foresee(&resume(line.state.clone(), &desired, &now), &now, &desired)
    };
    // Nothing was seen yet, and who says `--trust` will write.
    assert_eq!(foreseen(&line, false), [None]);
    assert_eq!(foreseen(&line, true), [Some(Next::AskApi)]);
    line.cycle(&up(A));
    let lacks_one = foreseen(&line, false);
    assert_eq!(
        lacks_one,
        [Some(line.cycle(&up(A)).records[0].next.clone())]
    );
    let right = foreseen(&line, false);
    assert_eq!(right, [Some(line.cycle(&up(A)).records[0].next.clone())]);
    assert!(matches!(right[0], Some(Next::Done(_))), "{right:?}");
    assert_eq!(foreseen(&line, true), [Some(Next::AskApi)]);
    // An address that changed: it lacks its confirmation, and then it is read.
    line.cycle(&up(B));
    assert_eq!(foreseen(&line, false), [Some(Next::AskApi)]);
    line.seconds += 4000;
    assert_eq!(line.cycle(&up(B)).records[0].next, Next::AskApi);
}

#[test]
fn where_a_vpn_goes_out_is_held_and_what_is_right_already_is_left_alone() {
    let mut line = Driven::new(specs());
    for _ in 0..3 {
        line.cycle(&up(A));
    }
    let through = |address| Observation {
        exits: ByFamily {
            ipv4: Some("wg1".to_owned()),
            ipv6: None,
        },
        ..up(address)
    };
    // The address that the record has: nothing is to be written.
    assert!(matches!(
        line.cycle(&through(A)).records[0].next,
        Next::Done(Settled::Right { .. })
    ));
    line.cycle(&through(B));
    for _ in 0..3 {
        let decision = line.cycle(&through(B));
        let Next::Done(Settled::Held {
            reason, is_trouble, ..
        }) = &decision.records[0].next
        else {
            panic!("{decision:?}");
        };
        assert!(is_trouble);
        let told = "vpn.example.com A: 11.0.0.2 is where wg1, a VPN, goes out, and is not published; fix: set network.interface";
        assert!(reason.starts_with(told), "{reason}");
    }
    // Without it the same address is asked about.
    let decision = line.cycle(&up(B));
    assert!(!matches!(decision.records[0].next, Next::Done(_)));
    assert!(is_news(&State::cold(&at(0)), &up(B)));
    assert!(!is_news(&line.state, &up(B)) && is_news(&line.state, &up(A)));
}
