//! A configuration in variables alone: every key, sections of which there may be several, and secrets in files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::super::entries::SHAPES;
use super::super::receivers::{How, Place};
use super::super::value::secret_keys;
use super::{Env, RECORD, problems_with, read};
use crate::config::Settings;
use crate::logic::records::HostPart;
use crate::logic::units::RecordType;

pub fn from(pairs: &[(&str, &str)]) -> Settings {
    read("", &pairs.iter().copied().collect()).unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(pairs: &[(&str, &str)]) -> Vec<String> {
    problems_with(RECORD, &pairs.iter().copied().collect())
}

/// The one problem of this variable.
pub fn told(name: &str, value: &str) -> String {
    let problems = wrong(&[(name, value)]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.concat()
}

#[test]
fn records_are_those_of_the_variable() {
    let text = "vpn.example.com, *.example.com/AAAA proxied ttl=300 suffix=::1234\nnas.example.com/AAAA address=stable prefix=56 create zone=example.com";
    let settings = from(&[("CADENCE_RECORDS", text)]);
    let [vpn, any, nas] = settings.records.as_slice() else {
        panic!("three records")
    };
    assert_eq!(
        (vpn.name.as_str(), vpn.kind, vpn.ttl),
        ("vpn.example.com", RecordType::A, None)
    );
    assert_eq!(
        (any.name.as_str(), any.kind, any.ttl),
        ("*.example.com", RecordType::Aaaa, Some(300))
    );
    assert_eq!((any.proxied, any.create), (Some(true), false));
    assert!(matches!(any.host, HostPart::Suffix { prefix: 64, .. }));
    assert_eq!(nas.host, HostPart::Stable { prefix: 56 });
    assert_eq!(
        (nas.create, nas.zone.as_deref()),
        (true, Some("example.com"))
    );
    let over_the_file = read(RECORD, &Env::from([("CADENCE_RECORDS", "b.example.com")]));
    let names: Vec<_> = over_the_file.unwrap().records;
    assert_eq!(names[0].name, "b.example.com");
    assert_eq!(names.len(), 1, "they take the place of those of the file");
}

#[test]
fn receivers_and_forwards_are_those_of_their_variables() {
    let settings = from(&[
        ("CADENCE_RECORDS", "vpn.example.com"),
        (
            "CADENCE_HEARTBEAT",
            "https://hc.example/id preset=healthchecks every=10m",
        ),
        (
            "CADENCE_NOTIFY",
            "https://ntfy.example/x?a=b preset=ntfy on=\"outage, address\", url_file=/run/n preset=slack name=work, kind=program program=/bin/told",
        ),
        (
            "CADENCE_FORWARD",
            "51820/udp, 443/tcp external=8443 host=192.168.1.20",
        ),
    ]);
    let beat = &settings.receivers.heartbeats[0];
    assert_eq!(
        (beat.preset.name, beat.every),
        ("healthchecks", Duration::from_secs(600))
    );
    let [ntfy, slack, program] = settings.receivers.notify.as_slice() else {
        panic!("three receivers")
    };
    let How::Webhook {
        place: Place::Written(url),
        ..
    } = &ntfy.how
    else {
        panic!("a URL")
    };
    assert_eq!(
        (url.url.as_str(), ntfy.wants.on.len()),
        ("https://ntfy.example/x?a=b", 2)
    );
    assert!(
        matches!(&slack.how, How::Webhook { place: Place::File(Some(path)), .. } if path == Path::new("/run/n"))
    );
    assert!(matches!(&program.how, How::Program(path) if path == Path::new("/bin/told")));
    let [udp, tcp] = settings.forwards.as_slice() else {
        panic!("two forwards")
    };
    assert_eq!(
        (udp.transport.as_str(), udp.internal, udp.external),
        ("udp", 51820, 51820)
    );
    assert_eq!(
        (tcp.transport.as_str(), tcp.internal, tcp.external),
        ("tcp", 443, 8443)
    );
}

#[test]
fn lists_are_told_apart_by_commas() {
    let settings = from(&[
        ("CADENCE_RECORDS", "vpn.example.com"),
        (
            "CADENCE_NETWORK_WAN_TARGETS",
            "tls://1.1.1.1:443, tcp://8.8.8.8:53",
        ),
        ("CADENCE_NETWORK_DOH", ","),
        ("CADENCE_POLICY_WAIVE", "no-jitter,single-confirmation"),
        (
            "CADENCE_RECOVERY_HEADERS",
            "\"Accept: a, b\", X-Key: {password}",
        ),
    ]);
    assert_eq!(settings.network.wan_targets.len(), 2);
    assert_eq!(settings.network.doh, []);
    assert_eq!(settings.waive, ["no-jitter", "single-confirmation"]);
    let headers = &settings.recovery.http.headers;
    assert_eq!(headers[0], ("Accept".to_owned(), "a, b".to_owned()));
    assert_eq!(headers.len(), 2);
}

#[test]
fn what_is_wrong_with_an_entry_is_told_as_of_the_file() {
    for (name, value, expected) in [
        (
            "CADENCE_RECORDS",
            "a.example.com, localhost",
            ", entry 2: record.name = \"localhost\": expected a full host name such as \"vpn.example.com\"",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com ttl=5",
            ", entry 1: record.ttl = \"5\": expected 1 (automatic) or a whole number from 60 to 86400 (30 to 59 is for Enterprise zones only)",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com/MX",
            ", entry 1: record.type = \"MX\": expected \"A\" or \"AAAA\"",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com proxid",
            ", entry 1: unknown key record.proxid: did you mean \"proxied\"? expected one of: name, type, ttl, proxied, create, zone, id, prefix, \
             suffix, mac, address, as key=value, and a comma before the next entry",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com b.example.com",
            ", entry 1: unknown key record.b.example.com: expected one of: name, type, ttl, proxied, create, zone, id, prefix, suffix, mac, address, as \
             key=value, and a comma before the next entry",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com ttl=60 ttl=300",
            ", entry 1: record.ttl is set twice: expected one",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com, proxied",
            ", entry 2: record.name = \"proxied\": expected a full host name such as \"vpn.example.com\"",
        ),
        (
            "CADENCE_RECORDS",
            "ttl=60",
            ", entry 1: record.name is not set: expected a full host name such as \"vpn.example.com\"",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com, A.example.com",
            ", entry 2: record A.example.com A is given twice: expected one for each name and type",
        ),
        (
            "CADENCE_RECORDS",
            ",",
            ": record has 0 entries: expected 1 to 1000 entries with commas between them, such as vpn.example.com, home.example.com/AAAA proxied",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com zone=\"x",
            ": record: expected the quote that is open to be closed",
        ),
        (
            "CADENCE_FORWARD",
            "udp",
            ", entry 1: forward.internal = \"udp\": expected a whole number from 1 to 65535",
        ),
        (
            "CADENCE_FORWARD",
            "protocol=tcp",
            ", entry 1: forward.internal is not set: expected the port of the host, such as 51820",
        ),
        (
            "CADENCE_NOTIFY",
            "https://a.example preset=ntfy on=outage,address",
            ", entry 2: notify.url (not shown): expected an https:// URL with a host, or http:// for a loopback address",
        ),
        (
            "CADENCE_NOTIFY",
            "https://a.example https://b.example/hush",
            ", entry 1: unknown key (not shown): expected one of: kind, name, on, quiet, every, preset, template, url, url_file, to, program, as \
             key=value, and a comma before the next entry",
        ),
        (
            "CADENCE_HEARTBEAT",
            "ftp://hush",
            ", entry 1: heartbeat.url (not shown): expected an https:// URL with a host, or http:// for a loopback address",
        ),
        (
            "CADENCE_NETWORK_WAN_TARGETS",
            "1.1.1.1:443",
            ": network.wan_targets = \"1.1.1.1:443\": expected \"tls://host:port\" or \"tcp://host:port\"",
        ),
        (
            "CADENCE_NETWORK_WAN_TARGETS",
            ",",
            ": network.wan_targets has 0 entries: expected 1 to 16 texts with commas between them",
        ),
    ] {
        assert_eq!(told(name, value), format!("${name}{expected}"), "{value}");
    }
}

#[test]
fn a_variable_that_looks_like_one_of_ours_is_told() {
    for (name, expected) in [
        (
            "CADENCE_RECORD",
            "unknown variable: did you mean \"CADENCE_RECORDS\"? Otherwise unset it",
        ),
        (
            "CADENCE_HEARTBEATS",
            "unknown variable: did you mean \"CADENCE_HEARTBEAT\"? Otherwise unset it",
        ),
        (
            "CADENCE_NOTIFIES",
            "unknown variable: did you mean \"CADENCE_NOTIFY\"? Otherwise unset it",
        ),
        (
            "cadence_mode",
            "unknown variable: did you mean \"CADENCE_MODE\"? Otherwise unset it",
        ),
        (
            "Cadence_Policy_Jitter",
            "unknown key: did you mean \"CADENCE_POLICY_JITTER\"? expected CADENCE_POLICY_ and one of CONFIRMATIONS, CACHE_MAX_AGE, \
             HEALTHY_INTERVAL, UNSETTLED_INTERVAL, JITTER, MAX_UPDATES_PER_HOUR, WAIVE",
        ),
        (
            "CADENCE_TELEMETRY",
            "unknown key: expected CADENCE_TELEMETRY_ and one of KEEP",
        ),
        (
            "CADENCE_LOG_LEVEL",
            "unknown variable: expected a section and its key, such as CADENCE_POLICY_JITTER; fix: unset it",
        ),
        (
            "CADENCE_TOKEN",
            "unknown variable: the API token is read from CLOUDFLARE_API_TOKEN, or from the file that CLOUDFLARE_API_TOKEN_FILE names; \
             fix: rename it",
        ),
        (
            "CADENCE_CLOUDFLARE_API_TOKEN",
            "unknown variable: the API token is read from CLOUDFLARE_API_TOKEN, or from the file that CLOUDFLARE_API_TOKEN_FILE names; \
             fix: rename it",
        ),
        (
            "CADENCE_COFNIG",
            "unknown variable: did you mean \"CADENCE_CONFIG\"? Otherwise unset it",
        ),
        (
            "CADENCE_MODES",
            "unknown variable: did you mean \"CADENCE_MODE\"? Otherwise unset it",
        ),
        (
            "CADENCE_RECORD_NAME",
            "all [[record]] are set by one variable; fix: set CADENCE_RECORDS",
        ),
        (
            "CADENCE_NOTIFY_URL",
            "all [[notify]] are set by one variable; fix: set CADENCE_NOTIFY",
        ),
        (
            "CADENCE_RECORDS_FILE",
            "only secrets are read from files; fix: set CADENCE_RECORDS itself",
        ),
        (
            "CADENCE_RECOVERY_PASSWORD",
            "the secret belongs in a file of its own; fix: set CADENCE_RECOVERY_PASSWORD_FILE to the path of that",
        ),
    ] {
        assert_eq!(told(name, "x"), format!("${name}: {expected}"));
    }
    // What an orchestrator makes of the name of a service.
    from(&[
        ("CADENCE_RECORDS", "a.example.com"),
        ("CADENCE_SERVICE_HOST", "10.0.0.1"),
        ("CADENCE_PORT", "tcp://10.0.0.1:80"),
        ("CADENCE_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("CADENCE_DDNS_SERVICE_HOST", "10.0.0.1"),
        ("CADENCE_DDNS_PORT", "tcp://10.0.0.1:80"),
        ("CADENCE_VERSION", "1"),
        ("cadence_of_something_else", "1"),
    ]);
}

#[test]
fn the_address_of_a_receiver_is_not_repeated_wherever_it_stands() {
    for (name, value) in [
        ("CADENCE_HEARTBEAT", "preset=https://hc-ping.com/hush"),
        ("CADENCE_HEARTBEAT", "https://hc-ping.com/a hush"),
        ("CADENCE_NOTIFY", "name=https://ntfy.sh/hush"),
        ("CADENCE_NOTIFY", "url_file=https://ntfy.sh/hush"),
        ("CADENCE_NOTIFY", "https://ntfy.sh/topic hush preset=ntfy"),
    ] {
        let problems = wrong(&[(name, value)]).concat();
        assert!(!problems.contains("hush"), "{problems}");
        assert!(problems.contains("(not shown)"), "{problems}");
    }
}

#[test]
fn a_secret_may_be_in_a_file_that_a_variable_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let shown = path.to_str().unwrap();
    fs::write(&path, "https://a.example/hush\n").unwrap();
    let settings = from(&[
        ("CADENCE_RECORDS", "a.example.com"),
        ("CADENCE_NOTIFY_FILE", shown),
    ]);
    assert_eq!(settings.receivers.names(), ["json"]);
    let settings = from(&[
        ("CADENCE_RECORDS", "a.example.com"),
        ("CADENCE_RECOVERY_OFF_URL_FILE", shown),
    ]);
    assert_eq!(settings.recovery.off_url.unwrap().host, "a.example");
    let both = [
        ("CADENCE_NOTIFY_FILE", shown),
        ("CADENCE_NOTIFY", "https://b.example"),
    ];
    assert_eq!(
        wrong(&both),
        ["$CADENCE_NOTIFY_FILE: $CADENCE_NOTIFY is set as well; fix: set one of them"]
    );
    fs::write(&path, "ftp://hush\n").unwrap();
    assert_eq!(
        told("CADENCE_RECOVERY_ON_URL_FILE", shown),
        "$CADENCE_RECOVERY_ON_URL_FILE: recovery.on_url (not shown): expected an http:// or https:// URL with a host"
    );
    let long = vec![b'a'; (64 << 10) + 1];
    for (content, flaw) in [
        (b"\n".as_slice(), "empty"),
        (b"\xff", "not UTF-8"),
        (&long, "over 64 KiB"),
    ] {
        fs::write(&path, content).unwrap();
        let expected = format!(
            "$CADENCE_NOTIFY_FILE: {shown} is {flaw}: expected the absolute path of a file that holds the value"
        );
        assert_eq!(told("CADENCE_NOTIFY_FILE", shown), expected);
    }
    assert!(
        told("CADENCE_NOTIFY_FILE", "/nonexistent/n")
            .contains("cannot read /nonexistent/n: no such file")
    );
    assert!(!told("CADENCE_NOTIFY_FILE", "https://hush").contains("hush"));
}

/// Whatever key there is, its variable is known, and so is the file of each that is a secret.
#[test]
fn every_key_has_a_variable() {
    let keys = |section: &str| {
        let text = format!("{RECORD}[{section}]\nno-such-key = 1");
        let problem = super::problems(&text).concat();
        let (_, keys) = problem.split_once("expected one of: ").unwrap();
        keys.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    for section in [
        "cloudflare",
        "network",
        "policy",
        "recovery",
        "vpn",
        "telemetry",
        "metrics",
        "ups",
        "sheets",
    ] {
        for key in keys(section) {
            let name = format!("CADENCE_{section}_{key}").to_uppercase();
            let problems = read(RECORD, &Env::from([(&*name, "\u{1}")])).err();
            let problems = problems.map(|it| it.to_string()).unwrap_or_default();
            assert!(!problems.contains("unknown"), "{problems}");
            assert!(
                problems.contains(&format!("${name}: {section}.{key}")),
                "{name}: {problems}"
            );
        }
    }
    for key in secret_keys() {
        let (section, _) = key.split_once('.').unwrap();
        let shape = SHAPES.iter().find(|it| it.section == section);
        let name = shape.map_or_else(|| key.replace('.', "_"), |it| it.variable.to_owned());
        let name = format!("CADENCE_{name}_FILE").to_uppercase();
        let problem = told(&name, "relative");
        assert!(
            problem.starts_with(&format!("${name}: not an absolute path (not shown)")),
            "{problem}"
        );
    }
}

/// Words that are nearly right, to get behind the first error.
fn entry() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "a.example.com",
            "a.example.com/AAAA",
            "proxied",
            "ttl=60",
            "suffix=::1",
            "ttl",
            "mac=",
            "51820/udp",
            "https://a.example",
            "on='outage, x'",
            "name=\"",
            "template=",
            "every=1s",
            "=",
            "\"\"",
            "/",
            "prefix=56",
        ])
        .prop_map(str::to_owned),
        "[a-z/=:.@%\"' \\n]{0,12}",
        "\\PC{0,6}",
    ];
    prop::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_entry_panics(entries in prop::collection::vec(entry(), 0..4), any in any::<String>()) {
        let text = entries.join(",");
        for value in [text, any.replace('\0', "")] {
            for name in ["CADENCE_RECORDS", "CADENCE_FORWARD", "CADENCE_HEARTBEAT", "CADENCE_NOTIFY", "CADENCE_NETWORK_DOH", "CADENCE_POLICY_WAIVE", "CADENCE_RECOVERY_HEADERS"] {
                let env = Env::from([(name, value.as_str())]);
                let _ = read(RECORD, &env);
                let _ = super::super::explain_text(RECORD, Path::new("c"), &env);
            }
        }
    }
}
