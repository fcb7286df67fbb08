use super::*;
use crate::logic::fixtures::{at, ip};
use crate::logic::units::Family;
use crate::logic::verdict::Verdict;

fn event(seq: u64, s: u64, what: EventKind) -> Event {
    Event {
        at: at(s).wall,
        seq,
        cycle: seq,
        what,
    }
}

fn outage(phase: OutagePhase) -> EventKind {
    EventKind::Outage {
        phase,
        verdict: Verdict::WanDown,
        doubt: None,
        seconds: None,
        on_battery: false,
    }
}

fn address() -> EventKind {
    EventKind::Address {
        family: Family::V4,
        from: None,
        to: ip("93.184.216.34"),
        prefix: None,
        providers: vec![],
    }
}

fn trouble(message: &str) -> EventKind {
    EventKind::Error {
        message: message.to_owned(),
    }
}

fn wants() -> Wants {
    Wants {
        on: Topic::ALL.to_vec(),
        quiet: None,
        every: Duration::from_secs(600),
    }
}

fn next(known: &Delivery, events: &[Event], home: Home, s: u64) -> Next {
    known.next(events, &wants(), home, at(s).wall)
}

const DOWN: Home = Home {
    is_down: true,
    is_unsettled: true,
    is_urgent: false,
    minute: 0,
};
const UNSETTLED: Home = Home {
    is_down: false,
    ..DOWN
};
const WELL: Home = Home {
    is_unsettled: false,
    ..UNSETTLED
};

#[test]
fn one_outage_is_one_message_that_goes_out_once_the_line_is_back_and_dns_is_right() {
    let mut known = Delivery::default();
    let mut events = vec![event(1, 0, outage(OutagePhase::Began))];
    assert!(matches!(next(&known, &events, DOWN, 30), Next::Wait));
    assert!(matches!(next(&known, &events, DOWN, 9000), Next::Wait));
    events.push(event(2, 9000, outage(OutagePhase::Ended)));
    events.push(event(3, 9000, address()));
    assert!(matches!(next(&known, &events, UNSETTLED, 9060), Next::Wait));
    // It is not waited for longer than this, counted from the end of the outage.
    assert_eq!(next(&known, &events, UNSETTLED, 9301), Next::Send(3));
    assert_eq!(next(&known, &events, WELL, 9060), Next::Send(3));
    known.was_sent(3, at(9060).wall);
    assert_eq!(next(&known, &events, WELL, 9070), Next::Nothing);
}

#[test]
fn what_is_urgent_waits_for_nothing_but_the_receiver() {
    let mut known = Delivery::default();
    let events = [event(1, 0, trouble("Cloudflare rejects the API token"))];
    let urgent = Home {
        is_urgent: true,
        ..DOWN
    };
    let quiet = Wants {
        quiet: Some((0, 24 * 60)),
        ..wants()
    };
    known.at = Some(at(0).wall);
    assert_eq!(
        known.next(&events, &quiet, urgent, at(1).wall),
        Next::Send(1)
    );
    known.fails("no".to_owned(), None, true, at(1).wall);
    assert!(matches!(
        known.next(&events, &quiet, urgent, at(2).wall),
        Next::Wait
    ));
}

#[test]
fn a_low_battery_is_told_at_once_and_that_the_mains_are_out_when_it_suits() {
    let ups = |phase| EventKind::Ups {
        phase,
        charge: Some(9),
        seconds: None,
    };
    let known = Delivery::default();
    let wants = Wants {
        quiet: Some((0, 60)),
        ..wants()
    };
    let mut events = vec![event(1, 0, ups(UpsPhase::OnBattery))];
    let low = Home {
        is_urgent: true,
        ..DOWN
    };
    for home in [DOWN, low, WELL] {
        assert_eq!(known.next(&events, &wants, home, at(0).wall), Next::Wait);
    }
    events.push(event(2, 30, ups(UpsPhase::BatteryLow)));
    assert_eq!(known.next(&events, &wants, low, at(30).wall), Next::Send(2));
    // It is charged by now, or nobody knows.
    assert_eq!(known.next(&events, &wants, DOWN, at(30).wall), Next::Wait);
}

#[test]
fn quiet_hours_span_midnight_and_end() {
    let known = Delivery::default();
    let events = [event(1, 0, address())];
    for (hours, minute, is_quiet) in [
        ((22 * 60, 7 * 60), 23 * 60, true),
        ((22 * 60, 7 * 60), 0, true),
        ((22 * 60, 7 * 60), 7 * 60, false),
        ((22 * 60, 7 * 60), 12 * 60, false),
        ((13 * 60, 15 * 60), 14 * 60, true),
        ((13 * 60, 15 * 60), 15 * 60, false),
    ] {
        let wants = Wants {
            quiet: Some(hours),
            ..wants()
        };
        let home = Home { minute, ..WELL };
        let next = known.next(&events, &wants, home, at(600).wall);
        assert_eq!(next != Next::Send(1), is_quiet, "{hours:?} {minute}");
    }
}

#[test]
fn messages_keep_their_distance_and_what_happens_meanwhile_is_in_the_next_one() {
    let mut known = Delivery::default();
    let mut events = vec![event(1, 0, address())];
    assert_eq!(next(&known, &events, WELL, 10), Next::Send(1));
    known.was_sent(1, at(10).wall);
    for seq in 2..=5 {
        events.push(event(seq, 60 * seq, trouble(&seq.to_string())));
        assert!(matches!(next(&known, &events, WELL, 60 * seq), Next::Wait));
    }
    assert_eq!(next(&known, &events, WELL, 610), Next::Send(5));
    assert_eq!(known.waiting(&events, &wants()).count(), 4);
}

#[test]
fn who_is_interested_in_less_is_told_less() {
    let known = Delivery::default();
    let events = [
        event(1, 0, address()),
        event(2, 0, trouble("x")),
        event(3, 0, outage(OutagePhase::Ended)),
    ];
    let wants = Wants {
        on: vec![Topic::Trouble],
        ..wants()
    };
    assert_eq!(
        known.next(&events, &wants, WELL, at(9).wall),
        Next::Send(2),
        "the outage is not waited for"
    );
    let told: Vec<u64> = known
        .waiting(&events, &wants)
        .map(|event| event.seq)
        .collect();
    assert_eq!(told, [2]);
}

#[test]
fn what_was_on_its_way_at_a_crash_goes_out_again_as_it_was() {
    let mut known = Delivery::default();
    let mut events = vec![event(1, 0, address()), event(2, 0, trouble("x"))];
    known.sending = Some(2);
    events.push(event(3, 5, trouble("later")));
    assert_eq!(next(&known, &events, DOWN, 10), Next::Send(2));
    assert_eq!(known.waiting(&events, &wants()).count(), 2);
    known.was_sent(2, at(10).wall);
    assert_eq!(known.waiting(&events, &wants()).count(), 1);
}

#[test]
fn a_receiver_that_fails_is_left_alone_for_longer_each_time_up_to_an_hour() {
    let mut known = Delivery::default();
    let mut waits = vec![];
    for _ in 0..9 {
        known.fails("no".to_owned(), None, false, at(0).wall);
        waits.push(known.wait_s);
    }
    assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    let asked = |seconds| Some(Duration::from_secs(seconds));
    let mut asks = Delivery::default();
    asks.fails("no".to_owned(), asked(900), false, at(0).wall);
    assert_eq!(asks.wait_s, 900);
    asks.fails("no".to_owned(), asked(86_400), false, at(0).wall);
    assert_eq!(asks.wait_s, 3600, "no receiver may ask for a day");
    // What it fails at while the line is down ends with the outage.
    let mut down = Delivery::default();
    for _ in 0..9 {
        down.fails("no".to_owned(), None, true, at(0).wall);
    }
    assert_eq!(down.wait_s, 3600);
    let events = [event(1, 0, trouble("x"))];
    assert_eq!(next(&down, &events, WELL, 600), Next::Send(1));
    assert!(!down.is_due(Pulse::Down, Duration::ZERO, true, at(600).wall));
    assert!(down.is_due(Pulse::Down, Duration::ZERO, false, at(600).wall));
    down.fails("no".to_owned(), None, false, at(600).wall);
    assert_eq!(down.wait_s, 60);
    down.was_sent(1, at(601).wall);
    assert_eq!((down.wait_s, down.failed, down.why.as_str()), (0, None, ""));
}

#[test]
fn a_clock_that_went_back_makes_nobody_wait() {
    let mut known = Delivery::default();
    known.fails("no".to_owned(), None, false, at(9_000).wall);
    known.at = Some(at(9_000).wall);
    let events = [event(1, 9_000, address())];
    assert_eq!(next(&known, &events, UNSETTLED, 10), Next::Send(1));
    assert!(known.is_due(Pulse::Up, Duration::from_secs(300), false, at(10).wall));
}

#[test]
fn a_heartbeat_comes_every_so_often_and_at_once_where_what_it_says_has_changed() {
    let every = Duration::from_secs(300);
    let mut known = Delivery::default();
    let due = |known: &Delivery, pulse, s| known.is_due(pulse, every, false, at(s).wall);
    assert!(due(&known, Pulse::Up, 0));
    known.has_beaten(Pulse::Up, "", at(0).wall);
    assert!(!due(&known, Pulse::Up, 120));
    assert!(due(&known, Pulse::Up, 290), "a little early, by the jitter");
    assert!(due(&known, Pulse::Down, 120));
    assert!(due(&known, Pulse::Start, 120));
    known.has_beaten(Pulse::Start, "an id", at(120).wall);
    assert_eq!(known.run, "an id");
    assert!(!due(&known, Pulse::Start, 9_000), "a start is told once");
    known.has_beaten(Pulse::Up, "an id", at(180).wall);
    assert_eq!(known.run, "", "it came to its end");
    known.fails("no".to_owned(), None, false, at(200).wall);
    assert!(!due(&known, Pulse::Down, 230));
    assert!(due(&known, Pulse::Down, 260));
}

#[test]
fn only_what_tells_of_it_is_urgent_and_an_outage_beside_a_rejected_token_is_not() {
    let known = Delivery::default();
    let urgent = Home {
        is_urgent: true,
        ..DOWN
    };
    let outage = event(1, 0, outage(OutagePhase::Began));
    assert!(matches!(
        next(&known, std::slice::from_ref(&outage), urgent, 1),
        Next::Wait
    ));
    let both = [
        outage,
        event(2, 0, trouble("Cloudflare rejects the API token")),
    ];
    assert_eq!(next(&known, &both, urgent, 1), Next::Send(2));
    let well = Home {
        is_urgent: false,
        ..urgent
    };
    assert!(
        matches!(next(&known, &both, well, 1), Next::Wait),
        "it is accepted by now"
    );
}

#[test]
fn what_left_the_history_untold_is_noticed_and_hides_nothing_that_is_there() {
    let mut known = Delivery {
        told: 5,
        sending: Some(9),
        ..Delivery::default()
    };
    let events = [event(20, 0, address()), event(21, 0, trouble("x"))];
    assert!(known.take_up(&events, 21));
    assert_eq!(known.sending, None);
    assert_eq!(next(&known, &events, WELL, 600), Next::Send(21));
    let mut known = Delivery {
        told: 20,
        sending: Some(21),
        ..Delivery::default()
    };
    assert_eq!(
        (known.take_up(&events, 21), known.sending),
        (false, Some(21))
    );
    // A history that began anew.
    let mut known = Delivery {
        told: 500,
        ..Delivery::default()
    };
    assert_eq!((known.take_up(&events[..1], 20), known.told), (false, 0));
    assert_eq!(known.count(&events, &wants()), 2);
}

#[test]
fn rows_go_out_every_so_often_at_once_where_some_are_left_and_never_while_the_line_is_down() {
    let every = Duration::from_secs(900);
    let place = |more| Place {
        day: "2026-11-28".parse().unwrap(),
        offset: 1,
        more,
        to: 1,
    };
    let mut known = Delivery::default();
    let takes = |known: &Delivery, is_down, s| known.takes_rows(every, is_down, at(s).wall);
    assert!(takes(&known, false, 0) && !takes(&known, true, 0));
    known.has_rows(&place(false), at(0).wall);
    assert!(
        !takes(&known, false, 870) && takes(&known, false, 881),
        "cycles have jitter"
    );
    known.has_rows(&place(true), at(900).wall);
    assert!(takes(&known, false, 901) && !takes(&known, true, 901));
    known.fails(
        "no".to_owned(),
        Some(Duration::from_secs(300)),
        false,
        at(901).wall,
    );
    assert!(!takes(&known, false, 1200) && takes(&known, false, 1202));
    assert_eq!(known.rows, Some(place(true)), "what failed is sent again");
}
