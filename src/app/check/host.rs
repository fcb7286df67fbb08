//! What can be found without asking anybody: the configuration, the token, the clock, the state folder, who runs the cycles and
//! how, this host's network.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::credentials;
use super::cron::Cron;
use super::finding::{Finding, Level};
use super::icmp::icmp;
use super::identity::{Access, Identity};
use super::runner::Runner;
use super::systemd::{Systemd, cycles, timers, units};
use super::tools::Block;
use crate::app::adapters::Adapters;
use crate::app::pending_cut;
use crate::app::timer;
use crate::called::{self, quoted};
use crate::config::{self, Env, Mode, Settings, Token, TokenError};
use crate::file;
use crate::logic::moment::{Elapsed, Moment};
use crate::logic::policy::{Broken, Rule};
use crate::logic::recovery::RecoveryState;
use crate::logic::schedule;
use crate::logic::state::{State, VERSION};
use crate::logic::units::{config_duration, human_age, human_ago};
use crate::store::{StateDir, state};
use crate::system;

const START: &str = "sudo systemctl enable --now cadence.timer";
/// Where the unit is there; what the timer lacks is told by itself.
const START_ONE: &str = "sudo systemctl start cadence.service";

/// So many cycles somebody may have run to try it; a schedule that is not seen, as a crontab of one's own, soon has run more.
const BY_HAND: u64 = 3;

/// The endings of how many cycles are looked at, at the normal interval.
const LAST_CYCLES: u32 = 30;

/// Looks at this host, in the order of the report. Also returns what the last cycle left.
pub fn look(
    adapters: &Adapters,
    env: &Env,
    dir: &Path,
    now: &Moment,
) -> (Vec<Finding>, Option<State>) {
    let settings = &adapters.settings;
    let window = settings.policy.healthy_interval.saturating_mul(LAST_CYCLES);
    let systemd = Systemd::ask(env, window);
    let cron = Cron::find().filter(|_| systemd.is_none());
    let runner = Runner::find(systemd.as_ref(), cron.as_ref());
    // The cycles of this host may be of another configuration than the one that is looked at: then its tools tell nothing of ours.
    let foreign = runner.as_ref().filter(|it| it.config != settings.path);
    let runner = runner.as_ref().filter(|it| it.config == settings.path);

    let mut findings = config(settings, runner);
    findings.extend(policy(settings, &adapters.token));
    findings.push(token(&adapters.token, runner));
    findings.extend(runner.map_or_else(Vec::new, |runner| credentials::look(settings, runner)));
    findings.push(clock(now, systemd.as_ref()));
    let (about_state, state) = state_folder(dir, now, adapters, runner);
    findings.extend(about_state);
    match (foreign, &systemd) {
        (Some(foreign), _) => findings.push(foreign.of_another_configuration()),
        (None, Some(systemd)) => {
            findings.extend(units::look(systemd));
            if let Some(runner) = runner {
                findings.extend(runner.unknown());
                findings.extend(timers::look(systemd, &settings.policy));
            }
            findings.extend(cycles::look(systemd, now, window));
        }
        (None, None) => findings.extend(cron.as_ref().map(Cron::look)),
    }
    findings.extend([icmp(settings, runner), interface(adapters)]);
    findings.extend(served(adapters, state.as_ref(), now));
    (findings, state)
}

fn config(settings: &Settings, runner: Option<&Runner>) -> Vec<Finding> {
    const CHECK: &str = "config";
    let count = settings.records.len();
    let records = if count == 1 { "record" } else { "records" };
    let mode = settings.mode.as_str();
    let mut findings = vec![];
    let read = [Some(&settings.path), settings.network.ca_file.as_ref()];
    for file in read.into_iter().flatten() {
        let Some((user, closed)) = runner.and_then(|it| it.kept_from(file)) else {
            continue;
        };
        let file = file.display();
        let what = format!("the user {user}, who runs the cycles, cannot read {file}");
        let (what, fix) = if closed.is_dir() {
            let what = format!("{what}: {} is closed to it", closed.display());
            (what, format!("sudo chmod o+x {}", quoted(&closed)))
        } else {
            (what, format!("sudo chmod o+r {}", quoted(&closed)))
        };
        findings.push(Finding::fail(CHECK, what).fix(fix));
    }
    let program = settings.recovery.program.as_deref();
    let process = Identity::of_process();
    let runs = runner.map_or(process.as_ref(), |runner| runner.identity.as_ref());
    let programs = program.into_iter().chain(settings.receivers.programs());
    for (program, identity) in programs.filter_map(|it| Some(it).zip(runs)) {
        let meta = fs::metadata(program);
        if meta.is_ok_and(|meta| !identity.may_run(Access::from(&meta))) {
            let what = format!(
                "the user who runs the cycles cannot run {}",
                program.display()
            );
            let fix = format!("sudo chmod a+rx {}", quoted(program));
            findings.push(Finding::fail(CHECK, what).fix(fix));
        }
    }
    let textfile = settings.textfile.as_deref().and_then(Path::parent);
    if let Some(folder) = textfile.filter(|folder| !folder.is_dir()) {
        let shown = folder.display();
        let what = format!("metrics.textfile is in {shown}, which is not there");
        let fix = "set it to a file in the folder that node_exporter reads, or make that";
        findings.push(Finding::fail(CHECK, what).fix(fix));
    }
    // What is in these decides what the user who runs the cycles does.
    let decisive = [
        Some(settings.path.as_path()),
        settings.path.parent(),
        settings.network.ca_file.as_deref(),
        settings.recovery.program.as_deref(),
        settings.recovery.password_file.as_deref(),
    ];
    let decisive = decisive.into_iter().flatten();
    let told = settings.receivers.secret_files().map(|file| file.path);
    let decisive = decisive.chain(told).chain(settings.receivers.programs());
    for file in decisive {
        // In a sticky folder nobody can replace what is another one's.
        let is_open = fs::metadata(file)
            .is_ok_and(|meta| meta.mode() & 0o002 != 0 && meta.mode() & 0o1000 == 0);
        if is_open {
            let what = format!("everyone may change {}", file.display());
            let fix = format!("sudo chmod o-w {}", quoted(file));
            findings.push(Finding::fail(CHECK, what).fix(fix));
        }
    }
    if findings.is_empty() {
        let fine = format!("{}: {mode}, {count} {records}", settings.place());
        findings.push(Finding::ok(CHECK, fine));
    }
    findings
}

fn policy(settings: &Settings, token: &Result<Token, TokenError>) -> Vec<Finding> {
    let file = token.as_ref().ok().and_then(Token::file);
    let nothing_waived = Settings {
        waive: vec![],
        ..settings.clone()
    };
    let broken = config::check_policy(&nothing_waived, file);
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
        Finding::new("policy", level, format!("{name}: {}", broken.message))
    };
    broken.iter().map(judge).collect()
}

/// A user who may not read the token learns less, and has no fault to fix where others run the cycles.
fn token(token: &Result<Token, TokenError>, runner: Option<&Runner>) -> Finding {
    match token {
        Ok(token) => {
            let mode = token.mode().map(|mode| format!(", mode {mode:04o}"));
            let (source, mode) = (token.source(), mode.unwrap_or_default());
            Finding::ok("token", format!("from {source}{mode}"))
        }
        Err(error) => {
            let level = match error {
                TokenError::Denied(_) if runner.is_some() => Level::Warn,
                _ => Level::Fail,
            };
            Finding::new("token", level, error.to_string())
        }
    }
}

fn clock(now: &Moment, systemd: Option<&Systemd>) -> Finding {
    let found = format!("{:.0}", now.wall);
    if !now.wall_is_plausible() {
        let wrong = format!("{found} cannot be right, so certificates cannot be verified");
        let fix = match systemd {
            Some(_) => "wait for NTP, or: sudo timedatectl set-ntp true",
            None => "set it with date, or wait for NTP",
        };
        return Finding::fail("clock", wrong).fix(fix);
    }
    let unknown = |why: &str| Finding::ok("clock", format!("{found}; NTP status unknown: {why}"));
    let told = match systemd.map(|systemd| &systemd.clock) {
        Some(Ok(told)) => Block::of(told),
        Some(Err(why)) => return unknown(why),
        None => return unknown("systemd is not running here"),
    };
    let fix = match ["NTPSynchronized", "NTP", "CanNTP"].map(|key| told.get(key)) {
        ["yes", ..] => return Finding::ok("clock", format!("{found}, synchronised by NTP")),
        ["no", "yes", _] => "wait a while, then run: timedatectl timesync-status",
        ["no", _, "yes"] => "sudo timedatectl set-ntp true",
        ["no", ..] => "install systemd-timesyncd or chrony, then: sudo timedatectl set-ntp true",
        _ => return unknown("timedatectl does not say"),
    };
    Finding::warn("clock", format!("{found}, not synchronised by NTP")).fix(fix)
}

fn state_folder(
    dir: &Path,
    now: &Moment,
    adapters: &Adapters,
    runner: Option<&Runner>,
) -> (Vec<Finding>, Option<State>) {
    let broken = |error: &dyn std::error::Error| Finding::fail("state", error.to_string());
    let folder = match StateDir::existing(dir) {
        Ok(Some(folder)) => folder,
        Ok(None) => {
            let missing = format!("{} does not exist", dir.display());
            let process = Identity::of_process();
            let writer = Writer::of(dir, runner, process.as_ref());
            let found = match writer.and_then(|writer| writer.cannot_make(dir)) {
                Some((why, fix)) => {
                    let told = format!("{missing} and cannot be made: {why}");
                    Finding::fail("state", told).fix(fix)
                }
                None => Finding::warn("state", format!("{missing}: no cycle has run yet"))
                    .fix(start(runner, &adapters.settings)),
            };
            return (vec![found], None);
        }
        Err(error) => return (vec![broken(&error)], None),
    };
    match state::read::<State>(&folder, VERSION.into()) {
        Ok(state) => {
            let timer = timer(dir, state.as_ref(), now, &adapters.settings, runner);
            let mut about = vec![access(dir, runner), timer];
            if let Some(state) = &state {
                about.extend(trouble(adapters, &folder, state, now));
            }
            (about, state)
        }
        Err(error) => (vec![access(dir, runner), broken(&error)], None),
    }
}

/// Who is to write to the state folder: whoever runs the cycles, where that is known, else this user.
struct Writer<'a> {
    runner: Option<&'a Runner>,
    identity: &'a Identity,
}

impl<'a> Writer<'a> {
    fn of(dir: &Path, runner: Option<&'a Runner>, process: Option<&'a Identity>) -> Option<Self> {
        let runner = runner.filter(|runner| runner.state_dir == dir && runner.identity.is_some());
        let identity = runner.map_or(process, |runner| runner.identity.as_ref())?;
        Some(Self { runner, identity })
    }

    /// Why he cannot make a file in a folder, and what to do.
    fn barred(&self, folder: &Path) -> Option<(String, String)> {
        let shown = folder.display();
        let access = Access::from(&fs::metadata(folder).ok()?);
        if !self.identity.may_write_in(access) {
            let (mode, uid) = (access.mode & 0o7777, access.uid);
            let (who, fix) = match self.runner {
                Some(runner) => (runner.user.as_str(), format!("sudo chmod u+rwx {shown}")),
                None => (
                    "this user",
                    file::opened(folder, true).unwrap_or_else(|| {
                        "run as its owner or as root, or choose another folder with --state-dir"
                            .to_owned()
                    }),
                ),
            };
            let why = format!(
                "{shown} has mode {mode:04o} and is owned by uid {uid}: {who} cannot write there"
            );
            return Some((why, fix));
        }
        let is_writable = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK);
        (is_writable == Err(rustix::io::Errno::ROFS)).then(|| {
            (
                format!("{shown} is on a read-only file system"),
                "make it writable, or choose another folder with --state-dir".to_owned(),
            )
        })
    }

    /// The same of a folder that is missing.
    fn cannot_make(&self, dir: &Path) -> Option<(String, String)> {
        let is_systemds = self.runner.is_some_and(|runner| runner.service.is_some());
        let above = dir.ancestors().skip(1).find(|above| above.exists());
        // systemd makes it itself (StateDirectory=).
        let (why, fix) = self.barred(above.filter(|_| !is_systemds)?)?;
        let made =
            |runner: &Runner| format!("sudo install -d -o {} {}", runner.user, dir.display());
        Some((why, self.runner.map_or(fix, made)))
    }
}

/// What cycles leave in the state folder, and have to be able to write again.
const FILES: [&str; 9] = [
    "state.json",
    "history.jsonl",
    "history.jsonl.1",
    "lock",
    "unsettled",
    "counters",
    "reserve",
    "telemetry",
    "receivers.json",
];

/// Whether the next cycle can leave its state, by the permission bits alone: nothing is written to find out.
fn access(dir: &Path, runner: Option<&Runner>) -> Finding {
    let shown = dir.display();
    let process = Identity::of_process();
    let writer = Writer::of(dir, runner, process.as_ref());
    let (Ok(meta), Some(writer)) = (fs::metadata(dir), writer) else {
        return Finding::warn("state", format!("{shown}: cannot tell who may write there"));
    };
    let folder = Access::from(&meta);
    if let Some(runner) = writer.runner.filter(|_| !writer.identity.owns(folder)) {
        let (uid, user) = (folder.uid, &runner.user);
        let foreign =
            format!("{shown} is owned by uid {uid}, not by the user {user}, who runs the cycles");
        // systemd gives it back when the service starts (StateDirectory=).
        let level = match runner.service {
            Some(_) => Level::Warn,
            None => Level::Fail,
        };
        return Finding::new("state", level, foreign).fix(format!("sudo chown -R {user}: {shown}"));
    }
    if let Some((why, fix)) = writer.barred(dir) {
        return Finding::fail("state", why).fix(fix);
    }
    // In a sticky folder nobody can replace what is another one's.
    if folder.mode & 0o1002 == 0o002 {
        let open = format!("everyone may change what is in {shown}");
        return Finding::fail("state", open).fix(format!("sudo chmod o-w {}", quoted(dir)));
    }
    // What a root-run copy or a restored backup left would stop the service's own user.
    let strangers: Vec<String> = FILES
        .map(|name| dir.join(name))
        .iter()
        .filter(|path| fs::symlink_metadata(path).is_ok_and(|meta| meta.uid() != folder.uid))
        .map(|path| path.display().to_string())
        .collect();
    if strangers.is_empty() {
        let by = writer.runner.map_or_else(
            || "this user".to_owned(),
            |runner| format!("its owner {}", runner.user),
        );
        return Finding::ok("state", format!("{shown}: writable by {by}"));
    }
    let names = strangers.join(" ");
    Finding::fail(
        "state",
        format!("{shown} belongs to uid {}, but not {names}", folder.uid),
    )
    .fix(format!("sudo chown --reference={shown} {names}"))
}

/// What has to be done for a cycle to run.
fn start(runner: Option<&Runner>, settings: &Settings) -> String {
    let this = called::this();
    let is_hosts = settings.path == Path::new(config::CONFIG_FILE);
    match runner.map(|runner| &runner.service) {
        Some(Some(_)) => START_ONE.to_owned(),
        // Cron runs the next one by itself.
        Some(None) => this.command("reconcile"),
        None if is_hosts && system::runs_systemd() && !this.by_variables => START.to_owned(),
        // It may be where nobody here sees it, as in another container.
        None => {
            let (told, line) = this.by_cron();
            format!("if nothing else starts cycles, {told}: {line}")
        }
    }
}

fn timer(
    dir: &Path,
    state: Option<&State>,
    now: &Moment,
    settings: &Settings,
    runner: Option<&Runner>,
) -> Finding {
    let Some((state, last)) = state.and_then(|state| Some((state, state.last.as_ref()?))) else {
        return Finding::warn("timer", "no cycle has run yet").fix(start(runner, settings));
    };
    let found = match last.at.elapsed(now) {
        Elapsed::Known(age) => format!("last cycle {}", human_ago(age)),
        Elapsed::Unknown => "cannot tell from the clocks when the last cycle ran".to_owned(),
    };
    let but = if schedule::gap(state, now).is_some() {
        let interval = config_duration(settings.policy.healthy_interval);
        format!("expected at most {interval}")
    } else if runner.is_some() || state.cycle > BY_HAND || timer::runs(dir) {
        return Finding::ok("timer", found);
    } else {
        "and nothing is known to run the next one".to_owned()
    };
    Finding::warn("timer", format!("{found}, {but}")).fix(start(runner, settings))
}

/// What the last cycle left for somebody to see to.
fn trouble(adapters: &Adapters, dir: &StateDir, state: &State, now: &Moment) -> Vec<Finding> {
    let dark = state.recovery.cut.as_ref().map(|cut| {
        let told = pending_cut::told(adapters, dir, cut);
        Finding::fail("power", format!("the modem may be without power: {told}"))
    });
    let behind = state.left_behind(now).map(|family| {
        let found = format!("{family} has not been READY for over 10 min, while the other is");
        let status = called::cadence("status");
        Finding::fail("readiness", found).fix(format!("see why its records wait: {status}"))
    });
    let uplinks = state.uplinks.both();
    let uplinks =
        uplinks.filter_map(|(_, it)| Some(Finding::warn("uplinks", it.as_ref()?.told()?)));
    dark.into_iter().chain(behind).chain(uplinks).collect()
}

fn interface(adapters: &Adapters) -> Finding {
    let signal = adapters.way_out();
    let name = signal.target.unwrap_or_default();
    let (found, fix) = match adapters.settings.network.interface {
        Some(_) => (
            format!("{name} has a link"),
            "connect it, or fix network.interface",
        ),
        None => (
            format!("default route via {name}"),
            "connect this host, then check: ip route",
        ),
    };
    match signal.result {
        Ok(()) => Finding::ok("host", found),
        Err(error) => Finding::warn("host", error).or_fix(fix),
    }
}

/// Whether the line that the plug serves can be watched, and is up.
fn served(adapters: &Adapters, state: Option<&State>, now: &Moment) -> Option<Finding> {
    let limits = &adapters.settings.recovery.limits;
    let interface = limits.interface.as_deref().filter(|_| limits.enabled)?;
    let mut routes = adapters.default_routes().iter();
    let is_routed = routes.any(|route| route.interface == interface);
    let link = adapters.link(interface);
    let known = state.map(|state| &*state.recovery);
    Some(line_of_plug(interface, link, is_routed, known, now))
}

/// Whether its interface has a link, and a default route leads through it; and what the last cycle found of it.
fn line_of_plug(
    interface: &str,
    link: Result<(), String>,
    is_routed: bool,
    known: Option<&RecoveryState>,
    now: &Moment,
) -> Finding {
    let served = known.and_then(|it| it.served);
    let (found, fix) = match (link, served.filter(|line| line.is_down())) {
        (Err(error), _) => (
            format!("its line is not watched: {error}"),
            "connect it, or fix recovery.interface".to_owned(),
        ),
        (Ok(()), _) if !is_routed => (
            format!("no default route leads through {interface}: its line is not watched"),
            "give it one, with a higher metric if it is not to be used, or fix recovery.interface"
                .to_owned(),
        ),
        (Ok(()), Some(verdict)) => {
            let away = known.and_then(|it| it.away.as_ref()?.elapsed(now).known());
            let lasts = away.map_or_else(String::new, |it| format!(" for {}", human_age(it)));
            (
                format!(
                    "the line of {interface} has been {}{lasts}",
                    verdict.as_str()
                ),
                format!(
                    "see what the plug does about it: {}",
                    called::cadence("status")
                ),
            )
        }
        (Ok(()), None) => {
            let found = format!("recovery.interface: {interface} has a link and a default route");
            return Finding::ok("host", found);
        }
    };
    Finding::warn("host", format!("recovery.interface: {found}")).or_fix(&fix)
}

/// Whether the router is known; whether it answers is asked elsewhere.
pub fn router(adapters: &Adapters) -> Finding {
    if let Some(router) = adapters.router_address() {
        let from = match adapters.settings.network.router {
            Some(_) => "network.router",
            None => "default gateway",
        };
        return Finding::ok("router", format!("{} ({from})", router.address));
    }
    let why = match adapters.host().result {
        Ok(()) => "unknown: the default route has no gateway",
        Err(_) => "unknown: there is no default route",
    };
    Finding::warn("router", why).fix("set network.router")
}

#[cfg(test)]
mod tests;
