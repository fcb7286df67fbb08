//! A home for black-box tests: the loopback world, a folder with configuration and state, and the real binary.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a fault of the test ends it"
)]

pub mod schema;
pub mod strace;
pub mod terminal;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use cadence::world::{Files, World};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tempfile::TempDir;

/// A world, and a host in it.
pub struct Home {
    pub world: World,
    pub folder: TempDir,
}

/// One record, created if it is missing.
pub const RECORD: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";

/// What foreign bytes may take of memory, in KiB over an honest cycle, of which each build has its own: with the 5 MiB and some
/// of the released binary, less than 16 MiB.
pub const MOST_FOREIGN_MEMORY: u64 = 10 << 10;

/// Says what this test, or a part of it, cannot show here, and why; also to `tests/run`, as what a test prints is seen only where it fails.
pub fn skipped(why: &str) {
    let why = why.lines().next().unwrap_or_default();
    let told = format!("{}: {why}", thread::current().name().unwrap_or("a part"));
    println!("skipped: {told}");
    if let Some(list) = std::env::var_os("CADENCE_TESTS_SKIPPED") {
        let mut list = OpenOptions::new()
            .append(true)
            .create(true)
            .open(list)
            .unwrap();
        writeln!(list, "{told}").unwrap();
    }
}

/// One sweep at full size at a time: each keeps every core busy, and two only run each other into their timeouts.
pub fn alone() -> MutexGuard<'static, ()> {
    static SWEEP: Mutex<()> = Mutex::new(());
    SWEEP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A state in which records that are alike have one entry each.
pub fn each_record(mut state: Value) -> Value {
    if let Some(records) = state["records"].as_object_mut() {
        for (keys, known) in std::mem::take(records) {
            let each = keys.split(", ").map(|key| (key.to_owned(), known.clone()));
            records.extend(each);
        }
    }
    state
}

/// What ends a process. Where these tests run by `nohup`, what they start ignores the one of a terminal that goes.
pub fn stops() -> &'static [&'static str] {
    if cadence::system::is_by_nohup(libc::SIGHUP) {
        &["TERM", "INT"]
    } else {
        &["TERM", "INT", "HUP"]
    }
}

impl Home {
    /// A host with one record in a zone that is there and empty.
    pub fn new() -> Self {
        Self::with(RECORD)
    }

    /// A host whose configuration ends with `rest`: its records and whatever else.
    pub fn with(rest: &str) -> Self {
        Self::of(World::start().unwrap(), rest)
    }

    /// The same in a world without TLS, where a cycle costs little.
    pub fn in_the_clear(rest: &str) -> Self {
        Self::of(World::start_in_the_clear().unwrap(), rest)
    }

    fn of(world: World, rest: &str) -> Self {
        world.cloudflare().add_zone("example.com");
        let folder = tempfile::tempdir().unwrap();
        let home = Self { world, folder };
        fs::write(home.path("token"), home.world.token()).unwrap();
        fs::set_permissions(home.path("token"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(home.path("ca.pem"), home.world.ca_pem()).unwrap();
        home.configure(rest);
        home
    }

    /// Writes the configuration anew.
    pub fn configure(&self, rest: &str) {
        let (token, ca) = (self.path("token"), self.path("ca.pem"));
        let has_tls = !self.world.ca_pem().is_empty();
        let text = self.world.config_toml(
            Files {
                token: &token,
                ca: has_tls.then_some(&ca),
            },
            rest,
        );
        fs::write(self.path("cadence.toml"), text).unwrap();
    }

    /// Edits the configuration as it is.
    pub fn rewrite(&self, edit: impl FnOnce(&str) -> String) {
        let path = self.path("cadence.toml");
        let text = edit(&fs::read_to_string(&path).unwrap());
        fs::write(path, text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of the state folder.
    pub fn state_file(&self, name: &str) -> PathBuf {
        self.path("state").join(name)
    }

    /// The binary on this host, with nothing of the test's own environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let built = env!("CARGO_BIN_EXE_cadence").into();
        // Such as a release build, for runs of many cycles.
        self.command_of(
            std::env::var_os("CADENCE_TEST_BIN").unwrap_or(built),
            arguments,
        )
    }

    /// The same with another build of the binary.
    pub fn command_of(&self, binary: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("CADENCE_CONFIG", self.path("cadence.toml"))
            .env("CADENCE_STATE_DIR", self.path("state"))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end. A document that it prints must be as its schema says.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let out = self.command(arguments).output().unwrap();
        schema::hold(&out.stdout);
        out
    }

    /// Runs one cycle that must exit 0, and gives its report.
    pub fn cycle(&self) -> Value {
        let (code, report) = self.cycle_with(&[]);
        assert_eq!(code, 0, "{report:#}");
        report
    }

    /// Runs one cycle; its exit code and its report.
    pub fn cycle_with(&self, options: &[&str]) -> (i32, Value) {
        let out = self.run(&[&["reconcile", "--json"], options].concat());
        let text = String::from_utf8(out.stdout).unwrap();
        let errors = String::from_utf8_lossy(&out.stderr).into_owned();
        let report =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("no report: {text}{errors}"));
        (out.status.code().unwrap(), report)
    }

    /// Runs cycles until READY and settled: two of them.
    pub fn settle(&self) {
        self.cycle();
        assert_eq!(self.cycle()["readiness"]["after"], "READY");
    }

    /// `state.json`, in which records that are alike have one entry each.
    pub fn state(&self) -> Value {
        let text = fs::read_to_string(self.state_file("state.json")).unwrap();
        each_record(serde_json::from_str(&text).unwrap())
    }

    /// The events of the history.
    pub fn history(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.state_file("history.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The content of the only record of this type at the provider.
    pub fn published(&self, kind: &str) -> Option<String> {
        let records = self.world.cloudflare().records();
        let of_kind: Vec<&Value> = records
            .iter()
            .filter(|record| record["type"] == kind)
            .collect();
        assert!(of_kind.len() <= 1, "{records:?}");
        of_kind
            .first()
            .and_then(|record| record["content"].as_str())
            .map(str::to_owned)
    }

    /// Lets that much time pass: every moment in the state moves into the past, as if this host had been off since.
    pub fn pass(&self, time: Duration) {
        let mut state = self.state();
        each_moment(&mut state, &|moment| {
            let wall = wall(moment).checked_sub(time).unwrap();
            moment.insert("wall".into(), wall.to_string().into());
            // Time since boot does not go back far enough: let the wall clock count.
            moment.insert("boot".into(), "an earlier boot".into());
        });
        if let Some(at) = state.pointer_mut("/last_change/at") {
            let wall: Timestamp = at.as_str().unwrap().parse().unwrap();
            *at = wall.checked_sub(time).unwrap().to_string().into();
        }
        fs::write(self.state_file("state.json"), state.to_string()).unwrap();
    }

    /// Every file that is kept.
    pub fn kept(&self) -> Vec<PathBuf> {
        let files = ["state", "state/telemetry"].map(|folder| fs::read_dir(self.path(folder)));
        let files = files.into_iter().flatten().flatten();
        let paths = files.map(|file| file.unwrap().path());
        paths.filter(|path| path.is_file()).collect()
    }

    /// Whether the fast interval is wanted.
    pub fn is_unsettled(&self) -> bool {
        self.state_file("unsettled").exists()
    }
}

/// Changes every moment in a state.
pub fn each_moment(value: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    match value {
        Value::Object(moment) if moment.contains_key("since_boot_ms") => change(moment),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| each_moment(value, change)),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| each_moment(value, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The wall clock of a moment.
pub fn wall(moment: &Map<String, Value>) -> Timestamp {
    moment["wall"].as_str().unwrap().parse().unwrap()
}

/// Debian's libfaketime, which moves the wall clock alone when asked to; says so where it is not installed.
pub fn faketime() -> Option<PathBuf> {
    let found = fs::read_dir("/usr/lib")
        .ok()?
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists());
    if found.is_none() {
        skipped("libfaketime is not installed");
    }
    found
}

/// Readiness by a state: that of the best of its families.
pub fn readiness(state: &Value) -> &'static str {
    let name = |family| match &state["machines"][family]["track"] {
        track if track == "init" => "INIT",
        track if track == "not_ready" => "NOT_READY",
        track if track["trusted"].is_object() => "READY",
        _ => "PROBING",
    };
    let each = ["ipv4", "ipv6"].map(name);
    let best_first = ["READY", "PROBING", "NOT_READY"];
    let best = best_first.into_iter().find(|name| each.contains(name));
    best.unwrap_or("INIT")
}

/// What a report comes down to: readiness, then each record's outcome with the layer that settled it, as in
/// `READY noop/cache held`.
pub fn gist(report: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut words = vec![word(&report["readiness"]["after"])];
    for record in report["records"].as_array().unwrap() {
        let layer = record["layer"]
            .as_str()
            .map(|layer| format!("/{layer}"))
            .unwrap_or_default();
        words.push(word(&record["outcome"]) + &layer);
    }
    words.join(" ")
}

/// How the provider of this index says that address: the second one tells trace documents.
pub fn says(index: usize, address: &str) -> String {
    if index == 1 {
        format!("h=127.0.0.2\nip={address}\nwarp=off\n")
    } else {
        address.to_owned()
    }
}

/// Why the record of this index was held or failed.
pub fn reason(report: &Value, index: usize) -> &str {
    report["records"][index]["reason"]
        .as_str()
        .unwrap_or_else(|| panic!("no reason: {report:#}"))
}

/// The signal of this name; of `public_ip`, the first.
pub fn signal<'a>(report: &'a Value, name: &str) -> &'a Value {
    let signals = report["signals"].as_array().unwrap();
    signals
        .iter()
        .find(|signal| signal["signal"] == name)
        .unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

/// What is logged, each message on one line again: long ones have their cause and their fix on lines of their own.
pub fn joined(logged: &str) -> String {
    let mut text = logged.to_owned();
    for margin in ["\n         ", "\n       "] {
        text = text.replace(&format!("{margin}fix: "), "; fix: ");
        text = text.replace(margin, " ");
    }
    text
}

/// The program as it is named in advice: no shell finds it by its name alone.
pub fn program() -> String {
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_cadence")).unwrap();
    program.to_str().unwrap().to_owned()
}

/// What is advised to be typed before what root has to run: nothing where root runs the tests on a host without it.
pub fn sudo() -> &'static str {
    let places = [
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
    ];
    let is_there = places
        .iter()
        .any(|it| std::path::Path::new(it).join("sudo").exists());
    if is_there || !rustix::process::geteuid().is_root() {
        "sudo "
    } else {
        ""
    }
}

/// The command as it is advised to whoever named these paths.
pub fn advised(config: &str, state: &str, words: &str) -> String {
    let is_root = rustix::process::geteuid().is_root();
    let sudo = if is_root { sudo() } else { "" };
    format!(
        "{sudo}{} --config {config} --state-dir {state} {words}",
        program()
    )
}
