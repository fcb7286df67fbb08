//! `cadence timer`: starts `cadence reconcile` as a process of its own whenever a cycle is due, for as long as it lives. It is fit to be
//! process 1 of a container: it reaps, and passes on what would end it.
//!
//! It reads neither configuration nor state: each cycle finds out by itself whether it is due, and tells when the next one is. So all that it
//! needs is a clock and a child, and it drops the rest of the program before it waits: it executes itself anew, under a name of its own.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{read, retry_on_intr, write};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait,
};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use super::context::Context;
use super::pending_cut;
use crate::cli::{Color, Format, Global};
use crate::error::{EXIT_DONE, EXIT_FAILED, Error, plain};
use crate::file::of_kernel;
use crate::logging::log_to_stderr;
use crate::logic::said::Said;
use crate::logic::schedule::until_planned;
use crate::logic::state::{State, VERSION};
use crate::logic::turns::{LOOK, Next, Turn, WHOLE_ENDING, pause, pause_of_killed};
use crate::render::is_journal;
use crate::store::{StateDir, state};
use crate::system;

/// What the process is called by which it is known that it only has to wait; no shell finds a program of this name.
const NAME: &str = "cadence: timer";
/// What the process is started with that tells what this one found.
const TELLER: &str = "timer: tell";
/// What ends it.
const STOPS: [(i32, Signal); 3] = [
    (SIGTERM, Signal::TERM),
    (SIGINT, Signal::INT),
    (SIGHUP, Signal::HUP),
];
/// What becomes of the stderr of a cycle.
const RELAY: &str = "relay";
const INHERIT: &str = "inherit";
/// For so long another process that has cut the power is waited for at the end.
const LAST_WAIT: Duration = Duration::from_secs(60);
/// For so long whoever reads the log is waited for, and at the end.
const READERS: [Duration; 2] = [Duration::from_secs(5), Duration::from_millis(100)];
/// What a pipe takes at once, where it takes anything (`PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// Runs the command: by executing this program anew, which has nothing of it in memory then, or if that cannot be done, as it is.
///
/// # Errors
/// When signals cannot be heard.
#[inline(never)]
pub fn run(context: &Context) -> Result<u8, Error> {
    // Without /proc nobody tells but who called it.
    let called = || std::env::args_os().next().unwrap_or_default().into();
    let program = std::env::current_exe().unwrap_or_else(|_| called());
    // On a terminal and in the journal each line has a form of its own, by what stderr is. That is found out here, as what comes after this has
    // the less in memory the less it runs.
    let inherits = io::stderr().is_terminal() || is_journal(&context.env, "/proc/self/fd/2");
    let mut words = vec![
        context.state_dir().into_os_string(),
        program.clone().into_os_string(),
        if inherits { INHERIT } else { RELAY }.into(),
    ];
    words.extend(context.flags());
    let _why = Command::new(program).arg0(NAME).args(&words).exec();
    wait_for_turns(words.into_iter())
}

/// Runs what [`run`] executes, if this process is that; its exit code. What is going to be that as process 1 keeps the signals that come
/// before: the kernel would drop them.
#[must_use]
pub fn resumed(mut words: impl Iterator<Item = OsString>) -> Option<u8> {
    if words.next().is_some_and(|name| name == NAME) {
        return Some(wait_for_turns(words).unwrap_or(EXIT_FAILED));
    }
    let mut words = words.peekable();
    if words.next_if(|word| word == TELLER).is_some() {
        let news = words.next().unwrap_or_default();
        tell_trouble(&news.to_string_lossy(), &words.collect::<Vec<_>>());
        return Some(EXIT_DONE);
    }
    if words.any(|word| word == "timer") && std::process::id() == 1 {
        let _ = stops().thread_block();
    }
    None
}

/// Tells what the timer itself found.
#[inline(never)]
fn tell_trouble(news: &str, flags: &[OsString]) {
    log_to_stderr(&global(flags));
    log::error!("{news}");
}

/// What ends it, as a set.
fn stops() -> SigSet {
    let numbers = STOPS.into_iter().map(|(number, _)| number);
    numbers.filter_map(|it| it.try_into().ok()).collect()
}

/// Whether it is what runs the container that this process is in.
#[must_use]
pub fn is_process_1() -> bool {
    of_kernel("/proc/1/cmdline").starts_with(NAME)
}

/// Whether one runs here that keeps its state in that folder: what it was executed with begins so.
#[must_use]
pub fn runs(state_dir: &Path) -> bool {
    runs_in(Path::new("/proc"), state_dir)
}

fn runs_in(proc: &Path, state_dir: &Path) -> bool {
    let begin = format!("{NAME}\0{}\0", state_dir.display());
    let cmdline = |pid: &u32| of_kernel(format!("{}/{pid}/cmdline", proc.display()));
    let processes = system::processes(proc);
    processes.iter().any(|pid| cmdline(pid).starts_with(&begin))
}

/// Tells the timer, which listens at stdin, in how many milliseconds the next cycle is due.
#[inline(never)]
pub fn tell(context: &Context) {
    let Ok(Some(dir)) = StateDir::existing(&context.state_dir()) else {
        return;
    };
    if let Ok(Some(state)) = state::read::<State>(&dir, VERSION.into()) {
        let left = until_planned(&state, &system::now()).as_millis();
        // Without it the timer asks again in a minute.
        let _ = write(io::stdin(), left.to_string().as_bytes());
    }
}

/// Gives the modem the power that a cut left off, if one did.
///
/// # Errors
/// The power is not known to be back.
#[inline(never)]
pub fn end_left_over(context: &Context) -> Result<u8, Error> {
    if pending_cut::end(context, LAST_WAIT)? {
        log::warn!("a cut had left the modem without power; it is back on");
    }
    Ok(EXIT_DONE)
}

fn wait_for_turns(mut words: impl Iterator<Item = OsString>) -> Result<u8, Error> {
    let (state_dir, program) = (words.next(), words.next());
    let relays = words.next().is_some_and(|it| it == RELAY);
    let timer = Timer {
        state_dir: state_dir.unwrap_or_default().into(),
        program: program.unwrap_or_default().into(),
        flags: words.collect(),
        signals: Signals::listen().map_err(Error::failed)?,
        said: Said::default(),
        relays,
        stopped: None,
        begun: Instant::now(),
    };
    Ok(timer.run())
}

/// The process that waits.
struct Timer {
    state_dir: PathBuf,
    program: PathBuf,
    /// What each cycle is given.
    flags: Vec<OsString>,
    signals: Signals,
    said: Said,
    /// Whether what the cycles log comes by it.
    relays: bool,
    /// When a cycle was first told to end by a signal.
    stopped: Option<Duration>,
    begun: Instant,
}

/// A process that was started.
struct Child {
    id: Pid,
    /// What it tells the timer.
    told: OwnedFd,
    /// What it logs.
    logged: Option<OwnedFd>,
}

/// When the state folder was last changed.
type Seen = Option<(i64, i64)>;

impl Timer {
    /// Starts cycles until a signal ends it; the exit code.
    fn run(mut self) -> u8 {
        // Since boot, as a host that sleeps is late.
        let mut due = Duration::ZERO;
        let (mut seen, mut killed) = (None, 0_u32);
        while self.signals.stop().is_none() {
            let left = due.saturating_sub(system::since_boot());
            // Somebody else may have run a cycle, or left a cut.
            if left.is_zero() || self.look() != seen {
                let words = ["reconcile", "--if-due", "--tell-timer"];
                let (told, status) = self.take(&words, Turn::begin(self.now()), false);
                seen = self.look();
                let is_killed = status.and_then(WaitStatus::terminating_signal).is_some();
                killed = if is_killed {
                    killed.saturating_add(1)
                } else {
                    0
                };
                let pause = match killed {
                    0 => pause(&told),
                    turns => pause_of_killed(turns),
                };
                due = system::since_boot().saturating_add(pause);
            } else {
                self.signals.wait(left.min(LOOK), None);
                while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
            }
        }
        let stopped = self.stopped.unwrap_or_else(|| self.now());
        let last = Turn::until(stopped.saturating_add(WHOLE_ENDING));
        let (_, status) = self.take(&["recover", "--on", "--left-over"], last, true);
        let code = status.and_then(WaitStatus::exit_status);
        code.and_then(|code| u8::try_from(code).ok())
            .unwrap_or(EXIT_FAILED)
    }

    /// Time since it began, without that in which the host slept: a cycle is not late by it.
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn look(&self) -> Seen {
        let meta = std::fs::metadata(&self.state_dir).ok()?;
        Some((meta.mtime(), meta.mtime_nsec()))
    }

    /// Runs cadence to its end: what it told, and how it ended. A signal is passed on, unless it is the `last` that is run.
    fn take(&mut self, words: &[&str], turn: Turn, last: bool) -> (Vec<u8>, Option<WaitStatus>) {
        self.said.begin();
        let taken = self.start(words).map(|mut child| {
            let (status, hung) = self.end(&mut child, turn, last);
            let mut bytes = [0; 32];
            let length = read(&child.told, &mut bytes).unwrap_or(0);
            let told = bytes.get(..length).unwrap_or_default().to_vec();
            (told, status, hung)
        });
        let trouble = match &taken {
            Err(error) => Some(format!(
                "cannot start {}: {}; it is tried again each minute",
                self.program.display(),
                plain(error)
            )),
            Ok((_, _, true)) if last => Some(
                "it could not be found out in time whether a cut is left: the modem may be without power; fix: switch its plug on by hand"
                    .to_owned(),
            ),
            Ok((_, _, true)) => Some("a cycle hung: it was ended after 15 minutes".to_owned()),
            Ok((_, status, false)) => {
                let signal = status.and_then(WaitStatus::terminating_signal);
                let signal = signal.filter(|_| self.signals.stop().is_none());
                signal.map(|signal| format!("a cycle was ended by signal {signal}"))
            }
        };
        let now = self.now();
        if let Some(news) = trouble.filter(|it| self.said.is_news(it.as_bytes(), now)) {
            // By a process of its own, as what that takes would stay in memory.
            let mut teller = Command::new(&self.program);
            teller.arg(TELLER).arg(&news).args(&self.flags);
            if last || teller.spawn().is_err() {
                tell_trouble(&news, &self.flags);
            }
        }
        taken.map_or((vec![], None), |(told, status, _)| (told, status))
    }

    /// Starts cadence in a process group of its own, so that a terminal's signal comes to it once.
    fn start(&self, words: &[&str]) -> io::Result<Child> {
        let (told, teller) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let mut command = Command::new(&self.program);
        command.args(words).args(&self.flags).stdin(teller);
        let mut logged = None;
        if self.relays {
            let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
            rustix::io::ioctl_fionbio(&ours, true)?;
            if system::is_one_output() {
                command.stdout(theirs.try_clone()?);
            }
            command.stderr(theirs);
            logged = Some(ours);
        }
        let child = command.process_group(0).spawn()?;
        let id = Pid::from_child(&child);
        Ok(Child { id, told, logged })
    }

    /// Passes on what a process logged so far.
    fn relay(&mut self, child: &mut Child) {
        let begun = self.begun;
        let mut bytes = [0; AT_ONCE];
        while let Some(logged) = &child.logged {
            match retry_on_intr(|| read(logged, &mut bytes)) {
                Ok(0) => child.logged = None,
                Ok(length) => {
                    let read = bytes.get(..length).unwrap_or_default();
                    let news = self.said.passed_on(read, begun.elapsed());
                    self.say(&news);
                }
                Err(_) => return,
            }
        }
    }

    /// Writes to the log, unless nobody reads it.
    fn say(&mut self, text: &[u8]) {
        let [patience, at_end] = READERS;
        let is_end = self.signals.stop().is_some();
        let patience = Timespec::try_from(if is_end { at_end } else { patience }).ok();
        let stderr = io::stderr();
        let is_said = text.chunks(AT_ONCE).all(|part| {
            let mut ends = [PollFd::new(&stderr, PollFlags::OUT)];
            matches!(
                retry_on_intr(|| poll(&mut ends, patience.as_ref())),
                Ok(1..)
            ) && write(&stderr, part).is_ok()
        });
        if !is_said {
            self.said = Said::default();
        }
    }

    /// Waits for the end of a process, and reaps whatever else ends meanwhile. How it ended, and whether it hung.
    fn end(&mut self, child: &mut Child, mut turn: Turn, last: bool) -> (Option<WaitStatus>, bool) {
        let (mut passed_on, mut hung) = (last, false);
        let status = loop {
            match reap(child.id) {
                Ok(None) => {}
                // Where it is an error, there is no child any more.
                Ok(status) => break status,
                Err(_) => break None,
            }
            self.relay(child);
            let now = self.now();
            if let Some(signal) = self.signals.stop().filter(|_| !passed_on) {
                passed_on = true;
                self.stopped = Some(now);
                let _ = kill_process(child.id, signal);
                turn.ask(now);
            }
            match turn.next(now) {
                Next::Wait(left) => self.signals.wait(left.min(LOOK), child.logged.as_ref()),
                Next::Ask => {
                    hung = true;
                    let _ = kill_process(child.id, Signal::TERM);
                    turn.ask(now);
                }
                Next::Kill => {
                    hung |= last;
                    let _ = kill_process_group(child.id, Signal::KILL);
                    // It may have left its group.
                    let _ = kill_process(child.id, Signal::KILL);
                    turn.kill(now);
                }
                Next::Leave => break None,
            }
        };
        self.relay(child);
        let now = self.now();
        let rest = self.said.rest(now);
        self.say(&rest);
        (status, hung)
    }
}

/// Reaps whatever has ended; how this one did, if it is among that.
fn reap(child: Pid) -> rustix::io::Result<Option<WaitStatus>> {
    loop {
        match wait(WaitOptions::NOHANG)? {
            Some((id, status)) if id == child => return Ok(Some(status)),
            Some(_) => {}
            None => return Ok(None),
        }
    }
}

/// What is heard while it waits.
struct Signals {
    /// Has a byte in it since the last signal.
    woken: UnixStream,
    /// The number of the last one that ends it.
    stop: Arc<AtomicUsize>,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let (woken, waker) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let stop = Arc::new(AtomicUsize::new(0));
        let numbers = STOPS.into_iter().map(|(number, _)| number);
        for number in numbers.filter(|it| !system::is_by_nohup(*it)) {
            let value = usize::try_from(number).unwrap_or_default();
            flag::register_usize(number, Arc::clone(&stop), value)?;
            low_level::pipe::register(number, waker.try_clone()?)?;
        }
        low_level::pipe::register(SIGCHLD, waker)?;
        // Those that came before come now.
        stops().thread_unblock()?;
        Ok(Self { woken, stop })
    }

    /// The signal that is to end it, where one came.
    fn stop(&self) -> Option<Signal> {
        let came = self.stop.load(Ordering::Relaxed);
        let stops = STOPS.into_iter();
        let mut came = stops.filter(|(number, _)| usize::try_from(*number) == Ok(came));
        came.next().map(|(_, signal)| signal)
    }

    /// Waits for any signal, or that there is something to read, at most so long.
    fn wait(&self, time: Duration, logged: Option<&OwnedFd>) {
        let woken = PollFd::new(&self.woken, PollFlags::IN);
        let mut ends: Vec<PollFd<'_>> = vec![woken];
        ends.extend(logged.map(|it| PollFd::new(it, PollFlags::IN)));
        let time = Timespec::try_from(time).ok();
        // Interrupted: by the signal that is waited for.
        let _ = poll(&mut ends, time.as_ref());
        let mut bytes = [0; 64];
        while retry_on_intr(|| read(&self.woken, &mut bytes)).is_ok_and(|count| count > 0) {}
    }
}

/// How to log, by what the cycles are given.
fn global(flags: &[OsString]) -> Global {
    Global {
        config: None,
        state_dir: None,
        format: Format::Auto,
        json: false,
        color: Color::Auto,
        verbose: 0,
        quiet: flags.iter().any(|flag| flag == "--quiet"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_timer_is_known_by_its_own_words_and_by_the_folder_of_its_state() {
        let proc = tempfile::tempdir().unwrap();
        let process = |id: &str, cmdline: &str| {
            fs::create_dir_all(proc.path().join(id)).unwrap();
            fs::write(proc.path().join(id).join("cmdline"), cmdline).unwrap();
        };
        let runs = |dir: &str| runs_in(proc.path(), Path::new(dir));
        process("6", "cadence\0check\0");
        process("7", "vi\0cadence: timer\0/s\0");
        process("8", "cadence: timer\0/state\0/bin/cadence\0relay\0");
        assert!(runs("/state"));
        assert!(!runs("/s") && !runs("/state2"), "that of another one");
        assert!(!runs_in(&proc.path().join("none"), Path::new("/state")));
    }
}
