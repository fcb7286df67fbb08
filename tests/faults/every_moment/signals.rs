//! Signals that end a process, stop it, or mean nothing to it.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::disk::traced;
use super::matrix::Fault;
use super::stage::Moment;

/// How long a stopped process lies still.
const PAUSE: Duration = Duration::from_secs(2);

pub fn faults() -> Vec<Fault> {
    [
        "TERM", "INT", "HUP", "QUIT", "PIPE", "USR1", "ALRM", "KILL", "STOP",
    ]
    .map(signal)
    .into()
}

/// The signal comes at the system call that the moment begins with.
fn signal(name: &'static str) -> Fault {
    Fault::new(format!("SIG{name}"), move |stage, moment| {
        // A pause within the probes lasts longer than some of them wait, now for this one and now for that.
        if moment == Moment::Line && name == "STOP" {
            return false;
        }
        let (path, call, when) = match moment {
            Moment::Load | Moment::All => (Some("state.json"), "openat", "1"),
            Moment::Line => (None, "connect", "1"),
            Moment::Intent | Moment::Plug => (None, "renameat", "1"),
            Moment::Save => (None, "renameat", "2"),
            _ => return false,
        };
        stage.killed = true;
        stage.prepare(move |_, command| {
            let path = path.iter().flat_map(|path| ["-P", path]).map(OsStr::new);
            let inject = format!("inject={call}:signal=SIG{name}:when={when}");
            let trace = format!("trace={call}");
            traced(command, path, &["-e", &trace, "-e", &inject]);
        });
        let mut stopped: Option<Instant> = None;
        stage.watch(move |_, id| {
            if name == "STOP"
                && is_stopped(id)
                && stopped.get_or_insert_with(Instant::now).elapsed() > PAUSE
            {
                let _ = Command::new("sh")
                    .args(["-c", &format!("kill -CONT {id}")])
                    .status();
            }
        });
        true
    })
}

fn is_stopped(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    status.contains("\nState:\tT") || status.contains("\nState:\tt")
}
