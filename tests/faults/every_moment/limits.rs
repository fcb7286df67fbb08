//! A host that has little: memory, descriptors, threads, room for a file, and nobody who listens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::disk::traced;
use super::locale::after;
use super::matrix::Fault;
use super::release;
use super::stage::{Moment, Stage, run};
use crate::support::Home;
use crate::support::strace::has_strace;

/// Limits under which everything works, by prlimit(1).
const ENOUGH: [(&str, &str); 6] = [
    ("16 MiB of addresses", "--as=16777216"),
    ("16 MiB of data", "--data=16777216"),
    ("16 descriptors", "--nofile=16"),
    ("128 KiB of stack", "--stack=131072"),
    ("a second of CPU", "--cpu=1"),
    ("64 KiB in a file", "--fsize=65536"),
];

/// Limits under which nothing can be saved.
const TOO_LITTLE: [(&str, &str); 3] = [
    ("6 descriptors", "--nofile=6"),
    ("1 KiB in a file", "--fsize=1024"),
    ("nothing in a file", "--fsize=0"),
];

/// Where what a cycle says goes to, or does not.
const STREAMS: [(&str, &str); 7] = [
    ("stdin closed", "exec <&-"),
    ("stdout closed", "exec >&-"),
    ("stderr closed", "exec 2>&-"),
    ("all three closed", "exec <&- >&- 2>&-"),
    ("stdout full", "exec >/dev/full"),
    ("stderr full", "exec 2>/dev/full"),
    // The reader is gone by then.
    ("stdout a broken pipe", "exec > >(:); sleep 0.2"),
];

pub fn faults() -> Vec<Fault> {
    let mut faults = vec![];
    for (name, limit) in ENOUGH.into_iter().chain(TOO_LITTLE) {
        faults.push(Fault::new(name, move |stage, moment| {
            stage.prepare(move |_, command| limited(command, limit));
            matches!(moment, Moment::Doh | Moment::Plug | Moment::All)
        }));
    }
    for (name, script) in STREAMS {
        faults.push(Fault::new(name, move |stage, moment| {
            stage.mute = true;
            stage.prepare(move |home: &Home, command| after(script, home, command));
            matches!(moment, Moment::Plug | Moment::All)
        }));
    }
    if !has_strace() {
        return faults;
    }
    faults.push(Fault::new("no threads", |stage, moment| {
        stage.prepare(|_, command| {
            traced(
                command,
                std::iter::empty(),
                &["-e", "trace=clone3", "-e", "inject=clone3:error=EAGAIN"],
            );
        });
        matches!(moment, Moment::Doh | Moment::Plug | Moment::All)
    }));
    faults
}

/// The release build under a limit: that of a debug build would be another.
pub fn limited(command: &mut Command, limit: &str) {
    let mut prlimit = Command::new("prlimit");
    prlimit
        .args([limit, "--"])
        .arg(release::binary())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        prlimit.env(name, value.unwrap_or_default());
    }
    prlimit.stdin(Stdio::null());
    *command = prlimit;
}

#[test]
fn a_writing_cycle_needs_less_than_16_mib_and_16_descriptors() {
    let works = |prepare: &dyn Fn(&mut Command)| {
        let stage = Stage::new(Moment::Intent);
        let mut command = stage.home.command(&["reconcile", "--json"]);
        prepare(&mut command);
        let ran = run(command, |_| ());
        ran.code == Some(0) && ran.word("/records/0/outcome") == "updated"
    };
    let least = |works: &dyn Fn(u32) -> bool| {
        assert!(works(16), "16 is not enough");
        (1..16)
            .rev()
            .take_while(|less| works(*less))
            .last()
            .unwrap_or(16)
    };
    let addresses =
        least(&|mib| works(&|command| limited(command, &format!("--as={}", mib << 20))));
    let descriptors =
        least(&|count| works(&|command| limited(command, &format!("--nofile={count}"))));
    println!(
        "figure: works on a small host | 16 MiB of addresses, 16 descriptors | a writing cycle needs {addresses} MiB, {descriptors} descriptors"
    );
    let Some(group) = MemoryGroup::new() else {
        return crate::support::skipped("no control group can limit memory here");
    };
    let memory = least(&|mib| works(&|command| group.limit(command, mib << 20)));
    println!(
        "figure: works on a small host | 16 MiB by a control group | a writing cycle needs {memory} MiB of its own"
    );
}

/// A control group that limits memory, of the first version of the interface or the second.
struct MemoryGroup {
    folder: PathBuf,
    limit: &'static str,
}

impl MemoryGroup {
    /// None where there can be none, or it does not hold.
    fn new() -> Option<Self> {
        let name = format!("cadence-test-{}", std::process::id());
        let made = [("memory", "memory.limit_in_bytes"), ("", "memory.max")];
        let group = made.into_iter().find_map(|(controller, limit)| {
            let folder = Path::new("/sys/fs/cgroup").join(controller).join(&name);
            fs::create_dir(&folder).ok()?;
            let group = Self { folder, limit };
            fs::write(group.folder.join(limit), "16777216").ok()?;
            Some(group)
        })?;
        let mut glutton = Command::new("bash");
        let eat = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); [ ${#x} = 60000000 ]";
        glutton.args(["-c", eat]);
        group.hold(&mut glutton);
        glutton
            .output()
            .is_ok_and(|out| !out.status.success())
            .then_some(group)
    }

    /// A writing cycle of the release build with so much memory.
    fn limit(&self, command: &mut Command, bytes: u32) {
        fs::write(self.folder.join(self.limit), bytes.to_string()).unwrap();
        limited(command, "--core=0");
        self.hold(command);
    }

    fn hold(&self, command: &mut Command) {
        let mut shell = Command::new("bash");
        shell
            .args(["-c", "echo $$ >\"$0\" && exec \"$@\""])
            .arg(self.folder.join("cgroup.procs"));
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        *command = shell;
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // The kernel takes a moment to see that the last process is gone; an empty group costs nothing.
        let _ = fs::remove_dir(&self.folder);
    }
}
