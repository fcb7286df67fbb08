//! `config.json`, of two tools.
//!
//! qdm12/ddns-updater: a list `settings`, an entry for each name (its docs/cloudflare.md). timothymiller/cloudflare-ddns: a list `cloudflare`,
//! an entry for each zone (its README.md and config-example.json). People comment both, which JSON has no way to: comments are passed over.

use serde_json::{Map, Value};

use super::imported::{
    Imported, Name, PROCESS, SCHEDULE, SOURCE, Secret, UNKNOWN, Wanted, is_id, shown,
};
use crate::logic::units::RecordType;

type Object = Map<String, Value>;

const NOT_CLOUDFLARE: &str = "its provider is another one, and cadence knows Cloudflare alone";
const SHAPE: &str = "it is written in a way that cadence does not know";

/// Reads JSON with comments in it.
///
/// # Errors
/// The place of what is wrong; never its content.
pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(&without_comments(text)).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("line {line}, column {column}: it is not JSON there; fix: look for a comma too many or too few, or a quote")
    })
}

/// Each comment (`//`, `#` to the end of the line, `/* */`) as spaces, so that places stay what they are.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut is_text, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(next)) if is_text => {
                plain.extend([c, *next]);
                chars.next();
                continue;
            }
            ('"', _) => is_text = !is_text,
            ('#', _) | ('/', Some('/')) if !is_text => {
                plain.push(' ');
                while chars.next_if(|c| *c != '\n').is_some() {
                    plain.push(' ');
                }
                continue;
            }
            ('/', Some('*')) if !is_text => {
                plain.push_str("  ");
                chars.next();
                let mut before = ' ';
                for c in chars.by_ref() {
                    plain.push(if c == '\n' { c } else { ' ' });
                    if (before, c) == ('*', '/') {
                        break;
                    }
                    before = c;
                }
                continue;
            }
            _ => {}
        }
        plain.push(c);
    }
    plain
}

/// A string, a number or a flag, as text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Such a value of an object, where it is there and not empty.
pub fn field(object: &Object, key: &str) -> Option<String> {
    text(object.get(key)?).filter(|text| !text.is_empty())
}

/// qdm12/ddns-updater's.
pub fn ddns_updater(root: &Object, into: &mut Imported) {
    for key in root.keys().filter(|key| *key != "settings") {
        into.lose(key, UNKNOWN);
    }
    for entry in root["settings"].as_array().into_iter().flatten() {
        match entry.as_object() {
            Some(entry) => updater_entry(entry, into),
            None => into.lose("settings", SHAPE),
        }
    }
}

fn updater_entry(entry: &Object, into: &mut Imported) {
    const KNOWN: [&str; 11] = [
        "provider",
        "domain",
        "host",
        "owner",
        "ttl",
        "token",
        "ip_version",
        "ipv6_suffix",
        "proxied",
        "zone_identifier",
        "delay",
    ];
    let domain = field(entry, "domain").unwrap_or_default();
    let host = field(entry, "host").or_else(|| field(entry, "owner"));
    // Several are separated by commas, on either side.
    let names: Vec<String> = domain
        .split(',')
        .map(str::trim)
        .filter(|domain| !domain.is_empty())
        .flat_map(|domain| {
            let hosts = host.as_deref().unwrap_or("@").split(',').map(str::trim);
            hosts
                .map(move |host| within(host, domain))
                .collect::<Vec<_>>()
        })
        .collect();
    let provider = field(entry, "provider").unwrap_or_default();
    if !provider.eq_ignore_ascii_case("cloudflare") {
        let what = if names.is_empty() {
            "an entry".to_owned()
        } else {
            names.join(", ")
        };
        into.lose(&what, NOT_CLOUDFLARE);
        return;
    }
    for key in entry.keys() {
        match key.as_str() {
            "email" | "key" | "user_service_key" => into.lose_key(key),
            "delay" => into.leave(key, SCHEDULE),
            key if KNOWN.contains(&key) => {}
            key => into.lose(key, UNKNOWN),
        }
    }
    if names.is_empty() {
        into.lose("settings", "an entry has no domain");
    }
    let (wants4, wants6) = match field(entry, "ip_version").as_deref() {
        Some("ipv4") => (true, false),
        Some("ipv6") => (false, true),
        None | Some("ipv4 or ipv6" | "") => (true, true),
        Some(_) => {
            into.lose("ip_version", "expected ipv4, ipv6 or ipv4 or ipv6");
            (true, false)
        }
    };
    let suffix =
        field(entry, "ipv6_suffix").filter(|suffix| !suffix.starts_with("0:0:0:0:0:0:0:0"));
    let ttl = field(entry, "ttl").and_then(|ttl| into.ttl("ttl", &ttl));
    let proxied = field(entry, "proxied").and_then(|flag| into.flag("proxied", &flag));
    let token = field(entry, "token");
    for name in names {
        for (kind, wants) in [(RecordType::A, wants4), (RecordType::Aaaa, wants6)] {
            let wanted = Wanted {
                ttl,
                proxied,
                ..Wanted::named(Name::Whole(name.clone()), kind)
            };
            if kind == RecordType::Aaaa && wants && suffix.is_some() {
                into.lose_record(&wanted, "it has the address of another device (ipv6_suffix): add it as a [[record]] with `suffix`");
            } else if wants {
                into.add(wanted, token.as_deref());
            }
        }
    }
}

/// The name of a host in a zone; `@` is the zone itself.
fn within(host: &str, zone: &str) -> String {
    match host {
        "@" | "" => zone.to_owned(),
        host => format!("{host}.{zone}"),
    }
}

/// timothymiller/cloudflare-ddns's.
pub fn cloudflare_ddns(root: &Object, into: &mut Imported) {
    const TABLE: [(&str, &str); 3] = [
        ("purgeUnknownRecords", "cadence deletes nothing"),
        ("load_balancer", "cadence keeps records alone"),
        ("repeat", SCHEDULE),
    ];
    let flag = |into: &mut Imported, key: &str| {
        let told = field(root, key).and_then(|text| into.flag(key, &text));
        told.unwrap_or(true)
    };
    let mut kinds = vec![];
    for (key, kind, source) in [
        ("a", RecordType::A, "ip4_provider"),
        ("aaaa", RecordType::Aaaa, "ip6_provider"),
    ] {
        let source = field(root, source);
        if flag(into, key) && source.as_deref() != Some("none") {
            kinds.push(kind);
        }
    }
    let ttl = field(root, "ttl").and_then(|ttl| into.ttl("ttl", &ttl));
    for key in root.keys() {
        match key.as_str() {
            "cloudflare" | "a" | "aaaa" | "ttl" => {}
            "ip4_provider" | "ip6_provider" => into.leave(key, SOURCE),
            key => into.leave_as(key, &TABLE),
        }
    }
    for entry in root["cloudflare"].as_array().into_iter().flatten() {
        match entry.as_object() {
            Some(entry) => zone_entry(entry, &kinds, ttl, into),
            None => into.lose("cloudflare", SHAPE),
        }
    }
}

fn zone_entry(entry: &Object, kinds: &[RecordType], ttl: Option<u32>, into: &mut Imported) {
    let mut token = None;
    for key in entry.keys() {
        match key.as_str() {
            "authentication" | "zone_id" | "subdomains" | "proxied" => {}
            key => into.lose(key, UNKNOWN),
        }
    }
    let authentication = entry.get("authentication").and_then(Value::as_object);
    for (key, value) in authentication.into_iter().flatten() {
        match key.as_str() {
            "api_token" => {
                // As the tool's example has it: then the key counts.
                token = text(value).filter(|text| !text.is_empty() && text != "api_token_here");
            }
            "api_key" => {
                let own = value.as_object().into_iter().flat_map(Map::keys);
                for key in own.filter(|key| !matches!(key.as_str(), "api_key" | "account_email")) {
                    into.lose(key, UNKNOWN);
                }
            }
            key => into.lose(key, UNKNOWN),
        }
    }
    if token.is_none() && authentication.is_some_and(|it| it.contains_key("api_key")) {
        into.lose_key("api_key");
    }
    let zone_id = field(entry, "zone_id").filter(|id| is_id(id));
    let Some(zone_id) = zone_id else {
        into.lose(
            "zone_id",
            "it is not 32 hexadecimal digits, and without it the names are not known",
        );
        return;
    };
    let whole = field(entry, "proxied").and_then(|flag| into.flag("proxied", &flag));
    let Some(subdomains) = entry.get("subdomains").and_then(Value::as_array) else {
        into.lose("subdomains", SHAPE);
        return;
    };
    for sub in subdomains {
        let (name, proxied) = match sub {
            Value::Object(own) => {
                for key in own
                    .keys()
                    .filter(|key| !matches!(key.as_str(), "name" | "proxied"))
                {
                    into.lose(key, UNKNOWN);
                }
                let flag = field(own, "proxied").and_then(|flag| into.flag("proxied", &flag));
                (own.get("name").and_then(text), flag.or(whole))
            }
            sub => (text(sub), whole),
        };
        let Some(name) = name else {
            into.lose("subdomains", SHAPE);
            continue;
        };
        let sub = if name == "@" { String::new() } else { name };
        if shown(&sub) != sub {
            into.lose("subdomains", "one of them is no part of a name (not shown)");
            continue;
        }
        for kind in kinds {
            let name = Name::Within {
                sub: sub.clone(),
                zone_id: zone_id.clone(),
            };
            let wanted = Wanted {
                ttl,
                proxied,
                ..Wanted::named(name, *kind)
            };
            into.add(wanted, token.as_deref());
        }
    }
}

/// jeessy2/ddns-go's, which is YAML: a list `dnsconf`, or before its version 5 one such entry (its config/config.go).
pub fn ddns_go(root: &Object, into: &mut Imported) {
    const TABLE: [(&str, &str); 6] = [
        ("notallowwanaccess", PROCESS),
        ("lang", PROCESS),
        ("user", PROCESS),
        ("username", PROCESS),
        ("password", PROCESS),
        ("webhook", super::imported::MESSAGES),
    ];
    let entries = root.get("dnsconf").and_then(Value::as_array);
    for key in root.keys().filter(|key| *key != "dnsconf") {
        let is_entry = entries.is_none() && ENTRY.contains(&key.as_str());
        if !is_entry {
            into.leave_as(key, &TABLE);
        }
    }
    match entries {
        Some(entries) => {
            for entry in entries {
                match entry.as_object() {
                    Some(entry) => {
                        for key in entry.keys().filter(|key| !ENTRY.contains(&key.as_str())) {
                            into.leave_as(key, &[("httpinterface", SOURCE)]);
                        }
                        go_entry(entry, into);
                    }
                    None => into.lose("dnsconf", SHAPE),
                }
            }
        }
        None => go_entry(root, into),
    }
}

const ENTRY: [&str; 5] = ["name", "ipv4", "ipv6", "dns", "ttl"];

fn go_entry(entry: &Object, into: &mut Imported) {
    let dns = entry.get("dns").and_then(Value::as_object);
    let of_dns = |key: &str| dns.and_then(|dns| field(dns, key));
    let is_ours = of_dns("name").is_some_and(|name| name.eq_ignore_ascii_case("cloudflare"));
    for key in dns.into_iter().flat_map(Map::keys) {
        match key.as_str() {
            "name" | "secret" => {}
            // Cloudflare's has none.
            "id" if of_dns("id").is_none() || !is_ours => {}
            "id" | "extparam" => into.leave(key, "Cloudflare has no use for it"),
            key => into.lose(key, UNKNOWN),
        }
    }
    let token = of_dns("secret");
    let ttl = field(entry, "ttl").and_then(|ttl| into.ttl("ttl", &ttl));
    for (key, kind) in [("ipv4", RecordType::A), ("ipv6", RecordType::Aaaa)] {
        let Some(family) = entry.get(key).and_then(Value::as_object) else {
            continue;
        };
        let flag = field(family, "enable").and_then(|flag| into.flag("enable", &flag));
        let domains = family.get("domains").and_then(Value::as_array);
        let domains: Vec<String> = domains.into_iter().flatten().filter_map(text).collect();
        for own in family.keys() {
            match own.as_str() {
                "url" => into.leave("url", SOURCE),
                // The last three count where `gettype` chooses them.
                "enable" | "gettype" | "domains" | "netinterface" | "cmd" | "ipv6reg" => {}
                own => into.lose(own, UNKNOWN),
            }
        }
        if flag != Some(true) {
            if !domains.is_empty() {
                into.leave(key, "it is not enabled there");
            }
            continue;
        }
        match field(family, "gettype").as_deref() {
            None | Some("url") => {}
            Some(how) => {
                let what = format!("{key}.gettype ({})", shown(how));
                into.lose(&what, super::imported::INTERFACE);
            }
        }
        for domain in domains.iter().filter(|domain| !domain.is_empty()) {
            go_domain(domain, kind, is_ours, ttl, token.as_deref(), into);
        }
    }
}

/// `sub.example.com`, `sub:example.com`, and either with `?proxied=true`.
fn go_domain(
    domain: &str,
    kind: RecordType,
    is_ours: bool,
    ttl: Option<u32>,
    token: Option<&str>,
    into: &mut Imported,
) {
    let (name, query) = domain.split_once('?').unwrap_or((domain, ""));
    let (name, zone) = match name.split_once(':') {
        Some((sub, zone)) => (within(sub, zone), Some(zone.to_owned())),
        None => (name.to_owned(), None),
    };
    let mut wanted = Wanted {
        zone,
        ttl,
        ..Wanted::named(Name::Whole(name), kind)
    };
    if !is_ours {
        into.lose_record(&wanted, NOT_CLOUDFLARE);
        return;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("proxied", flag)) => wanted.proxied = into.flag("proxied", flag),
            Some((key, _)) => into.lose(key, UNKNOWN),
            None => into.lose(pair, UNKNOWN),
        }
    }
    into.add(wanted, token);
}

/// A URL that tells the service that cadence lives.
pub fn beat(preset: &'static str, url: &str) -> super::imported::Beat {
    super::imported::Beat {
        preset,
        url: Secret::new(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_passed_over_where_they_are_none_of_a_string() {
        let text = "// a\n{\"a\": \"x // # /* y\", # b\n \"b\\\"//\": /* c \n d */ 1}";
        let value = parse(text).unwrap();
        assert_eq!(value["a"], "x // # /* y");
        assert_eq!(value["b\"//"], 1);
        assert!(parse("{/*/}").is_err());
    }

    #[test]
    fn a_fault_is_told_by_its_place_alone() {
        let error = parse("{\"token\": \"hush\",\n}").unwrap_err();
        assert!(error.starts_with("line 2, column 1:"), "{error}");
    }
}
