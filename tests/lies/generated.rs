//! Many cycles of a home where anything may happen between two of them, from a seed that a failure names.
//!
//! `CADENCE_TEST_CYCLES` sets how many cycles there are, `CADENCE_TEST_SEED` where they begin, and `CADENCE_TEST_BIN` a
//! faster build of the binary: `CADENCE_TEST_CYCLES=10000 CADENCE_TEST_BIN=target/release/cadence cargo test --test lies`.

use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use cadence::world::{DohMode, Fault, Line, ProviderMode};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::says;
use super::support::Home;

const CYCLES: usize = 1_500;
const SEED: u64 = 20_260_128;
/// Cycles of one home, before it is given peace and has to converge.
const EPISODE: usize = 30;

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn no_generated_home_ever_publishes_a_wrong_address_and_each_converges_in_peace() {
    let (cycles, seed) = (
        setting("CADENCE_TEST_CYCLES", CYCLES),
        setting("CADENCE_TEST_SEED", SEED),
    );
    println!("CADENCE_TEST_SEED={seed} CADENCE_TEST_CYCLES={cycles}");
    let (next, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let episodes = cycles.div_ceil(EPISODE);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let episode = next.fetch_add(1, Ordering::Relaxed);
                    if episode >= episodes {
                        break;
                    }
                    let seed = seed.wrapping_add(episode as u64);
                    written.fetch_add(Episode::new(seed).play(), Ordering::Relaxed);
                }
            });
        }
    });
    // A run in which nothing is written would prove nothing.
    let written = written.into_inner();
    println!("{written} writes in {episodes} episodes");
    assert!(
        written > episodes,
        "{written} writes in {episodes} episodes"
    );
}

struct Episode {
    home: Home,
    random: StdRng,
    /// For the message of a failure: where to begin to see it again, and all that was done.
    seed: u64,
    log: Vec<String>,
    address: Option<Ipv4Addr>,
    line: Line,
    checked: usize,
}

impl Episode {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let budget = "[policy]\nmax_updates_per_hour = 60\n";
        let home = match random.random_range(0..3) {
            0 => Home::with(&format!(
                "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n{budget}"
            )),
            1 => Home::with(&format!(
                "[[record]]\nname = \"vpn.example.com\"\nproxied = true\ncreate = true\n{budget}"
            )),
            _ => Home::with(&format!(
                "[[record]]\nname = \"vpn.example.com\"\ncreate = true\nttl = 120\n\
                 [[record]]\nname = \"*.example.com\"\ncreate = true\n{budget}"
            )),
        };
        let address = Some(honest(&mut random));
        home.world.set_address(address);
        Self {
            home,
            random,
            seed,
            log: vec![],
            address,
            line: Line::Up,
            checked: 0,
        }
    }

    /// Plays it through; the number of writes.
    fn play(mut self) -> usize {
        for _ in 0..EPISODE {
            self.stir();
            let options: &[&str] = match self.random.random_range(0..12) {
                0 => &["--trust"],
                1 | 2 => &["--no-cache"],
                _ => &[],
            };
            self.cycle(options);
        }
        self.converge();
        self.checked
    }

    /// Changes whatever may change between two cycles.
    fn stir(&mut self) {
        let world = &self.home.world;
        let random = &mut self.random;
        let log = &mut self.log;
        if random.random_ratio(1, 10) || (self.line == Line::Down && random.random_ratio(1, 2)) {
            self.line = if self.line == Line::Up {
                Line::Down
            } else {
                Line::Up
            };
            log.push(format!("line {:?}", self.line));
            world.set_line(self.line).unwrap();
        }
        if random.random_ratio(1, 6) {
            self.address = random.random_ratio(9, 10).then(|| honest(random));
            log.push(format!("address {:?}", self.address));
            world.set_address(self.address);
        }
        if random.random_ratio(1, 3) {
            let modes = providers(random);
            log.push(format!("providers {modes:?}"));
            for (index, mode) in modes.into_iter().enumerate() {
                world.set_provider(index, mode);
            }
        }
        if random.random_ratio(1, 3) {
            for index in 0..2 {
                let mode = resolver(random, self.address);
                log.push(format!("resolver {index} {mode:?}"));
                world.set_doh_server(index, mode);
            }
        }
        if random.random_ratio(1, 4) {
            let (count, fault) = (random.random_range(1..4), fault(random));
            log.push(format!("{count} times {fault:?}"));
            if random.random() {
                world.cloudflare().fail_next_write(count, fault);
            } else {
                world.cloudflare().fail_next(count, fault);
            }
        }
        if let (true, Some(record)) = (
            random.random_ratio(1, 8),
            world.cloudflare().records().choose(random),
        ) {
            let id = record["id"].as_str().unwrap();
            if random.random_ratio(1, 3) {
                log.push("somebody deletes a record".to_owned());
                world.cloudflare().remove_record(id);
            } else {
                let content = lie(random);
                log.push(format!("somebody writes {content}"));
                world
                    .cloudflare()
                    .edit_record(id, &json!({"content": content}))
                    .unwrap();
            }
        }
        if self.home.state_file("state.json").exists() && random.random_ratio(1, 3) {
            let pause =
                Duration::from_secs(*[30, 130, 1_900, 4_000, 8_000].choose(random).unwrap());
            log.push(format!("{} s pass", pause.as_secs()));
            self.home.pass(pause);
        }
    }

    fn cycle(&mut self, options: &[&str]) -> Value {
        let (code, report) = self.home.cycle_with(options);
        self.log.push(format!(
            "cycle {options:?} -> {code} {}",
            super::support::gist(&report)
        ));
        assert!(
            [0, 1, 77].contains(&code),
            "exit {code}\n{report:#}\n{}",
            self.story()
        );
        let address = self.address.map(|address| Value::from(address.to_string()));
        let writes = self.home.world.cloudflare().writes();
        for write in &writes[self.checked..] {
            let after = write
                .after
                .as_ref()
                .unwrap_or_else(|| panic!("a record was deleted\n{}", self.story()));
            assert_eq!(
                Some(&after["content"]),
                address.as_ref(),
                "a false write\n{write:#?}\n{report:#}\n{}",
                self.story()
            );
            assert_eq!(
                self.line,
                Line::Up,
                "a write on a line that is down\n{}",
                self.story()
            );
        }
        self.checked = writes.len();
        report
    }

    /// In an honest world the records are right within three cycles, and nothing is left to do.
    fn converge(&mut self) {
        let world = &self.home.world;
        world.set_line(Line::Up).unwrap();
        self.line = Line::Up;
        self.address = Some(honest(&mut self.random));
        world.set_address(self.address);
        world.set_doh(DohMode::Honest {
            lag: Duration::ZERO,
        });
        world.cloudflare().set_fault(None);
        for index in 0..4 {
            world.set_provider(index, ProviderMode::Honest);
        }
        // Whatever rest the API asked for is over.
        self.home.pass(Duration::from_secs(25 * 3_600));
        self.log.push(format!("peace, with {:?}", self.address));
        for _ in 0..3 {
            self.cycle(&[]);
        }
        let report = self.cycle(&[]);
        assert_eq!(report["readiness"]["after"], "READY", "{}", self.story());
        for record in report["records"].as_array().unwrap() {
            assert_eq!(
                (&record["outcome"], &record["layer"]),
                (&json!("noop"), &json!("cache")),
                "{}",
                self.story()
            );
        }
        assert!(!self.home.is_unsettled(), "{}", self.story());
        for record in self.home.world.cloudflare().records() {
            assert_eq!(
                record["content"],
                self.address.unwrap().to_string(),
                "{}",
                self.story()
            );
        }
    }

    fn story(&self) -> String {
        format!(
            "CADENCE_TEST_SEED={} CADENCE_TEST_CYCLES={EPISODE}\n{}",
            self.seed,
            self.log.join("\n")
        )
    }
}

/// An address of this home. No lie is ever one of these.
fn honest(random: &mut StdRng) -> Ipv4Addr {
    Ipv4Addr::new(84, 16, random.random(), random.random())
}

/// An address that could be published, and is not this home's.
fn lie(random: &mut StdRng) -> String {
    Ipv4Addr::new(81, 2, random.random(), random.random()).to_string()
}

/// At most one provider tells a believable lie over and over; any number fail, or say what cannot be believed.
fn providers(random: &mut StdRng) -> Vec<ProviderMode> {
    let believable = random.random_range(0..6);
    let troubled = *[0, 0, 20, 50, 90].choose(random).unwrap();
    let mut modes: Vec<ProviderMode> = (0..4)
        .map(|_| {
            if random.random_ratio(troubled, 100) {
                trouble(random)
            } else {
                ProviderMode::Honest
            }
        })
        .collect();
    if let Some(mode) = modes.get_mut(believable) {
        let mut said: Vec<String> = (0..random.random_range(1..4))
            .map(|_| says(believable, &lie(random)))
            .collect();
        *mode = match said.len() {
            1 => ProviderMode::Lies(said.remove(0)),
            _ => ProviderMode::Alternate(said),
        };
    }
    modes
}

fn trouble(random: &mut StdRng) -> ProviderMode {
    let unbelievable = [
        "10.1.2.3",
        "100.64.1.1",
        "104.18.0.1",
        "203.0.113.9",
        "2606:2800:220:1::1",
        "",
        "h=x\nip=84.16.1.1\nwarp=on",
    ];
    match random.random_range(0..8) {
        0 => ProviderMode::Html,
        1 => ProviderMode::Huge(random.random_range(0..20_000)),
        2 => ProviderMode::Status(*[204, 302, 404, 429, 500, 503].choose(random).unwrap()),
        3 => ProviderMode::Hang(Duration::from_millis(20)),
        4 => ProviderMode::Truncate,
        5 => ProviderMode::Reset,
        6 => ProviderMode::Redirect("https://127.0.0.1/".to_owned()),
        _ => ProviderMode::Lies((*unbelievable.choose(random).unwrap()).to_owned()),
    }
}

fn resolver(random: &mut StdRng, address: Option<Ipv4Addr>) -> DohMode {
    match random.random_range(0..10) {
        0 => DohMode::Honest {
            lag: Duration::from_secs(3_600),
        },
        1 => DohMode::Lies(lie(random).parse().unwrap()),
        2 => DohMode::Lies(address.unwrap_or_else(|| honest(random)).into()),
        3 => DohMode::Servfail,
        4 => DohMode::NxDomain,
        5 => DohMode::Garbage,
        6 => DohMode::Hang(Duration::from_millis(20)),
        7 => DohMode::CnameFirst,
        _ => DohMode::Honest {
            lag: Duration::ZERO,
        },
    }
}

fn fault(random: &mut StdRng) -> Fault {
    let status = |code, retry_after: Option<&str>| Fault::Status {
        code,
        retry_after: retry_after.map(str::to_owned),
        body: None,
    };
    match random.random_range(0..11) {
        0 => status(
            *[400, 403, 404, 500, 502, 503, 520].choose(random).unwrap(),
            None,
        ),
        1 => status(
            429,
            [None, Some("5"), Some("600"), Some("soon")]
                .choose(random)
                .copied()
                .flatten(),
        ),
        2 => status(401, None),
        3 => Fault::Html,
        4 => Fault::Empty,
        5 => Fault::NotJson,
        6 => Fault::Hang(Duration::from_millis(20)),
        7 => Fault::Reset,
        8 => Fault::Truncate,
        9 => Fault::LoseAnswer,
        _ => [
            Fault::EchoWrong,
            Fault::SlowApply(Duration::from_millis(20)),
        ]
        .choose(random)
        .unwrap()
        .clone(),
    }
}
