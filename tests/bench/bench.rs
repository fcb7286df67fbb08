//! What a cycle costs beside other tools, in one world with real TLS: `cargo bench --bench tools -- [OPTION..]`.
//!
//! - `--rounds N`: medians of so many rounds, in each of which every tool has its turn (5);
//! - `--records N,..`: with so many records (1,10,50,1000);
//! - `--with NAME=COMMAND`: another tool, by a command of a shell; the environment tells it `TOKEN`, `ZONE`, `ZONE_ID`, `NAMES`,
//!   `SSL_CERT_FILE`, a `HOME` of its own, and by `CADENCE_CONFIG` and `CADENCE_STATE_DIR` what another cadence needs;
//! - `--only NAME`: those alone whose names begin like this;
//! - `--cadence PATH`: that cadence instead of the one that was built with this;
//! - `--json`: every figure of every round.
//!
//! It makes a namespace with a loopback interface that has the addresses of all servers, a name server that knows their names, and
//! the certificates that are trusted here with its own among them. So each tool runs as its manual says, and what it resolves,
//! connects to and verifies is real. Nothing leaves the namespace.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a fault of the bench ends it; its numbers are small"
)]

mod internet;
mod limits;
mod measure;
mod names;
mod requests;
mod rounds;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod tools;

use std::env;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use internet::Internet;

/// Where Debian has programs.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Set in the namespace.
const INSIDE: &str = "CADENCE_BENCH_INSIDE";

struct Options {
    rounds: usize,
    records: Vec<usize>,
    others: Vec<(String, String)>,
    cadence: String,
    only: String,
    is_json: bool,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, log, command @ ..] = arguments.as_slice()
        && word == measure::PARENT
    {
        return measure::be_parent(log, command);
    }
    let Some(options) = options(&arguments) else {
        eprintln!(
            "usage: cargo bench --bench tools -- [--rounds N] [--records N,..] [--with NAME=COMMAND].. [--only NAME] [--cadence PATH] [--json]"
        );
        std::process::exit(2);
    };
    if env::var_os(INSIDE).is_none() {
        let mut alone = Command::new("unshare");
        alone.args(["--map-root-user", "--net", "--mount"]);
        // What a tool leaves behind ends with this.
        alone.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        alone.arg(env::current_exe().unwrap()).args(&arguments);
        let error = alone.env(INSIDE, "yes").exec();
        eprintln!("unshare: {error}");
        std::process::exit(1);
    }
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let internet = Internet::open();
    trust(folder.path(), &internet.ca_pem);

    let mut kinds = tools::all(&options.cadence, &options.others);
    let limited = tools::all(&options.cadence, &[]);
    kinds.retain(|kind| {
        let lacks = kind.lacks();
        if let Some(program) = lacks {
            eprintln!("left out: {}, as {program} is not installed", kind.name);
        }
        lacks.is_none() && kind.name.starts_with(&options.only)
    });
    if !tools::is_installed("strace") {
        eprintln!("left out: system calls, as strace is not installed");
    }
    let show = |text: String| {
        if !options.is_json {
            println!("{text}");
        }
    };
    show(table::heading(options.rounds));
    let mut sizes = Vec::new();
    for records in options.records {
        let size = rounds::measure(&internet, folder.path(), &kinds, records, options.rounds);
        show(table::of_size(&size));
        sizes.push(size);
    }
    let limits = limits::measure(&internet, folder.path(), &limited, options.rounds);
    show(table::of_limits(&limits));
    if options.is_json {
        println!("{:#}", table::json(&limits, &sizes));
    }
}

fn options(arguments: &[String]) -> Option<Options> {
    let mut options = Options {
        rounds: 5,
        records: vec![1, 10, 50, 1000],
        others: vec![],
        cadence: env!("CARGO_BIN_EXE_cadence").to_owned(),
        only: String::new(),
        is_json: false,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            // What Cargo says to every program of this kind.
            "--bench" => {}
            "--json" => options.is_json = true,
            "--rounds" => options.rounds = words.next()?.parse().ok().filter(|it| *it > 0)?,
            "--records" => {
                let sizes = words.next()?.split(',').map(str::parse);
                options.records = sizes.collect::<Result<_, _>>().ok()?;
            }
            "--only" => options.only.clone_from(words.next()?),
            "--cadence" => options.cadence.clone_from(words.next()?),
            "--with" => {
                let (name, command) = words.next()?.split_once('=')?;
                options.others.push((name.to_owned(), command.to_owned()));
            }
            _ => return None,
        }
    }
    Some(options)
}

/// The loopback interface, and where names are looked up.
fn furnish(folder: &Path) {
    shell("ip link set lo up && echo 0 0 >/proc/sys/net/ipv4/ping_group_range");
    for address in names::addresses() {
        shell(&format!("ip address add {address}/32 dev lo"));
    }
    shell("ip route add default dev lo");
    cover(folder, "/etc/resolv.conf", "nameserver 127.0.0.1\n");
    cover(folder, "/etc/nsswitch.conf", "hosts: files dns\n");
    cover(folder, "/etc/hosts", "127.0.0.1 localhost\n");
}

/// Adds the authority of this internet to those of this host, so that every tool loads as many as it would.
fn trust(folder: &Path, ca_pem: &str) {
    const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
    match fs::read_to_string(BUNDLE) {
        Ok(bundle) => cover(folder, BUNDLE, &(bundle + ca_pem)),
        Err(error) => eprintln!("{BUNDLE}: {error}"),
    }
}

/// Lays another text over a file of this host, in this namespace alone.
fn cover(folder: &Path, file: &str, text: &str) {
    let own = folder.join(file.replace('/', "-"));
    fs::write(&own, text).unwrap();
    if Path::new(file).exists() {
        shell(&format!("mount --bind {} {file}", own.display()));
    }
}

fn shell(script: &str) {
    let mut sh = Command::new("sh");
    let status = sh.args(["-c", script]).env("PATH", PATH).status().unwrap();
    assert!(status.success(), "{script}: {status}");
}
