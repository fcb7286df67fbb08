//! The metrics of each cycle, for a collector.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::support::Home;

const RECORD: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";

fn home(folder: &str) -> Home {
    let home = Home::new();
    let path = home.path(folder).join("cadence.prom");
    let path = path.display();
    home.configure(&format!("{RECORD}[metrics]\ntextfile = \"{path}\"\n"));
    home
}

#[test]
fn each_cycle_replaces_the_file_of_metrics_and_leaves_nothing_beside_it() {
    let home = home("metrics");
    fs::create_dir(home.path("metrics")).unwrap();
    for cycles in 1..=3 {
        home.cycle();
        let text = fs::read_to_string(home.path("metrics/cadence.prom")).unwrap();
        assert!(
            text.contains(&format!("\ncadence_cycles_total {cycles}\n")),
            "{text}"
        );
        assert!(text.contains("\n# TYPE cadence_cycles_total counter\n"));
    }
    let names: Vec<_> = fs::read_dir(home.path("metrics")).unwrap().collect();
    assert_eq!(names.len(), 1);
    let mode = fs::metadata(home.path("metrics/cadence.prom"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644, "the collector is another user");
    let text = fs::read_to_string(home.path("metrics/cadence.prom")).unwrap();
    let truth = "cadence_record_truth{name=\"vpn.example.com\",type=\"A\",truth=\"right\"} 1";
    assert!(text.contains(truth), "{text}");
    let printed = String::from_utf8(home.run(&["metrics"]).stdout).unwrap();
    let without_next = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.contains("next_cycle"));
        // The samples are those of OpenMetrics too, which calls families of counters otherwise.
        let samples = lines.filter(|line| !line.starts_with('#'));
        samples.map(str::to_owned).collect()
    };
    assert_eq!(without_next(&printed), without_next(&text));
    assert!(
        printed.contains("\n# TYPE cadence_cycles counter\n") && printed.ends_with("\n# EOF\n")
    );
    home.cycle_with(&["--dry-run"]);
    assert_eq!(
        fs::read_to_string(home.path("metrics/cadence.prom")).unwrap(),
        text
    );
}

#[test]
fn metrics_that_cannot_be_written_are_a_warning_and_no_more() {
    let home = home("missing");
    let out = home.run(&["reconcile", "--trust"]);
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(0), "{told}");
    assert!(
        told.contains("warning: ")
            && told.contains("cannot write ")
            && told.contains("cadence.prom"),
        "{told}"
    );
    assert_eq!(home.published("A").as_deref(), Some("93.184.216.34"));
}

#[test]
fn before_the_first_cycle_the_metrics_say_that_nothing_is_known() {
    let home = Home::new();
    let out = home.run(&["metrics"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert!(text.contains("\ncadence_check_status 3\n"), "{text}");
    assert!(!text.contains("cycles_total"), "{text}");
}
