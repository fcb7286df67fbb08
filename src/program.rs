//! Other programs: run to their end, or killed when their time is over. What they say is kept within bounds.

use std::fs::File;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};

use crate::net::Deadline;
use crate::system;

/// Between two looks whether the program has ended.
const LOOK: Duration = Duration::from_millis(10);
/// How long to wait for the last of the output: a process that the program left behind may hold it open forever.
const LAST_OUTPUT: Duration = Duration::from_millis(500);
/// How much of a line is quoted.
const QUOTED: usize = 100;

/// A program that runs.
pub struct Running {
    child: Child,
    output: mpsc::Receiver<Vec<u8>>,
}

/// A program that is over.
pub struct Ended {
    /// How it ended; none where it was killed because its time was over.
    pub status: io::Result<Option<ExitStatus>>,
    output: mpsc::Receiver<Vec<u8>>,
}

/// Starts a program, unless that is too late by now. Of what it says on stdout and stderr, `keep` bytes are kept and the rest is dropped.
///
/// # Errors
/// It could not be started.
pub fn start(mut command: Command, keep: u64, departure: Option<Deadline>) -> io::Result<Running> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    command.stdout(writer.try_clone()?).stderr(writer);
    if departure.is_some_and(|it| it.remaining().is_zero()) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let child = command.spawn()?;
    // It holds the end of the pipe that the program writes to: without it, the output ends when the program does.
    drop(command);
    Ok(Running {
        child,
        output: read(reader.into(), keep),
    })
}

impl Running {
    /// Waits until it ends, or kills it when its time is over.
    #[must_use]
    pub fn end(mut self, deadline: Deadline) -> Ended {
        Ended {
            status: wait(&mut self.child, deadline),
            output: self.output,
        }
    }
}

fn wait(child: &mut Child, end: Deadline) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if end.remaining().is_zero() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        system::sleep(end.within(LOOK));
    }
}

/// Reads while the program runs, so that it never waits for its reader.
fn read(mut reader: File, keep: u64) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let drain = move || {
        let mut kept = Vec::new();
        let read = reader.by_ref().take(keep).read_to_end(&mut kept);
        // Not everybody wants to know what was said.
        let _ = sender.send(kept);
        if read.is_ok() {
            let _ = io::copy(&mut reader, &mut io::sink());
        }
    };
    // Without a thread nothing is heard, and the pipe is closed.
    let _ = thread::Builder::new()
        .name("output".to_owned())
        .spawn(drain);
    receiver
}

impl Ended {
    /// What the program said; none where something that it left behind holds the output open.
    #[must_use]
    pub fn output(&self) -> Option<String> {
        let output = self.output.recv_timeout(LAST_OUTPUT).ok()?;
        Some(String::from_utf8_lossy(&output).into_owned())
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
