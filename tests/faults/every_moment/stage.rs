//! One home in the middle of its life, on which a fault strikes at one moment of a cycle.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{DohMode, Fault, Kind, Line, PlugModel, Tamper};
use serde_json::{Value, json};

use crate::support::{Home, RECORD, each_moment, wall};

/// What the record holds at the start, and the home's address in all scenes but those where nothing is to be written.
pub const OLD: &str = "93.184.216.34";
pub const NEW: &str = "93.184.216.35";
/// The record's key in the state.
pub const KEY: &str = "A vpn.example.com";
/// No power for this long, and the modem behind the plug comes to its senses.
const POWER_CYCLE: Duration = Duration::from_millis(500);
/// The longest that a cycle may take, a power cycle included; a process that takes longer is killed, and the cell fails.
pub const LONGEST: Duration = Duration::from_secs(62);

/// The moments of a cycle, in their order; `All`: throughout, for three cycles, or one where each takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Configuration, token, lock and state.
    Load,
    /// Router and WAN targets.
    Line,
    /// Address providers.
    Address,
    /// Resolvers.
    Doh,
    /// The API is read, the zone's look-up included.
    Read,
    /// The intention is saved.
    Intent,
    /// The API is written.
    Write,
    /// Outcome, state and history are saved.
    Save,
    /// The plug is switched: one that times itself.
    Plug,
    /// The same with a plug of two URLs, which knows no time and cannot be asked.
    TwoUrls,
    /// Throughout.
    All,
}

impl Moment {
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Load, "load"),
        (Self::Line, "line"),
        (Self::Address, "addr"),
        (Self::Doh, "doh"),
        (Self::Read, "read"),
        (Self::Intent, "int"),
        (Self::Write, "writ"),
        (Self::Save, "save"),
        (Self::Plug, "plug"),
        (Self::TwoUrls, "urls"),
        (Self::All, "all"),
    ];

    /// The plug of the scene, where it has one.
    pub const fn plug(self) -> Option<PlugModel> {
        match self {
            Self::Plug => Some(PLUG),
            Self::TwoUrls => Some(PlugModel::Http),
            _ => None,
        }
    }

    /// The servers that are asked at this moment, and how many there are of the kind.
    pub fn servers(self) -> &'static [(Kind, usize)] {
        match self {
            Self::Line => &[(Kind::Wan, 3)],
            Self::Address => &[(Kind::Ip, 4)],
            Self::Doh => &[(Kind::Doh, 2)],
            Self::Read | Self::Write => &[(Kind::Api, 1)],
            Self::All => &[(Kind::Ip, 4), (Kind::Doh, 2), (Kind::Api, 1)],
            Self::Load | Self::Intent | Self::Save | Self::Plug | Self::TwoUrls => &[],
        }
    }
}

/// Somebody who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// One of a kind beyond the line.
    Of(Kind, usize),
    /// The plug of the scene with a power cycle.
    Plug,
}

/// What a home has on its disk in one scene.
struct Scene {
    state: Value,
    history: String,
    made: Instant,
}

impl Scene {
    /// The state as if the scene had been played just now.
    fn state(&self) -> Value {
        let mut state = self.state.clone();
        let elapsed = self.made.elapsed();
        each_moment(&mut state, &|moment| {
            let wall = wall(moment).checked_add(elapsed).unwrap();
            moment.insert("wall".into(), wall.to_string().into());
            let since_boot = moment["since_boot_ms"].as_u64().unwrap();
            let since_boot = since_boot + u64::try_from(elapsed.as_millis()).unwrap();
            moment.insert("since_boot_ms".into(), since_boot.into());
        });
        state
    }
}

/// The record, with what its owner gave it; and records of others.
fn records() -> Vec<Value> {
    vec![
        json!({"name": "vpn", "type": "A", "content": OLD, "ttl": 120, "comment": "by hand", "tags": ["owner:me"]}),
        json!({"name": "vpn", "type": "TXT", "content": "hello", "ttl": 300}),
        json!({"name": "mail", "type": "A", "content": "84.16.9.9", "ttl": 300}),
    ]
}

/// The plug that times itself.
pub const PLUG: PlugModel = PlugModel::Shelly1;
const RECOVERY: &str = "enabled = true\noff_time = \"3s\"\nexpected_network_recovery = \"10s\"\n\
                        escalation_buffer = \"0s\"\nboot_grace = \"0s\"\n\n\
                        [policy]\nwaive = [\"off-time\", \"boot-grace-too-short\"]\n";

/// More records of the home, each in a zone of its own, and their configuration.
const ELSEWHERE: [&str; 2] = ["nas.example.org", "web.example.net"];
const RECORDS_ELSEWHERE: &str = "[[record]]\nname = \"nas.example.org\"\ncreate = true\n\
                                 [[record]]\nname = \"web.example.net\"\ncreate = true\n";

/// The same with two zones more.
fn home_of_zones() -> Home {
    let home = home(None);
    for name in ELSEWHERE {
        let (_, zone) = name.split_once('.').unwrap();
        let api = home.world.cloudflare();
        api.add_zone(zone);
        let record = json!({"name": name, "type": "A", "content": OLD, "ttl": 60});
        api.add_record(zone, &record).unwrap();
    }
    home.configure(&format!("{RECORD}{RECORDS_ELSEWHERE}"));
    home
}

fn home(plug: Option<PlugModel>) -> Home {
    let home = Home::with(RECORD);
    for record in records() {
        home.world
            .cloudflare()
            .add_record("example.com", &record)
            .unwrap();
    }
    if let Some(model) = plug {
        let plugs = home.world.plugs();
        let plug = if model == PLUG {
            format!(
                "plug = \"shelly1\"\naddress = \"{}\"\nplug_id = \"{}\"",
                plugs.address(model),
                plugs.mac(model)
            )
        } else {
            let (off, on) = plugs.urls();
            format!("plug = \"http\"\noff_url = \"{off}\"\non_url = \"{on}\"")
        };
        home.configure(&format!("{RECORD}[recovery]\n{plug}\n{RECOVERY}"));
    }
    home
}

fn scene(home: &Home, play: impl FnOnce(&Home)) -> Scene {
    home.settle();
    play(home);
    Scene {
        state: home.state(),
        made: Instant::now(),
        history: fs::read_to_string(home.state_file("history.jsonl")).unwrap(),
    }
}

/// READY, and nothing to do.
static STEADY: LazyLock<Scene> = LazyLock::new(|| scene(&home(None), |_| ()));

/// Renumbered, and seen so once: the next cycle confirms it, looks for the zone, reads the record and writes it.
static RENUMBERED: LazyLock<Scene> = LazyLock::new(|| scene(&home(None), renumber));

/// The same where the zone is known: the record itself is the first that is read.
static ZONE_KNOWN: LazyLock<Scene> =
    LazyLock::new(|| scene(&home(None), see_the_zone_and_renumber));

/// The same with three zones, which are all known.
static ZONES_KNOWN: LazyLock<Scene> =
    LazyLock::new(|| scene(&home_of_zones(), see_the_zone_and_renumber));

fn see_the_zone_and_renumber(home: &Home) {
    home.world.set_doh(DohMode::Servfail);
    home.cycle_with(&["--no-cache"]);
    assert!(home.state()["zones"]["example.com"]["id"].is_string());
    renumber(home);
}

fn renumber(home: &Home) {
    home.world.set_address(Some(NEW.parse().unwrap()));
    assert_eq!(home.cycle()["readiness"]["after"], "PROBING");
}

/// In an outage that is old enough for a power cycle.
static OUTAGE: LazyLock<Scene> = LazyLock::new(|| {
    scene(&home(Some(PLUG)), |home| {
        home.world.set_line(Line::Down).unwrap();
        assert_eq!(home.cycle()["verdict"], "WAN_DOWN");
        let mut state = home.state();
        let streak = &mut state["recovery"]["streak"];
        let wall: jiff::Timestamp = streak["since"]["wall"].as_str().unwrap().parse().unwrap();
        streak["since"]["wall"] = json!(wall - Duration::from_secs(60 * 60));
        streak["since"]["boot"] = "an earlier boot".into();
        for (key, value) in [("cycles", 1000), ("unbroken", 1000), ("fast", 0)] {
            streak[key] = value.into();
        }
        fs::write(home.state_file("state.json"), state.to_string()).unwrap();
    })
});

/// The record at the provider; the first, where there are several.
pub fn ours(home: &Home) -> Value {
    let mut records = home.world.cloudflare().records().into_iter();
    let found = records.find(|record| record["name"] == "vpn.example.com" && record["type"] == "A");
    found.unwrap()
}

/// Changes the command that runs a cycle.
pub type Prepare = Box<dyn Fn(&Home, &mut Command) + Send>;
/// Looks at a cycle that runs, again and again; it is given the process's id.
pub type Watch = Box<dyn FnMut(&Home, u32) + Send>;
/// Lifts a fault.
pub type Lift = Box<dyn FnOnce(&Home) + Send>;

/// A home in a scene, and what a fault does to it.
pub struct Stage {
    pub home: Arc<Home>,
    scene: &'static Scene,
    pub moment: Moment,
    /// Another build of the binary.
    pub program: Option<&'static Path>,
    /// The home's address, which alone may be written.
    pub truth: &'static str,
    /// The zone that alone is struck, by its id, where there are others.
    only: Option<String>,
    /// The fault takes `state.json` away, so that the counters begin anew.
    pub cold: bool,
    /// The fault leaves lines in the history that are not cadence's.
    pub junk: bool,
    /// Nobody hears what the process says.
    pub mute: bool,
    /// The process may be killed, and so need not report.
    pub killed: bool,
    prepare: Vec<Prepare>,
    watch: Vec<Watch>,
    lift: Vec<Lift>,
}

impl Stage {
    /// The scene in which everything of that moment happens in the next cycle.
    pub fn new(moment: Moment) -> Self {
        let (scene, truth): (&'static Scene, _) = match moment {
            Moment::Doh => (&STEADY, OLD),
            Moment::Plug | Moment::TwoUrls => (&OUTAGE, OLD),
            Moment::Read => (&ZONE_KNOWN, NEW),
            _ => (&RENUMBERED, NEW),
        };
        let home = home(moment.plug());
        if let Some(model) = moment.plug() {
            home.world.put_modem_behind(model, POWER_CYCLE).unwrap();
        }
        Self::of(home, scene, truth, moment)
    }

    /// One with three zones, of which the first alone is struck.
    pub fn of_zones(moment: Moment) -> Self {
        let mut stage = Self::of(home_of_zones(), &ZONES_KNOWN, NEW, moment);
        let zone = stage.scene.state["zones"]["example.com"]["id"].as_str();
        stage.only = zone.map(str::to_owned);
        stage
    }

    fn of(home: Home, scene: &'static Scene, truth: &'static str, moment: Moment) -> Self {
        home.world.set_address(Some(truth.parse().unwrap()));
        let stage = Self {
            home: Arc::new(home),
            scene,
            only: None,
            moment,
            program: None,
            truth,
            cold: false,
            junk: false,
            mute: false,
            killed: false,
            prepare: vec![],
            watch: vec![],
            lift: vec![],
        };
        stage.begin();
        stage
    }

    /// Begins the scene, for the first time or again.
    pub fn begin(&self) {
        let home = &self.home;
        let _ = fs::remove_dir_all(home.path("state"));
        fs::create_dir(home.path("state")).unwrap();
        fs::write(
            home.state_file("state.json"),
            self.scene.state().to_string(),
        )
        .unwrap();
        fs::write(home.state_file("history.jsonl"), &self.scene.history).unwrap();
        let api = home.world.cloudflare();
        for record in api.records().iter().filter(|record| self.keeps(record)) {
            let id = record["id"].as_str().unwrap();
            api.edit_record(id, &json!({"content": OLD})).unwrap();
        }
        api.clear_journal();
        if self.moment.plug().is_some() {
            home.world.set_line(Line::Down).unwrap();
        }
    }

    /// Whether a record is one of this home's.
    pub fn keeps(&self, record: &Value) -> bool {
        let is_elsewhere = || ELSEWHERE.iter().any(|name| record["name"] == *name);
        record["type"] == "A"
            && (record["name"] == "vpn.example.com" || self.only.is_some() && is_elsewhere())
    }

    /// The records of the zones that are not struck, and are not right, though nothing keeps the API from being asked.
    pub fn behind_for_nothing(&self) -> Vec<Value> {
        if self.only.is_none() || self.home.state()["backoff"].is_object() {
            return vec![];
        }
        let records = self.home.world.cloudflare().records().into_iter();
        let elsewhere = records.filter(|it| ELSEWHERE.iter().any(|name| it["name"] == *name));
        elsewhere.filter(|it| it["content"] != self.truth).collect()
    }

    /// The API fails like this, once where `writes` are meant and there is one zone.
    pub fn fail_api(&mut self, writes: bool, fault: &Fault) {
        let api = self.home.world.cloudflare();
        match &self.only {
            Some(zone) => {
                let zone = zone.clone();
                api.set_fault_at(&zone, writes, Some(fault.clone()));
                self.lift_by(move |home| home.world.cloudflare().set_fault_at(&zone, writes, None));
            }
            None if writes => api.fail_next_write(1, fault.clone()),
            None => api.set_fault(Some(fault.clone())),
        }
    }

    /// The API's answers go out like this while the fault is there.
    pub fn tamper_api(&mut self, tamper: Tamper) {
        let only = self.only.clone();
        let tamper: Tamper = Arc::new(move |line, bytes, out| {
            if only.as_ref().is_some_and(|zone| !line.contains(zone)) {
                return out.write_all(bytes).map(|()| true);
            }
            tamper(line, bytes, out)
        });
        self.home.world.tamper(Kind::Api, 0, Some(tamper));
        self.lift_by(|home| home.world.tamper(Kind::Api, 0, None));
    }

    /// Whether this home has zones that are not struck.
    pub fn has_others(&self) -> bool {
        self.only.is_some()
    }

    /// Every cycle is run like this while the fault is there.
    pub fn prepare(&mut self, prepare: impl Fn(&Home, &mut Command) + Send + 'static) {
        self.prepare.push(Box::new(prepare));
    }

    /// Every cycle is watched like this while the fault is there.
    pub fn watch(&mut self, watch: impl FnMut(&Home, u32) + Send + 'static) {
        self.watch.push(Box::new(watch));
    }

    /// This lifts the fault.
    pub fn lift_by(&mut self, lift: impl FnOnce(&Home) + Send + 'static) {
        self.lift.push(Box::new(lift));
    }

    /// A cycle with the fault.
    pub fn struck_cycle(&mut self) -> Ran {
        let mut command = self.cycle();
        if matches!(self.moment, Moment::Doh | Moment::All) {
            command.arg("--no-cache");
        }
        for prepare in &self.prepare {
            prepare(&self.home, &mut command);
        }
        let home = Arc::clone(&self.home);
        run(command, |id| {
            for watch in &mut self.watch {
                watch(&home, id);
            }
        })
    }

    /// Takes the fault away.
    pub fn lift(&mut self) {
        self.prepare.clear();
        self.watch.clear();
        for lift in self.lift.drain(..).rev() {
            lift(&self.home);
        }
        self.home.world.cloudflare().set_fault(None);
        self.bring_the_line_back();
    }

    /// Ends the outage, where the scene has one.
    pub fn bring_the_line_back(&self) {
        self.home.world.set_line(Line::Up).unwrap();
    }

    /// A cycle without a fault, as much later as the timer or the API's rest wants it.
    pub fn honest_cycle(&self) -> Ran {
        let rest = fs::read_to_string(self.home.state_file("state.json"))
            .ok()
            .and_then(|text| serde_json::from_str::<Value>(&text).ok());
        if let Some(state) = rest {
            let wait = state["backoff"]["wait_s"].as_u64().unwrap_or(0);
            self.home.pass(Duration::from_secs(wait.max(30)));
        }
        run(self.cycle(), |_| ())
    }

    fn cycle(&self) -> Command {
        let arguments = &["reconcile", "--json"];
        match self.program {
            Some(program) => self.home.command_of(program, arguments),
            None => self.home.command(arguments),
        }
    }

    /// What is wrong with the home yet; none where it is READY and its record right, for sure.
    pub fn trouble(&self, ran: &Ran) -> Option<String> {
        let state = self.home.state();
        let record = &state["records"][KEY];
        let published: Vec<Value> = self.home.world.cloudflare().records();
        let ours = |record: &&Value| record["name"] == "vpn.example.com" && record["type"] == "A";
        let ours: Vec<&Value> = published.iter().filter(ours).collect();
        let right = ours.len() == 1 && ours[0]["content"] == self.truth;
        let elsewhere = self.behind_for_nothing();
        let facts = [
            (ran.code == Some(0), "the exit code"),
            (ran.word("/readiness/after") == "READY", "readiness"),
            (right, "the record"),
            (elsewhere.is_empty(), "a record of another zone"),
            (record["in_doubt"].is_null(), "a write in doubt"),
            (
                matches!(ran.word("/records/0/outcome"), "noop" | "updated"),
                "the outcome",
            ),
        ];
        let (_, trouble) = facts.iter().find(|(holds, _)| !holds)?;
        Some(format!("{trouble}: {ran:?}"))
    }
}

/// A process that ended.
#[derive(Debug)]
pub struct Ran {
    /// None where a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    /// The report, where there is one.
    pub report: Value,
    pub took: Duration,
    /// The most memory it held at once, in KiB, as far as was seen.
    pub peak: u64,
}

impl Ran {
    /// A text of the report, empty where there is none.
    pub fn word(&self, pointer: &str) -> &str {
        self.report
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// Runs a command to its end, looked at every few milliseconds.
pub fn run(mut command: Command, mut watch: impl FnMut(u32)) -> Ran {
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |pipe: &mut dyn Read| {
        let mut bytes = vec![];
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let status = format!("/proc/{}/status", child.id());
    thread::scope(|scope| {
        let out = scope.spawn(|| read(&mut stdout));
        let err = scope.spawn(|| read(&mut stderr));
        let mut peak = 0;
        // The mark only rises, and to read it takes longer than to see whether it has ended.
        let mut looks = 0..;
        let ended = loop {
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            watch(child.id());
            if looks.next().is_some_and(|look: u32| look % 8 == 0) {
                peak = resident(&status).unwrap_or(peak).max(peak);
            }
            if begun.elapsed() > LONGEST * 2 {
                child.kill().unwrap();
            }
            thread::sleep(Duration::from_millis(1));
        };
        let took = begun.elapsed();
        let (out, err) = (out.join().unwrap(), err.join().unwrap());
        Ran {
            code: ended.code(),
            report: serde_json::from_str(&out).unwrap_or(Value::Null),
            out,
            err: crate::support::joined(&err),
            took,
            peak,
        }
    })
}

/// The high-water mark of a process's memory.
fn resident(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    // Before that it is a copy of the test itself.
    if !text.starts_with("Name:\tcadence\n") {
        return None;
    }
    let mark = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))?;
    mark.trim().parse().ok()
}
