//! A message for a program: it reads the event, one line of JSON, from stdin.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{MemfdFlags, memfd_create};

use super::{Message, Refusal};
use crate::net::{Deadline, reason};
use crate::program::{self, WINDING_UP, first_line};

/// How much of what it says is kept.
const MAX_OUTPUT: u64 = 4096;

/// Runs it to its end, or kills it and all that it has started when the time is over.
///
/// # Errors
/// It could not be run, or says by its exit code that it failed.
pub fn run(program: &Path, message: &Message, deadline: Deadline) -> Result<(), Refusal> {
    let name = program.display();
    let mut command = program::of_operator(program);
    let input =
        stdin(message).map_err(|error| Refusal::of(format!("{name}: {}", reason::of(&error))))?;
    command.stdin(input);
    let running = program::start(command, MAX_OUTPUT, None).map_err(|error| {
        Refusal::of(match error.kind() {
            io::ErrorKind::NotFound => missing(program),
            io::ErrorKind::PermissionDenied => {
                format!("{name} may not be run by this user; fix: make it executable")
            }
            _ => format!("{name} cannot be run: {}", reason::of(&error)),
        })
    })?;
    let ended = running.end(deadline.sooner_by(WINDING_UP));
    let failure = match &ended.status {
        Ok(Some(status)) if status.success() => return Ok(()),
        Ok(Some(status)) => match status.code() {
            Some(code) => format!("{name} failed (exit code {code})"),
            None => format!("{name} was killed by a signal"),
        },
        Ok(None) => format!("{name} was killed as it took too long"),
        Err(error) => format!("waiting for {name} failed: {}", reason::of(error)),
    };
    let said = ended.output().as_deref().and_then(first_line);
    Err(Refusal {
        said: said.map_or(String::new(), |said| format!(": it said \"{said}\"")),
        ..Refusal::of(failure)
    })
}

/// Said of one that is not there.
#[must_use]
pub fn missing(program: &Path) -> String {
    let name = program.display();
    format!(
        "{name} does not exist, or its interpreter does not; fix: name one that is there in `program`"
    )
}

/// A file in memory: nobody waits for a program that does not read, as with a pipe.
fn stdin(message: &Message) -> io::Result<Stdio> {
    let mut file = File::from(memfd_create("message", MemfdFlags::CLOEXEC)?);
    file.write_all(message.document.as_bytes())?;
    file.write_all(b"\n")?;
    file.rewind()?;
    Ok(Stdio::from(file))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_program_whose_output_somebody_holds_open_takes_no_longer_than_there_is_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        fs::write(&path, "#!/bin/sh\nsetsid sleep 5 &\nsleep 5\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let message = Message {
            id: String::new(),
            title: String::new(),
            body: String::new(),
            is_urgent: false,
            document: "{}".to_owned(),
        };
        let (time, begun) = (Duration::from_secs(2), Instant::now());
        let refused = run(&path, &message, Deadline::after(time)).unwrap_err();
        assert!(refused.why.ends_with(" was killed as it took too long"));
        assert!(begun.elapsed() < time, "{:?}", begun.elapsed());
    }
}
