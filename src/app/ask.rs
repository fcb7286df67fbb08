//! Questions to a person on the terminal. They go to stderr, so that stdout holds the report alone.

use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::{emulate_default_handler, pipe};

use crate::error::{Error, plain};

/// The signals by which a person or the system ends a question.
const ENDS: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
/// The longest line of a terminal.
const LINE: usize = 4096;

/// What becomes of these signals.
struct Ends {
    /// They end the process, as they would without us.
    at_once: Arc<AtomicBool>,
    /// The last one that did not; 0 is none.
    noted: Arc<AtomicUsize>,
    /// Can be read once there was one.
    bell: UnixStream,
}

/// One for the life of the process: see [`ends`].
static CAUGHT: OnceLock<Ends> = OnceLock::new();

/// Whether there is somebody to ask.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Prints text beside the questions.
pub fn tell(text: &str) {
    // A terminal that is gone is noticed by the next question.
    let _ = write!(io::stderr(), "{text}");
}

/// Whether such an answer says that there is nothing to answer.
#[must_use]
pub fn is_none(answer: &str) -> bool {
    matches!(
        answer.to_ascii_lowercase().as_str(),
        "" | "n" | "no" | "none"
    )
}

/// Asks for a yes or a no, until it is one of them; nothing is a no. None where no answer will come.
///
/// # Errors
/// When the terminal cannot be used.
pub fn yes(question: &str) -> Result<Option<bool>, Error> {
    loop {
        let answer = line(&format!("{question} [y/N] "))?;
        let answer = answer.map(|it| it.to_ascii_lowercase());
        match answer.as_deref() {
            None => return Ok(None),
            Some("y" | "yes") => return Ok(Some(true)),
            Some("" | "n" | "no") => return Ok(Some(false)),
            Some(_) => tell("Please answer y or n.\n"),
        }
    }
}

/// Asks for a line, and gives it without white space around it; none where no answer will come.
///
/// # Errors
/// When the terminal cannot be used.
pub fn line(question: &str) -> Result<Option<String>, Error> {
    asked(question).map_err(|error| unusable(&error))
}

/// The same without showing what is typed.
///
/// # Errors
/// When the terminal cannot be used.
pub fn secret(question: &str) -> Result<Option<String>, Error> {
    let hidden = || {
        let before = tcgetattr(io::stdin())?;
        let ends = ends()?;
        let was_at_once = ends.at_once.swap(false, Ordering::SeqCst);
        let answer = hide(&before).and_then(|()| asked(question));
        restore(&before);
        ends.at_once.store(was_at_once, Ordering::SeqCst);
        if was_at_once {
            end_as_told();
        }
        answer
    };
    hidden().map_err(|error| unusable(&error))
}

/// From here on a signal that ends the process ends the questions alone, so that what was answered can be kept.
///
/// # Errors
/// When signals cannot be caught.
pub fn note_signals() -> Result<(), Error> {
    let ends = ends().map_err(|error| unusable(&error))?;
    ends.at_once.store(false, Ordering::SeqCst);
    Ok(())
}

/// Whether a signal that ends the process does so at once, from here on. Gives whether it did. Where nothing was asked yet there is nothing
/// that would end it: other handlers alone have their say.
pub fn end_at_once(at_once: bool) -> bool {
    CAUGHT
        .get()
        .is_some_and(|ends| ends.at_once.swap(at_once, Ordering::SeqCst))
}

/// Whether one was noted.
#[must_use]
pub fn is_ended() -> bool {
    ends().is_ok_and(|ends| ends.noted.load(Ordering::SeqCst) != 0)
}

/// Ends the process by the signal that was noted, if one was.
pub fn end_as_told() {
    let noted = ends().map_or(0, |ends| ends.noted.load(Ordering::SeqCst));
    if let Some(signal) = i32::try_from(noted).ok().filter(|signal| *signal != 0) {
        let _ = emulate_default_handler(signal);
    }
}

/// Asks, and reads a line; none where the input or a signal ends the questions.
fn asked(question: &str) -> io::Result<Option<String>> {
    let (stdin, ends) = (io::stdin(), ends()?);
    write!(io::stderr(), "{question}")?;
    io::stderr().flush()?;
    let mut answer = vec![];
    let mut bytes = [0; LINE];
    while !answer.ends_with(b"\n") {
        let mut ready = [
            PollFd::new(&ends.bell, PollFlags::IN),
            PollFd::new(&stdin, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        let is_over = ready.first().is_some_and(|bell| !bell.revents().is_empty());
        let count = if is_over {
            0
        } else {
            read(&stdin, &mut bytes)?
        };
        if count == 0 {
            // The cursor is behind the question.
            tell("\n");
            return Ok(None);
        }
        answer.extend_from_slice(bytes.get(..count).unwrap_or_default());
    }
    let answer = String::from_utf8(answer).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Some(answer.trim().to_owned()))
}

/// The library never takes a handler back to the default, so there is one for all questions, and it acts as the default does between them.
fn ends() -> io::Result<&'static Ends> {
    if let Some(caught) = CAUGHT.get() {
        return Ok(caught);
    }
    let (bell, ring) = UnixStream::pair()?;
    let ends = Ends {
        at_once: Arc::new(AtomicBool::new(true)),
        noted: Arc::default(),
        bell,
    };
    for signal in ENDS {
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_conditional_default(signal, Arc::clone(&ends.at_once))?;
        flag::register_usize(signal, Arc::clone(&ends.noted), number)?;
        pipe::register(signal, ring.try_clone()?)?;
    }
    Ok(CAUGHT.get_or_init(|| ends))
}

fn hide(before: &Termios) -> io::Result<()> {
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    // The line feed alone is shown, so that what follows begins on a line of its own.
    hidden.local_modes.insert(LocalModes::ECHONL);
    // Stopped and continued, a shell would have set the terminal to show what is typed.
    hidden.special_codes[SpecialCodeIndex::VSUSP] = 0;
    Ok(tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?)
}

fn restore(before: &Termios) {
    // There is nobody left to tell where this fails.
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
}

fn unusable(error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::InvalidData => "the answer is not UTF-8 text".to_owned(),
        _ => plain(error),
    };
    Error::failed(format!("cannot ask on this terminal: {why}"))
}
