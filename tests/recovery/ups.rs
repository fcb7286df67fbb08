//! While the UPS is on battery, and for 15 minutes after, the power stays on; a UPS that cannot be asked hinders nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::{Line, PlugModel};
use serde_json::{Value, json};

use crate::stage::{Kind, Stage};

const KIND: Kind = Kind::Emulated(PlugModel::Shelly1);
const NOTHING: [bool; 0] = [];

/// What answers in the place of `upsd`.
#[derive(Clone)]
enum Answer {
    Status(&'static str),
    Raw(&'static [u8]),
    Silence,
    Flood,
}

struct Upsd {
    port: u16,
    answer: Arc<Mutex<Answer>>,
}

impl Upsd {
    fn new(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new(Answer::Status(status)));
        let given = Arc::clone(&answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let answer = given.lock().unwrap().clone();
                thread::spawn(move || {
                    let _ = stream.read(&mut [0; 4096]);
                    match answer {
                        Answer::Status(status) => {
                            let told = format!(
                                "VAR ups ups.status \"{status}\"\nVAR ups battery.charge \"43\"\nVAR ups battery.runtime \"720\"\nOK Goodbye\n"
                            );
                            let _ = stream.write_all(told.as_bytes());
                        }
                        Answer::Raw(bytes) => drop(stream.write_all(bytes)),
                        Answer::Silence => thread::sleep(Duration::from_secs(30)),
                        Answer::Flood => while stream.write_all(&[b'x'; 4096]).is_ok() {},
                    }
                });
            }
        });
        Self { port, answer }
    }

    fn says(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn status(&self, status: &'static str) {
        self.says(Answer::Status(status));
    }
}

/// A ripe outage in a home with a UPS.
fn stage(upsd: &Upsd) -> Stage {
    let stage = Stage::ripe(KIND);
    ask(&stage, upsd.port);
    stage
}

fn ask(stage: &Stage, port: u16) {
    stage
        .home
        .rewrite(|text| format!("{text}\n[ups]\nnut = \"ups@127.0.0.1:{port}\"\n"));
}

/// One cycle that leaves the power on for this reason.
fn suppresses(stage: &Stage, why: &str) {
    let (code, outcome, reason) = stage.cycle();
    assert_eq!((code, outcome.as_str()), (0, "suppressed"), "{reason}");
    assert!(reason.starts_with(why), "{reason:?}, not {why:?}");
    assert_eq!(stage.journal(), NOTHING);
}

/// What was remembered of the battery happened that much longer ago.
fn pass(stage: &Stage, time: Duration) {
    stage.edit_state(|state| {
        for key in ["since", "until"] {
            let moment = &mut state["recovery"]["battery"][key];
            let wall: jiff::Timestamp = moment["wall"].as_str().unwrap().parse().unwrap();
            let wall = wall.checked_sub(time).unwrap().to_string();
            *moment = json!({"wall": wall, "boot": "an earlier boot", "since_boot_ms": 0});
        }
    });
}

fn told(stage: &Stage) -> Vec<Value> {
    let mut history = stage.home.history();
    history.retain(|event| event["kind"] == "ups");
    history
}

#[test]
fn on_battery_nothing_is_cut_and_15_minutes_after_it_is() {
    let upsd = Upsd::new("OB DISCHRG");
    let stage = stage(&upsd);
    suppresses(&stage, "the UPS is on battery");
    pass(&stage, Duration::from_secs(60 * 60));
    suppresses(&stage, "the UPS is on battery");
    upsd.status("OL CHRG");
    suppresses(&stage, "the mains came back recently");
    pass(&stage, Duration::from_secs(14 * 60 + 50));
    suppresses(&stage, "the mains came back recently");
    pass(&stage, Duration::from_secs(11));
    assert_eq!(stage.cycle().1, "completed");
    assert_eq!(stage.journal(), [false, true]);
    let told = told(&stage);
    let phases: Vec<&str> = told
        .iter()
        .map(|it| it["phase"].as_str().unwrap())
        .collect();
    assert_eq!(phases, ["on_battery", "mains_back"]);
    assert_eq!(told[0]["charge"], 43);
    let out = told[1]["seconds"].as_u64().unwrap();
    assert!((3600..3700).contains(&out), "{out}");
}

#[test]
fn a_ups_on_mains_hinders_nothing() {
    for status in ["OL", "OL CHRG", "BYPASS", "ALARM OL RB"] {
        let stage = stage(&Upsd::new(status));
        assert_eq!(stage.cycle().1, "completed", "{status}");
        assert!(told(&stage).is_empty());
    }
}

#[test]
fn a_ups_that_cannot_be_asked_hinders_nothing_and_is_told() {
    let upsd = Upsd::new("OL");
    let stage = stage(&upsd);
    for (answer, told) in [
        (
            Answer::Raw(b"ERR DRIVER-NOT-CONNECTED\n"),
            "the driver of the UPS does not run",
        ),
        (
            Answer::Raw(b"ERR DATA-STALE\n"),
            "the UPS has not told its driver anything",
        ),
        (
            Answer::Raw(b"ERR UNKNOWN-UPS\n"),
            "upsd knows no UPS of that name",
        ),
        (
            Answer::Raw(b"ERR ACCESS-DENIED\n"),
            "upsd gives this host no access",
        ),
        (
            Answer::Raw(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
            "no answer of upsd",
        ),
        (Answer::Raw(b""), "closed the connection"),
        (
            Answer::Status("WAIT"),
            "does not tell whether there are mains",
        ),
        (
            Answer::Status("OFF"),
            "does not tell whether there are mains",
        ),
        (Answer::Silence, "timed out"),
        (Answer::Flood, "answered over 8192 bytes"),
    ] {
        upsd.says(answer);
        stage.reset();
        let before = stage.journal().len();
        let begun = Instant::now();
        let (code, report) = stage.home.cycle_with(&[]);
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(
            report["recovery"]["outcome"], "completed",
            "{told}: {report:#}"
        );
        assert_eq!(stage.journal().len(), before + 2, "{told}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        let ups = &report["ups"];
        assert_eq!(ups["ok"], false, "{ups}");
        let error = ups["error"].as_str().unwrap();
        assert!(error.contains(told), "{error:?}, not {told:?}");
        let known = stage.home.state()["ups"]["error"].clone();
        assert!(known.as_str().unwrap().starts_with(error), "{known}");
    }
}

#[test]
fn one_that_is_asked_no_more_leaves_what_was_known_for_its_time() {
    let upsd = Upsd::new("OB");
    let stage = stage(&upsd);
    suppresses(&stage, "the UPS is on battery");
    upsd.says(Answer::Raw(b"ERR DATA-STALE\n"));
    suppresses(&stage, "the UPS was on battery recently");
    pass(&stage, Duration::from_secs(14 * 60 + 50));
    suppresses(&stage, "the UPS was on battery recently");
    pass(&stage, Duration::from_secs(20));
    assert_eq!(stage.cycle().1, "completed");
}

#[test]
fn by_hand_the_same_holds_and_force_lifts_it() {
    let upsd = Upsd::new("OB LB");
    let stage = stage(&upsd);
    // No cycle has asked it: it is asked now.
    let recover = |options: &[&str]| {
        let out = stage.home.run(&[&["recover", "--json"], options].concat());
        let document: Value = serde_json::from_slice(&out.stdout).unwrap();
        document
    };
    let refused = recover(&["--yes"]);
    assert_eq!(refused["outcome"], "suppressed", "{refused}");
    let reason = refused["reason"].as_str().unwrap();
    assert!(reason.starts_with("the UPS is on battery"), "{reason}");
    assert!(refused["fix"].as_str().unwrap().contains("--force"));
    assert_eq!(stage.journal(), NOTHING);
    let shown = stage.home.run(&["recover", "--dry-run", "--force"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("mains        lifted by --force"), "{shown}");
    // What a cycle remembers holds where it says nothing now.
    suppresses(&stage, "the UPS is on battery");
    upsd.says(Answer::Silence);
    let refused = recover(&["--yes"]);
    let reason = refused["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the UPS was on battery recently"),
        "{reason}"
    );
    let forced = recover(&["--yes", "--force"]);
    assert_eq!(forced["outcome"], "completed", "{forced}");
    assert_eq!(stage.journal(), [false, true]);
}

#[test]
fn an_outage_on_battery_says_so_wherever_it_is_told() {
    let upsd = Upsd::new("OL");
    let stage = stage(&upsd);
    stage.home.world.set_line(Line::Up).unwrap();
    stage.home.settle();
    upsd.status("OB LB");
    stage.home.world.set_line(Line::Down).unwrap();
    let (_, report) = stage.home.cycle_with(&[]);
    assert_eq!(
        (
            &report["ups"]["on_battery"],
            &report["ups"]["low"],
            &report["ups"]["charge"]
        ),
        (&true.into(), &true.into(), &43.into()),
        "{report:#}"
    );
    let status: Value =
        serde_json::from_slice(&stage.home.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["outage"]["on_battery"], true, "{status:#}");
    assert_eq!(status["ups"]["on_battery"], true);
    let page = String::from_utf8(stage.home.run(&["status"]).stdout).unwrap();
    assert!(
        page.contains("UPS          on battery, battery low, 43%, 12 min left; since "),
        "{page}"
    );
    let metrics = String::from_utf8(stage.home.run(&["metrics"]).stdout).unwrap();
    for sample in [
        "cadence_ups_up 1\n",
        "cadence_ups_on_battery 1\n",
        "cadence_ups_battery_low 1\n",
        "cadence_ups_battery_charge_ratio 0.43\n",
        "cadence_ups_battery_runtime_seconds 720\n",
    ] {
        assert!(metrics.contains(sample), "{sample}: {metrics}");
    }
    upsd.status("OL CHRG");
    stage.home.world.set_line(Line::Up).unwrap();
    stage.home.settle();
    let history = stage.home.history();
    let outages: Vec<_> = history.iter().filter(|it| it["kind"] == "outage").collect();
    let marks: Vec<_> = outages
        .iter()
        .rev()
        .take(2)
        .map(|it| &it["on_battery"])
        .collect();
    assert_eq!(marks, [true, true], "{outages:#?}");
    let history = String::from_utf8(stage.home.run(&["history"]).stdout).unwrap();
    for line in [
        "the UPS is on battery at 43%",
        "the battery of the UPS is low at 43%, 12 min left",
        "outage began on battery: WAN_DOWN",
        "mains are back after ",
        " on battery (WAN_DOWN)",
    ] {
        assert!(history.contains(line), "{line}: {history}");
    }
    let report: Value =
        serde_json::from_slice(&stage.home.run(&["report", "--json"]).stdout).unwrap();
    let last = report["outages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["on_battery"], true, "{report:#}");
}

#[test]
fn probe_and_check_ask_it_too() {
    let upsd = Upsd::new("OL");
    let stage = stage(&upsd);
    let run = |arguments: &[&str]| String::from_utf8(stage.home.run(arguments).stdout).unwrap();
    let probed = run(&["probe", "--only", "ups"]);
    let target = format!("ups@127.0.0.1:{}", upsd.port);
    assert!(
        probed.contains(&format!("{target}, on mains, 43%")),
        "{probed}"
    );
    upsd.says(Answer::Raw(b"ERR UNKNOWN-UPS\n"));
    let document: Value =
        serde_json::from_str(&run(&["probe", "--only", "ups", "--json"])).unwrap();
    assert_eq!(document["ups"]["error"], "upsd knows no UPS of that name");
    assert!(document["ups"]["fix"].as_str().unwrap().contains("upsc -l"));
    let checked: Value = serde_json::from_str(&run(&["check", "--json"])).unwrap();
    let findings = checked["checks"].as_array().unwrap();
    let finding = findings.iter().find(|it| it["check"] == "ups").unwrap();
    assert_eq!(finding["result"], "warn");
    assert_eq!(
        finding["message"],
        format!("{target} counts as none: upsd knows no UPS of that name").as_str()
    );
    let checked = run(&["check", "--offline"]);
    assert!(
        checked.contains(&format!("{target} (not asked)")),
        "{checked}"
    );
}

#[test]
fn without_the_section_nothing_is_asked_and_the_battery_remembered_for_its_time_alone() {
    let upsd = Upsd::new("OB");
    let stage = stage(&upsd);
    suppresses(&stage, "the UPS is on battery");
    assert_ne!(stage.home.state()["recovery"]["battery"], Value::Null);
    stage.configure("");
    suppresses(&stage, "the UPS was on battery");
    pass(&stage, Duration::from_secs(15 * 60));
    let (_, report) = stage.home.cycle_with(&[]);
    assert_eq!(report["recovery"]["outcome"], "completed", "{report:#}");
    assert_eq!(report["ups"], Value::Null);
    let state = stage.home.state();
    assert_eq!(
        (&state["ups"], &state["recovery"]["battery"]),
        (&Value::Null, &Value::Null)
    );
}
