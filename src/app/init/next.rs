//! What to do after the files are written.

use std::env;
use std::path::Path;

use serde::Serialize;

use super::draft::Draft;
use super::files::Place;
use crate::app::check::cron::JOB;
use crate::app::check::systemd::TIMER;
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
pub struct Step {
    /// What to type; none where nothing has to be done.
    pub command: Option<String>,
    /// What comes of it.
    pub about: String,
}

/// What runs the cycles on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    /// systemd runs, and has the timer.
    Timer,
    /// The cron file of the package is there, and systemd does not run.
    CronFile,
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
            false if exists(JOB) => Self::CronFile,
            _ => Self::Nothing,
        }
    }
}

/// The steps, in their order. `sudo`: root wrote the files.
pub fn steps(place: &Place, sudo: bool, has_plug: bool) -> Vec<Step> {
    let beat = if place.is_hosts {
        Beat::of_host()
    } else {
        // The package's timer and cron file are for the configuration of the host.
        Beat::Nothing
    };
    let config = (!place.is_hosts).then_some(place.config.as_path());
    let program = env::current_exe().unwrap_or_else(|_| "cadence".into());
    plan(beat, config, &program, sudo, has_plug)
}

fn plan(
    beat: Beat,
    config: Option<&Path>,
    program: &Path,
    sudo: bool,
    has_plug: bool,
) -> Vec<Step> {
    let cadence = cadence(config, sudo);
    let sudo = if sudo { "sudo " } else { "" };
    let step = |command: String, about: &str| Step {
        command: Some(command),
        about: about.to_owned(),
    };
    let mut steps = vec![
        step(
            format!("{cadence} check"),
            "tells what this host still lacks, with the fix",
        ),
        step(
            format!("{cadence} reconcile --trust"),
            "publishes the address now, if two address providers agree on it",
        ),
    ];
    if has_plug {
        steps.push(step(
            format!("{cadence} recover --dry-run"),
            "tells what a power cycle would do; once you have tried one, set recovery.enabled = true",
        ));
    }
    steps.push(match beat {
        Beat::Timer => step(
            format!("{sudo}systemctl enable --now {TIMER}"),
            "begins now, and after each boot",
        ),
        Beat::CronFile => Step {
            command: None,
            about: format!("cron begins within a minute by itself ({JOB})"),
        },
        Beat::Nothing => step(
            format!(
                "* * * * * {}{} reconcile --quiet --if-due --splay 10s",
                quoted(program),
                naming(config)
            ),
            &format!("the line for {sudo}crontab -e, which runs a cycle where one is due"),
        ),
    });
    steps
}

/// What goes on with an interview that ended too soon: with what is known by then, and asks for the rest.
pub fn again(place: &Place, sudo: bool, options: &cli::Init, draft: &Draft) -> String {
    let config = (!place.is_hosts).then_some(place.config.as_path());
    let mut line = cadence(config, sudo) + " init";
    let mut add = |flag: &str, value: &str| {
        line.extend([" ", flag, " ", &quoted(Path::new(value))]);
    };
    let mut names: Vec<&str> = draft.records.iter().map(|it| it.display.as_str()).collect();
    names.dedup();
    for name in names {
        add("--record", name);
    }
    for kind in &options.types {
        add("--type", kind);
    }
    if let Some(zone) = &options.zone {
        add("--zone", zone);
    }
    if let Some(file) = &options.token_file {
        add("--token-file", &file.to_string_lossy());
    }
    if let Some(plug) = &draft.plug {
        add("--plug", &plug.kind);
        add("--plug-address", &plug.address);
    }
    if draft.records.iter().any(|record| record.create) {
        line += " --create";
    }
    if options.offline {
        line += " --offline";
    }
    line
}

fn cadence(config: Option<&Path>, sudo: bool) -> String {
    let sudo = if sudo { "sudo " } else { "" };
    format!("{sudo}cadence{}", naming(config))
}

/// The flag that names it, where it is not that of the host.
fn naming(config: Option<&Path>) -> String {
    config.map_or(String::new(), |path| format!(" --config {}", quoted(path)))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_');
    if text.bytes().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(beat: Beat, config: Option<&str>, sudo: bool, has_plug: bool) -> Vec<String> {
        let program = Path::new("/usr/bin/cadence");
        let steps = plan(beat, config.map(Path::new), program, sudo, has_plug);
        steps
            .into_iter()
            .map(|step| step.command.unwrap_or(step.about))
            .collect()
    }

    #[test]
    fn the_timer_is_enabled_where_there_is_one() {
        assert_eq!(
            commands(Beat::Timer, None, true, true),
            [
                "sudo cadence check",
                "sudo cadence reconcile --trust",
                "sudo cadence recover --dry-run",
                "sudo systemctl enable --now cadence.timer"
            ]
        );
    }

    #[test]
    fn a_cron_file_needs_nothing_and_without_one_there_is_a_line_for_it() {
        assert_eq!(
            commands(Beat::CronFile, None, true, false),
            [
                "sudo cadence check",
                "sudo cadence reconcile --trust",
                "cron begins within a minute by itself (/etc/cron.d/cadence)"
            ]
        );
        assert_eq!(
            commands(Beat::Nothing, Some("/home/ada's/c.toml"), false, false),
            [
                r"cadence --config '/home/ada'\''s/c.toml' check",
                r"cadence --config '/home/ada'\''s/c.toml' reconcile --trust",
                r"* * * * * /usr/bin/cadence --config '/home/ada'\''s/c.toml' reconcile --quiet --if-due --splay 10s"
            ]
        );
    }
}
