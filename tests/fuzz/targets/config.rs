//! The configuration, the variables that override it, and the small languages in it.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use cadence::config::{
    Endpoint, Env, Settings, check_policy, parse, parse_plug_address, parse_router, zone_of,
};
use cadence::logic::idn;
use cadence::logic::units::{config_duration, human_duration, parse_duration};

use super::checks;

const PATH: &str = "/etc/cadence/cadence.toml";

/// The file, and behind it the variables, `NAME=value` each, with a zero byte before each.
pub fn toml(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.split('\0');
    let file = parts.next().unwrap_or_default();
    let env: Env = parts.filter_map(|part| part.split_once('=')).collect();
    match parse(file, Path::new(PATH), &env) {
        Ok(settings) => judge(&settings),
        Err(error) => {
            assert!(!error.problems().is_empty());
            let last = file.split('\n').count();
            for problem in error.problems() {
                checks::line(problem, 1000);
                checks::silent(problem);
                place(problem, last);
            }
        }
    }
}

/// Each problem names its line of the file, which has so many, or its variable.
fn place(problem: &str, last: usize) {
    if problem.starts_with("$CADENCE_") {
        return;
    }
    let rest = problem
        .strip_prefix(PATH)
        .and_then(|rest| rest.strip_prefix(':'));
    let rest = rest.unwrap_or_else(|| panic!("without its place: {problem:?}"));
    let line = rest
        .split(':')
        .next()
        .and_then(|line| line.parse::<usize>().ok());
    match line {
        Some(line) => assert!((1..=last).contains(&line), "line {line} of {last}"),
        None => assert!(rest.starts_with(" no record is configured"), "{problem:?}"),
    }
}

/// Whatever loads is within the bounds that the contract states.
fn judge(settings: &Settings) {
    let (second, hour, day) = (
        Duration::from_secs(1),
        Duration::from_secs(60 * 60),
        Duration::from_secs(24 * 60 * 60),
    );
    let Settings {
        policy,
        recovery,
        network,
        records,
        cloudflare,
        ..
    } = settings;
    assert!((1..=10).contains(&policy.confirmations));
    assert!(policy.cache_max_age <= 7 * day);
    assert!((10 * second..=hour).contains(&policy.healthy_interval));
    assert!((5 * second..=600 * second).contains(&policy.unsettled_interval));
    assert!(policy.jitter <= 300 * second);
    assert!((1..=60).contains(&policy.max_updates_per_hour));
    assert!((second..=600 * second).contains(&recovery.limits.off_time));
    assert!((10 * second..=day).contains(&recovery.limits.expected_network_recovery));
    assert!(recovery.limits.escalation_buffer <= day && recovery.limits.cooldown <= 7 * day);
    assert!((1..=10).contains(&recovery.limits.max_attempts_per_outage));
    assert!((1..=24).contains(&recovery.limits.max_attempts_per_day));
    assert!(recovery.relay <= 7);
    assert!((1..=1000).contains(&records.len()));
    for (at, record) in records.iter().enumerate() {
        assert_eq!(idn::to_ascii(&record.name).as_ref(), Ok(&record.name));
        assert!(
            record
                .ttl
                .is_none_or(|ttl| ttl == 1 || (60..=86_400).contains(&ttl))
        );
        let zone = record.zone.as_ref();
        assert!(zone.is_none_or(|zone| record.name.ends_with(zone.as_str())));
        assert!(
            records[..at]
                .iter()
                .all(|other| other.key() != record.key())
        );
    }
    assert!((1..=16).contains(&network.wan_targets.len()));
    assert!(
        network
            .wan_targets
            .iter()
            .all(|it| it.port > 0 && !it.host.is_empty())
    );
    let asked = [&network.ip_providers, &network.ip6_providers, &network.doh];
    asked.into_iter().flatten().for_each(secure);
    secure(&cloudflare.api_url);
    let files = [
        &cloudflare.token_file,
        &network.ca_file,
        &recovery.password_file,
        &recovery.program,
    ];
    assert!(files.into_iter().flatten().all(|file| file.is_absolute()));
    for broken in check_policy(settings, Some((Path::new(PATH), 0o644))) {
        checks::line(&broken.message, 700);
    }
}

/// Never in the clear but to this host itself.
fn secure(endpoint: &Endpoint) {
    assert!(endpoint.port > 0 && endpoint.url.bytes().all(|byte| byte.is_ascii_graphic()));
    let this_host = |host: &str| {
        let address = host.parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
    };
    let scheme = endpoint
        .url
        .get(..8)
        .unwrap_or_default()
        .to_ascii_lowercase();
    assert!(
        scheme == "https://" || this_host(&endpoint.host),
        "{}",
        endpoint.url
    );
}

/// Names, durations and addresses by themselves.
pub fn names(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match parse_duration(text) {
        Ok(duration) => {
            assert_eq!(parse_duration(&config_duration(duration)), Ok(duration));
            checks::line(&human_duration(duration), 40);
        }
        Err(allowed) => checks::line(&allowed, 200),
    }
    let (name, zone) = text.split_once('\n').unwrap_or((text, "example.com"));
    match idn::to_ascii(name) {
        Ok(ascii) => {
            assert!(ascii.is_ascii() && ascii.len() <= 253 && ascii.contains('.'));
            assert_eq!(idn::to_ascii(&ascii).as_ref(), Ok(&ascii), "once is enough");
            match zone_of(name, &ascii, zone) {
                Ok(zone) => assert!(ascii.ends_with(&zone) && !zone.starts_with('*')),
                // The name is the operator's own, and is shown as it was written.
                Err(allowed) => assert!(!allowed.is_empty()),
            }
        }
        Err(allowed) => checks::line(&allowed, 200),
    }
    match parse_router(text) {
        Ok(router) => {
            let again = match &router.scope {
                Some(scope) => format!("{}%{scope}", router.address),
                None => router.address.to_string(),
            };
            assert_eq!(parse_router(&again), Ok(router));
        }
        Err(allowed) => checks::line(&allowed, 200),
    }
    match parse_plug_address(text) {
        Ok(address) => {
            assert_eq!(address, text);
            assert!(address.is_ascii() && !address.contains(['/', '@', ' ', '?', '#']));
        }
        Err(allowed) => checks::line(&allowed, 200),
    }
}
