//! What to do after the files are written.

use std::path::Path;

use serde::Serialize;

use super::draft::Draft;
use super::files::{Place, TOKEN, URL};
use super::interview::Interview;
use crate::app::check::cron::{self, JOB};
use crate::app::check::systemd::TIMER;
use crate::app::context::Context;
use crate::called::{self, Called, quoted};
use crate::cli;
use crate::system;

/// Where systemd looks for units, of the package and by hand.
const UNITS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Step {
    /// What to type; null if nothing has to be done.
    pub command: Option<String>,
    /// What comes of it.
    pub about: String,
}

/// What runs the cycles on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    /// systemd runs, and has the timer.
    Timer,
    /// The cron file of the package is there, and systemd does not run, but cron does.
    CronFile,
    /// The same, and cron does not run either.
    NoCron,
    /// Neither.
    Nothing,
}

impl Beat {
    fn of_host() -> Self {
        let exists = |path: &str| Path::new(path).exists();
        let has_timer = || {
            let mut timers = UNITS.map(|folder| format!("{folder}/{TIMER}")).into_iter();
            timers.any(|timer| exists(&timer))
        };
        match system::runs_systemd() {
            true if has_timer() => Self::Timer,
            false if exists(JOB) && cron::process().is_some() => Self::CronFile,
            false if exists(JOB) => Self::NoCron,
            _ => Self::Nothing,
        }
    }
}

/// How cadence is called for the new configuration, which is named where it is not that of the host.
pub fn called(place: &Place, context: &Context) -> Called {
    Called {
        sudo: place.is_hosts || context.is_root(),
        config: (!place.is_hosts).then(|| place.config.clone()),
        by_variables: false,
        ..context.called()
    }
}

/// The steps, in their order.
pub fn steps(place: &Place, called: &Called, draft: &Draft, is_unverified: bool) -> Vec<Step> {
    let beat = if place.is_hosts {
        Beat::of_host()
    } else {
        // The package's timer and cron file are for the configuration of the host.
        Beat::Nothing
    };
    let is_untested = is_unverified && draft.receiver.is_some();
    plan(beat, called, draft.plug.is_some(), is_untested)
}

fn plan(beat: Beat, called: &Called, has_plug: bool, is_untested: bool) -> Vec<Step> {
    let step = |command: String, about: &str| Step {
        command: Some(command),
        about: about.to_owned(),
    };
    let check = "shows what this host still lacks, with the fix";
    let trust = "publishes the address now, if two address providers agree on it";
    let dry =
        "shows what a power cycle would do; once you have tried one, set recovery.enabled = true";
    let mut steps = vec![
        step(called.command("check"), check),
        step(called.command("reconcile --trust"), trust),
    ];
    if has_plug {
        steps.push(step(called.command("recover --dry-run"), dry));
    }
    if is_untested {
        let test = "sends a test, as none was sent yet";
        steps.push(step(called.command("notify --test"), test));
    }
    let sudo = called.sudo(true);
    steps.push(match beat {
        Beat::Timer => step(
            format!("{sudo}systemctl enable --now {TIMER}"),
            "begins now, and after each boot",
        ),
        Beat::NoCron => step(
            called::typed(cron::START).into_owned(),
            &format!("starts cron, which runs the cycles ({JOB})"),
        ),
        Beat::CronFile => Step {
            command: None,
            about: format!("cron begins within a minute by itself ({JOB})"),
        },
        Beat::Nothing => {
            let (told, line) = called.by_cron();
            step(line, &format!("runs a cycle where one is due: {told}"))
        }
    });
    steps
}

/// What goes on with an interview that ended too soon: with what is known by then, and asks for the rest.
pub fn again(called: &Called, options: &cli::Init, interview: &Interview<'_>) -> String {
    let draft = &interview.draft;
    let mut line = called.command("init");
    let mut add = |flag: &str, value: Option<&str>| {
        if let Some(value) = value {
            line.extend([" ", flag, " ", &quoted(Path::new(value))]);
        }
    };
    let mut names: Vec<&str> = draft.records.iter().map(|it| it.display.as_str()).collect();
    names.extend(interview.pending.iter().map(String::as_str));
    names.dedup();
    // In place of a token that was given another one was typed, which is stored by now.
    let is_typed = |what| interview.typed.iter().any(|secret| secret.what == what);
    let from = options
        .from()
        .filter(|_| !is_typed(TOKEN))
        .map(Path::to_string_lossy);
    add("--from", from.as_deref());
    if from.is_some() {
        names.clear();
    }
    for name in names {
        add("--record", Some(name));
    }
    for kind in &options.types {
        add("--type", Some(kind));
    }
    add("--zone", options.zone.as_deref());
    let file = options.token_file.as_ref().map(|it| it.to_string_lossy());
    let file = file.as_deref().filter(|_| !is_typed(TOKEN));
    add("--token-file", file);
    let (router, plug) = (draft.router.as_deref(), draft.plug.as_ref());
    add("--router", router.or(options.router.as_deref()));
    let (kind, address) = (plug.map(|it| &*it.kind), plug.map(|it| &*it.address));
    add("--plug", kind.or(options.plug.as_deref()));
    add(
        "--plug-address",
        address.or(options.plug_address.as_deref()),
    );
    let service = options.notify.as_deref().or(interview.service.as_deref());
    add("--notify", service);
    let file = options.notify_url_file.as_ref();
    let file = file.map(|it| it.to_string_lossy());
    add(
        "--notify-url-file",
        file.as_deref().filter(|_| !is_typed(URL)),
    );
    // The flag is for all of them; where one is there already, the others are asked about again.
    let all_are_new = interview.pending.is_empty() && draft.records.iter().all(|it| it.create);
    if options.create || (all_are_new && !draft.records.is_empty()) {
        line += " --create";
    }
    if options.offline {
        line += " --offline";
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(beat: Beat, called: &Called, has_plug: bool, is_untested: bool) -> Vec<String> {
        let steps = plan(beat, called, has_plug, is_untested).into_iter();
        steps
            .map(|step| step.command.unwrap_or(step.about))
            .collect()
    }

    fn hosts() -> Called {
        Called {
            sudo: true,
            ..Called::default()
        }
    }

    #[test]
    fn the_timer_is_enabled_where_there_is_one() {
        assert_eq!(
            commands(Beat::Timer, &hosts(), true, true),
            [
                "sudo cadence check",
                "sudo cadence reconcile --trust",
                "sudo cadence recover --dry-run",
                "sudo cadence notify --test",
                "sudo systemctl enable --now cadence.timer"
            ]
        );
    }

    #[test]
    fn a_cron_file_needs_nothing_and_without_one_there_is_a_line_for_it() {
        assert_eq!(
            commands(Beat::CronFile, &hosts(), false, false),
            [
                "sudo cadence check",
                "sudo cadence reconcile --trust",
                "cron begins within a minute by itself (/etc/cron.d/cadence)"
            ]
        );
        let own = Called {
            sudo: false,
            config: Some("/home/ada/c.toml".into()),
            state_dir: Some("/home/ada/s".into()),
            ..Called::default()
        };
        let given = "--config /home/ada/c.toml --state-dir /home/ada/s";
        assert_eq!(
            commands(Beat::Nothing, &own, false, false),
            [
                format!("cadence {given} check"),
                format!("cadence {given} reconcile --trust"),
                own.by_cron().1
            ]
        );
    }
}
