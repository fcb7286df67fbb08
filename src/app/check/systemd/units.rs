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
    Some(match unit.get("LoadState") {
        "loaded" => return None,
        "masked" => Finding::warn(CHECK, format!("{id} is masked: it cannot be started"))
            .fix(format!("sudo systemctl unmask {id}")),
        "not-found" => Finding::fail(CHECK, format!("{id} is not installed, but other units are"))
            .fix("install the package again, or copy the unit"),
        state => Finding::fail(CHECK, format!("systemd cannot load {id} ({state})"))
            .fix(format!("fix the file that this names: {VERIFY} {id}")),
    })
}

fn reload(systemd: &Systemd) -> Option<Finding> {
    let changed = |id: &&str| {
        let unit = systemd.unit(id);
        unit.is_some_and(|unit| unit.get("NeedDaemonReload") == "yes")
    };
    let changed: Vec<&str> = UNITS.into_iter().filter(changed).collect();
    (!changed.is_empty()).then(|| {
        let unseen = format!(
            "systemd has not loaded the changes to {}",
            changed.join(", ")
        );
        Finding::warn(CHECK, unseen).fix("sudo systemctl daemon-reload")
    })
}

fn timer(unit: Block) -> Option<Finding> {
    let enabled = unit.get("UnitFileState").starts_with("enabled");
    let start = |what| Finding::warn(CHECK, format!("{TIMER} {what}")).fix(START);
    let restart = |what, first| {
        let fix = format!("{first}, then: sudo systemctl restart {TIMER}");
        Finding::fail(CHECK, format!("{TIMER} {what}")).fix(fix)
    };
    Some(match (unit.get("ActiveState"), enabled) {
        ("active", _) if unit.get("SubState") == "elapsed" => restart(
            "has elapsed: it starts no more cycles",
            "give it OnBootSec= beside OnUnitInactiveSec=",
        ),
        ("active", true) => return None,
        ("active", false) => start("is not enabled: it will not start after a reboot"),
        ("failed", _) => restart(
            "has failed: it starts no cycles",
            "see systemctl status cadence.timer",
        ),
        (_, true) => start("is enabled, but not started: it starts no cycles"),
        (_, false) => start("is neither enabled nor started: it starts no cycles"),
    })
}

/// It comes and goes with the timer, where that is not edited away.
fn fast_path(systemd: &Systemd) -> Option<Finding> {
    let active = |id| Some(systemd.loaded(id)?.get("ActiveState") == "active");
    let stopped = format!("{FAST_PATH} is not started: no fast interval in an outage");
    let found = Finding::warn(CHECK, stopped).fix(format!("sudo systemctl restart {TIMER}"));
    (active(TIMER)? && !active(FAST_PATH)?).then_some(found)
}

fn verified(systemd: &Systemd) -> Option<Finding> {
    // That a unit is not there at all is said already, and of other people's units it may say anything.
    let ours = |line: &&str| {
        line.contains("cadence") && !line.ends_with(" not found.") && !line.ends_with(" is masked.")
    };
    let text = match &systemd.verified {
        Ok(text) => text,
        Err(why) => return Some(Finding::warn(CHECK, format!("not verified: {why}"))),
    };
    let mut faults = text.lines().filter(ours);
    let first = faults.next().and_then(first_line)?;
    let more = match faults.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let fix = format!("fix it; to see all of it: {VERIFY} {TIMER} {SERVICE}");
    Some(Finding::warn(CHECK, format!("{VERIFY} says: {first}{more}")).fix(fix))
}
