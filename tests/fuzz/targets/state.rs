//! The document that the last cycle left: loaded, shown, and taken up by the next cycle, on any clock.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use cadence::logic::line::Line;
use cadence::logic::moment::{Elapsed, Moment};
use cadence::logic::observation::{Answer, Counted, Observation, PublicIp, RouterMethod, Signal};
use cadence::logic::readiness::Readiness;
use cadence::logic::recovery;
use cadence::logic::schedule;
use cadence::logic::state::{State, VERSION};
use cadence::logic::step::{Desired, resume, step};
use cadence::logic::units::{ByFamily, Family};
use cadence::logic::verdict::Verdict;
use cadence::render::status::{Configured, Document, json, logfmt, monitor, pretty};
use cadence::render::{Form, Style};
use cadence::store::migrate::Unusable;
use cadence::store::state::parse;
use jiff::tz::TimeZone;

use super::cycles::{leads_home, model};
use super::{checks, clock};

/// The document, and behind it the clocks of the cycle that finds it.
pub fn document(input: &[u8]) {
    let Some((document, clocks)) = input.split_last_chunk::<{ clock::BYTES }>() else {
        return;
    };
    match parse::<State>(document, VERSION.into()) {
        Err(Unusable::Newer(why) | Unusable::Corrupt(why)) => checks::line(&why, 300),
        Ok(state) => {
            let now = clock::moment(*clocks, &state.since);
            same_again(&state);
            show(&state, &now);
            next_cycle(&state, &now);
            let mut home = model::Home::new();
            home.disk = Some(state);
            leads_home(home);
        }
    }
}

fn same_again(state: &State) {
    let saved = serde_json::to_vec(state).unwrap();
    let loaded = parse::<State>(&saved, VERSION.into());
    assert_eq!(
        loaded.as_ref(),
        Ok(state),
        "what is saved is what is loaded"
    );
}

/// What people are shown has nothing in it that would steer their terminal.
fn show(state: &State, now: &Moment) {
    let (records, policy, limits) = ([model::record()], model::policy(), model::limits());
    let configured = Configured {
        records: &records,
        policy: &policy,
        recovery: &limits,
        forwards: &[],
    };
    for configured in [None, Some(configured)] {
        let document = Document::new(Some(state), configured, now);
        let style = Style {
            form: Form::Pretty,
            width: 80,
            color: false,
            unicode: true,
            emoji: true,
            priority: false,
            quiet: false,
            verbose: true,
        };
        checks::lines(&pretty(&document, &style, &TimeZone::UTC));
        checks::lines(&logfmt(&document));
        let line = monitor(&document, Path::new("/var/lib/cadence")).line;
        assert_eq!(line.matches('\n').count(), 1);
        checks::lines(&line);
        serde_json::from_str::<serde_json::Value>(&json(&document)).unwrap();
    }
}

/// Whatever the document says, the next cycle decides as it must.
fn next_cycle(state: &State, now: &Moment) {
    let (records, policy) = ([model::record()], model::policy());
    let limits = model::limits();
    let desired = Desired {
        records: &records,
        policy: &policy,
        recovery: &limits,
        doh: true,
        trust: false,
        no_cache: false,
        vpn_guard: false,
    };
    let resumed = resume(state.clone(), &desired, now);
    let again = State {
        cycle: resumed.cycle,
        ..resume(resumed.clone(), &desired, now)
    };
    assert_eq!(again, resumed, "once is enough");
    // A host that tells no boot id and whose clock was never set cannot tell the age of anything.
    if now.elapsed(now) != Elapsed::Unknown {
        let mut attempts = resumed.recovery.attempts.iter();
        assert!(attempts.all(|at| at.elapsed(now) != Elapsed::Unknown));
    }
    let age = state.last.as_ref().map(|last| last.at.elapsed(now));
    if age.and_then(Elapsed::known) > Some(Duration::from_secs(4 * 60 * 60)) {
        assert!(schedule::is_due(state, &policy, now) && schedule::is_stale(state, now));
    }
    let trusted = resumed.machines.ipv4.track.trusted();
    let ready = resumed.readiness() == Readiness::Ready;
    assert!(!ready || trusted.is_some(), "READY without an address");

    for address in [None, Some(model::A), trusted] {
        let (after, decision) = step(resumed.clone(), &up(address), now, &desired);
        assert!(after.cycle >= state.cycle && after.seq >= state.seq);
        assert!(after.uptime.total >= state.uptime.total);
        let [planned] = decision.records.as_slice() else {
            panic!("{decision:?}")
        };
        if let Some(wanted) = planned.wanted {
            assert_eq!(Some(wanted), address, "an address that was not seen");
            assert_eq!(after.readiness(), Readiness::Ready);
        }
        assert_ne!(decision.recovery, recovery::Decision::Cut);
        same_again(&after);
        show(&after, now);
    }
    let (after, decision) = step(resumed, &down(), now, &desired);
    assert_eq!(after.readiness(), Readiness::NotReady);
    assert_eq!(decision.verdict, Verdict::WanDown);
    assert!(
        decision
            .records
            .iter()
            .all(|planned| planned.wanted.is_none())
    );
    if decision.recovery == recovery::Decision::Cut {
        let streak = after.recovery.streak.as_ref().unwrap();
        let lasted = streak.since.elapsed(now).known().unwrap();
        assert!(lasted >= limits.patience(false), "{streak:?}");
        assert!(after.recovery.cut.is_none());
    }
    same_again(&after);
}

fn signal<T>(result: Result<T, String>) -> Signal<T> {
    Signal {
        target: None,
        elapsed: Duration::from_millis(20),
        result,
    }
}

fn down() -> Observation {
    Observation {
        host: signal(Ok(())),
        router: signal(Ok(RouterMethod::Icmp)),
        wan: signal(Err("timed out".to_owned())),
        line: Line::Down,
        lines: ByFamily::same(Line::Down),
        public_ip: vec![],
        gateway: None,
        served: None,
        lan: None,
        ups: None,
        own: vec![],
        exits: ByFamily::default(),
    }
}

fn up(address: Option<IpAddr>) -> Observation {
    let counted = address.map(|address| Counted {
        address,
        corroborated: true,
        hinted: false,
    });
    let answers = address.map(|address| Answer {
        provider: "https://a.example".into(),
        authority: "a.example:443".into(),
        address: Ok(address),
    });
    let result = counted.ok_or_else(|| "no two agree".to_owned());
    let seen = PublicIp::new(
        Family::V4,
        Duration::from_millis(74),
        result,
        answers.into_iter().collect(),
        4,
    );
    Observation {
        wan: signal(Ok(())),
        line: Line::Up,
        lines: ByFamily::same(Line::Up),
        public_ip: vec![seen],
        ..down()
    }
}
