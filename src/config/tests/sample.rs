//! The sample that is installed must be right, and complete.

use std::time::Duration;

use super::super::sheets::Sheets;
use super::{problems, settings};

const SAMPLE: &str = include_str!("../../../packaging/cadence.toml");
const NAME: &str = "[[record]]\nname = \"vpn.example.com\"\n";

/// The sample with every key that it comments out. Prose follows `# `, an entry of an array `#  `.
fn uncommented() -> String {
    let uncomment = |line: &'static str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with("  ") || !rest.starts_with(' ') => rest,
        _ => line,
    };
    SAMPLE.lines().map(uncomment).collect::<Vec<_>>().join("\n")
}

/// The sample with a record named: the two lines that its text says to uncomment.
fn named() -> String {
    let named = SAMPLE.replace("#[[record]]\n#name = ", "[[record]]\nname = ");
    assert_ne!(named, SAMPLE);
    named
}

#[test]
fn the_sample_as_shipped_is_wrong_only_in_that_it_names_no_record() {
    assert_eq!(problems(SAMPLE), problems(""));
}

#[test]
fn the_sample_with_a_record_named_means_the_defaults() {
    assert_eq!(
        format!("{:?}", settings(&named())),
        format!("{:?}", settings(NAME))
    );
}

#[test]
fn what_the_sample_comments_out_are_the_defaults_and_examples_of_what_has_none() {
    let mut settings_of_sample = settings(&uncommented());
    for record in &mut settings_of_sample.records {
        assert_eq!(
            (record.ttl.take(), record.proxied.take()),
            (Some(60), Some(false))
        );
        assert_eq!(record.zone.take().as_deref(), Some("example.com"));
    }
    assert!(settings_of_sample.network.router.take().is_some());
    assert_eq!(
        settings_of_sample.network.interface.take().as_deref(),
        Some("eth0")
    );
    assert_eq!(
        settings_of_sample
            .recovery
            .limits
            .interface
            .take()
            .as_deref(),
        Some("eth0")
    );
    assert!(settings_of_sample.network.ca_file.take().is_some());
    assert!(settings_of_sample.textfile.take().is_some());
    let ups = settings_of_sample.ups.take();
    assert_eq!(ups.unwrap().to_string(), "ups@localhost:3493");
    let forwards = std::mem::take(&mut settings_of_sample.forwards);
    let shown = "[[forward]]\ninternal = 51820\nhost = \"192.168.1.20\"\n";
    assert_eq!(forwards, settings(&format!("{NAME}{shown}")).forwards);
    assert_eq!(settings_of_sample.network.vpn_guard.take(), Some(true));
    let vpn = settings_of_sample.vpn.take();
    let shown = "[vpn]\ninterface = \"wg0\"\n";
    assert_eq!(vpn, settings(&format!("{NAME}{shown}")).vpn);
    let told = std::mem::take(&mut settings_of_sample.receivers);
    assert_eq!(told.names(), ["healthchecks", "ntfy", "sheets"]);
    assert_eq!(
        (told.heartbeats[0].every, told.notify[0].wants.every),
        (Duration::from_secs(300), Duration::from_secs(600))
    );
    let shown = told.sheets.unwrap();
    let named = format!("{NAME}[sheets]\nspreadsheet = \"{}\"\n", shown.spreadsheet);
    let defaults = Sheets {
        key_file: shown.key_file.clone(),
        ..settings(&named).receivers.sheets.unwrap()
    };
    assert_eq!(format!("{shown:?}"), format!("{defaults:?}"));
    assert!(settings_of_sample.recovery.plug_id.take().is_some());
    assert_eq!(
        std::mem::take(&mut settings_of_sample.recovery.address),
        "192.168.0.150"
    );
    assert_eq!(
        format!("{settings_of_sample:?}"),
        format!("{:?}", settings(NAME))
    );
}

#[test]
fn the_sample_shows_every_key() {
    let text = uncommented();
    for section in [
        "cloudflare",
        "network",
        "policy",
        "recovery",
        "sheets",
        "vpn",
    ] {
        let problem = problems(&format!("{NAME}[{section}]\nno-such-key = 1")).concat();
        let (_, keys) = problem.split_once("expected one of: ").unwrap();
        for key in keys.split(", ") {
            assert!(text.contains(&format!("\n{key} = ")), "{section}.{key}");
        }
    }
}

#[test]
fn the_sample_fits_a_terminal() {
    for line in SAMPLE.lines() {
        assert!(line.chars().count() <= 78, "{line}");
    }
}
