use super::*;
use crate::config::presets::BEATS;

fn said(preset: &str, url: &str, pulse: Pulse, code: u8, run: &str) -> Option<String> {
    let preset = BEATS.iter().find(|it| it.name == preset).unwrap();
    let word = Word {
        pulse,
        health: Health {
            exit_code: code,
            line: "READY: all & well?",
            log: "",
            ping: Some(12),
        },
        run: run.to_owned(),
    };
    url_of(url, preset, &word)
}

#[test]
fn healthchecks_is_told_starts_ends_and_exit_codes_of_one_run() {
    let url = "https://hc.example/uuid";
    let said = |pulse, code, run| said("healthchecks", url, pulse, code, run).unwrap();
    assert_eq!(said(Pulse::Up, 0, ""), format!("{url}/0"));
    assert_eq!(said(Pulse::Start, 0, "u-1"), format!("{url}/start?rid=u-1"));
    assert_eq!(said(Pulse::Up, 0, "u-1"), format!("{url}/0?rid=u-1"));
    assert_eq!(said(Pulse::Down, 77, ""), format!("{url}/77"));
    assert_eq!(said(Pulse::Down, 0, ""), format!("{url}/fail"));
    assert_eq!(
        super::tests::said(
            "healthchecks",
            "https://hc.example/key/slug?create=1",
            Pulse::Up,
            0,
            "u"
        )
        .unwrap(),
        "https://hc.example/key/slug/0?create=1&rid=u"
    );
}

#[test]
fn uptime_kuma_is_told_up_or_down_in_place_of_its_example() {
    let url = "https://kuma.example/api/push/abc?status=up&msg=OK&ping=";
    assert_eq!(
        said("uptime-kuma", url, Pulse::Up, 0, "").unwrap(),
        "https://kuma.example/api/push/abc?status=up&msg=READY%3A%20all%20%26%20well%3F&ping=12"
    );
    let down = said("uptime-kuma", url, Pulse::Down, 1, "").unwrap();
    assert!(down.contains("?status=down&"), "{down}");
}

#[test]
fn where_nothing_but_life_can_be_told_nothing_is_told_of_trouble() {
    let url = "https://dead.example/?key=1";
    assert_eq!(said("plain", url, Pulse::Up, 0, "").as_deref(), Some(url));
    assert_eq!(
        said("plain", url, Pulse::Start, 0, "").as_deref(),
        Some(url)
    );
    assert_eq!(said("plain", url, Pulse::Down, 1, ""), None);
}
