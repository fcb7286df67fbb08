//! Slips in a variable that has several sections: white space at the `=`, a value that is missing, a comma in place of a space.

use super::environment::{from, told};

#[test]
fn a_slip_is_told_with_what_was_meant() {
    for (name, value, expected) in [
        (
            "CADENCE_RECORDS",
            "a.example.com ttl = 60",
            ", entry 1: record.ttl has white space at its \"=\": expected ttl=60",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com ttl= 60",
            ", entry 1: record.ttl has white space at its \"=\": expected ttl=60",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com ttl =60 proxied",
            ", entry 1: record.ttl has white space at its \"=\": expected ttl=60",
        ),
        (
            "CADENCE_RECORDS",
            "name = a.example.com",
            ", entry 1: record.name has white space at its \"=\": expected name=a.example.com",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com ttl",
            ", entry 1: record.ttl has no value: expected ttl=VALUE",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com zone proxied",
            ", entry 1: record.zone has no value: expected zone=VALUE",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com proxied= ttl=60",
            ", entry 1: record.proxied has no value: expected proxied=VALUE",
        ),
        (
            "CADENCE_RECORDS",
            "a.example.com/",
            ", entry 1: record.type has no value: expected one behind the \"/\"",
        ),
        (
            "CADENCE_FORWARD",
            "443/",
            ", entry 1: forward.protocol has no value: expected one behind the \"/\"",
        ),
        (
            "CADENCE_NOTIFY",
            "url = https://a.example/hush preset=ntfy",
            ", entry 1: notify.url has white space at its \"=\": expected url=VALUE",
        ),
        (
            "CADENCE_NOTIFY",
            "preset=slack, url=https://hooks.example/hush",
            ", entry 1: notify has no URL: expected url=.., url_file=.., or a space in place of the comma between it and its URL",
        ),
        (
            "CADENCE_HEARTBEAT",
            "https://hc.example/hush, preset=healthchecks",
            ", entry 2: heartbeat has no URL: expected url=.., url_file=.., or a space in place of the comma between it and its URL",
        ),
    ] {
        assert_eq!(told(name, value), format!("${name}{expected}"), "{value}");
    }
}

/// Those that the service hands over need no URL.
#[test]
fn receivers_without_a_url_may_be_several_where_the_service_hands_them_over() {
    let settings = from(&[
        ("CADENCE_RECORDS", "a.example.com"),
        ("CADENCE_NOTIFY", "preset=slack, preset=ntfy"),
        ("CREDENTIALS_DIRECTORY", "/nonexistent"),
    ]);
    assert_eq!(settings.receivers.notify.len(), 2);
}
