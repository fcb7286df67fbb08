//! What must hold whatever happens, told by what truly happened and not by what the program remembers of it.

use cadence::logic::readiness::Readiness;
use cadence::logic::recovery::LONGEST_GAP;
use cadence::logic::verdict::Verdict;

use super::model::{A, Home, Input, Others, Seen, is_up, limits, policy};

/// More cycles than this are a livelock, or a wrong record that is believed until its cache is old.
const FOREVER: usize = 40;

/// Every promise of one cycle.
pub fn hold(before: &Home, input: Input, after: &Home) {
    let told = || format!("{input:?}\nfrom {before:#?}\nto {after:#?}");
    let down = !is_up(input.seen);

    if let Some((address, held)) = after.deeds.wrote {
        assert_eq!(
            after.truth.confirmed,
            Some(address),
            "written without two confirmations: {}",
            told()
        );
        assert_eq!(
            input.seen,
            Seen::Address(address),
            "written without having been seen: {}",
            told()
        );
        assert_ne!(held, Some(address), "written without drift: {}", told());
    }
    // A cycle that was killed leaves what was on disk before it or in it.
    let killed = matches!(
        input.others,
        Others::KilledBeforeWrite | Others::KilledAfterWrite
    );
    if down {
        assert_eq!(
            after.readiness(),
            Readiness::NotReady,
            "demotion waits: {}",
            told()
        );
    }
    if !killed {
        let ready = after.readiness() == Readiness::Ready;
        assert_eq!(
            ready,
            after.truth.confirmed.is_some(),
            "READY is not what was confirmed: {}",
            told()
        );
    }
    if after.deeds.cut {
        may_cut(before, after, &told);
    }
    let dark = after
        .disk
        .as_ref()
        .is_some_and(|state| state.recovery.cut.is_some());
    assert!(
        after.plug_on || dark,
        "the modem is dark, and nothing on disk says so: {}",
        told()
    );
    if let (Some(old), Some(new)) = (&before.disk, &after.disk) {
        assert!(
            new.cycle >= old.cycle && new.seq >= old.seq,
            "counters went back: {}",
            told()
        );
        assert!(
            new.uptime.total >= old.uptime.total && new.uptime.ready <= new.uptime.total,
            "{}",
            told()
        );
    }
}

/// Every guardrail, counted anew.
fn may_cut(before: &Home, after: &Home, told: &impl Fn() -> String) {
    let limits = limits();
    assert_eq!(after.verdict, Some(Verdict::WanDown), "{}", told());
    let dark = &after.truth.dark;
    let fast = dark.iter().filter(|(_, fast)| *fast).count() * 2 > dark.len();
    let patience = limits.patience(fast);
    let lasted = after.seconds - dark[0].0;
    assert!(lasted >= patience.as_secs(), "after {lasted} s: {}", told());
    let needed = patience
        .as_secs()
        .div_ceil(policy().unsettled_interval.as_secs());
    let close = dark
        .windows(2)
        .rev()
        .take_while(|pair| pair[1].0 - pair[0].0 <= LONGEST_GAP.as_secs())
        .count();
    assert!(
        u64::try_from(close).unwrap() + 1 >= needed,
        "{close} cycles in a row: {}",
        told()
    );
    let powered = before.truth.powered.filter(|_| after.boot == before.boot);
    let started = [Some(after.truth.booted), after.truth.router_back, powered];
    for at in started.into_iter().flatten() {
        let up = after.seconds - at;
        assert!(
            up >= limits.boot_grace.as_secs(),
            "{up} s after a start: {}",
            told()
        );
    }
    let truth = &before.truth;
    // Of a reboot since then nothing is known but that this cycle is its first, or a later one.
    let rested = |wanted| {
        truth
            .last_cut
            .is_none_or(|at| after.boot == before.boot && after.seconds - at >= wanted)
    };
    assert!(
        truth.cuts_in_outage < limits.max_attempts_per_outage
            || rested(limits.late_retry.as_secs()),
        "over the cap of the outage: {}",
        told()
    );
    assert!(
        truth.cuts < limits.max_attempts_per_day,
        "over the cap of the day: {}",
        told()
    );
    let doublings = truth
        .cuts_in_outage
        .min(limits.max_attempts_per_outage)
        .saturating_sub(1);
    assert!(
        rested(limits.cooldown.as_secs() << doublings),
        "within the cooldown: {}",
        told()
    );
}

/// In how many honest cycles the home is READY, its record right, and its modem on.
pub fn cycles_to_right(home: &Home) -> usize {
    let is_right = |home: &Home| {
        home.readiness() == Readiness::Ready && home.content == Some(A) && home.plug_on
    };
    let mut now = home.clone();
    for cycles in 0..FOREVER {
        if is_right(&now) {
            return cycles;
        }
        now = now.after(Input::HONEST);
    }
    panic!("an honest world does not lead to the right record from {home:#?}");
}
