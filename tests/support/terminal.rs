//! A command on a real pseudo-terminal, as a person sits before it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// Nothing that a test waits for is wrapped.
const WIDE: u16 = 1000;
/// Leads the session and outlives the command: with its leader a session's terminal is hung up, and what was written last is lost. It tells
/// the command's id and, once that is over, its exit code as a shell does, each between two NULs.
const LEADER: &str = r#"trap : HUP INT QUIT TERM
sh -c 'printf "\0%s\0" "$$"; exec "$@" 2>&1' sh "$@"
printf '\0%s\0' "$?"
exec sleep 100"#;
/// Longer than any step takes on a busy host.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct Terminal {
    master: File,
    output: Receiver<Vec<u8>>,
    leader: Child,
    /// What was read so far.
    bytes: Vec<u8>,
    /// What was shown so far.
    shown: String,
    /// How much of it was waited for.
    read: usize,
    /// What the leader told.
    told: Vec<String>,
}

impl Terminal {
    /// Runs the command in a session whose terminal this is; a wide one.
    pub fn run(command: &Command) -> Self {
        Self::of(WIDE, command)
    }

    /// The same on a terminal of so many columns.
    pub fn of(columns: u16, command: &Command) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, vec![]).unwrap();
        let slave: OwnedFd = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(std::ffi::OsStr::from_bytes(name.as_bytes()))
            .unwrap()
            .into();
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&slave, size).unwrap();
        let mut session = Command::new("setsid");
        session
            .args(["--ctty", "sh", "-c", LEADER, "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .stdin(slave.try_clone().unwrap())
            .stdout(slave)
            // What a shell says of a command that a signal ended.
            .stderr(Stdio::null());
        for (name, value) in command.get_envs() {
            session.env(name, value.unwrap_or_default());
        }
        let leader = session.spawn().unwrap();
        drop(session);
        let master = File::from(master);
        let mut reader = master.try_clone().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end is an error on Linux: nobody holds the other side any more.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            master,
            output,
            leader,
            bytes: vec![],
            shown: String::new(),
            read: 0,
            told: vec![],
        }
    }

    /// Reads on; false where nothing came within the time.
    fn receive(&mut self, left: Duration) -> bool {
        let Ok(bytes) = self.output.recv_timeout(left) else {
            return false;
        };
        self.bytes.extend(bytes);
        let parts: Vec<&[u8]> = self.bytes.split(|byte| *byte == 0).collect();
        let shown = parts.iter().step_by(2).copied().flatten();
        let shown: Vec<u8> = shown.copied().collect();
        // The last part is not there to its end.
        let told = parts[..parts.len() - 1].iter().skip(1).step_by(2);
        self.told = told
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect();
        // Of a letter that is not there to its end the rest comes.
        if let Ok(shown) = String::from_utf8(shown) {
            self.shown = shown;
        }
        true
    }

    /// Waits for what the leader tells.
    fn told(&mut self, place: usize) -> i32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(told) = self.told.get(place) {
                return told.parse().unwrap();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(self.receive(left), "it goes on: {}", self.shown);
        }
    }

    /// Waits until the text is shown.
    pub fn expect(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown[self.read..].find(text) {
                self.read += at + text.len();
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(self.receive(left), "not shown: {text:?} in {}", self.shown);
        }
    }

    /// Types a line.
    pub fn answer(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    /// Types these characters.
    pub fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether what is typed is shown.
    pub fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.master).unwrap().local_modes;
        modes.contains(LocalModes::ECHO)
    }

    /// Sends a signal to the command.
    pub fn signal(&mut self, name: &str) {
        let id = self.told(0).to_string();
        // The shell's own: a minimal system has no program of that name.
        let kill = ["-c", "kill -s \"$0\" \"$1\"", name, &id];
        let status = Command::new("sh").args(kill).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end, and gives all that was shown.
    pub fn end(self) -> (ExitStatus, String) {
        let (status, shown, _) = self.end_with_echo();
        (status, shown)
    }

    /// The same, and whether the command left a terminal that shows what is typed.
    pub fn end_with_echo(mut self) -> (ExitStatus, String, bool) {
        // As `$?` tells of a command that a signal ended.
        let status = match self.told(1) {
            signalled @ 129.. => ExitStatus::from_raw(signalled - 128),
            code => ExitStatus::from_raw(code << 8),
        };
        let echoes = self.echoes();
        (status, std::mem::take(&mut self.shown), echoes)
    }
}

/// A test that fails leaves nothing behind that waits for answers.
impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.leader.kill();
        let _ = self.leader.wait();
    }
}
