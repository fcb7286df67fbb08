//! What can be found without asking anybody: the configuration, the token, the clock, the state folder, this host's network.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::identity::{Access, Identity};
use super::{Finding, Level};
use crate::app::wire::Wire;
use crate::config::{self, Mode, Settings, Token, TokenError};
use crate::logic::moment::{Elapsed, Moment};
use crate::logic::policy::{Broken, Rule};
use crate::logic::schedule;
use crate::logic::state::{State, VERSION};
use crate::logic::units::{config_duration, human_duration};
use crate::store::{StateDir, state};

const START: &str =
    "sudo systemctl enable --now cadence.timer (without systemd: /etc/cron.d/cadence)";

/// Looks at this host, in the order of the report. Also returns what the last cycle left.
pub fn look(wire: &Wire, dir: &Path, now: &Moment) -> (Vec<Finding>, Option<State>) {
    let settings = &wire.settings;
    let mut findings = vec![config(settings)];
    findings.extend(policy(settings, &wire.token));
    findings.extend([token(&wire.token), clock(now)]);
    let (about_state, state) = state_folder(dir, now, settings);
    findings.extend(about_state);
    findings.extend([icmp(settings), interface(wire)]);
    (findings, state)
}

fn config(settings: &Settings) -> Finding {
    let count = settings.records.len();
    let records = if count == 1 { "record" } else { "records" };
    let (path, mode) = (settings.path.display(), settings.mode.as_str());
    Finding::ok("config", format!("{path}: {mode}, {count} {records}"))
}

fn policy(settings: &Settings, token: &Result<Token, TokenError>) -> Vec<Finding> {
    let mode = token.as_ref().ok().and_then(Token::mode);
    let nothing_waived = Settings {
        waive: vec![],
        ..settings.clone()
    };
    let broken = config::check_policy(&nothing_waived, mode);
    judge_rules(&broken, &settings.waive, settings.mode)
}

fn judge_rules(broken: &[Broken], waive: &[String], mode: Mode) -> Vec<Finding> {
    if broken.is_empty() {
        let rules = Rule::ALL.len();
        return vec![Finding::ok("policy", format!("all {rules} rules hold"))];
    }
    let judge = |broken: &Broken| {
        let name = broken.rule.name();
        if waive.iter().any(|waived| waived == name) {
            return Finding::ok("policy", format!("{name} is waived by policy.waive"));
        }
        let level = match mode {
            Mode::Production => Level::Fail,
            Mode::Test => Level::Warn,
        };
        Finding::new("policy", level, format!("{name}: {}", broken.message)).split_mend(": ", 1)
    };
    broken.iter().map(judge).collect()
}

fn token(token: &Result<Token, TokenError>) -> Finding {
    match token {
        Ok(token) => {
            let mode = token.mode().map(|mode| format!(", mode {mode:04o}"));
            let source = token.source();
            Finding::ok(
                "token",
                format!("from {source}{}", mode.unwrap_or_default()),
            )
        }
        Err(error) => {
            let before_the_mend = match error {
                TokenError::NotSet | TokenError::Malformed(..) => 0,
                TokenError::Missing(..)
                | TokenError::NotPath
                | TokenError::Denied(..)
                | TokenError::Unreadable(..) => 1,
            };
            Finding::fail("token", error.to_string()).split_mend(": ", before_the_mend)
        }
    }
}

fn clock(now: &Moment) -> Finding {
    let found = format!("{:.0}", now.wall);
    if now.wall_is_plausible() {
        Finding::ok("clock", found)
    } else {
        Finding::fail(
            "clock",
            format!("{found} cannot be true, and certificates cannot be verified by it"),
        )
        .mend("sudo timedatectl set-ntp true, or wait for NTP")
    }
}

fn state_folder(dir: &Path, now: &Moment, settings: &Settings) -> (Vec<Finding>, Option<State>) {
    let broken = |error: &dyn std::error::Error| {
        Finding::fail("state", error.to_string()).split_mend("; ", 0)
    };
    let folder = match StateDir::existing(dir) {
        Ok(Some(folder)) => folder,
        Ok(None) => {
            let missing = format!("{} is not there: no cycle has run yet", dir.display());
            return (vec![Finding::warn("state", missing).mend(START)], None);
        }
        Err(error) => return (vec![broken(&error)], None),
    };
    match state::read::<State>(&folder, VERSION.into()) {
        Ok(state) => {
            let about = [access(dir), timer(state.as_ref(), now, settings)];
            (about.into(), state)
        }
        Err(error) => (vec![access(dir), broken(&error)], None),
    }
}

/// Whether the next cycle can leave its state, by the permission bits alone: nothing is written to find out.
fn access(dir: &Path) -> Finding {
    let shown = dir.display();
    let (Ok(meta), Some(identity)) = (fs::metadata(dir), Identity::of_process()) else {
        return Finding::warn(
            "state",
            format!("{shown}: this host does not tell who may write"),
        );
    };
    let folder = Access {
        uid: meta.uid(),
        gid: meta.gid(),
        mode: meta.mode(),
    };
    if !identity.may_write_in(folder) {
        let (mode, uid) = (folder.mode & 0o7777, folder.uid);
        return Finding::fail(
            "state",
            format!(
                "{shown} has mode {mode:04o} and belongs to uid {uid}: this user cannot write there"
            ),
        )
        .mend("run as that user or as root, or choose another folder with --state-dir");
    }
    // What a root-run copy or a restored backup left would stop the service's own user.
    let strangers: Vec<String> = ["state.json", "history.jsonl", "lock"]
        .map(|name| dir.join(name))
        .iter()
        .filter(|path| fs::symlink_metadata(path).is_ok_and(|meta| meta.uid() != folder.uid))
        .map(|path| path.display().to_string())
        .collect();
    if strangers.is_empty() {
        return Finding::ok("state", format!("{shown}: writable"));
    }
    let names = strangers.join(" ");
    Finding::fail(
        "state",
        format!("{shown} belongs to uid {}, but not {names}", folder.uid),
    )
    .mend(format!("sudo chown --reference={shown} {names}"))
}

fn timer(state: Option<&State>, now: &Moment, settings: &Settings) -> Finding {
    let Some((state, last)) = state.and_then(|state| Some((state, state.last.as_ref()?))) else {
        return Finding::warn("timer", "no cycle has run yet").mend(START);
    };
    let found = match last.at.elapsed(now) {
        Elapsed::Known(age) => format!("last cycle {} ago", human_duration(age)),
        Elapsed::Unknown => "the clocks cannot tell when the last cycle was".to_owned(),
    };
    if schedule::gap(state, now).is_none() {
        return Finding::ok("timer", found);
    }
    let interval = config_duration(settings.policy.healthy_interval);
    Finding::warn("timer", format!("{found}, at most {interval} is expected")).mend(START)
}

fn icmp(settings: &Settings) -> Finding {
    if settings.network.interface.is_some() {
        let why = "not used: network.interface is set, so the router is asked over TCP";
        return Finding::ok("icmp", why);
    }
    match Identity::of_process().and_then(|identity| identity.may_ping()) {
        Some(true) => Finding::ok("icmp", "permitted"),
        Some(false) => Finding::warn(
            "icmp",
            "not permitted to this user: the router is asked over TCP instead",
        )
        .mend("sudo sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""),
        None => Finding::warn("icmp", "this host does not tell whether it is permitted"),
    }
}

fn interface(wire: &Wire) -> Finding {
    let signal = wire.host();
    let name = signal.target.unwrap_or_default();
    match (signal.result, &wire.settings.network.interface) {
        (Ok(()), Some(_)) => Finding::ok("host", format!("{name} has a link")),
        (Ok(()), None) => Finding::ok("host", format!("default route by {name}")),
        (Err(error), Some(_)) => {
            Finding::warn("host", error).mend("connect it, or correct network.interface")
        }
        (Err(error), None) => {
            Finding::warn("host", error).mend("connect this host, and look at: ip route")
        }
    }
}

/// Whether the router is known; whether it answers is asked elsewhere.
pub fn router(wire: &Wire) -> Finding {
    match (wire.router_address(), &wire.settings.network.router) {
        (Some(router), Some(_)) => {
            Finding::ok("router", format!("{} (network.router)", router.address))
        }
        (Some(router), None) => {
            Finding::ok("router", format!("{} (default gateway)", router.address))
        }
        (None, _) => Finding::warn("router", "not known: there is no default gateway")
            .mend("set network.router"),
    }
}

#[cfg(test)]
mod tests;
