//! The sections and keys of the configuration, with their defaults (contract: configuration).

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::bounds::{
    self, MAX_ENTRIES, MAX_FORWARDS, MAX_ID, MAX_RECORDS, MAX_USER, Span, TTL_AUTOMATIC, TTL_MAX,
    TTL_MIN,
};
use super::forwards;
use super::host_part::host_part;
use super::http_plug::{HttpPlug, entity};
use super::paths::absolute;
use super::reader::Reader;
use super::receiver_sections::{self, MAX_RECEIVERS};
use super::section::{Section, Tables};
use super::server::Endpoint;
use super::settings::{Cloudflare, Mode, Network, PlugKind, Recovery, Settings};
use super::sheets;
use super::suggest::or_nearest;
use super::ups;
use super::url::{self, PlainHttp};
use super::value::Value;
use crate::logic::guardrails::Limits;
use crate::logic::idn;
use crate::logic::policy::{Policy, Rule};
use crate::logic::records::RecordSpec;
use crate::logic::trust::Trust;
use crate::logic::units::{Family, RecordType};
use crate::logic::vpn::Vpn;

/// The default of `cloudflare.token_file`.
pub const TOKEN_FILE: &str = "/etc/cadence/cloudflare.token";
/// Three resolvers, by the addresses of both families: those of a family without a route cost nothing.
const WAN_TARGETS: [&str; 6] = [
    "tls://1.1.1.1:443",
    "tls://9.9.9.9:443",
    "tls://8.8.8.8:443",
    "tls://[2606:4700:4700::1111]:443",
    "tls://[2620:fe::fe]:443",
    "tls://[2001:4860:4860::8888]:443",
];
const IP_PROVIDERS: [&str; 4] = [
    "https://api.ipify.org",
    "https://api.cloudflare.com/cdn-cgi/trace",
    "https://checkip.amazonaws.com",
    "https://ifconfig.me/ip",
];
const IP6_PROVIDERS: [&str; 3] = [
    "https://api6.ipify.org",
    "https://api.cloudflare.com/cdn-cgi/trace",
    "https://v6.ident.me",
];
/// What `network.trust` may say.
const TRUST: [(&str, Trust); 3] = [
    ("auto", Trust::Auto),
    ("builtin", Trust::Builtin),
    ("system", Trust::System),
];
const PLUG_USER: &str = "admin";
const DOH: [&str; 2] = ["https://1.1.1.1/dns-query", "https://dns.google/resolve"];

/// Reads the whole file. Where something is wrong, the reader knows it and the value here is a stand-in.
pub fn read<'a>(reader: &mut Reader<'a>, file: &'a DeTable<'a>, path: &Path) -> Settings {
    let mut top = Section::new(reader, "", Some(file));
    let mode = top.choice(
        "mode",
        &[("production", Mode::Production), ("test", Mode::Test)],
        Mode::Production,
    );
    let in_cloudflare = top.table("cloudflare");
    let in_records = top.tables("record", MAX_RECORDS);
    let in_network = top.table("network");
    let in_policy = top.table("policy");
    let in_recovery = top.table("recovery");
    let in_forwards = top.optional_tables("forward", MAX_FORWARDS);
    let in_vpn = top.table("vpn");
    let in_telemetry = top.table("telemetry");
    let in_metrics = top.table("metrics");
    let in_heartbeats = top.optional_tables("heartbeat", MAX_RECEIVERS);
    let in_notify = top.optional_tables("notify", MAX_RECEIVERS);
    let in_ups = top.table("ups");
    let (in_sheets, place) = top.placed_table("sheets").unzip();
    top.close();
    let cloudflare = cloudflare(Section::new(reader, "cloudflare", in_cloudflare));
    let records = records(reader, &in_records);
    let network = network(Section::new(reader, "network", in_network), &records);
    let (policy, waive) = policy(Section::new(reader, "policy", in_policy));
    let recovery = recovery(Section::new(reader, "recovery", in_recovery));
    let forwards = forwards::read(reader, &in_forwards.unwrap_or_default(), &policy);
    let vpn = vpn(Section::new(reader, "vpn", in_vpn), &records);
    let mut telemetry = Section::new(reader, "telemetry", in_telemetry);
    let keep = telemetry.duration("keep", bounds::KEEP);
    telemetry.close();
    let mut metrics = Section::new(reader, "metrics", in_metrics);
    let textfile = metrics.parsed("textfile", prom_file);
    metrics.close();
    let (heartbeats, notify) = (
        in_heartbeats.unwrap_or_default(),
        in_notify.unwrap_or_default(),
    );
    let sheets = sheets::read(Section::new(reader, "sheets", in_sheets), place);
    if sheets.is_some() && keep.is_zero() {
        reader.problem_of_the_whole(
            "telemetry.keep is \"0s\", and [sheets] sends what is kept; fix: set it to how long at most rows may wait, such as \"400d\", \
             or remove [sheets]",
        );
    }
    let receivers = receiver_sections::read(reader, sheets, &heartbeats, &notify);
    let ups = ups::read(Section::new(reader, "ups", in_ups));
    reader.refuse_unknown_variables(&[
        "cloudflare",
        "record",
        "network",
        "policy",
        "recovery",
        "forward",
        "vpn",
        "telemetry",
        "metrics",
        "heartbeat",
        "notify",
        "sheets",
        "ups",
    ]);
    Settings {
        path: path.to_owned(),
        mode,
        cloudflare,
        records,
        network,
        policy,
        waive,
        recovery,
        forwards,
        vpn,
        keep,
        textfile,
        receivers,
        ups,
    }
}

fn cloudflare(mut section: Section<'_, '_>) -> Cloudflare {
    let token_file = section
        .parsed("token_file", absolute)
        .or_else(|| Some(TOKEN_FILE.into()));
    let api_url = section
        .parsed("api_url", url::secure)
        .unwrap_or_else(|| Endpoint {
            url: "https://api.cloudflare.com/client/v4".to_owned(),
            host: "api.cloudflare.com".to_owned(),
            port: 443,
        });
    section.close();
    Cloudflare {
        token_file,
        api_url,
    }
}

fn records<'a>(reader: &mut Reader<'a>, tables: &Tables<'a>) -> Vec<RecordSpec> {
    let mut records: Vec<RecordSpec> = Vec::new();
    // The places of those so far, in the order of their keys.
    let mut order: Vec<usize> = Vec::new();
    let ttls = format!(
        "{TTL_AUTOMATIC} (automatic) or a whole number from {TTL_MIN} to {TTL_MAX} (30 to 59 is for Enterprise zones only)"
    );
    for (table, place) in tables {
        let section = Section::of_several(reader, "record", (*table, *place));
        let Some(spec) = record(section, *place, &ttls) else {
            continue;
        };
        let compared = |at: &usize| {
            let known = records.get(*at).map(RecordSpec::key);
            known.cmp(&Some(spec.key()))
        };
        match order.binary_search_by(compared) {
            Ok(_) => {
                let found = format!(" {} {} is given twice", spec.display, spec.kind);
                reader.refuse_found("record", *place, &found, "one for each name and type");
            }
            Err(between) => {
                order.insert(between, records.len());
                records.push(spec);
            }
        }
    }
    records
}

/// One record; none where its name is missing or wrong.
fn record<'a>(mut section: Section<'_, 'a>, place: Value<'a>, ttls: &str) -> Option<RecordSpec> {
    let named = section.required_by(
        Some(place),
        "name",
        "a full host name such as \"vpn.example.com\"",
        |text| Ok((text.to_owned(), idn::to_ascii(text)?)),
    );
    let kind = section.choice(
        "type",
        &[("A", RecordType::A), ("AAAA", RecordType::Aaaa)],
        RecordType::A,
    );
    let ttl = section.integer("ttl", ttls, |ttl| match ttl {
        TTL_AUTOMATIC | TTL_MIN..=TTL_MAX => u32::try_from(ttl).ok(),
        _ => None,
    });
    let proxied = section.boolean("proxied").map(|(proxied, _)| proxied);
    let create = section.boolean("create").is_some_and(|(create, _)| create);
    let zone = section.parsed("zone", |text| match &named {
        Some((display, name)) => zone_of(display, name, text),
        None => idn::to_ascii(text),
    });
    let id = section.parsed("id", record_id);
    let host = host_part(&mut section, kind, place);
    section.close();
    let (display, name) = named?;
    Some(RecordSpec {
        name,
        display,
        kind,
        ttl,
        proxied,
        create,
        zone,
        id,
        host,
    })
}

fn network(mut section: Section<'_, '_>, records: &[RecordSpec]) -> Network {
    // The providers of a family that no record is of are never asked.
    let providers = |family| {
        usize::from(records.iter().any(|record| record.kind.family() == family))..=MAX_ENTRIES
    };
    let network = Network {
        router: section.parsed("router", url::router),
        interface: section.parsed("interface", url::interface),
        wan_targets: section.list(
            "wan_targets",
            1..=MAX_ENTRIES,
            &WAN_TARGETS,
            url::wan_target,
        ),
        ip_providers: section.list(
            "ip_providers",
            providers(Family::V4),
            &IP_PROVIDERS,
            url::secure,
        ),
        ip6_providers: section.list(
            "ip6_providers",
            providers(Family::V6),
            &IP6_PROVIDERS,
            url::secure,
        ),
        doh: section.list("doh", 0..=MAX_ENTRIES, &DOH, url::secure),
        verify_every: section.duration("verify_every", bounds::VERIFY_EVERY),
        vpn_guard: section.boolean("vpn_guard").map(|(it, _)| it),
        trust: section.choice("trust", &TRUST, Trust::Auto),
        ca_file: section.parsed("ca_file", absolute),
    };
    section.close();
    network
}

fn policy(mut section: Section<'_, '_>) -> (Policy, Vec<String>) {
    let confirmations = section.whole("confirmations", bounds::CONFIRMATIONS);
    let cache_max_age = section.duration("cache_max_age", bounds::CACHE_MAX_AGE);
    let healthy_interval = section.duration("healthy_interval", bounds::HEALTHY_INTERVAL);
    let unsettled_interval = section.duration("unsettled_interval", bounds::UNSETTLED_INTERVAL);
    // More jitter than interval would be no cadence. The default fits even the shortest interval.
    let jitter = Span {
        max: bounds::JITTER.max.min(healthy_interval),
        ..bounds::JITTER
    };
    let policy = Policy {
        confirmations,
        cache_max_age,
        healthy_interval,
        unsettled_interval,
        jitter: section.duration("jitter", jitter),
        max_updates_per_hour: section.whole("max_updates_per_hour", bounds::MAX_UPDATES_PER_HOUR),
    };
    let waive = section.list("waive", 0..=Rule::ALL.len(), &[], rule_name);
    section.close();
    (policy, waive)
}

fn recovery(mut section: Section<'_, '_>) -> Recovery {
    let enabled = section.boolean("enabled");
    let plug = section.choice("plug", &PlugKind::NAMED, PlugKind::Shelly1);
    // What the plug needs is only needed where recovery is enabled; then the missing is reported where that is written.
    let place = enabled
        .filter(|(enabled, _)| *enabled)
        .map(|(_, place)| place);
    let (by_address, by_url, by_program) = match plug {
        PlugKind::Shelly1 | PlugKind::Shelly2 | PlugKind::Tasmota | PlugKind::HomeAssistant => {
            (place, None, None)
        }
        PlugKind::Http => (None, place, None),
        PlugKind::Command => (None, None, place),
    };
    let by_entity = by_address.filter(|_| plug == PlugKind::HomeAssistant);
    let plug_url = |text: &str| url::endpoint(text, PlainHttp::Anywhere);
    let mut recovery = Recovery {
        plug,
        address: section
            .required_by(
                by_address,
                "address",
                "the plug's host or host:port",
                url::plug_address,
            )
            .unwrap_or_default(),
        plug_id: section.parsed("plug_id", plug_id),
        relay: section
            .whole("relay", bounds::RELAY)
            .try_into()
            .unwrap_or_default(),
        user: section
            .parsed("user", plug_user)
            .unwrap_or_else(|| PLUG_USER.to_owned()),
        password_file: section.parsed("password_file", absolute),
        off_url: section.required_by(by_url, "off_url", "the URL that switches off", plug_url),
        on_url: section.required_by(by_url, "on_url", "the URL that switches on", plug_url),
        http: HttpPlug::read(&mut section, place),
        program: section.required_by(
            by_program,
            "program",
            "the absolute path of a program",
            absolute,
        ),
        limits: Limits {
            enabled: place.is_some(),
            interface: section.parsed("interface", url::interface),
            off_time: section.duration("off_time", bounds::OFF_TIME),
            expected_network_recovery: section.duration(
                "expected_network_recovery",
                bounds::EXPECTED_NETWORK_RECOVERY,
            ),
            escalation_buffer: section.duration("escalation_buffer", bounds::ESCALATION_BUFFER),
            boot_grace: section.duration("boot_grace", bounds::BOOT_GRACE),
            cooldown: section.duration("cooldown", bounds::COOLDOWN),
            max_attempts_per_outage: section
                .whole("max_attempts_per_outage", bounds::MAX_ATTEMPTS_PER_OUTAGE),
            late_retry: section.duration("late_retry", bounds::LATE_RETRY),
            max_attempts_per_day: section
                .whole("max_attempts_per_day", bounds::MAX_ATTEMPTS_PER_DAY),
            restore_after: section.duration("restore_after", bounds::RESTORE_AFTER),
            when_unverified: section.boolean("when_unverified").is_some_and(|(it, _)| it),
        },
    };
    let entity = section.required_by(
        by_entity,
        "entity",
        "the id of its entity",
        entity as fn(&str) -> Result<String, String>,
    );
    section.close();
    if let (PlugKind::HomeAssistant, Some(entity)) = (plug, entity) {
        // An address that is none is told already.
        if let Ok((http, [off, on])) = HttpPlug::of_home_assistant(&recovery.address, &entity) {
            recovery.http = http;
            recovery.off_url = Some(off);
            recovery.on_url = Some(on);
        }
    }
    recovery
}

/// By default it is reached by the first record's name.
fn vpn(mut section: Section<'_, '_>, records: &[RecordSpec]) -> Option<Vpn> {
    let interface = section.parsed("interface", url::interface);
    if let (Some("lo"), Some(place)) = (interface.as_deref(), section.place("interface")) {
        let allowed = "the interface of the VPN, as \"wg0\"";
        section.refuse_at(place, "interface", " = \"lo\"", allowed);
    }
    let port = section.whole("port", bounds::VPN_PORT);
    let name = section.parsed("name", |text| {
        let name = idn::to_ascii(text)?;
        let is_there = records.iter().any(|record| record.name == name);
        is_there
            .then_some(name)
            .ok_or_else(|| "the name of a [[record]]".to_owned())
    });
    let is_there = section.is_there();
    section.close();
    is_there.then_some(())?;
    Some(Vpn {
        interface,
        port: port.try_into().ok()?,
        name: name.or_else(|| records.first().map(|it| it.name.clone()))?,
    })
}

/// The collector of `node_exporter` reads no others.
fn prom_file(text: &str) -> Result<PathBuf, String> {
    let path = absolute(text)?;
    if path.extension().is_some_and(|it| it == "prom") {
        Ok(path)
    } else {
        Err("a file whose name ends with \".prom\"".to_owned())
    }
}

/// A hardware address, as plugs and their makers' applications write it.
fn plug_id(text: &str) -> Result<String, String> {
    url::hardware_address(text).ok_or_else(|| {
        "the id that cadence check shows: twelve hexadecimal digits, also in pairs, as in \"E8:DB:84:A1:B2:C3\"".to_owned()
    })
}

/// A colon ends the user in basic authentication (RFC 7617), quotes and backslashes do in digest authentication (RFC 7616).
fn plug_user(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b':' | b'"' | b'\\');
    if text.len() <= MAX_USER && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a user name of at most {MAX_USER} ASCII characters without white space, \":\", quotes and backslashes"
        ))
    }
}

fn record_id(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.len() <= MAX_ID && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "an id of 1 to {MAX_ID} letters, digits, `-` and `_`, as in Cloudflare's API"
        ))
    }
}

/// The ASCII form of a zone that holds the record `name`, which people see as `display`.
///
/// # Errors
/// Says what is allowed.
pub fn zone_of(display: &str, name: &str, text: &str) -> Result<String, String> {
    let zone = idn::to_ascii(text)?;
    let holds = name
        .strip_suffix(&zone)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if holds && !zone.starts_with('*') {
        Ok(zone)
    } else {
        Err(format!(
            "the zone of {display}: its name, or the end of it after a dot"
        ))
    }
}

fn rule_name(text: &str) -> Result<String, String> {
    let names = || Rule::ALL.iter().map(|rule| rule.name());
    if names().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "the name of a policy rule ({}){}",
        names().collect::<Vec<_>>().join(", "),
        or_nearest(text, names())
    ))
}
