//! Other programs: run to their end, or killed when their time is over, with whatever they have started. What they say is kept within
//! bounds.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::handover::{Taken, Taker, handover};
use crate::net::Deadline;
use crate::system;

/// Between two looks whether the program has ended.
const LOOK: Duration = Duration::from_millis(10);
/// How long to wait for the last of the output: a process that the program left behind may hold it open forever.
const LAST_OUTPUT: Duration = Duration::from_millis(500);
/// So much later than its deadline a program is over at the latest, with what it left behind.
pub const WINDING_UP: Duration = Duration::from_secs(1);
/// Our own secret is no program's business.
pub const TOKEN_VARIABLE: &str = "CLOUDFLARE_API_TOKEN";
/// How much of a line is quoted.
const QUOTED: usize = 100;

/// A program that runs, in a process group of its own. So no signal of the terminal reaches it: it is ended by us alone, or ends by itself.
pub struct Running {
    child: Child,
    /// Gives what it says, once, and is closed when nobody can say any more.
    reader: Taker<Vec<u8>>,
    kept: Option<Vec<u8>>,
}

/// A program that is over.
pub struct Ended {
    /// How it ended; none where it was killed because its time was over.
    pub status: io::Result<Option<ExitStatus>>,
    /// It ended by itself, and what it left behind in its group held its output and was killed.
    pub left_behind: bool,
    kept: Option<Vec<u8>>,
}

/// A program of the operator's own.
#[must_use]
pub fn of_operator(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove(TOKEN_VARIABLE);
    command
}

/// Starts a program, unless that is too late by now. Of what it says on stdout and stderr, `keep` bytes are kept and the rest is dropped.
///
/// # Errors
/// It could not be started.
pub fn start(mut command: Command, keep: u64, departure: Option<Deadline>) -> io::Result<Running> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    command.stdout(writer.try_clone()?).stderr(writer);
    command.process_group(0);
    if departure.is_some_and(|it| it.remaining().is_zero()) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let child = command.spawn()?;
    // It holds the end of the pipe that the program writes to: without it, the output ends when the program does.
    drop(command);
    Ok(Running {
        child,
        reader: read(reader.into(), keep),
        kept: None,
    })
}

impl Running {
    /// Waits until it ends, or kills it when its time is over, and the rest of its group where that still holds its output.
    #[must_use]
    pub fn end(mut self, deadline: Deadline) -> Ended {
        let ended = self.wait(deadline);
        let by_itself = matches!(ended, Ok(true));
        let left_behind = if by_itself && self.is_silent() {
            false
        } else {
            // It is not reaped before, so no other group has its number.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            // What has a group of its own is no more of this program, and may hold the output on.
            self.is_silent() && by_itself
        };
        let status = ended.and_then(|_| self.child.wait());
        Ended {
            status: status.map(|status| by_itself.then_some(status)),
            left_behind,
            kept: self.kept,
        }
    }

    /// Whether it ended by itself.
    fn wait(&self, end: Deadline) -> io::Result<bool> {
        let id = WaitId::Pid(Pid::from_child(&self.child));
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while waitid(id.clone(), ended)?.is_none() {
            if end.remaining().is_zero() {
                return Ok(false);
            }
            system::sleep(end.within(LOOK));
        }
        Ok(true)
    }

    /// Whether nobody holds its output open; waits for that a while.
    fn is_silent(&mut self) -> bool {
        let end = Deadline::after(LAST_OUTPUT);
        loop {
            match self.reader.take(end.remaining()) {
                Taken::Left(kept) => self.kept = Some(kept),
                Taken::Over => return true,
                Taken::Late => return false,
            }
        }
    }
}

/// Reads while the program runs, so that it never waits for its reader.
fn read(mut reader: File, keep: u64) -> Taker<Vec<u8>> {
    let (giver, taker) = handover();
    let drain = move || {
        let mut kept = Vec::new();
        let read = reader.by_ref().take(keep).read_to_end(&mut kept);
        // Not everybody wants to know what was said.
        giver.give(kept);
        if read.is_ok() {
            let _ = io::copy(&mut reader, &mut io::sink());
        }
        // It is over when nobody can send any more.
        drop(giver);
    };
    // Without a thread nothing is heard, and the pipe is closed.
    let _ = system::thread("output", Box::new(drain));
    taker
}

impl Ended {
    /// What the program said; none where something that it left behind holds the output open.
    #[must_use]
    pub fn output(&self) -> Option<String> {
        let kept = self.kept.as_ref()?;
        Some(String::from_utf8_lossy(kept).into_owned())
    }
}

/// The first line with anything on it, fit for one line of a log.
#[must_use]
pub fn first_line(output: &str) -> Option<String> {
    let line = output
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    let mut letters = line.chars().map(|letter| match letter {
        '"' => '\'',
        letter if letter.is_control() => '?',
        letter => letter,
    });
    let start: String = letters.by_ref().take(QUOTED).collect();
    let more = if letters.next().is_some() { ".." } else { "" };
    Some(format!("{start}{more}"))
}
