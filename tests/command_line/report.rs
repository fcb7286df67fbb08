//! `cadence report`: from the lines that real cycles left, and from those of a year.
#![cfg(feature = "demo")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fault of the test ends it"
)]

#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use cadence::world::Line;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use support::Home;
use support::terminal::Terminal;

fn json(home: &Home, arguments: &[&str]) -> Value {
    let arguments = [&["report", "--json"], arguments].concat();
    let out = home.run(&arguments);
    assert!(out.status.success(), "{out:?}");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Two cycles of a line that works, and one that finds it down.
fn line_down() -> Home {
    let home = Home::new();
    home.cycle();
    home.cycle();
    home.world.set_line(Line::Down).unwrap();
    home.cycle();
    home
}

#[test]
fn what_cycles_saw_is_told_as_json_as_a_page_and_on_a_terminal() {
    let home = line_down();
    let report = json(&home, &[]);
    assert_eq!(report["schema"], "cadence.report/1");
    assert_eq!(report["cycles"], 3);
    assert_eq!(report["outages"][0]["to"], Value::Null, "it goes on");
    assert_eq!(report["addresses"][0]["address"], "93.184.216.34");
    assert!(
        report["latency"]["router"]["p50_ms"].is_number(),
        "{report:#}"
    );

    let out = home.run(&["report"]);
    let page = String::from_utf8(out.stdout).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains("goes on"),
        "{page}"
    );

    let (_, text) = Terminal::of(80, &home.command(&["report"])).end();
    for question in [
        "Available ",
        "Cause ",
        "Outages ",
        "New address ",
        "Power cycles ",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(question)),
            "{text}"
        );
    }
    let asked_for = home.run(&["report", "--format", "pretty"]);
    assert!(
        String::from_utf8(asked_for.stdout)
            .unwrap()
            .contains("Available ")
    );
}

#[test]
fn a_page_goes_into_the_file_that_is_named_and_nothing_is_printed() {
    let home = line_down();
    let file = home.path("report.html");
    let out = home.run(&["report", "--output", file.to_str().unwrap()]);
    assert!(out.status.success() && out.stdout.is_empty(), "{out:?}");
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );

    let out = home.run(&["report", "--json", "-o", file.to_str().unwrap()]);
    assert!(out.status.success() && out.stdout.is_empty(), "{out:?}");
    let document = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(support::schema::check(&document), Ok(()));

    let nowhere = home.path("no/such/folder.html");
    let out = home.run(&["report", "--output", nowhere.to_str().unwrap()]);
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(
        told.contains("cannot write ")
            && told.contains("no such file or directory")
            && told.contains("fix: make the folder first: mkdir -p "),
        "{told}"
    );
}

#[test]
fn where_no_cycle_left_a_line_that_is_told_with_what_to_do() {
    let home = Home::new();
    let out = home.run(&["report"]);
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!((out.status.code(), out.stdout.len()), (Some(1), 0));
    assert!(
        told.contains("no cycles are recorded") && told.contains(" status"),
        "{told}"
    );
    let out = home.run(&["report", "--json"]);
    let document: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(document["schema"], "cadence.error/1");
}

/// A year of a cycle each two minutes, with ten minutes without the line each day, and a file of a stranger's.
fn year(home: &Home) {
    let folder = home.path("state/telemetry");
    fs::create_dir_all(&folder).unwrap();
    let now = Timestamp::now();
    let begin = now - Duration::from_secs(365 * 86_400);
    let mut at = begin;
    while at <= now {
        let day = TimeZone::UTC.to_datetime(at).date();
        let name = folder.join(format!("{day}.csv"));
        let mut lines = String::from(
            "time,cycle,verdict,readiness_ipv4,readiness_ipv6,address_ipv4,address_ipv6,router_ms,wan_ms,provider_ms,records,requests,recovery,elapsed_ms,next_s\n",
        );
        while at <= now && TimeZone::UTC.to_datetime(at).date() == day {
            let minute = at.as_second() / 60 % 1_440;
            let (verdict, provider) = match minute {
                700..710 => ("WAN_DOWN", ""),
                _ => ("HEALTHY", "81.3"),
            };
            writeln!(
                lines,
                "{at:.0},1,{verdict},READY,,93.184.216.34,,0.7,17.2,{provider},noop=1,2,idle,94.1,120"
            )
            .unwrap();
            at += Duration::from_secs(120);
        }
        fs::write(name, lines).unwrap();
    }
    fs::write(folder.join("2026-13-41.csv"), "time,verdict\n").unwrap();
}

#[test]
fn a_year_is_told_in_20_mib_and_only_of_the_time_that_is_asked_for() {
    let home = Home::new();
    year(&home);
    let before = std::time::Instant::now();
    let report = json(&home, &["--since", "366d"]);
    println!("a year: {:?}", before.elapsed());
    assert_eq!(report["cycles"], 365 * 720 + 1);
    assert_eq!(report["seconds"]["unknown"], 0, "{}", report["seconds"]);
    assert_eq!(report["outages"].as_array().unwrap().len(), 365);
    assert_eq!(report["seconds"]["line"], 365 * 600);
    let month = json(&home, &[]);
    assert_eq!(month["outages"].as_array().unwrap().len(), 30);

    let mut child = home
        .command(&["report", "--since", "366d", "--output", "/dev/null"])
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut kib = 0;
    // The high-water mark only grows, so the last one that can be read is the peak.
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mut marks = text
            .lines()
            .filter_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        kib = marks
            .next()
            .map_or(kib, |mark| mark.trim().parse().unwrap());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(child.wait().unwrap().success() && kib > 1_024, "{kib} KiB");
    println!("and {kib} KiB");
    assert!(kib <= 20 * 1_024, "{kib} KiB");
}

#[test]
fn time_at_the_begin_of_the_period_in_which_this_host_was_off_is_not_left_out() {
    let home = line_down();
    let young = json(&home, &["--since", "3d"]);
    assert!(young["seconds"]["unknown"].as_u64() < Some(60), "{young:#}");
    let older = Timestamp::now() - Duration::from_secs(10 * 86_400);
    let day = TimeZone::UTC.to_datetime(older).date();
    let file = home.path(&format!("state/telemetry/{day}.csv"));
    fs::write(file, format!("time,verdict\n{older:.0},HEALTHY\n")).unwrap();
    let report = json(&home, &["--since", "3d"]);
    assert_eq!(report["cycles"], 3, "{report:#}");
    assert_eq!(report["days"].as_array().unwrap().len(), 4);
    let unknown = report["seconds"]["unknown"].as_u64().unwrap();
    assert!(
        (3 * 86_400 - 60..=3 * 86_400).contains(&unknown),
        "{unknown}"
    );
}

#[test]
fn lines_that_are_none_and_files_that_are_no_files_spoil_nothing() {
    let home = line_down();
    let folder = home.path("state/telemetry");
    let today = fs::read_dir(&folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = fs::read(&today).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(b"\xff\xfe,\n,,,,\n2026-02-30T00:00:00Z,9,HEALTHY,\n9999-12-30T00:00:00Z,9,HEALTHY,\n2026-11-2");
    fs::write(&today, &torn).unwrap();
    assert_eq!(json(&home, &[])["cycles"], 3);
    fs::write(&today, b"\xff\n\xff\n").unwrap();
    assert_eq!(home.run(&["report"]).status.code(), Some(1));
    // Of a day whose file is none nothing is known.
    fs::write(&today, &whole).unwrap();
    let before = today.with_file_name("2026-11-29.csv");
    let odd = if before == today {
        today.with_file_name("2026-11-28.csv")
    } else {
        before
    };
    fs::create_dir(&odd).unwrap();
    let out = home.run(&["report", "--json"]);
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(0), "{told}");
    assert!(
        told.contains("warning: ") && told.contains(" skipped:"),
        "{told}"
    );
}

#[test]
fn where_no_cycles_are_kept_the_report_says_that() {
    let home = Home::with(
        "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n[telemetry]\nkeep = \"0s\"\n",
    );
    home.cycle();
    let out = home.run(&["report"]);
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(
        told.contains("telemetry.keep is \"0s\"") && told.contains("fix: set it"),
        "{told}"
    );
}

#[test]
fn the_form_that_is_asked_for_is_the_one_that_is_given() {
    let home = line_down();
    let of = |arguments: &[&str]| String::from_utf8(home.run(arguments).stdout).unwrap();
    assert!(of(&["report", "-o", "-"]).starts_with("<!DOCTYPE html>"));
    assert_eq!(of(&["report", "-q"]), "");
    assert!(of(&["report", "--format", "logfmt"]).starts_with("from="));
    let file = home.path("report.txt");
    home.run(&["report", "--format", "logfmt", "-o", file.to_str().unwrap()]);
    assert!(fs::read_to_string(&file).unwrap().starts_with("from="));
}
