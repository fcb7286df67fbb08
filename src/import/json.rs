//! `config.json`, of two tools.
//!
//! qdm12/ddns-updater: a list `settings`, an entry for each name (its docs/cloudflare.md). timothymiller/cloudflare-ddns: a list `cloudflare`,
//! an entry for each zone (its README.md and config-example.json). People comment both, which JSON has no way to: comments are passed over.

use serde_json::{Map, Value};

use super::imported::{
    ANOTHERS, INTERFACE, Imported, MESSAGES, OFF, PROCESS, SCHEDULE, SOURCE, Table, UNKNOWN,
    Wanted, foreign, is_id, is_one_of, shown,
};
use crate::logic::units::RecordType;

type Object = Map<String, Value>;

const SHAPE: &str = "it is written in a way that cadence does not know";

/// Reads JSON with comments in it.
///
/// # Errors
/// The place of what is wrong; never its content.
pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_slice(without_comments(text).as_bytes()).map_err(|error| {
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

fn object<'a>(of: &'a Object, key: &str) -> Option<&'a Object> {
    of.get(key)?.as_object()
}

/// What else an object has.
fn others(object: &Object, known: &str, table: &Table, into: &mut Imported) {
    for key in object.keys() {
        if !is_one_of(known, key) {
            into.leave_as(key, table);
        }
    }
}

fn ttl(object: &Object, into: &mut Imported) -> Option<u32> {
    into.ttl("ttl", &field(object, "ttl")?)
}

fn flag(object: &Object, key: &str, into: &mut Imported) -> Option<bool> {
    into.flag(key, &field(object, key)?)
}

/// Each entry of a list.
fn each(
    list: Option<&Value>,
    key: &str,
    into: &mut Imported,
    take: &dyn Fn(&Object, &mut Imported),
) {
    for entry in list
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice)
    {
        match entry.as_object() {
            Some(entry) => take(entry, into),
            None => into.lose(key, SHAPE),
        }
    }
}

/// qdm12/ddns-updater's.
pub fn ddns_updater(root: &Object, into: &mut Imported) {
    others(root, "settings", &[], into);
    each(root.get("settings"), "settings", into, &updater_entry);
}

fn updater_entry(entry: &Object, into: &mut Imported) {
    const KNOWN: &str = "provider domain host owner ttl token ip_version ipv6_suffix proxied zone_identifier email key user_service_key";
    // Several are separated by commas, on either side.
    let domains = field(entry, "domain").unwrap_or_default();
    let hosts = field(entry, "host").or_else(|| field(entry, "owner"));
    let mut names = vec![];
    for domain in domains.split(',').map(str::trim) {
        for host in hosts.as_deref().unwrap_or_default().split(',') {
            if !domain.is_empty() {
                names.push(within(host.trim(), domain));
            }
        }
    }
    if let Some(why) = foreign(field(entry, "provider").as_deref()) {
        for name in &names {
            into.lose(name, why);
        }
        if names.is_empty() {
            into.lose("an entry", why);
        }
        return;
    }
    others(entry, KNOWN, &[(SCHEDULE, "delay")], into);
    for key in ["email", "key", "user_service_key"] {
        if field(entry, key).is_some() {
            into.lose_key(key);
        }
    }
    if names.is_empty() {
        into.lose("settings", "an entry has no domain");
    }
    let version = field(entry, "ip_version").unwrap_or_default();
    let kinds: &[RecordType] = match version.as_str() {
        "ipv4" => &[RecordType::A],
        "ipv6" => &[RecordType::Aaaa],
        "" | "ipv4 or ipv6" => &[RecordType::A, RecordType::Aaaa],
        _ => {
            into.lose("ip_version", SHAPE);
            &[RecordType::A]
        }
    };
    let suffix = field(entry, "ipv6_suffix").unwrap_or_default();
    let is_another = !suffix.is_empty() && !suffix.starts_with("0:0:0:0:0:0:0:0");
    let ttl = ttl(entry, into);
    let proxied = flag(entry, "proxied", into);
    let token = field(entry, "token");
    for name in names {
        for kind in kinds {
            let wanted = Wanted {
                ttl,
                proxied,
                ..Wanted::named(&name, *kind)
            };
            if *kind == RecordType::Aaaa && is_another {
                into.lose_record(&wanted, ANOTHERS);
            } else {
                into.add(wanted, token.as_deref());
            }
        }
    }
}

/// The name of a host in a zone; `@` is the zone itself.
fn within(host: &str, zone: &str) -> String {
    match host {
        "@" | "" => zone.to_owned(),
        host => [host, ".", zone].concat(),
    }
}

/// timothymiller/cloudflare-ddns's.
pub fn cloudflare_ddns(root: &Object, into: &mut Imported) {
    const TABLE: &Table = &[
        ("cadence deletes nothing", "purgeUnknownRecords"),
        ("cadence keeps records alone", "load_balancer"),
        (SCHEDULE, "repeat"),
    ];
    let mut kinds = vec![];
    for (key, kind, source) in [
        ("a", RecordType::A, "ip4_provider"),
        ("aaaa", RecordType::Aaaa, "ip6_provider"),
    ] {
        let is_on = flag(root, key, into).unwrap_or(true);
        if !is_on {
            into.leave(key, OFF);
        }
        let how = field(root, source);
        if is_on && how.is_none_or(|how| into.finds_address(source, &how)) {
            kinds.push(kind);
        }
    }
    let ttl = ttl(root, into);
    others(
        root,
        "cloudflare a aaaa ttl ip4_provider ip6_provider",
        TABLE,
        into,
    );
    each(
        root.get("cloudflare"),
        "cloudflare",
        into,
        &|entry, into| {
            zone_entry(entry, &kinds, ttl, into);
        },
    );
}

fn zone_entry(entry: &Object, kinds: &[RecordType], ttl: Option<u32>, into: &mut Imported) {
    let empty = Map::new();
    others(
        entry,
        "authentication zone_id subdomains proxied",
        &[],
        into,
    );
    let authentication = object(entry, "authentication").unwrap_or(&empty);
    others(authentication, "api_token api_key", &[], into);
    let key = object(authentication, "api_key").unwrap_or(&empty);
    others(key, "api_key account_email", &[], into);
    // As the tool's example has it: then the key counts.
    let token = field(authentication, "api_token").filter(|text| text != "api_token_here");
    if token.is_none() && !key.is_empty() {
        into.lose_key("api_key");
    }
    let zone_id = field(entry, "zone_id").unwrap_or_default();
    if !is_id(&zone_id) {
        let why = "it is not 32 hexadecimal digits, and without it the names are not known";
        into.lose("zone_id", why);
        return;
    }
    let whole = flag(entry, "proxied", into);
    let subdomains = entry.get("subdomains").and_then(Value::as_array);
    if subdomains.is_none() {
        into.lose("subdomains", SHAPE);
    }
    for sub in subdomains.map_or(&[][..], Vec::as_slice) {
        let (name, proxied) = match sub.as_object() {
            Some(own) => {
                others(own, "name proxied", &[], into);
                let own_flag = flag(own, "proxied", into);
                (own.get("name").and_then(text), own_flag.or(whole))
            }
            None => (text(sub), whole),
        };
        let name = name.filter(|name| shown(name) == *name);
        let Some(name) = name else {
            into.lose("subdomains", "one of them is no part of a name (not shown)");
            continue;
        };
        for kind in kinds {
            let wanted = Wanted {
                zone_id: Some(zone_id.clone()),
                ttl,
                proxied,
                ..Wanted::named(if name == "@" { "" } else { &name }, *kind)
            };
            into.add(wanted, token.as_deref());
        }
    }
}

/// jeessy2/ddns-go's, which is YAML: a list `dnsconf`, or before its version 5 one such entry (its config/config.go).
pub fn ddns_go(root: &Object, into: &mut Imported) {
    const TABLE: &Table = &[
        (PROCESS, "notallowwanaccess lang user username password"),
        (MESSAGES, "webhook"),
    ];
    const ENTRY: &str = "name ipv4 ipv6 dns ttl";
    let list = root.get("dnsconf");
    if list.is_some() {
        others(root, "dnsconf", TABLE, into);
        each(list, "dnsconf", into, &|entry, into| {
            others(entry, ENTRY, &[(SOURCE, "httpinterface")], into);
            go_entry(entry, into);
        });
    } else {
        others(root, ENTRY, TABLE, into);
        go_entry(root, into);
    }
}

fn go_entry(entry: &Object, into: &mut Imported) {
    let empty = Map::new();
    let dns = object(entry, "dns").unwrap_or(&empty);
    let foreign = foreign(field(dns, "name").as_deref());
    others(dns, "name id secret extparam", &[], into);
    let token = field(dns, "secret");
    let ttl = ttl(entry, into);
    for (key, kind) in [("ipv4", RecordType::A), ("ipv6", RecordType::Aaaa)] {
        let Some(family) = object(entry, key) else {
            continue;
        };
        // `gettype` says which of the ways counts.
        let known = "enable gettype domains url netinterface cmd ipv6reg";
        others(family, known, &[], into);
        let enable = flag(family, "enable", into) == Some(true);
        let how = field(family, "gettype").unwrap_or_default();
        let domains = family.get("domains").and_then(Value::as_array);
        for domain in domains.map_or(&[][..], Vec::as_slice) {
            let domain = text(domain).unwrap_or_default();
            if domain.is_empty() {
                continue;
            }
            let (mut wanted, query) = go_domain(&domain, kind);
            if !enable {
                into.leave_off(&wanted, key);
                continue;
            }
            match how.as_str() {
                "" | "url" => into.leave("url", SOURCE),
                how => into.lose(&[key, ".gettype=", how].concat(), INTERFACE),
            }
            if let Some(why) = foreign {
                into.lose_record(&wanted, why);
                continue;
            }
            wanted.ttl = ttl;
            for pair in query.split('&') {
                match pair.split_once('=').unwrap_or((pair, "")) {
                    ("", _) => {}
                    // Nothing else is a yes there.
                    ("proxied", flag) => wanted.proxied = Some(flag == "true"),
                    (key, _) => into.lose(key, UNKNOWN),
                }
            }
            into.add(wanted, token.as_deref());
        }
    }
}

/// `sub.example.com`, `sub:example.com`, and behind either what is after a `?`, such as `proxied=true`.
fn go_domain(domain: &str, kind: RecordType) -> (Wanted, &str) {
    let (name, query) = domain.split_once('?').unwrap_or((domain, ""));
    let wanted = match name.split_once(':') {
        Some((sub, zone)) => Wanted {
            zone: Some(zone.to_owned()),
            ..Wanted::named(&within(sub, zone), kind)
        },
        None => Wanted::named(name, kind),
    };
    (wanted, query)
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
