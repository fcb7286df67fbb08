//! Receivers that are well, dead, slow or lying, as they are told to be, and what each of them took.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::program;
use super::service::{Reply, Service};
use super::support::{Home, RECORD};

/// How a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Well,
    /// Nobody is there.
    Dead,
    /// It does not come to an end.
    Slow,
    /// It answers, and not what it should.
    Lying,
}

impl Way {
    pub const ALL: [Self; 4] = [Self::Well, Self::Dead, Self::Slow, Self::Lying];
}

/// A message that a receiver took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What stays the same where it comes again.
    pub key: String,
    /// The numbers of its events.
    pub numbers: Vec<u64>,
}

impl Taken {
    fn of(document: &str) -> Self {
        let document: Value = serde_json::from_str(document).unwrap();
        let events = document["events"].as_array().unwrap().iter();
        Self {
            key: document["id"].as_str().unwrap().to_owned(),
            numbers: events.map(|event| event["seq"].as_u64().unwrap()).collect(),
        }
    }
}

/// What slowness is here: without end, or only a while.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Slowness {
    Endless,
    A(Duration),
}

/// The names of those whose ways change: a webhook, a program, and a heartbeat.
pub const NAMES: [&str; 3] = ["hook", "script", "beat"];
/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1/";

/// Those three, and a webhook that is dead until it is raised.
pub struct Audience {
    folder: PathBuf,
    slowness: Slowness,
    hook: Service,
    beat: Service,
    grave: Service,
    /// How often a way was set: ways to be slow and to lie take turns.
    turn: usize,
}

impl Audience {
    pub fn new(home: &Home, slowness: Slowness) -> Self {
        let folder = home.path("audience");
        fs::create_dir(&folder).unwrap();
        let script = format!(
            r#"cd "{}"
case $(cat way) in
well) cat >>kept ;;
late) sleep 0.05; cat >>kept ;;
failing) cat >/dev/null; echo 'all is well'; exit 3 ;;
killed) cat >/dev/null; kill -9 $$ ;;
chatty) yes | head -c 300000; exit 1 ;;
deaf) sleep 100 ;;
clinging) setsid sleep 15 & cat >/dev/null; sleep 100 ;;
esac"#,
            folder.display()
        );
        program(home, "script", &script);
        fs::write(folder.join("kept"), "").unwrap();
        let start = || Service::start(Reply::status(200));
        let mut audience = Self {
            folder,
            slowness,
            hook: start(),
            beat: start(),
            grave: start(),
            turn: 0,
        };
        fs::write(audience.folder.join("grave.url"), NOBODY).unwrap();
        audience.are([Way::Well; 3]);
        audience
    }

    /// Their part of a configuration.
    pub fn configuration(&self) -> String {
        let url_file = |name: &str| {
            let path = self.folder.join(format!("{name}.url"));
            format!("name = \"{name}\"\nurl_file = \"{}\"\n", path.display())
        };
        let script = self.script();
        format!(
            "[[notify]]\nevery = \"0s\"\n{}[[notify]]\nevery = \"0s\"\nname = \"script\"\nkind = \"program\"\nprogram = \"{}\"\n\
             [[heartbeat]]\npreset = \"healthchecks\"\nevery = \"1m\"\n{}[[notify]]\nevery = \"0s\"\n{}",
            url_file("hook"),
            script.display(),
            url_file("beat"),
            url_file("grave"),
        )
    }

    pub const fn slowness(&self) -> Slowness {
        self.slowness
    }

    fn script(&self) -> PathBuf {
        self.folder.with_file_name("script")
    }

    /// Sets how each of the three is.
    pub fn are(&mut self, ways: [Way; 3]) {
        self.turn += 1;
        for ((name, service), way) in [("hook", &self.hook), ("beat", &self.beat)]
            .into_iter()
            .zip([ways[0], ways[2]])
        {
            let url = match way {
                Way::Dead => NOBODY.to_owned(),
                Way::Well | Way::Slow | Way::Lying => service.url(&format!("/{name}")),
            };
            fs::write(self.folder.join(format!("{name}.url")), url).unwrap();
            service.answers(self.reply(way, name));
        }
        let (script, away) = (self.script(), self.folder.join("away"));
        if away.exists() {
            fs::rename(&away, &script).unwrap();
        }
        let turn = |of: &[&'static str]| of[self.turn % of.len()];
        let way = match (ways[1], self.slowness) {
            (Way::Well, _) => "well",
            (Way::Dead, _) => {
                fs::rename(&script, &away).unwrap();
                return;
            }
            (Way::Slow, Slowness::Endless) => turn(&["deaf", "clinging"]),
            (Way::Slow, Slowness::A(_)) => "late",
            (Way::Lying, _) => turn(&["failing", "killed", "chatty"]),
        };
        fs::write(self.folder.join("way"), way).unwrap();
    }

    fn reply(&self, way: Way, name: &str) -> Reply {
        let well = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK".to_vec();
        match (way, self.slowness) {
            (Way::Well | Way::Dead, _) => Reply::Bytes(well, Duration::ZERO),
            (Way::Slow, Slowness::Endless) => [Reply::Hang, Reply::Drip][self.turn % 2].clone(),
            (Way::Slow, Slowness::A(while_)) => Reply::Bytes(well, while_),
            (Way::Lying, _) => {
                let lies = [
                    Reply::status(500),
                    Reply::with(302, "Location: https://example.com/\r\n", ""),
                    Reply::with(429, "Retry-After: 99999999\r\n", "slow down"),
                    Reply::Bytes(b"\x00\xff nonsense\r\n\r\n".to_vec(), Duration::ZERO),
                    Reply::Close,
                    Reply::Flood,
                    Reply::status(404),
                    Reply::status(101),
                ];
                // It says that it took it, and means that it did not.
                let not_found = Reply::Bytes(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nOK (not found)".to_vec(),
                    Duration::ZERO,
                );
                let mut lies = lies.to_vec();
                if name == "beat" {
                    lies.push(not_found);
                }
                lies[self.turn % lies.len()].clone()
            }
        }
    }

    /// The one that was dead is there.
    pub fn raise(&self) {
        let url = self.grave.url("/grave");
        fs::write(self.folder.join("grave.url"), url).unwrap();
    }

    /// What those that are told events took, each with its name.
    pub fn taken(&self) -> [(&'static str, Vec<Taken>); 3] {
        let of = |service: &Service| -> Vec<Taken> {
            let requests = service.requests().into_iter();
            let taken = requests.filter(|it| it.taken).map(|it| {
                let taken = Taken::of(&it.body);
                assert_eq!(it.header("idempotency-key"), Some(taken.key.as_str()));
                taken
            });
            taken.collect()
        };
        let kept = fs::read_to_string(self.folder.join("kept")).unwrap();
        [
            ("hook", of(&self.hook)),
            ("script", kept.lines().map(Taken::of).collect()),
            ("grave", of(&self.grave)),
        ]
    }

    /// The paths of the heartbeats that were taken.
    pub fn beats(&self) -> Vec<String> {
        let requests = self.beat.requests().into_iter();
        requests.filter(|it| it.taken).map(|it| it.target).collect()
    }
}

/// A configuration of a home whose address changes often.
pub fn busy(rest: &str) -> String {
    format!("{RECORD}[policy]\nmax_updates_per_hour = 60\n{rest}")
}

/// The numbers of the events that everybody is to be told of, from that one on.
pub fn news(history: &[Value], after: u64) -> Vec<u64> {
    let of_use = history.iter().filter(|it| it["kind"] != "readiness");
    let numbers = of_use.map(|it| it["seq"].as_u64().unwrap());
    numbers.filter(|seq| *seq > after).collect()
}

/// The number of the last event.
pub fn last(history: &[Value]) -> u64 {
    history.last().map_or(0, |it| it["seq"].as_u64().unwrap())
}

/// `CADENCE_TEST_SEED`, or this one.
pub fn seed(default: u64) -> u64 {
    let given = std::env::var("CADENCE_TEST_SEED").ok();
    let seed = given.and_then(|text| text.parse().ok()).unwrap_or(default);
    println!("CADENCE_TEST_SEED={seed}");
    seed
}
