//! Every way in which an address service can lie or fail, alone and among honest ones.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use cadence::world::ProviderMode;
use serde_json::json;

use super::support::{Home, gist, says, signal};
use super::{MOVED, OLD, RIGHT, WRONG, home_with_old_record, written};

/// Answers that no provider is believed for, however many of them agree.
fn unbelievable() -> Vec<ProviderMode> {
    let texts = [
        // Private, shared, special and reserved addresses.
        "10.0.0.5",
        "172.20.1.1",
        "192.168.1.10",
        "100.64.3.7",
        "127.0.0.1",
        "169.254.10.1",
        "0.0.0.0",
        "192.0.0.8",
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.7",
        "198.18.0.1",
        "192.88.99.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        // Cloudflare's own.
        "104.18.0.1",
        "162.158.1.1",
        "172.64.0.1",
        "188.114.96.1",
        // Another family, or another notation of this one.
        "2606:2800:220:1:248:1893:25c8:1946",
        "::ffff:93.184.216.34",
        "093.184.216.034",
        "0x5db8d822",
        "1572395042",
        "93.184.216",
        "93.184.216.34.5",
        "93.184.216.34:443",
        "93.184.216.34/32",
        "-93.184.216.34",
        "93.184.216.256",
        "93,184,216,34",
        "９３.184.216.34",
        // Anything around or instead of an address.
        "",
        " \r\n\t ",
        "null",
        "unknown",
        "Your address is 93.184.216.34",
        "93.184.216.34 81.2.69.142",
        "93.184.216.34\n81.2.69.142",
        "93.184.216.34\0",
        "\u{feff}93.184.216.34",
        "{\"ip\": \"93.184.216.34\"}",
        "<html>93.184.216.34</html>",
        // Trace documents of somebody else, of a VPN, or with pieces missing or twice.
        "h=elsewhere.example\nip=93.184.216.34\nwarp=off",
        "h=127.0.0.1\nip=93.184.216.34\nwarp=on",
        "h=127.0.0.1\nip=93.184.216.34\nwarp=plus",
        "ip=93.184.216.34",
        "h=127.0.0.1\nip=93.184.216.34",
        "h=127.0.0.1\nwarp=off",
        "h=127.0.0.1\nip=93.184.216.34\nip=81.2.69.142\nwarp=off",
        "h=127.0.0.1\nip=104.18.0.1\nwarp=off",
    ];
    let mut modes: Vec<ProviderMode> = texts.map(|text| ProviderMode::Lies(text.to_owned())).into();
    modes.extend([
        ProviderMode::Html,
        ProviderMode::Redirect("https://127.0.0.1/ip".to_owned()),
        ProviderMode::Huge(5_000),
        ProviderMode::Huge(10_000_000),
        ProviderMode::Truncate,
        ProviderMode::Reset,
        ProviderMode::Hang(Duration::from_millis(50)),
    ]);
    modes.extend([201, 204, 301, 400, 403, 404, 418, 429, 500, 502, 503].map(ProviderMode::Status));
    modes
}

fn set_all(home: &Home, mode: &ProviderMode) {
    for index in 0..4 {
        home.world.set_provider(index, mode.clone());
    }
}

#[test]
fn nothing_that_is_no_publishable_address_is_believed_even_from_all_providers() {
    let home = home_with_old_record();
    for mode in unbelievable() {
        set_all(&home, &mode);
        for options in [&[][..], &["--trust"]] {
            let (code, report) = home.cycle_with(options);
            assert_eq!(
                (code, gist(&report).as_str()),
                (0, "PROBING held"),
                "{mode:?}: {report:#}"
            );
            assert_eq!(report["verdict"], "DEGRADED", "{mode:?}");
            assert_eq!(
                signal(&report, "public_ip")["attempts"],
                4,
                "all were asked: {mode:?}"
            );
        }
    }
    assert!(home.world.cloudflare().journal().is_empty());
    assert_eq!(home.published("A").as_deref(), Some(OLD));
}

#[test]
fn nothing_of_that_moves_a_record_that_is_published() {
    let home = Home::new();
    home.settle();
    home.cycle();
    for mode in unbelievable() {
        set_all(&home, &mode);
        let report = home.cycle();
        assert_eq!(gist(&report), "READY held", "{mode:?}");
    }
    assert_eq!(written(&home), [RIGHT], "the creation");
}

#[test]
fn one_liar_among_honest_providers_keeps_nobody_from_publishing_the_right_address() {
    let believable = |index| {
        let said = |addresses: &[&str]| {
            addresses
                .iter()
                .map(|address| says(index, address))
                .collect()
        };
        [
            ProviderMode::Lies(says(index, WRONG)),
            ProviderMode::Alternate(said(&[WRONG, RIGHT])),
            ProviderMode::Alternate(said(&[WRONG, "81.2.69.143", "10.0.0.1"])),
        ]
    };
    let cases: Vec<(ProviderMode, usize)> = unbelievable()
        .into_iter()
        .zip((0..4).cycle())
        .chain((0..4).flat_map(|index| believable(index).map(|mode| (mode, index))))
        .collect();
    for (mode, liar) in cases {
        let home = home_with_old_record();
        home.world.set_provider(liar, mode.clone());
        assert_eq!(gist(&home.cycle()), "PROBING held", "{mode:?}");
        assert_eq!(gist(&home.cycle()), "READY updated/api", "{mode:?}");
        assert_eq!(gist(&home.cycle()), "READY noop/cache", "{mode:?}");
        assert_eq!(written(&home), [RIGHT], "{mode:?}");
    }
}

#[test]
fn a_liar_with_a_believable_address_unsettles_nobody_who_is_ready() {
    for liar in 0..4 {
        let home = Home::new();
        home.settle();
        home.world
            .set_provider(liar, ProviderMode::Lies(says(liar, WRONG)));
        for _ in 0..8 {
            let report = home.cycle();
            assert_eq!(gist(&report), "READY noop/cache", "{report:#}");
            assert_eq!(signal(&report, "public_ip")["address"], RIGHT);
        }
        home.world.set_address(Some(MOVED));
        home.settle();
        assert_eq!(written(&home), [RIGHT.to_owned(), MOVED.to_string()]);
    }
}

#[test]
fn liars_who_do_not_agree_are_outvoted_or_nothing_counts() {
    let lie = |index: usize| ProviderMode::Lies(says(index, &format!("81.2.69.{}", 10 + index)));
    // Two of four are honest: they agree, the others do not.
    let home = home_with_old_record();
    home.world.set_provider(0, lie(0));
    home.world.set_provider(1, lie(1));
    home.settle();
    assert_eq!(written(&home), [RIGHT]);

    // One of four is honest: nobody can know which one.
    let home = home_with_old_record();
    for index in 0..3 {
        home.world.set_provider(index, lie(index));
    }
    for options in [&[][..], &["--trust"], &[], &["--trust"]] {
        let (_, report) = home.cycle_with(options);
        assert_eq!(gist(&report), "PROBING held");
        let error = signal(&report, "public_ip")["error"].as_str().unwrap();
        assert!(error.starts_with("the providers disagree: "), "{error}");
    }
    assert!(written(&home).is_empty());
}

#[test]
fn answers_that_never_repeat_are_never_published() {
    let home = home_with_old_record();
    for index in 0..4 {
        let bodies = (0..40)
            .map(|turn| says(index, &format!("81.2.{index}.{}", 1 + turn)))
            .collect();
        home.world
            .set_provider(index, ProviderMode::Alternate(bodies));
    }
    for _ in 0..10 {
        assert_eq!(gist(&home.cycle()), "PROBING held");
    }
    assert!(home.world.cloudflare().journal().is_empty());
}

#[test]
fn two_uplinks_that_take_turns_move_a_record_no_more_than_twice() {
    for turn in [1, 2, 3, 5] {
        let home = Home::new();
        home.settle();
        let turns = [RIGHT.to_owned(), MOVED.to_string()];
        for index in 0..4 {
            let says = |at: usize| says(index, &turns[(at + index) / turn % 2]);
            let bodies = (0..400).map(says).collect();
            home.world
                .set_provider(index, ProviderMode::Alternate(bodies));
        }
        for _ in 0..60 {
            home.cycle();
        }
        let written = written(&home);
        assert!(
            written.len() <= 3,
            "beside its creation, by {turn}: {written:?}"
        );
        let mut status = home.command(&["status"]);
        let status = String::from_utf8(status.output().unwrap().stdout).unwrap();
        assert!(
            status.contains("two uplinks? 84.16.1.2 and 93.184.216.34 take turns"),
            "{status}"
        );
    }
}

#[test]
fn a_line_that_stays_for_minutes_at_each_of_two_addresses_moves_a_record_no_more_than_twice() {
    for stay in [130, 400, 540] {
        let home = Home::new();
        home.settle();
        let mut seconds = 0;
        while seconds < 3 * 3600 {
            let turns = [Ipv4Addr::new(93, 184, 216, 34), MOVED];
            home.world.set_address(Some(turns[seconds / stay % 2]));
            let report = home.cycle();
            let pause = if report["next"]["speed"] == "fast" {
                35
            } else {
                125
            };
            seconds += pause;
            home.pass(Duration::from_secs(pause as u64));
        }
        let written = written(&home);
        assert!(written.len() <= 3, "stays of {stay} s: {written:?}");
    }
}

#[test]
fn a_new_address_that_only_one_provider_names_is_not_published() {
    let home = Home::new();
    home.settle();
    home.world.set_address(Some(MOVED));
    for index in 0..3 {
        home.world.set_provider(index, ProviderMode::Reset);
    }
    for _ in 0..4 {
        assert_eq!(gist(&home.cycle()), "READY held");
    }
    assert_eq!(written(&home), [RIGHT]);
    home.world.set_provider(0, ProviderMode::Honest);
    home.settle();
    assert_eq!(written(&home), [RIGHT.to_owned(), MOVED.to_string()]);
}

#[test]
fn a_stale_provider_does_not_hold_up_a_new_address() {
    let home = Home::new();
    home.settle();
    home.world.set_address(Some(MOVED));
    home.world
        .set_provider(2, ProviderMode::Lies(RIGHT.to_owned()));
    let mut cycles = 0;
    while home.published("A") != Some(MOVED.to_string()) {
        home.cycle();
        cycles += 1;
        // It is asked first in one of four cycles, and then its word is enough for that cycle.
        assert!(cycles < 60, "it never gets through");
    }
    assert_eq!(written(&home), [RIGHT.to_owned(), MOVED.to_string()]);
}

#[test]
fn providers_that_drip_or_hang_cost_their_timeout_and_no_more() {
    let home = home_with_old_record();
    home.world.set_provider(0, ProviderMode::Drip);
    home.world
        .set_provider(1, ProviderMode::Hang(Duration::from_secs(60)));
    let begun = Instant::now();
    let (code, report) = home.cycle_with(&["--trust"]);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!((code, gist(&report).as_str()), (0, "READY updated/api"));
    assert_eq!(written(&home), [RIGHT]);
}

#[test]
fn what_a_provider_says_is_told_short_and_harmless() {
    let home = Home::new();
    let rude = format!("\u{1b}[31m\r\nMESSAGE=forged\n\"{}", "x".repeat(300));
    set_all(&home, &ProviderMode::Lies(rude));
    let out = home.run(&["reconcile", "--json", "-vv"]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let error = signal(&report, "public_ip")["error"].as_str().unwrap();
    assert!(
        !error.contains(['\u{1b}', '\n', '\r']) && error.len() < 1_000,
        "{error}"
    );
    assert!(
        !out.stderr.contains(&0x1b),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(report["readiness"]["confirmations"], json!(0));
}
