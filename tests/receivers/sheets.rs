//! Rows for a Google spreadsheet: each once, in order, whatever it answers, and no cycle waits for it or fails by it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use cadence::world::Line;
use serde_json::{Value, json};

use super::google::Google;
use super::pass;
use super::service::Reply;
use super::support::{Home, RECORD, joined};

const KEY: &str = include_str!("../support/service_account.json");
const NEVER: &[&str] = &["s3cret", "PRIVATE KEY", "MIIE", "eyJ"];

/// A READY home whose cycles go into a spreadsheet.
fn home(google: &Google) -> Home {
    let home = Home::with(RECORD);
    fs::write(home.path("key.json"), KEY).unwrap();
    fs::set_permissions(home.path("key.json"), fs::Permissions::from_mode(0o600)).unwrap();
    home.configure(&format!("{RECORD}{}", google.section(&home, "")));
    home.settle();
    home
}

/// What a cycle says, on stdout and on stderr.
fn said(home: &Home, arguments: &[&str]) -> [String; 2] {
    let out = home.run(&[&["reconcile"], arguments].concat());
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let text = [out.stdout, out.stderr].map(|it| String::from_utf8(it).unwrap());
    for secret in NEVER {
        assert!(!text.concat().contains(secret), "{secret}: {text:?}");
    }
    text.map(|it| joined(&it))
}

/// The line of a cycle about rows.
fn line(home: &Home) -> Option<String> {
    let [told, _] = said(home, &["-v"]);
    let mut lines = told
        .lines()
        .filter(|line| line.contains("subsystem=GSHEET"));
    let line = lines.next().map(str::to_owned);
    assert!(lines.next().is_none(), "{told}");
    line
}

/// The telemetry of today, as it stands on disk.
fn kept(home: &Home) -> (std::path::PathBuf, String) {
    let mut files = home.kept();
    files.retain(|file| file.extension().is_some_and(|it| it == "csv"));
    files.sort();
    let text = files.iter().map(|it| fs::read_to_string(it).unwrap());
    let text = text.collect();
    (files.pop().unwrap(), text)
}

#[test]
fn each_cycle_is_a_row_once_in_order_below_one_header_and_most_cycles_ask_nobody() {
    let google = Google::start();
    let home = home(&google);
    assert_eq!(
        google.cycles(),
        [1],
        "the first one shows at once that it works"
    );
    assert_eq!(google.service.requests().len(), 3, "token, header, rows");
    google.service.forget();
    for _ in 0..3 {
        home.cycle();
    }
    assert_eq!(google.service.requests().len(), 0, "not yet");
    pass(&home);
    let line = line(&home).unwrap();
    assert!(
        line.contains("state=OK") && line.contains("rows=5 rtt_ms="),
        "{line}"
    );
    assert_eq!(
        google.service.requests().len(),
        2,
        "the header is known to be there"
    );
    assert_eq!(google.cycles(), [1, 2, 3, 4, 5, 6]);
    // All of it is as in the file, numbers as numbers.
    let (_, text) = kept(&home);
    for (line, row) in text.lines().zip(google.rows()) {
        let cells = row.as_array().unwrap().iter();
        let cells = cells.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
        assert_eq!(cells.collect::<Vec<_>>().join(","), line);
    }
    let first = &google.rows()[1];
    assert!(
        first[1].is_u64() && first[9].is_number() && first[5].is_string(),
        "{first}"
    );
    // A quiet cycle that sends rows says no more than any other.
    pass(&home);
    let [quiet, _] = said(&home, &[]);
    assert!(!quiet.contains("GSHEET"), "{quiet}");
    assert_eq!(google.cycles().len(), 7);
}

/// What goes wrong where a token is asked for, and what a cycle says of it.
fn faults_of_tokens() -> Vec<(Reply, &'static str)> {
    let grant = |why: &str| {
        let document = json!({"error": "invalid_grant", "error_description": why});
        Reply::new(400, &document.to_string())
    };
    let given = |body| Reply::new(200, body);
    vec![
        (
            grant("Invalid JWT Signature."),
            "127.0.0.1 answers 400 ('Invalid JWT Signature.'); fix: make a new key",
        ),
        (
            grant(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
            ),
            "fix: set this host's clock",
        ),
        (Reply::new(503, ""), "fix: wait: it is tried again"),
        (given("{}"), "an answer without a token"),
        (
            given("{\"access_token\":\"a\\nb\"}"),
            "an answer without a token",
        ),
    ]
}

/// What goes wrong where rows are appended.
fn faults_of_writes() -> Vec<(Reply, &'static str)> {
    let error = |code: u16, status: &str, message: &str| {
        let document = json!({"error": {"code": code, "message": message, "status": status}});
        Reply::new(code, &format!("{document:#}"))
    };
    let denied = |message| error(403, "PERMISSION_DENIED", message);
    vec![
        (
            error(
                400,
                "INVALID_ARGUMENT",
                "Unable to parse range: 'cadence'!A1",
            ),
            "fix: add a sheet (a tab) named",
        ),
        (
            error(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials.",
            ),
            "fix: wait: each try gets a token of its own",
        ),
        (
            denied("The caller does not have permission"),
            "answers 403 ('The caller does not have permission'); fix: share the spreadsheet with cadence@made-for-tests.iam.gserviceaccount.com, as an editor",
        ),
        (
            denied("Google Sheets API has not been used in project 1 before or it is disabled."),
            "fix: enable the Google Sheets API",
        ),
        (
            error(404, "NOT_FOUND", "Requested entity was not found."),
            "fix: set `sheets.spreadsheet`",
        ),
        (
            error(429, "RESOURCE_EXHAUSTED", "Quota exceeded"),
            "answers 429 ('Quota exceeded'); fix: wait",
        ),
        (
            Reply::with(302, "Location: http://127.0.0.1:1/\r\n", ""),
            "no redirect is followed",
        ),
        (Reply::new(200, "<html>"), "an answer of other rows"),
        (
            Reply::new(200, "{\"updates\":{\"updatedRows\":0}}"),
            "an answer of other rows",
        ),
        (
            denied("no: ya29.s3cret-1 is bad"),
            "(what it says holds a part of a token)",
        ),
        (Reply::Close, "127.0.0.1: "),
        (Reply::Flood, "127.0.0.1: "),
        (
            Reply::Bytes(b"nonsense\r\n\r\n".to_vec(), Duration::ZERO),
            "127.0.0.1: ",
        ),
    ]
}

#[test]
fn whatever_google_answers_no_cycle_fails_and_each_row_comes_once_in_the_end() {
    let google = Google::start();
    let home = home(&google);
    let of_tokens = faults_of_tokens().into_iter().map(|it| (true, it));
    let of_writes = faults_of_writes().into_iter().map(|it| (false, it));
    for (is_of_token, (reply, says)) in of_tokens.chain(of_writes) {
        // Long enough for any wait that grew.
        for _ in 0..16 {
            pass(&home);
        }
        google.set(|it| {
            let place = if is_of_token {
                &mut it.token
            } else {
                &mut it.write
            };
            *place = Some(reply);
        });
        let line = line(&home).unwrap_or_else(|| panic!("{says}"));
        for part in ["level=warning", "state=FAILED", "rtt_ms="] {
            assert!(line.contains(part), "{line}");
        }
        let line = line.replace("\\\"", "'");
        assert!(line.contains(says), "{says}: {line}");
        google.set(|it| (it.token, it.write) = (None, None));
    }
    for _ in 0..16 {
        pass(&home);
    }
    home.cycle();
    let all: Vec<u64> = (1..=21).collect();
    assert_eq!(google.cycles(), all, "none lost, none twice");
}

#[test]
fn a_quota_is_obeyed_for_as_long_as_it_asks_and_a_failure_waits_longer_each_time() {
    let google = Google::start();
    let home = home(&google);
    let tried = |reply: Option<Reply>| {
        google.set(|it| it.write = reply);
        google.service.forget();
        home.cycle();
        !google.service.requests().is_empty()
    };
    for code in [429, 503] {
        for _ in 0..16 {
            pass(&home);
        }
        let asks = Reply::with(code, "Retry-After: 900\r\n", "");
        assert!(tried(Some(asks.clone())));
        for _ in 0..3 {
            pass(&home);
            assert!(!tried(None), "{code}");
        }
        pass(&home);
        assert!(tried(None), "{code}");
    }
    pass(&home);
    let plain = Reply::status(500);
    // A minute, two, four, eight.
    let each: Vec<bool> = (0..6)
        .map(|_| {
            let is_tried = tried(Some(plain.clone()));
            pass(&home);
            is_tried
        })
        .collect();
    assert_eq!(each, [true, true, true, true, false, true]);
}

#[test]
fn what_could_not_be_sent_waits_for_the_line_and_then_comes_in_batches_over_several_cycles() {
    let google = Google::start();
    let home = home(&google);
    home.world.set_line(Line::Down).unwrap();
    google.service.forget();
    for _ in 0..3 {
        pass(&home);
        home.cycle_with(&[]);
    }
    assert_eq!(google.service.requests().len(), 0, "the line is down");
    // A long outage: most of it was written by other processes.
    let (file, text) = kept(&home);
    let last = text.lines().last().unwrap();
    let many: String = (1000..2200)
        .map(|cycle| last.replacen(",5,", &format!(",{cycle},"), 1) + "\n")
        .collect();
    fs::write(&file, format!("{text}{many}")).unwrap();
    home.world.set_line(Line::Up).unwrap();
    let mut counts = vec![];
    for _ in 0..4 {
        home.cycle_with(&[]);
        counts.push(google.cycles().len());
    }
    // Those of the outage, and of each cycle since.
    assert_eq!(
        counts,
        [501, 1001, 1208, 1208],
        "the rest comes with what is new"
    );
    let expected: Vec<u64> = (1..=5).chain(1000..2200).chain(6..=8).collect();
    assert_eq!(google.cycles(), expected);
}

#[test]
fn rows_of_which_a_killed_cycle_saw_no_answer_come_again_and_none_is_lost() {
    let google = Google::start();
    let home = home(&google);
    pass(&home);
    google.set(|it| it.is_late = true);
    google.service.forget();
    let mut cycle = home.command(&["reconcile"]).spawn().unwrap();
    let begun = Instant::now();
    while google.cycles().len() < 3 {
        assert!(begun.elapsed().as_secs() < 30);
        std::thread::yield_now();
    }
    cycle.kill().unwrap();
    cycle.wait().unwrap();
    google.set(|it| it.is_late = false);
    home.cycle();
    assert_eq!(
        google.cycles(),
        [1, 2, 3, 2, 3, 4],
        "that batch twice, and no other"
    );
    pass(&home);
    home.cycle();
    assert_eq!(google.cycles(), [1, 2, 3, 2, 3, 4, 5]);
    assert_eq!(
        google.rows().iter().filter(|row| row[0] == "time").count(),
        1
    );
}

#[test]
fn a_service_that_hangs_takes_eight_seconds_and_no_lock() {
    let google = Google::start();
    let home = home(&google);
    pass(&home);
    google.set(|it| it.write = Some(Reply::Hang));
    google.service.forget();
    let begun = Instant::now();
    let mut slow = home.command(&["reconcile"]).spawn().unwrap();
    while google.service.requests().len() < 2 {
        assert!(begun.elapsed().as_secs() < 30);
        std::thread::yield_now();
    }
    let beside = Instant::now();
    home.cycle();
    assert!(beside.elapsed().as_secs() < 6, "{:?}", beside.elapsed());
    assert!(slow.wait().unwrap().success());
    let took = begun.elapsed().as_secs();
    assert!((7..14).contains(&took), "{took}");
}

#[test]
fn where_no_lines_are_told_a_failure_is_a_warning_and_a_document_stays_one() {
    let google = Google::start();
    let home = home(&google);
    google.set(|it| it.write = Some(Reply::status(404)));
    pass(&home);
    let [told, warned] = said(&home, &["--json"]);
    let document: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(document["schema"], "cadence.cycle/1");
    let warning = "warning: sheets did not get its rows: 127.0.0.1 answers 404; fix: ";
    assert!(warned.contains(warning), "{warned}");
    for _ in 0..16 {
        pass(&home);
    }
    google.service.forget();
    assert_eq!(said(&home, &["--quiet"]), ["", ""]);
    assert_eq!(google.service.requests().len(), 2);
}

#[test]
fn another_sheet_gets_a_header_of_its_own_and_one_that_has_it_none() {
    let google = Google::start();
    let home = home(&google);
    // All that is known is lost, or the clock was years ahead: from now on, below what there is.
    for lost in ["", "2099-01-01"] {
        let path = home.state_file("receivers.json");
        let text = fs::read_to_string(&path).unwrap();
        let mut known: Value = serde_json::from_str(&text).unwrap();
        known["receivers"]["sheets"]["rows"]["day"] = lost.into();
        fs::write(&path, known.to_string()).unwrap();
        pass(&home);
        home.cycle();
    }
    assert_eq!(google.cycles(), [1, 3, 4]);
    google.set(|it| it.rows.clear());
    home.rewrite(|text| text.replace("[sheets]\n", "[sheets]\nsheet = \"cadence\"\n"));
    pass(&home);
    home.cycle();
    assert_eq!(google.rows()[0][1], 5, "what somebody emptied is theirs");
    // Another spreadsheet is new to it.
    google.set(|it| it.rows.clear());
    let path = home.state_file("receivers.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut known: Value = serde_json::from_str(&text).unwrap();
    known["receivers"]["sheets"]["rows"]["to"] = 7.into();
    fs::write(&path, known.to_string()).unwrap();
    pass(&home);
    home.cycle();
    assert_eq!(google.rows()[0][1], "cycle");
    assert_eq!(google.cycles(), [6]);
}

#[test]
fn a_test_writes_a_row_that_says_so_and_check_tells_how_it_is() {
    let google = Google::start();
    let home = home(&google);
    let out = home.run(&["notify", "--test", "sheets", "--json"]);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        report["checks"][0]["message"], "sheets accepted the test",
        "{report}"
    );
    let last = google.rows().pop().unwrap();
    assert_eq!((&last[1], &last[2]), (&json!(""), &json!("TEST")));
    home.cycle();
    let told = |arguments: &[&str]| -> (String, String) {
        let out = home.run(&[arguments, &["--json"]].concat());
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        let mut checks = report["checks"].as_array().unwrap().clone();
        checks.retain(|it| it["check"] == "sheets");
        assert_eq!(checks.len(), 1, "{report:#}");
        let text = |key: &str| checks[0][key].as_str().unwrap().to_owned();
        (text("result"), text("message"))
    };
    let (result, message) = told(&["check", "--offline"]);
    assert!(
        result == "ok" && message.ends_with("; 2 rows wait"),
        "{message}"
    );
    google.set(|it| it.write = Some(Reply::status(404)));
    pass(&home);
    said(&home, &[]);
    let (result, message) = told(&["notify"]);
    assert_eq!(result, "fail");
    assert!(
        message.starts_with("sheets: 127.0.0.1 answers 404; 3 rows wait; again in "),
        "{message}"
    );
    let (result, message) = told(&["notify", "--test"]);
    assert_eq!(
        (result.as_str(), message.as_str()),
        ("fail", "sheets: 127.0.0.1 answers 404")
    );
    google.set(|it| it.write = None);
    pass(&home);
    home.cycle();
    fs::set_permissions(home.path("key.json"), fs::Permissions::from_mode(0o644)).unwrap();
    let (result, message) = told(&["check", "--offline"]);
    assert!(
        result == "warn" && message.contains("everyone may read its key in "),
        "{message}"
    );
    fs::write(home.path("key.json"), &KEY[..500]).unwrap();
    let (result, message) = told(&["check", "--offline"]);
    assert!(
        result == "fail"
            && message.contains("is no key for Google Sheets (not shown): it is no whole JSON"),
        "{message}"
    );
    fs::remove_file(home.path("key.json")).unwrap();
    let (result, message) = told(&["check", "--offline"]);
    assert!(
        result == "fail" && message.starts_with("sheets: no key for Google Sheets: "),
        "{message}"
    );
}

#[test]
fn a_key_may_come_as_a_credential_and_nothing_secret_is_in_any_file_or_output() {
    let google = Google::start();
    let home = home(&google);
    let folder = home.path("credentials");
    fs::create_dir(&folder).unwrap();
    fs::rename(home.path("key.json"), folder.join("sheets-key")).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("CREDENTIALS_DIRECTORY", &folder);
        command.output().unwrap()
    };
    for reply in [None, Some(Reply::status(401)), Some(Reply::Close)] {
        google.set(|it| it.write = reply);
        for _ in 0..16 {
            pass(&home);
        }
        for arguments in [
            &["reconcile", "-vv"][..],
            &["notify"],
            &["notify", "--test", "-vv"],
            &["check", "-vv", "--offline"],
            &["status", "-vv", "--json"],
        ] {
            let out = run(arguments);
            let text = [out.stdout, out.stderr].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            for secret in NEVER {
                assert!(!text.contains(secret), "{arguments:?}: {secret}: {text}");
            }
        }
    }
    for file in home.kept() {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        for secret in NEVER {
            assert!(!text.contains(secret), "{}: {secret}", file.display());
        }
    }
}
