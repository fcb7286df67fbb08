//! What goes wrong on the host itself, what its operator does, and commands that only look.

use std::fs;
use std::os::unix::fs::MetadataExt;

use cadence::world::Counts;
use rand::seq::IndexedRandom;
use serde_json::Value;

use super::super::ledger::Truth;
use super::super::process::Running;
use super::super::support::{Home, readiness, schema};
use super::super::weather;
use super::Life;

impl Life {
    /// The wall clock is that of a host without a battery, or of a far future.
    pub fn odd_clock(&mut self) {
        let Some(library) = self.faketime.clone() else {
            return self.cycle(&[]);
        };
        let truth = Truth {
            odd_clock: true,
            ..self.truth()
        };
        self.ledger.look(&self.home);
        let year = *["1970", "2106"].choose(&mut self.random).unwrap();
        self.tell(format!("it is {year}"));
        self.clock_was_odd = true;
        let mut command = self.reconcile(&[]);
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME", format!("@{year}-01-02 00:00:00"))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("TZ", "UTC");
        self.figures.processes += 1;
        let ended = Running::start(command).end(false);
        assert!([Some(1), Some(77)].contains(&ended.code), "{ended:?}");
        self.figures.odd_clocks += 1;
        self.judge(&truth, &[ended]);
    }

    /// The state document is damaged: the next cycle sets it aside, says so, and begins anew.
    pub fn damage(&mut self) {
        let path = self.home.state_file("state.json");
        let Ok(document) = fs::read(&path) else {
            return self.cycle(&[]);
        };
        let damage = weather::damage(&mut self.random, &document);
        self.tell(format!("{} bytes of damage", damage.len()));
        fs::write(&path, &damage).unwrap();
        self.ledger.forget();
        let report = self.cycle_told(&[]);
        assert!(
            report["errors"].to_string().contains("is unusable"),
            "{report:#}"
        );
        let kept = fs::read_dir(self.home.path("state")).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            path.to_string_lossy().contains("state.json.") && fs::read(&path).unwrap() == damage
        });
        assert!(kept, "the damaged document is gone");
        self.figures.damaged += 1;
    }

    /// The state folder cannot be used: exit 74, and nobody is asked anything.
    pub fn blocked(&mut self) {
        let (folder, away) = (self.home.path("state"), self.home.path("away"));
        fs::rename(&folder, &away).unwrap();
        fs::write(&folder, "in the way").unwrap();
        self.home.world.reset_counts();
        let running = self.start(self.reconcile(&[]));
        let ended = self.finish(running);
        assert_eq!(ended.code, Some(74), "{ended:?}");
        assert_eq!(self.asked(), Counts::default());
        fs::remove_file(&folder).unwrap();
        fs::rename(&away, &folder).unwrap();
        self.figures.refused += 1;
    }

    /// A record is added or taken out, or its TTL changes.
    pub fn edit_configuration(&mut self) {
        let gone = self.plan.edit(&mut self.random);
        if let Some(key) = gone {
            self.ledger.forget_record(&key);
        }
        self.tell(format!("records {:?}", self.plan.wanted.records));
        self.plan.configure(&self.home);
        self.cycle(&[]);
    }

    /// Commands that only look change nothing, and say what the state says.
    pub fn look_on(&mut self) {
        if !self.ledger.has_state() {
            return self.cycle(&[]);
        }
        let before = folder(&self.home);
        let commands: [&[&str]; 4] = [
            &["status", "--json"],
            &["history", "--json", "--limit", "5"],
            &["probe", "--json"],
            &["reconcile", "--json", "--dry-run"],
        ];
        let arguments = *commands.choose(&mut self.random).unwrap();
        let ended = Running::start(self.home.command(arguments)).end(false);
        self.tell(format!("{arguments:?} -> {:?}", ended.code));
        assert!(
            [Some(0), Some(1), Some(77)].contains(&ended.code),
            "{ended:?}"
        );
        assert_eq!(
            folder(&self.home),
            before,
            "{arguments:?} changed something"
        );
        schema::hold(&ended.stdout);
        if arguments[0] == "status" {
            let status: Value = serde_json::from_str(&ended.stdout).unwrap();
            let state = self.home.state();
            assert_eq!(status["readiness"], readiness(&state));
            assert_eq!(status["uptime"]["total"], state["uptime"]["total"]);
        }
        let requests = self.requests();
        self.ledger.judge_looks(&requests);
        self.figures.looks += 1;
    }
}

/// Every file of the state folder: its name, which one it is, its size, and when it was changed.
fn folder(home: &Home) -> Vec<(String, u64, u64, i64, i64)> {
    let mut files: Vec<_> = fs::read_dir(home.path("state"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            (
                name,
                meta.ino(),
                meta.len(),
                meta.mtime(),
                meta.mtime_nsec(),
            )
        })
        .collect();
    files.sort();
    files
}
