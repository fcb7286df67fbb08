//! Whether the units are installed, enabled and without fault.

use super::{FAST_PATH, SERVICE, Systemd, TIMER, UNITS};
use crate::app::check::finding::Finding;
use crate::app::check::tools::Block;
use crate::program::first_line;

const CHECK: &str = "units";
const START: &str = "sudo systemctl enable --now cadence.timer";
const VERIFY: &str = "systemd-analyze verify";

/// One finding where all is well, else one for each fault.
pub fn look(systemd: &Systemd) -> Vec<Finding> {
    if let Err(why) = &systemd.units {
        return vec![unknown(why)];
    }
    let state = |id| systemd.unit(id).map(|unit| unit.get("LoadState"));
    if let Some(id) = UNITS.iter().find(|id| state(id).is_none_or(str::is_empty)) {
        return vec![unknown(&format!("systemctl says nothing about {id}"))];
    }
    if UNITS.iter().all(|id| state(id) == Some("not-found")) {
        let missing = format!("{TIMER} is not installed: nothing runs cycles on a schedule");
        let fix = "install the Debian package, or copy the units into /etc/systemd/system";
        return vec![Finding::warn(CHECK, missing).fix(fix)];
    }
    let mut findings: Vec<Finding> = UNITS
        .iter()
        .filter_map(|id| load(id, systemd.unit(id)?))
        .collect();
    if findings.is_empty() {
        findings.extend(reload(systemd));
        findings.extend(fast_path(systemd));
    }
    findings.extend(systemd.loaded(TIMER).and_then(timer));
    findings.extend(verified(systemd));
    if findings.is_empty() {
        let well = format!("{TIMER} is enabled and started, and {VERIFY} finds no errors");
        findings.push(Finding::ok(CHECK, well));
    }
    findings
}

fn unknown(why: &str) -> Finding {
    Finding::warn(CHECK, format!("unknown: {why}")).fix(format!("see: systemctl status {TIMER}"))
}

fn load(id: &str, unit: Block) -> Option<Finding> {
    match unit.get("LoadState") {
        "loaded" => None,
        "masked" => Some(
            Finding::warn(CHECK, format!("{id} is masked: it cannot be started"))
                .fix(format!("sudo systemctl unmask {id}")),
        ),
        "not-found" => Some(
            Finding::fail(CHECK, format!("{id} is not installed, but other units are"))
                .fix("install the package again, or copy the unit"),
        ),
        state => Some(
            Finding::fail(CHECK, format!("systemd cannot load {id} ({state})"))
                .fix(format!("fix the file that this names: {VERIFY} {id}")),
        ),
    }
}

fn reload(systemd: &Systemd) -> Option<Finding> {
    let changed = |id: &&str| {
        let unit = systemd.unit(id);
        unit.is_some_and(|unit| unit.get("NeedDaemonReload") == "yes")
    };
    let changed: Vec<&str> = UNITS.into_iter().filter(changed).collect();
    (!changed.is_empty()).then(|| {
        let names = changed.join(", ");
        Finding::warn(
            CHECK,
            format!("systemd has not loaded the changes to {names}"),
        )
        .fix("sudo systemctl daemon-reload")
    })
}

fn timer(unit: Block) -> Option<Finding> {
    let enabled = unit.get("UnitFileState").starts_with("enabled");
    match (unit.get("ActiveState"), enabled) {
        ("active", _) if unit.get("SubState") == "elapsed" => Some(
            Finding::fail(
                CHECK,
                format!("{TIMER} has elapsed: it starts no more cycles"),
            )
            .fix(format!(
                "give it OnBootSec= beside OnUnitInactiveSec=, then: sudo systemctl restart {TIMER}"
            )),
        ),
        ("active", true) => None,
        ("active", false) => Some(
            Finding::warn(
                CHECK,
                format!("{TIMER} is not enabled: it will not start after a reboot"),
            )
            .fix(START),
        ),
        ("failed", _) => Some(
            Finding::fail(CHECK, format!("{TIMER} has failed: it starts no cycles")).fix(format!(
                "see systemctl status {TIMER}, then: sudo systemctl restart {TIMER}"
            )),
        ),
        (_, true) => Some(
            Finding::warn(
                CHECK,
                format!("{TIMER} is enabled, but not started: it starts no cycles"),
            )
            .fix(START),
        ),
        (_, false) => Some(
            Finding::warn(
                CHECK,
                format!("{TIMER} is neither enabled nor started: it starts no cycles"),
            )
            .fix(START),
        ),
    }
}

/// It comes and goes with the timer, where that is not edited away.
fn fast_path(systemd: &Systemd) -> Option<Finding> {
    let active = |id| Some(systemd.loaded(id)?.get("ActiveState") == "active");
    (active(TIMER)? && !active(FAST_PATH)?).then(|| {
        Finding::warn(
            CHECK,
            format!("{FAST_PATH} is not started: no fast interval in an outage"),
        )
        .fix(format!("sudo systemctl restart {TIMER}"))
    })
}

fn verified(systemd: &Systemd) -> Option<Finding> {
    // That a unit is not there at all is said already, and of other people's units it may say anything.
    let ours = |line: &&str| {
        line.contains("cadence") && !line.ends_with(" not found.") && !line.ends_with(" is masked.")
    };
    let text = match &systemd.verified {
        Ok(text) => text,
        Err(why) => {
            return Some(Finding::warn(CHECK, format!("not verified: {why}")));
        }
    };
    let mut faults = text.lines().filter(ours);
    let first = faults.next().and_then(first_line)?;
    let more = match faults.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(
        Finding::warn(CHECK, format!("{VERIFY} says: {first}{more}")).fix(format!(
            "fix it; to see all of it: {VERIFY} {TIMER} {SERVICE}"
        )),
    )
}
