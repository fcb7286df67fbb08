//! The tools: each with a zone, a folder and a configuration of its own, as its manual has it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::internet::Internet;
use crate::measure::{self, Cost};
use crate::names::ROUTER;

/// A tool that is set up.
pub struct Tool {
    pub name: String,
    pub folder: PathBuf,
    zone: String,
    command: Command,
}

/// A tool, with what sets it up.
pub struct Kind {
    pub name: String,
    programs: &'static [&'static str],
    make: Box<dyn Fn(&Home) -> Command>,
}

/// What a tool finds when it is set up.
pub struct Home<'a> {
    internet: &'a Internet,
    folder: &'a Path,
    zone: &'a str,
    zone_id: &'a str,
    names: &'a [String],
}

impl Home<'_> {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn token(&self) -> &str {
        self.internet.world.token()
    }
}

/// All that were asked for, cadence first: the others are compared with it.
pub fn all(cadence: &str, others: &[(String, String)]) -> Vec<Kind> {
    let kind = |name: &str, programs, make: Box<dyn Fn(&Home) -> Command>| Kind {
        name: name.to_owned(),
        programs,
        make,
    };
    let (plain, trusting) = (cadence.to_owned(), cadence.to_owned());
    let trust: &[&str] = &["reconcile", "--trust"];
    let mut kinds = vec![
        kind(
            "cadence",
            &[],
            Box::new(move |home| of_cadence(home, &plain, &["reconcile"])),
        ),
        kind(
            "cadence --trust",
            &[],
            Box::new(move |home| of_cadence(home, &trusting, trust)),
        ),
        kind("ddclient", &["ddclient"], Box::new(of_ddclient)),
        kind("inadyn", &["inadyn"], Box::new(of_inadyn)),
        kind("curl and jq", &["curl", "jq"], Box::new(of_script)),
    ];
    for (name, command) in others {
        let command = command.clone();
        let make = move |home: &Home| of_another(home, &command);
        kinds.push(kind(name, &[], Box::new(make)));
    }
    kinds
}

/// Whether this host has a program.
pub fn is_installed(program: &str) -> bool {
    let mut folders = crate::PATH.split(':');
    folders.any(|folder| Path::new(folder).join(program).exists())
}

impl Kind {
    /// The first of its programs that is not installed.
    pub fn lacks(&self) -> Option<&str> {
        let mut programs = self.programs.iter();
        programs.find(|program| !is_installed(program)).copied()
    }

    /// Sets it up with so many records, all of which show an address that is no more; `place` tells it from its twins.
    pub fn set_up(&self, internet: &Internet, folder: &Path, place: &str, records: usize) -> Tool {
        let label: String = self
            .name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let zone = format!("{label}-{place}.example.net");
        let folder = folder.join(&zone);
        fs::create_dir(&folder).unwrap();
        let zone_id = internet.world.cloudflare().add_zone(&zone);
        let names: Vec<String> = (0..records).map(|it| format!("host-{it}.{zone}")).collect();
        for name in &names {
            let record = json!({"name": name, "type": "A", "content": "93.184.216.1", "ttl": 300});
            internet
                .world
                .cloudflare()
                .add_record(&zone, &record)
                .unwrap();
        }
        let command = (self.make)(&Home {
            internet,
            folder: &folder,
            zone: &zone,
            zone_id: &zone_id,
            names: &names,
        });
        Tool {
            name: self.name.clone(),
            folder,
            zone,
            command,
        }
    }
}

impl Tool {
    /// One run; none where it failed or took too long, which is told.
    pub fn run(&self, internet: &Internet, is_traced: bool) -> Option<Cost> {
        let log = self.folder.join("log");
        let (code, cost) = measure::run(internet, &self.command, &log, is_traced);
        if code != Some(0) {
            let text = fs::read_to_string(log).unwrap_or_default();
            let how = code.map_or_else(
                || format!("was ended after {} s", measure::LIMIT.as_secs()),
                |code| {
                    format!(
                        "exit code {code}: {}",
                        text.lines().last().unwrap_or_default()
                    )
                },
            );
            eprintln!("{}, {}: {how}", self.name, self.zone);
        }
        (code == Some(0)).then_some(cost)
    }

    /// How many of its records do not show this address.
    pub fn wrong(&self, internet: &Internet, address: &str) -> usize {
        let records = internet.world.cloudflare().records();
        let is_own = |name: &str| name.ends_with(&self.zone);
        let own = records
            .iter()
            .filter(|it| it["name"].as_str().is_some_and(is_own));
        own.filter(|record| record["content"] != address).count()
    }
}

/// The defaults, but for the certificate, the router, and how many changes an hour are plausible.
fn of_cadence(home: &Home, program: &str, arguments: &[&str]) -> Command {
    let config = cadence_config(home);
    let mut command = Command::new(program);
    command.args(arguments).env("CADENCE_CONFIG", config);
    command.env("CADENCE_STATE_DIR", home.folder.join("state"));
    command
}

fn cadence_config(home: &Home) -> PathBuf {
    let token = home.write("token", home.token());
    let ca = home.write("ca.pem", &home.internet.ca_pem);
    let sections = home
        .names
        .iter()
        .map(|name| format!("[[record]]\nname = \"{name}\"\n"));
    let text = format!(
        "[cloudflare]\ntoken_file = \"{}\"\n[network]\nrouter = \"{ROUTER}\"\nca_file = \"{}\"\n\
         [policy]\nmax_updates_per_hour = 60\n{}",
        token.display(),
        ca.display(),
        sections.collect::<String>()
    );
    home.write("cadence.toml", &text)
}

/// Which waits for five minutes between two changes, unless it is told not to.
fn of_ddclient(home: &Home) -> Command {
    let text = format!(
        "ssl=yes\nuse=no\nusev4=webv4\nwebv4=https://api.ipify.org/\nprotocol=cloudflare\nzone={}\nlogin=token\npassword={}\n\
         min-interval=0\n{}\n",
        home.zone,
        home.token(),
        home.names.join(",")
    );
    let config = home.write("ddclient.conf", &text);
    let mut command = Command::new("ddclient");
    command.args(["-daemon=0", "-file"]).arg(config);
    command
        .arg("-cache")
        .arg(home.folder.join("ddclient.cache"));
    command
}

fn of_inadyn(home: &Home) -> Command {
    let names: Vec<String> = home
        .names
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    let text = format!(
        "provider cloudflare.com {{\n  username = {}\n  password = {}\n  hostname = {{ {} }}\n  ttl = 300\n  proxied = false\n  \
         checkip-server = api.ipify.org\n  checkip-path = \"/\"\n}}\n",
        home.zone,
        home.token(),
        names.join(", ")
    );
    let config = home.write("inadyn.conf", &text);
    let mut command = Command::new("inadyn");
    command.args(["--once", "--foreground", "--no-pidfile", "--config"]);
    command.arg(config).arg("--cache-dir").arg(home.folder);
    command
}

fn of_script(home: &Home) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", include_str!("script.sh")]);
    command.env("ZONE_ID", home.zone_id);
    command.env("TOKEN", home.token());
    command.env("NAMES", home.names.join(" "));
    command
}

/// Another tool, by a command of a shell, to which the environment tells where it is.
fn of_another(home: &Home, command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("HOME", home.folder);
    shell.env("CADENCE_CONFIG", cadence_config(home));
    shell.env("CADENCE_STATE_DIR", home.folder.join("state"));
    shell.env("SSL_CERT_FILE", home.folder.join("ca.pem"));
    shell.env("TOKEN", home.token()).env("ZONE", home.zone);
    shell.env("ZONE_ID", home.zone_id);
    shell.env("NAMES", home.names.join(" "));
    shell
}
