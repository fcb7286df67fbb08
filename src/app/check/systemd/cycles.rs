//! How the last cycles ended, by what systemd remembers of the latest and by the journal.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{SERVICE, Systemd};
use crate::app::check::Finding;
use crate::app::check::tools::Block;
use crate::error::meaning;
use crate::logic::moment::Moment;
use crate::logic::units::human_duration;

const CHECK: &str = "cycles";

/// How a cycle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// With this exit code.
    Code(u8),
    /// Killed by this signal.
    Signal(u8),
}

/// Failed cycles in the journal.
struct Failures {
    by_ending: BTreeMap<Ending, usize>,
    latest: Option<Timestamp>,
}

/// How the latest cycle ended and which failed within `window`; none where none has run since the boot.
pub fn look(systemd: &Systemd, now: &Moment, window: Duration) -> Option<Finding> {
    let service = systemd.loaded(SERVICE)?;
    let latest = Ending::latest(service);
    let failed = systemd.journal.as_ref().map(|text| Failures::read(text));
    let within = human_duration(window);
    let last = latest.map_or_else(
        || "systemd remembers no cycle".to_owned(),
        |ending| format!("the last cycle ended with {ending}"),
    );
    let message = match &failed {
        Err(why) => format!("{last}; how others ended is not known: {why}"),
        Ok(failures) if failures.by_ending.is_empty() => {
            format!("{last}, none failed within {within}")
        }
        Ok(failures) => format!("{last}; failed within {within}: {}", failures.told(now)),
    };
    let succeeded = latest.is_none_or(|_| service.get("Result") == "success");
    let finding = match (succeeded, failed) {
        (false, _) => Finding::fail(CHECK, message),
        (true, Ok(failures)) if !failures.by_ending.is_empty() => Finding::warn(CHECK, message),
        (true, _) => return latest.map(|_| Finding::ok(CHECK, message)),
    };
    Some(finding.mend(format!("look at: sudo journalctl -u {SERVICE} -n 30")))
}

impl Ending {
    /// By the words of `waitid(2)`, in the numbers of systemd's properties; none where no process has ended yet.
    fn latest(service: Block) -> Option<Self> {
        let status = service.get("ExecMainStatus").parse().ok()?;
        match service.get("ExecMainCode") {
            "1" => Some(Self::Code(status)),
            "2" | "3" => Some(Self::Signal(status)),
            _ => None,
        }
    }

    /// The same in the words of the journal.
    fn logged(entry: Block) -> Option<Self> {
        let status = entry.get("EXIT_STATUS").parse().ok()?;
        match entry.get("EXIT_CODE") {
            "exited" => Some(Self::Code(status)),
            "killed" | "dumped" => Some(Self::Signal(status)),
            _ => None,
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Code(0) => f.write_str("0"),
            Self::Code(code) => write!(f, "{code} ({})", meaning(code)),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl Failures {
    fn read(journal: &str) -> Self {
        let mut by_ending = BTreeMap::new();
        let mut latest = None;
        for entry in Block::all(journal) {
            if let Some(ending) = Ending::logged(entry) {
                *by_ending.entry(ending).or_default() += 1;
                let at = entry.get("__REALTIME_TIMESTAMP").parse().ok();
                let at = at.and_then(|micros| Timestamp::from_microsecond(micros).ok());
                latest = latest.max(at);
            }
        }
        Self { by_ending, latest }
    }

    fn told(&self, now: &Moment) -> String {
        let one = |(ending, count): (&Ending, &usize)| format!("{count} with {ending}");
        let all: Vec<String> = self.by_ending.iter().map(one).collect();
        let age = self
            .latest
            .and_then(|at| Duration::try_from(now.wall.duration_since(at)).ok());
        let age = age.map_or(String::new(), |age| {
            format!(", the latest {} ago", human_duration(age))
        });
        format!("{}{age}", all.join(", "))
    }
}
