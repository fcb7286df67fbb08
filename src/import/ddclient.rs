//! `ddclient.conf` (ddclient's own sample, `ddclient.conf.in`): settings that hold from there on, and lines that end with names, for which
//! the settings on them hold too.

use super::imported::{INTERFACE, Imported, PROCESS, SCHEDULE, SOURCE, Table, Wanted, shown};
use crate::logic::units::RecordType;

/// What is of no use, and why. `use` and its kin are looked at for themselves.
const TABLE: &Table = &[
    (
        SCHEDULE,
        "daemon min-interval max-interval min-error-interval timeout retry force",
    ),
    (
        PROCESS,
        "syslog facility priority pid cache file verbose debug quiet",
    ),
    ("cadence speaks TLS in any case", "ssl"),
    (
        "cadence has network.ca_file, and Cloudflare's root built in",
        "ssl_ca_file",
    ),
    ("cadence asks Cloudflare's own", "server"),
    (
        super::imported::MESSAGES,
        "mail mail-failure mail-from postscript",
    ),
    (
        SOURCE,
        "web webv4 webv6 web-skip webv4-skip webv6-skip ipv6 if ifv4 ifv6 if-skip cmd cmdv4 cmdv6 cmd-skip fw fwv4 fwv6 fw-skip fw-login fw-password fw-ssl-validate web-ssl-validate",
    ),
    ("cadence speaks to Cloudflare itself", "proxy"),
    ("Cloudflare has no use for it", "wildcard"),
];
const READ: [&str; 10] = [
    "protocol", "zone", "login", "password", "ttl", "use", "usev4", "usev6", "host", "ip",
];

type Setting = (String, String);

/// Whether a line says something as this file does.
#[must_use]
pub fn is_setting(line: &str) -> bool {
    let (settings, _) = assignments(line.split('#').next().unwrap_or_default());
    let keys = [
        "protocol", "login", "zone", "use", "usev4", "usev6", "daemon",
    ];
    settings.iter().any(|(key, _)| keys.contains(&key.as_str()))
}

/// Takes the records of the protocol `cloudflare`.
pub fn read(text: &str, into: &mut Imported) {
    let mut globals: Vec<Setting> = vec![];
    for line in logical_lines(text) {
        let (mut settings, rest) = assignments(&line);
        for (key, _) in &settings {
            if !READ.contains(&key.as_str()) {
                into.leave_as(key, TABLE);
            }
        }
        let mut names = rest;
        names.extend(get(&settings, &[], "host").map(str::to_owned));
        if names.is_empty() {
            globals.append(&mut settings);
            continue;
        }
        // The old way has a login and a password behind the names.
        let mut words = names.iter().flat_map(|it| it.split_whitespace());
        let hosts: Vec<String> = words
            .next()
            .into_iter()
            .flat_map(|it| it.split(','))
            .map(str::to_owned)
            .collect();
        let old: Vec<&str> = words.collect();
        for (key, value) in ["login", "password"].into_iter().zip(old) {
            settings.push((key.to_owned(), value.to_owned()));
        }
        hosts_of(&hosts, &settings, &globals, into);
    }
}

/// What a line says, or what was said before.
fn get<'a>(own: &'a [Setting], globals: &'a [Setting], key: &str) -> Option<&'a str> {
    let last = |of: &'a [Setting]| of.iter().rev().find(|(known, _)| known == key);
    let found = last(own).or_else(|| last(globals))?;
    Some(found.1.as_str()).filter(|value| !value.is_empty())
}

fn hosts_of(hosts: &[String], own: &[Setting], globals: &[Setting], into: &mut Imported) {
    let get = |key: &str| get(own, globals, key);
    let hosts = hosts
        .iter()
        .map(|host| host.trim())
        .filter(|host| !host.is_empty());
    if get("protocol").is_none_or(|protocol| !protocol.eq_ignore_ascii_case("cloudflare")) {
        for host in hosts {
            into.lose(host, "its protocol is another one than cloudflare");
        }
        return;
    }
    let login = get("login").unwrap_or("token");
    let is_token = login.eq_ignore_ascii_case("token");
    if !is_token {
        into.lose_key("login, password");
    }
    let token = get("password").filter(|_| is_token);
    let kinds = kinds(&get, into);
    let ttl = get("ttl").and_then(|ttl| into.ttl("ttl", ttl));
    for host in hosts {
        for kind in &kinds {
            let wanted = Wanted {
                zone: get("zone").map(str::to_owned),
                ttl,
                ..Wanted::named(host, *kind)
            };
            into.add(wanted, token);
        }
    }
}

/// The families that it keeps. `use` is the way of old, for one address.
fn kinds<'a>(get: &dyn Fn(&str) -> Option<&'a str>, into: &mut Imported) -> Vec<RecordType> {
    let is_off = |how: &str| matches!(how, "no" | "disabled");
    let by_new = get("usev4").is_some() || get("usev6").is_some();
    let mut kinds = vec![];
    for (key, kind) in [
        ("use", RecordType::A),
        ("usev4", RecordType::A),
        ("usev6", RecordType::Aaaa),
    ] {
        let how = match (key, get(key)) {
            (_, Some(how)) if is_off(how) => continue,
            (_, Some(how)) => how,
            ("use", None) if !by_new => "web",
            (_, None) => continue,
        };
        if how == "ip" || how == "ipv4" || how == "ipv6" {
            into.lose(
                key,
                "it gives an address that is fixed, so the records of that family are left out",
            );
            continue;
        }
        if matches!(how, "web" | "webv4" | "webv6") {
            if get(key).is_some() {
                into.leave(key, SOURCE);
            }
        } else {
            into.lose(&format!("{key}={}", shown(how)), INTERFACE);
        }
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// The lines without comments; what ends with a backslash goes on in the next one.
fn logical_lines(text: &str) -> Vec<String> {
    let (mut lines, mut begun) = (vec![], String::new());
    for line in text.lines() {
        let line = uncommented(line).trim();
        begun.push_str(line.strip_suffix('\\').unwrap_or(line));
        begun.push(' ');
        if !line.ends_with('\\') {
            lines.push(std::mem::take(&mut begun));
        }
    }
    lines.push(begun);
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// A comment ends a line anywhere but in quotes.
fn uncommented(line: &str) -> &str {
    let mut quote = None;
    for (place, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return &line[..place],
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    line
}

/// `key=value`, with white space or commas between them, and the words that are none of those: names, with commas in them.
fn assignments(line: &str) -> (Vec<Setting>, Vec<String>) {
    let mut settings = vec![];
    let mut rest = line.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    while let Some((key, after)) = key(rest) {
        let (value, after) = value(after.trim_start());
        settings.push((key.to_ascii_lowercase(), value));
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    // Names are on the line behind the settings, and settings may follow them on it only by mistake.
    let mut names = rest.trim().to_owned();
    while names.contains(", ") || names.contains(" ,") {
        names = names.replace(", ", ",").replace(" ,", ",");
    }
    let names = names.trim_matches(',').to_owned();
    (
        settings,
        Some(names)
            .filter(|it| !it.is_empty())
            .into_iter()
            .collect(),
    )
}

/// A key and what is behind its `=`.
fn key(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')?;
    let (key, rest) = text.split_at(end);
    let rest = rest.trim_start().strip_prefix('=')?;
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        .then_some((key, rest))
}

fn value(text: &str) -> (String, &str) {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        if let Some((value, rest)) = text[1..].split_once(quote) {
            return (value.to_owned(), rest);
        }
    }
    let end = text.find(|c: char| c.is_whitespace() || c == ',');
    let (value, rest) = text.split_at(end.unwrap_or(text.len()));
    (value.to_owned(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_before_the_names_in_any_of_the_ways_of_writing() {
        let (settings, names) = assignments(
            "protocol = cloudflare, zone=b.example  web-skip='IP: x', a.example , b.example",
        );
        let pairs: Vec<(&str, &str)> = settings.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(
            pairs,
            [
                ("protocol", "cloudflare"),
                ("zone", "b.example"),
                ("web-skip", "IP: x")
            ]
        );
        assert_eq!(names, ["a.example,b.example"]);
    }

    #[test]
    fn a_backslash_goes_on_and_a_comment_ends() {
        let text = "a=1, \\ # one\nb=2 \\\nc.example # two\n\n#d\ne='#'\n";
        assert_eq!(logical_lines(text), ["a=1,  b=2  c.example ", "e='#' "]);
    }
}
