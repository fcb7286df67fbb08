//! The outputs in `fixtures` are those of a booted systemd 252 (Debian 12) and 257 (Debian 13).

mod asking;
mod of_cycles;
mod of_timers;
mod of_units;

use jiff::Timestamp;

use super::*;
use crate::app::check::{Finding, Level};
use crate::logic::moment::Moment;
use crate::logic::policy::Policy;

const HEALTHY: [&str; 2] = [
    include_str!("../fixtures/252/healthy.txt"),
    include_str!("../fixtures/257/healthy.txt"),
];
const FAULTS: [&str; 2] = [
    include_str!("../fixtures/252/faults.txt"),
    include_str!("../fixtures/257/faults.txt"),
];
const ABSENT: [&str; 2] = [
    include_str!("../fixtures/252/absent.txt"),
    include_str!("../fixtures/257/absent.txt"),
];
const VERIFY: [&str; 2] = [
    include_str!("../fixtures/252/verify.txt"),
    include_str!("../fixtures/257/verify.txt"),
];
const VERIFY_ABSENT: [&str; 2] = [
    include_str!("../fixtures/252/verify-absent.txt"),
    include_str!("../fixtures/257/verify-absent.txt"),
];
const JOURNAL: [&str; 2] = [
    include_str!("../fixtures/252/journal.txt"),
    include_str!("../fixtures/257/journal.txt"),
];

const HOUR: Duration = Duration::from_secs(3600);
const LOOK: &str = "see: sudo journalctl -u cadence.service -n 30";

fn said(units: &str, verified: &str, journal: &str) -> Systemd {
    Systemd {
        units: Ok(units.to_owned()),
        verified: Ok(verified.to_owned()),
        clock: Ok(String::new()),
        journal: Ok(journal.to_owned()),
    }
}

fn silent() -> Systemd {
    let why = || Err("it is not installed".to_owned());
    Systemd {
        units: why(),
        verified: why(),
        clock: why(),
        journal: why(),
    }
}

fn policy(healthy_s: u64, unsettled_s: u64, jitter_ms: u64) -> Policy {
    Policy {
        confirmations: 2,
        cache_max_age: HOUR,
        healthy_interval: Duration::from_secs(healthy_s),
        unsettled_interval: Duration::from_secs(unsettled_s),
        jitter: Duration::from_millis(jitter_ms),
        max_updates_per_hour: 6,
    }
}

/// Five minutes after the latest entry of a journal.
fn soon_after(journal: &str) -> Moment {
    let latest = Block::all(journal).next().unwrap();
    let micros = latest.get("__REALTIME_TIMESTAMP").parse().unwrap();
    Moment {
        wall: Timestamp::from_microsecond(micros).unwrap() + Duration::from_secs(300),
        ..Moment::simulated("boot", 0, HOUR)
    }
}

fn ok(check: &'static str, message: &str) -> Finding {
    Finding::ok(check, message)
}

fn warn(check: &'static str, message: &str, fix: &str) -> Finding {
    Finding::warn(check, message).fix(fix)
}

fn fail(check: &'static str, message: &str, fix: &str) -> Finding {
    Finding::fail(check, message).fix(fix)
}
