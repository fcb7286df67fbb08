//! `ddclient.conf` (ddclient's own sample, `ddclient.conf.in`): settings that hold from there on, and lines that end with names, for which
//! the settings on them hold too.

use super::imported::{
    FIXED, INTERFACE, Imported, PROCESS, SCHEDULE, SOURCE, Table, Wanted, foreign, is_like_one_of,
};
use crate::logic::units::RecordType;

/// What is of no use, and why. `use` and its kin are looked at for themselves.
const TABLE: &Table = &[
    (
        SCHEDULE,
        "daemon min-interval max-interval min-error-interval timeout retry force",
    ),
    (
        PROCESS,
        "syslog facility priority pid cache file verbose debug quiet foreground",
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
const READ: &str = "protocol zone login password ttl use usev4 usev6 host ip";

/// As [`assignments`] has it.
const TO_THE_NEXT: &str = "it goes on to the next white space; fix: put one before a name";

type Setting<'a> = (&'a str, &'a str);

/// Whether a line says something as this file does.
#[must_use]
pub fn is_setting(line: &str) -> bool {
    let keys = "protocol login zone use usev4 usev6 daemon";
    let (settings, _) = assignments(uncommented(line));
    settings.iter().any(|(key, _)| is_like_one_of(keys, key))
}

/// Takes the records of the protocol `cloudflare`.
pub fn read(text: &str, into: &mut Imported) {
    let lines = logical_lines(text);
    let mut globals: Vec<Setting<'_>> = vec![];
    for line in &lines {
        let (mut settings, rest) = assignments(line);
        for (key, _) in &settings {
            if key.eq_ignore_ascii_case("password_env") {
                into.lose_variable(key);
            } else if !is_like_one_of(READ, key) {
                into.leave_as(key, TABLE);
            }
        }
        let (mut hosts, mut old, mut goes_on) = (vec![], vec![], true);
        for word in rest.split_whitespace() {
            if goes_on || word.starts_with(',') {
                hosts.extend(word.split(',').filter(|host| !host.is_empty()));
                goes_on = word.ends_with(',');
            } else {
                old.push(word);
            }
        }
        hosts.extend(
            last(&settings, "host")
                .into_iter()
                .flat_map(|host| host.split(',')),
        );
        // The old way has a login and a password behind the names.
        settings.extend(["login", "password"].into_iter().zip(old));
        if hosts.is_empty() {
            if last(&settings, "password").is_some_and(|it| it.contains(',')) {
                into.lose("password", TO_THE_NEXT);
            }
            globals.append(&mut settings);
        } else {
            hosts_of(&hosts, &settings, &globals, into);
        }
    }
}

fn last<'a>(of: &[Setting<'a>], key: &str) -> Option<&'a str> {
    let found = of
        .iter()
        .rev()
        .find(|(own, _)| own.eq_ignore_ascii_case(key))?;
    Some(found.1).filter(|value| !value.is_empty())
}

fn hosts_of(hosts: &[&str], own: &[Setting<'_>], globals: &[Setting<'_>], into: &mut Imported) {
    // What a line says, or what was said before.
    let get = |key: &str| last(own, key).or_else(|| last(globals, key));
    if let Some(why) = foreign(get("protocol")) {
        for host in hosts {
            into.lose(named(host), why);
        }
        return;
    }
    let is_token = get("login").is_none_or(|login| login.eq_ignore_ascii_case("token"));
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

/// A name as it may be shown: what follows a comma in a password looks like one, but for its dot.
fn named(host: &str) -> &str {
    if host.contains('.') {
        host
    } else {
        "a name (not shown)"
    }
}

/// The families that it keeps. `use` is the way of old, for one address.
fn kinds<'a>(get: &dyn Fn(&str) -> Option<&'a str>, into: &mut Imported) -> Vec<RecordType> {
    let mut kinds = vec![];
    for (key, kind) in [
        ("use", RecordType::A),
        ("usev4", RecordType::A),
        ("usev6", RecordType::Aaaa),
    ] {
        let is_new = get("usev4").is_some() || get("usev6").is_some();
        match get(key) {
            None if key != "use" || is_new => continue,
            Some("no" | "disabled") => continue,
            Some("ip" | "ipv4" | "ipv6") => {
                into.lose(key, FIXED);
                continue;
            }
            None => {}
            Some("web" | "webv4" | "webv6") => into.leave(key, SOURCE),
            Some(how) => into.lose(&[key, "=", how].concat(), INTERFACE),
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
    lines
}

/// A comment ends a line anywhere but in quotes and in a password (ddclient's `_read_config`).
fn uncommented(line: &str) -> &str {
    let mut quote = None;
    for (place, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if !is_in_password(&line[..place]) => return &line[..place],
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    line
}

/// Whether a password goes on behind this.
fn is_in_password(before: &str) -> bool {
    let (settings, rest) = assignments(before);
    let is_last = settings.last().is_some_and(|it| it.0.ends_with("password"));
    is_last && rest.is_empty() && !before.ends_with(|c: char| c.is_whitespace() || c == '\'')
}

/// `key=value`, with white space or commas between them, and what follows them: names.
fn assignments(line: &str) -> (Vec<Setting<'_>>, &str) {
    let is_between = |c: char| c.is_whitespace() || c == ',';
    let mut settings = vec![];
    let mut rest = line.trim_start_matches(is_between);
    while let Some((key, after)) = key(rest) {
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let quoted = quote.and_then(|quote| after[1..].split_once(quote));
        // The commas of a password are its own, but for the last one (ddclient's `_read_config`).
        let ends = |c: char| c.is_whitespace() || (c == ',' && !key.ends_with("password"));
        let (value, after) =
            quoted.unwrap_or_else(|| after.split_at(after.find(ends).unwrap_or(after.len())));
        settings.push((key, value.trim_end_matches(',')));
        rest = after.trim_start_matches(is_between);
    }
    (settings, rest)
}

/// A key and what is behind its `=`.
fn key(text: &str) -> Option<(&str, &str)> {
    let (key, rest) = text.split_once('=')?;
    let key = key.trim_end();
    let is_of_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (!key.is_empty() && key.bytes().all(is_of_key)).then_some((key, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_before_the_names_in_any_of_the_ways_of_writing() {
        let (settings, names) = assignments(
            "protocol = cloudflare, zone=b.example  web-skip='IP: x', a.example , b.example",
        );
        assert_eq!(
            settings,
            [
                ("protocol", "cloudflare"),
                ("zone", "b.example"),
                ("web-skip", "IP: x")
            ]
        );
        assert_eq!(names, "a.example , b.example");
    }

    #[test]
    fn a_backslash_goes_on_and_a_comment_ends() {
        let text = "a=1, \\ # one\nb=2 \\\nc.example # two\n\n#d\ne='#'\n";
        assert_eq!(
            logical_lines(text),
            ["a=1,  b=2  c.example ", " ", " ", "e='#' ", ""]
        );
    }
}
