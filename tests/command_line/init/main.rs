//! `cadence init` as its user meets it: the real binary, files of its own, and the loopback world in the place of Cloudflare.
//!
//! - `flags`: off a terminal, where the flags say it all;
//! - `names`: zones and records, as they are found;
//! - `from`: what another tool kept;
//! - `files`: what is written and what is left alone; `host`: the same as root, in an `/etc` of its own;
//! - `questions`: on a terminal; `told`: who is told what happens; `proof`: what was written publishes the record.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod files;
mod flags;
#[cfg(feature = "import")]
mod from;
mod host;
mod names;
mod proof;
mod questions;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../receivers/service.rs"]
mod service;
#[path = "../../support/mod.rs"]
mod support;
mod told;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use support::Home;

/// A host on which nothing is configured yet.
struct Host {
    home: Home,
}

impl Host {
    fn new() -> Self {
        let home = Home::new();
        fs::remove_file(home.path("cadence.toml")).unwrap();
        Self { home }
    }

    /// Where the configuration shall go.
    fn config(&self) -> PathBuf {
        self.home.path("etc/cadence.toml")
    }

    fn stored_token(&self) -> PathBuf {
        self.home.path("etc/cloudflare.token")
    }

    /// The text of the configuration.
    fn written(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }

    /// `cadence init` with this world's API in the place of Cloudflare's.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(&["init"]);
        command
            .env("CADENCE_CONFIG", self.config())
            .env("CADENCE_CLOUDFLARE_API_URL", self.home.world.api_url())
            .env("CADENCE_NETWORK_CA_FILE", self.home.path("ca.pem"))
            .env("CADENCE_NETWORK_ROUTER", "127.0.0.1")
            .args(arguments);
        command
    }

    /// Runs it; the token is in no output.
    fn run(&self, arguments: &[&str]) -> Output {
        let out = self.command(arguments).output().unwrap();
        self.keeps_the_token(&out);
        out
    }

    /// Runs it with the token of this world and these other flags.
    fn init(&self, arguments: &[&str]) -> Output {
        let token = self.home.path("token");
        let token = ["--token-file", token.to_str().unwrap()];
        self.run(&[&token, arguments].concat())
    }

    /// The same; it must work, and gives its document.
    fn done(&self, arguments: &[&str]) -> Value {
        let out = self.init(&[arguments, &["--json"]].concat());
        assert_eq!((stderr(&out).as_str(), out.status.code()), ("", Some(0)));
        support::schema::hold(&out.stdout);
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// The same; it must fail with this code and write nothing. Gives what it says.
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let out = self.init(arguments);
        assert_eq!(out.status.code(), Some(code), "{}", stderr(&out));
        assert_eq!(out.stdout, b"");
        assert!(!self.home.path("etc").exists());
        stderr(&out)
    }

    fn keeps_the_token(&self, out: &Output) {
        for stream in [&out.stdout, &out.stderr] {
            let text = String::from_utf8_lossy(stream);
            assert!(!text.contains(self.home.world.token()), "{text}");
        }
    }
}

fn stderr(out: &Output) -> String {
    support::joined(&String::from_utf8_lossy(&out.stderr))
}

/// The messages of the findings of that name.
fn found<'a>(document: &'a Value, check: &str) -> Vec<&'a str> {
    let checks = document["checks"].as_array().unwrap();
    checks
        .iter()
        .filter(|found| found["check"] == check)
        .map(|found| found["message"].as_str().unwrap())
        .collect()
}
