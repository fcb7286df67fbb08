//! A command on a real pseudo-terminal, as a person sits before it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// Nothing that a test waits for is wrapped.
const WIDE: u16 = 1000;
/// Longer than any step takes on a busy host.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct Terminal {
    master: File,
    output: Receiver<Vec<u8>>,
    child: Child,
    /// What was shown so far.
    shown: String,
    /// How much of it was waited for.
    read: usize,
}

impl Terminal {
    /// Runs the command as the leader of a session whose terminal this is; a wide one.
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
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave);
        for (name, value) in command.get_envs() {
            session.env(name, value.unwrap_or_default());
        }
        let child = session.spawn().unwrap();
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
            child,
            shown: String::new(),
            read: 0,
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
            let Ok(bytes) = self.output.recv_timeout(left) else {
                panic!("not shown: {text:?} in {}", self.shown);
            };
            self.shown += &String::from_utf8(bytes).unwrap();
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
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
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
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it goes on: {}", self.shown);
            thread::sleep(Duration::from_millis(10));
        };
        let echoes = self.echoes();
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.shown += &String::from_utf8(bytes).unwrap();
        }
        (status, std::mem::take(&mut self.shown), echoes)
    }
}

/// A test that fails leaves nothing behind that waits for answers.
impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
