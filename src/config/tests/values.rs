//! Keys and values that are refused, each with its whole message.

use super::{RECORD, problem, settings};

#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
    assert_eq!(
        problem("[policy]\nconfirmation = 2"),
        ":3: unknown key policy.confirmation: did you mean \"confirmations\"? expected one of: confirmations, cache_max_age, \
         healthy_interval, unsettled_interval, jitter, max_updates_per_hour, waive"
    );
    assert_eq!(
        problem("[polcy]"),
        ":2: unknown key polcy: did you mean \"policy\"? expected one of: mode, cloudflare, record, network, policy, recovery, forward, vpn, telemetry, metrics, heartbeat, notify, ups, sheets"
    );
    assert_eq!(
        problem("[recovery]\ncool = \"1h\""),
        ":3: unknown key recovery.cool: expected one of: enabled, plug, address, plug_id, relay, user, password_file, off_url, on_url, method, headers, off_body, on_body, state_url, state_pointer, state_on, state_off, program, \
         interface, off_time, expected_network_recovery, escalation_buffer, boot_grace, cooldown, max_attempts_per_outage, late_retry, \
         max_attempts_per_day, restore_after, when_unverified, entity"
    );
    assert_eq!(
        problem("[cloudflare]\nemail = \"me@example.com\""),
        ":3: unknown key cloudflare.email: expected one of: token_file, api_url"
    );
}

#[test]
fn wrong_types_are_named() {
    for (lines, expected) in [
        (
            "[network]\ninterface = 5",
            ":3: network.interface = 5 (an integer): expected a string in quotes: the name of a network interface such as \"eth0\": 1 to 15 characters without \"/\", \":\", \"@\" or white space",
        ),
        (
            "[policy]\nconfirmations = \"2\"",
            ":3: policy.confirmations = \"2\" (a string): expected a whole number from 1 to 10",
        ),
        (
            "[policy]\nconfirmations = 2.0",
            ":3: policy.confirmations = 2.0 (a float): expected a whole number from 1 to 10",
        ),
        (
            "[policy]\njitter = 10",
            ":3: policy.jitter = 10 (an integer): expected a duration from \"0s\" to \"2m\"",
        ),
        (
            "[policy]\njitter = []",
            ":3: policy.jitter is an array: expected a duration from \"0s\" to \"2m\"",
        ),
        (
            "[policy]\nwaive = \"no-jitter\"",
            ":3: policy.waive = \"no-jitter\" (a string): expected an array of 0 to 10 strings",
        ),
        (
            "[network]\ndoh = [\n  5,\n]",
            ":4: network.doh = 5 (an integer): expected a string in quotes: an https:// URL with a host, or http:// for a loopback address",
        ),
        (
            "[recovery]\nenabled = 1",
            ":3: recovery.enabled = 1 (an integer): expected true or false",
        ),
        (
            "policy = 2026-01-28",
            ":2: policy = 2026-01-28 (a date): expected one section [policy]",
        ),
        (
            "[[network]]",
            ":2: network is an array: expected one section [network]",
        ),
    ] {
        assert_eq!(problem(lines), expected);
    }
}

#[test]
fn values_out_of_bounds_are_named_with_their_bounds() {
    for (lines, expected) in [
        (
            "[policy]\nconfirmations = 0",
            ":3: policy.confirmations = 0: expected a whole number from 1 to 10",
        ),
        (
            "[policy]\nconfirmations = -1",
            ":3: policy.confirmations = -1: expected a whole number from 1 to 10",
        ),
        (
            "[policy]\nconfirmations = 99999999999999999999",
            ":3: policy.confirmations = 99999999999999999999: expected a whole number from 1 to 10",
        ),
        (
            "[policy]\ncache_max_age = \"8d\"",
            ":3: policy.cache_max_age = \"8d\": expected a duration from \"0s\" to \"7d\"",
        ),
        (
            "[policy]\njitter = \"soon\"",
            ":3: policy.jitter = \"soon\": expected a duration from \"0s\" to \"2m\"",
        ),
        (
            "[policy]\nhealthy_interval = \"30s\"\njitter = \"31s\"",
            ":4: policy.jitter = \"31s\": expected a duration from \"0s\" to \"30s\"",
        ),
        (
            "[recovery]\nuser = \"a:b\"",
            ":3: recovery.user (not shown): expected a user name of at most 64 ASCII characters without white space, \":\", quotes \
             and backslashes",
        ),
        (
            "[recovery]\nrelay = 8",
            ":3: recovery.relay = 8: expected a whole number from 0 to 7",
        ),
        (
            "[recovery]\nmax_attempts_per_outage = 0",
            ":3: recovery.max_attempts_per_outage = 0: expected a whole number from 1 to 10",
        ),
        (
            "[network]\nwan_targets = []",
            ":3: network.wan_targets has 0 entries: expected an array of 1 to 16 strings",
        ),
        (
            "[network]\nip_providers = []",
            ":3: network.ip_providers has 0 entries: expected an array of 1 to 16 strings",
        ),
    ] {
        assert_eq!(problem(lines), expected);
    }
    assert_eq!(
        settings(&format!("{RECORD}[network]\nip6_providers = []"))
            .network
            .ip6_providers,
        [],
        "no AAAA record"
    );
}

#[test]
fn values_of_another_shape_are_refused_with_what_is_allowed() {
    for (lines, expected) in [
        (
            "mode = \"prod\"",
            ":2: mode = \"prod\": expected \"production\" or \"test\"",
        ),
        (
            "[network]\nip_providers = [\"http://a.example\"]",
            ":3: network.ip_providers = \"http://a.example\": expected an https:// URL with a host, or http:// for a loopback address",
        ),
        (
            "[network]\nwan_targets = [\"1.1.1.1:443\"]",
            ":3: network.wan_targets = \"1.1.1.1:443\": expected \"tls://host:port\" or \"tcp://host:port\"",
        ),
        (
            "[network]\nrouter = \"router.lan\"",
            ":3: network.router = \"router.lan\": expected an IP address, a link-local IPv6 one with its interface as in \"fe80::1%eth0\"",
        ),
        (
            "[network]\nca_file = \"ca.pem\"",
            ":3: network.ca_file = \"ca.pem\": expected an absolute path, one that starts with \"/\"",
        ),
        (
            "[recovery]\nplug = \"shelly\"",
            ":3: recovery.plug = \"shelly\": expected \"shelly1\", \"shelly2\", \"tasmota\", \"http\", \"homeassistant\" or \"command\", did you mean \"shelly1\"?",
        ),
        (
            "[policy]\nwaive = [\"nojitter\"]",
            ":3: policy.waive = \"nojitter\": expected the name of a policy rule (interval-below-ttl, cache-shorter-than-interval, \
             single-confirmation, interval-too-fast, no-jitter, boot-grace-too-short, cooldown-too-short, off-time, single-wan-target, token-readable), \
             did you mean \"no-jitter\"?",
        ),
    ] {
        assert_eq!(problem(lines), expected);
    }
}

#[test]
fn what_only_has_an_at_sign_is_shown() {
    let told = problem("[network]\ninterface = \"dm0@if5\"");
    assert!(told.contains("network.interface = \"dm0@if5\": "), "{told}");
    let told = problem("[policy]\nhealthy_interval = \"@\"");
    assert!(told.contains("policy.healthy_interval = \"@\": "), "{told}");
    for hidden in [
        "tls://hush@b",
        "me:hush@b",
        "https://me:hu@sh@b",
        "//hush@b",
    ] {
        let told = problem(&format!("[network]\ninterface = \"{hidden}\""));
        assert!(!told.contains("sh@b"), "{told}");
    }
}

#[test]
fn what_may_hold_a_secret_is_not_repeated() {
    for lines in [
        "[recovery]\noff_url = \"ftp://plug/?password=hush\"",
        "[recovery]\naddress = \"admin:hush@plug\"",
        "[recovery]\npassword_file = \"hush\"",
        "[recovery]\npassword = \"hush\"",
        "[cloudflare]\ntoken_file = \"hush\"",
        "[network]\ndoh = [\"https://user:hush@doh.example\"]",
    ] {
        assert!(!problem(lines).contains("hush"), "{lines}");
    }
    assert_eq!(
        problem("[cloudflare]\ntoken_file = \"hush\""),
        ":3: cloudflare.token_file (not shown): expected an absolute path, one that starts with \"/\""
    );
}

#[test]
fn debug_shows_no_path_and_no_query_of_a_url() {
    let url = super::super::url::endpoint(
        "http://plug/hooks/hush?password=hush",
        super::super::url::PlainHttp::Anywhere,
    );
    assert!(!format!("{url:?}").contains("hush"));
}

#[test]
fn one_ups_is_asked_of_one_server() {
    let asked = |rest: &str| {
        let ups = settings(&format!("{RECORD}[ups]\n{rest}")).ups;
        ups.map(|ups| ups.to_string()).unwrap_or_default()
    };
    assert_eq!(asked(""), "");
    assert_eq!(asked("nut = \"\"\napcupsd = \"\"\n"), "");
    assert_eq!(
        asked("nut = \"ups@localhost\"\napcupsd = \"\"\n"),
        "ups@localhost:3493"
    );
    assert_eq!(asked("apcupsd = \"[::1]\"\n"), "[::1]:3551");
    assert_eq!(
        problem("[ups]\nnut = \"ups@localhost\"\napcupsd = \"localhost\""),
        ":4: ups.apcupsd = \"localhost\": expected either ups.nut or ups.apcupsd, not both"
    );
    let two = problem("[ups]\nnut = [\"ups@a\", \"ups@b\"]");
    assert!(
        two.contains("an array: expected a string in quotes: one UPS and its host"),
        "{two}"
    );
    assert_eq!(
        problem("[ups]\nnut = \"localhost:3493\""),
        ":3: ups.nut = \"localhost:3493\": expected one UPS and its host, as upsc names them: \"ups@localhost\" or \"ups@host:port\""
    );
}
