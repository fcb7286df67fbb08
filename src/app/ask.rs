//! Questions to a person on the terminal. They go to stderr, so that stdout holds the report alone.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::error::{Error, plain};

/// The signals by which a person or the system ends a question.
const ENDS: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

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

/// Asks for a yes; whatever else is answered is a no.
///
/// # Errors
/// When the terminal cannot be used.
pub fn yes(question: &str) -> Result<bool, Error> {
    let answer = line(&format!("{question} [y/N] "))?.unwrap_or_default();
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
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
        let mut signals = Signals::new(ENDS)?;
        let handle = signals.handle();
        thread::scope(|scope| {
            thread::Builder::new().spawn_scoped(scope, || {
                for signal in signals.forever() {
                    restore(&before);
                    tell("\n");
                    let _ = emulate_default_handler(signal);
                }
            })?;
            signals_end().store(false, Ordering::SeqCst);
            let answer = hide(&before).and_then(|()| asked(question));
            restore(&before);
            signals_end().store(true, Ordering::SeqCst);
            handle.close();
            answer
        })
    };
    hidden().map_err(|error| unusable(&error))
}

fn asked(question: &str) -> io::Result<Option<String>> {
    // Not locked while it waits: a signal has something to say meanwhile.
    write!(io::stderr(), "{question}")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        // The end of input leaves the cursor behind the question.
        tell("\n");
        return Ok(None);
    }
    Ok(Some(answer.trim().to_owned()))
}

/// While it is false, a signal does not end the process by itself. The library never takes a handler back to the default,
/// so there is one flag for all questions, and it acts as the default does between them.
fn signals_end() -> &'static AtomicBool {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(true));
        for signal in ENDS {
            // Refused for signals that cannot be caught alone, and these can.
            let _ = flag::register_conditional_default(signal, Arc::clone(&flag));
        }
        flag
    })
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
