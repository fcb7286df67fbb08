//! The record of each cycle.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use super::support::Home;

/// The lines of all days, in order, each by its columns.
fn lines(home: &Home) -> Vec<Vec<String>> {
    let Ok(folder) = fs::read_dir(home.path("state/telemetry")) else {
        return vec![];
    };
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let text: String = texts.collect();
    let columns = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().map(columns).collect()
}

const RECORD: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";

#[test]
fn each_cycle_is_a_line_under_the_names_of_the_columns() {
    let home = Home::new();
    for _ in 0..3 {
        home.cycle();
    }
    home.cycle_with(&["--dry-run"]);
    let lines = lines(&home);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    let column = |name: &str| {
        let place = lines[0].iter().position(|it| it == name).unwrap();
        lines[1..].iter().map(move |line| &*line[place])
    };
    assert!(column("cycle").eq(["1", "2", "3"]));
    assert!(column("verdict").eq(["HEALTHY"; 3]));
    assert!(column("readiness_ipv4").eq(["PROBING", "READY", "READY"]));
    assert!(column("readiness_ipv6").eq([""; 3]), "not in use");
    assert!(column("address_ipv4").eq(["93.184.216.34"; 3]));
    assert!(column("records").eq(["held=1", "created=1", "noop=1"]));
    // A look, its confirmation with what the creation takes, a look and another one at public DNS.
    let requests: Vec<u32> = column("requests").map(|it| it.parse().unwrap()).collect();
    assert!(
        requests[1] > requests[0] && requests[2] == 2,
        "{requests:?}"
    );
    for name in ["router_ms", "wan_ms", "provider_ms", "elapsed_ms"] {
        assert!(column(name).all(|it| it.parse::<f64>().is_ok()), "{name}");
    }
}

#[test]
fn everyone_may_read_it_whatever_the_umask() {
    for umask in ["077", "0177", "777"] {
        let home = Home::new();
        let program = home.command(&["reconcile", "--json"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]);
        shell.arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let out = shell.output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{out:?}");
        for name in ["state", "state/telemetry"] {
            let mode = fs::metadata(home.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o755, "{name}, umask {umask}");
        }
    }
}

#[test]
fn it_is_kept_for_as_long_as_is_asked_for_and_not_at_all_where_that_is_nothing() {
    let home = Home::with(&format!("{RECORD}[telemetry]\nkeep = \"30d\"\n"));
    let folder = home.path("state/telemetry");
    fs::create_dir_all(&folder).unwrap();
    for name in ["2020-02-03.csv", "2020-02-03.txt", "notes.csv"] {
        fs::write(folder.join(name), "").unwrap();
    }
    home.cycle();
    let names = fs::read_dir(&folder)
        .unwrap()
        .map(|it| it.unwrap().file_name());
    let mut names: Vec<String> = names.map(|it| it.into_string().unwrap()).collect();
    names.sort();
    assert_eq!((&*names[0], &*names[2]), ("2020-02-03.txt", "notes.csv"));
    assert_eq!(names.len(), 3, "only its own: {names:?}");
    let home = Home::with(&format!("{RECORD}[telemetry]\nkeep = \"0s\"\n"));
    home.cycle();
    assert!(!home.path("state/telemetry").exists());
}

#[test]
fn a_cycle_neither_fails_nor_waits_where_it_cannot_be_kept() {
    let home = Home::new();
    fs::create_dir_all(home.path("state")).unwrap();
    fs::write(home.path("state/telemetry"), "a file").unwrap();
    let out = home.run(&["reconcile", "--trust"]);
    assert_eq!(out.status.code(), Some(0));
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(
        told.contains("warning: ") && told.contains("telemetry"),
        "{told}"
    );
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
    home.pass(Duration::from_secs(60));
    assert_eq!(home.cycle_with(&[]).0, 0);
}
