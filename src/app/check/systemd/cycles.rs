//! How the last cycles ended, by what systemd remembers of the latest and by the journal.

use std::time::Duration;

use jiff::Timestamp;

use super::{SERVICE, Systemd};
use crate::app::check::finding::Finding;
use crate::app::check::tools::Block;
use crate::error::{EXIT_DONE, meaning};
use crate::logic::moment::Moment;
use crate::logic::units::{human_ago, human_duration};

const CHECK: &str = "cycles";

/// How a cycle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// With this exit code.
    Code(u8),
    /// Killed by this signal.
    Signal(u8),
}

/// Failed cycles in the journal, the latest kind first.
struct Failures {
    by_ending: Vec<(Ending, u32)>,
    latest: Option<Timestamp>,
}

/// How the latest cycle ended and which failed within `window`; none where none has run since the boot.
#[must_use]
pub fn look(systemd: &Systemd, now: &Moment, window: Duration) -> Option<Finding> {
    let service = systemd.loaded(SERVICE)?;
    let latest = Ending::of(service, "ExecMainCode", "ExecMainStatus");
    let succeeded = matches!(service.get("Result"), "success" | "");
    let failed = systemd.journal.as_ref().map(|text| Failures::read(text));
    let last = last(service, latest, succeeded);
    let within = human_duration(window);
    let message = match &failed {
        Err(why) => format!("{last}; earlier cycles unknown: {why}"),
        Ok(failures) if failures.by_ending.is_empty() => {
            format!("{last}, no failures in {within}")
        }
        Ok(failures) => {
            let told = failures.told(latest, now);
            format!("{last}; failures in {within}: {told}")
        }
    };
    let any_failed = failed.is_ok_and(|failures| !failures.by_ending.is_empty());
    let finding = match (succeeded, any_failed) {
        (false, _) => Finding::fail(CHECK, message),
        (true, true) => Finding::warn(CHECK, message),
        (true, false) => return latest.map(|_| Finding::ok(CHECK, message)),
    };
    Some(finding.fix(format!("see: sudo journalctl -u {SERVICE} -n 30")))
}

fn last(service: Block, latest: Option<Ending>, succeeded: bool) -> String {
    let result = match service.get("Result") {
        // What the ending says for itself.
        "success" | "exit-code" | "signal" | "core-dump" | "" => String::new(),
        result => format!(" ({result})"),
    };
    match latest {
        Some(ending) => format!("the last cycle ended with {ending}{result}"),
        None if !succeeded => format!("systemd could not start the last cycle{result}"),
        None if service.get("ActiveState") == "activating" => "a cycle is running".to_owned(),
        None => "systemd has no record of a cycle".to_owned(),
    }
}

impl Ending {
    /// What `waitid(2)` told, in the numbers of systemd's properties or in the words of the journal; none where no process has ended yet.
    fn of(block: Block, code: &str, status: &str) -> Option<Self> {
        let status = block.get(status).parse().ok()?;
        match block.get(code) {
            "1" | "exited" => Some(Self::Code(status)),
            "2" | "3" | "killed" | "dumped" => Some(Self::Signal(status)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Code(EXIT_DONE) => f.write_str("0"),
            Self::Code(code) => write!(f, "{code} ({})", meaning(code)),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl Failures {
    fn read(journal: &str) -> Self {
        let mut by_ending: Vec<(Ending, u32)> = vec![];
        let mut latest = None;
        for entry in Block::all(journal) {
            if let Some(ending) = Ending::of(entry, "EXIT_CODE", "EXIT_STATUS") {
                match by_ending.iter_mut().find(|(known, _)| *known == ending) {
                    Some((_, count)) => *count += 1,
                    None => by_ending.push((ending, 1)),
                }
                let at = entry.get("__REALTIME_TIMESTAMP").parse().ok();
                let at = at.and_then(|micros| Timestamp::from_microsecond(micros).ok());
                latest = latest.max(at);
            }
        }
        Self { by_ending, latest }
    }

    fn told(&self, said: Option<Ending>, now: &Moment) -> String {
        let one = |(ending, count): &(Ending, u32)| match *ending {
            // Its meaning has just been told.
            Ending::Code(code) if said == Some(*ending) => format!("{count} with {code}"),
            ending => format!("{count} with {ending}"),
        };
        let all: Vec<String> = self.by_ending.iter().map(one).collect();
        let age = self.latest.map(|at| now.wall.duration_since(at));
        let age = age.and_then(|age| Duration::try_from(age).ok());
        let age = age.map_or(String::new(), |age| {
            format!(", the last {}", human_ago(age))
        });
        format!("{}{age}", all.join(", "))
    }
}
