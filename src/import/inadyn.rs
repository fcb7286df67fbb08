//! `inadyn.conf` (inadyn.conf(5)): settings, and sections in braces, of which those of the provider `cloudflare` are taken.

use super::imported::{
    INTERFACE, Imported, MESSAGES, PROCESS, SCHEDULE, SOURCE, Table, Wanted, find, shown,
};
use crate::logic::units::RecordType;

const TABLE: &Table = &[
    (SCHEDULE, "period iterations forced-update"),
    ("cadence publishes no other addresses", "verify-address"),
    (PROCESS, "fake-address user-agent cache-dir"),
    (SOURCE, "allow-ipv6"),
    ("cadence verifies in any case", "secure-ssl broken-rtc"),
    (
        "cadence has network.ca_file, and Cloudflare's root built in",
        "ca-trust-file",
    ),
    (MESSAGES, "exec"),
    ("cadence speaks TLS in any case", "ssl"),
    (INTERFACE, "iface"),
];
const OF_ADDRESS: &Table = &[
    (SOURCE, "checkip-server checkip-path checkip-ssl"),
    (INTERFACE, "checkip-command iface"),
    ("Cloudflare has no use for it", "wildcard"),
];

/// Whether a line begins a section, as this file has them.
#[must_use]
pub fn is_section(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_kind = matches!(words.next(), Some("provider" | "custom"));
    is_kind
        && line
            .split('#')
            .next()
            .is_some_and(|line| line.contains('{'))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Word(String),
    Mark(char),
}

/// Takes the records of the provider `cloudflare`.
pub fn read(text: &str, into: &mut Imported) {
    let pieces = pieces(text);
    let mut rest = pieces.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let Piece::Word(word) = first else {
            continue;
        };
        match (word.as_str(), after) {
            (kind @ ("provider" | "custom"), [Piece::Word(name), Piece::Mark('{'), inner @ ..]) => {
                let (settings, after) = settings(inner, into);
                rest = after;
                section(kind, name, &settings, into);
            }
            (key, [Piece::Mark('='), Piece::Word(_), after @ ..]) => {
                into.leave_as(key, TABLE);
                rest = after;
            }
            (key, _) => unset(key, into),
        }
    }
}

type Settings = Vec<(String, Vec<String>)>;

/// The settings up to the end of a section.
fn settings<'a>(mut rest: &'a [Piece], into: &mut Imported) -> (Settings, &'a [Piece]) {
    let mut found = vec![];
    loop {
        rest = match rest {
            [] => return (found, rest),
            [Piece::Mark('}'), after @ ..] => return (found, after),
            [
                Piece::Word(key),
                Piece::Mark('='),
                Piece::Mark('{'),
                after @ ..,
            ] => {
                let end = after.iter().position(|piece| *piece == Piece::Mark('}'));
                let (list, after) = after.split_at(end.unwrap_or(after.len()));
                let values = list.iter().filter_map(|piece| match piece {
                    Piece::Word(word) => Some(word.clone()),
                    Piece::Mark(_) => None,
                });
                found.push((key.clone(), values.collect()));
                after.get(1..).unwrap_or_default()
            }
            [
                Piece::Word(key),
                Piece::Mark('='),
                Piece::Word(value),
                after @ ..,
            ] => {
                found.push((key.clone(), vec![value.clone()]));
                after
            }
            [Piece::Word(key), after @ ..] => {
                unset(key, into);
                after
            }
            [_, after @ ..] => after,
        };
    }
}

/// A word that is set to nothing, such as `include("FILE")`.
fn unset(word: &str, into: &mut Imported) {
    match word.split('(').next().unwrap_or_default() {
        "include" => into.lose(
            "include",
            "that file is not read; if the token is in it, add --token-file FILE",
        ),
        word => into.leave_as(word, TABLE),
    }
}

fn section(kind: &str, name: &str, settings: &Settings, into: &mut Imported) {
    let get = |key: &str| settings.iter().rev().find(|(own, _)| own == key);
    let one = |key: &str| get(key).and_then(|(_, values)| values.first().cloned());
    let hosts = get("hostname").map_or(&[][..], |(_, values)| values.as_slice());
    // `default@cloudflare.com:1`, of which each part but the middle may be missing.
    let service = name.rsplit('@').next().unwrap_or(name);
    let service = service.split(':').next().unwrap_or(service);
    let is_ours = matches!(
        service.to_ascii_lowercase().as_str(),
        "cloudflare.com" | "cloudflare" | "cloudflare-ipv6" | "cloudflare-ipv6.com"
    );
    if kind != "provider" || !is_ours {
        for host in hosts {
            into.lose(
                host,
                "its provider is another one, and cadence knows Cloudflare alone",
            );
        }
        if hosts.is_empty() {
            into.lose(
                &format!("{kind} {}", shown(name)),
                "it is not of Cloudflare",
            );
        }
        return;
    }
    for (key, _) in settings {
        match key.as_str() {
            "username" | "password" | "hostname" | "ttl" | "proxied" => {}
            key if find(OF_ADDRESS, key).is_some() => into.leave_as(key, OF_ADDRESS),
            key => into.leave_as(key, TABLE),
        }
    }
    if hosts.is_empty() {
        into.lose(&format!("provider {}", shown(name)), "it has no hostname");
    }
    let kind = if is_ipv6(name, &one) {
        RecordType::Aaaa
    } else {
        RecordType::A
    };
    let ttl = one("ttl").and_then(|ttl| into.ttl("ttl", &ttl));
    let proxied = one("proxied").and_then(|flag| into.flag("proxied", &flag));
    let token = one("password").filter(|token| !token.is_empty());
    let zone = one("username").filter(|zone| zone.contains('.') && !zone.contains('@'));
    for host in hosts {
        // The zone's own record.
        let host = host.strip_prefix("@.").unwrap_or(host);
        let wanted = Wanted {
            zone: zone.clone(),
            ttl,
            proxied,
            ..Wanted::named(host, kind)
        };
        into.add(wanted, token.as_deref());
    }
}

/// The type is that of the address that it finds: there is no other word of it.
fn is_ipv6(name: &str, one: &dyn Fn(&str) -> Option<String>) -> bool {
    let says = |text: &str| {
        text.contains("ipv6")
            || text.contains("64.")
            || text.contains("ip6")
            || text.contains("v6.")
    };
    says(name)
        || ["checkip-server", "checkip-command"]
            .into_iter()
            .filter_map(one)
            .any(|it| says(&it) || it.contains("-6"))
}

/// Words, in quotes or not, and the marks between them.
fn pieces(text: &str) -> Vec<Piece> {
    let (mut pieces, mut chars) = (vec![], text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '=' | '{' | '}' | ',' => pieces.push(Piece::Mark(c)),
            c if c.is_whitespace() => {}
            quote @ ('"' | '\'') => {
                let mut word = String::new();
                while let Some(c) = chars.next().filter(|c| *c != quote && *c != '\n') {
                    word.extend(if c == '\\' { chars.next() } else { Some(c) });
                }
                pieces.push(Piece::Word(word));
            }
            first => {
                let mut word = String::from(first);
                let is_end =
                    |c: &char| c.is_whitespace() || matches!(c, '=' | '{' | '}' | ',' | '#');
                // A path may have what ends a word elsewhere, but then it is in quotes.
                while let Some(c) = chars.next_if(|c| !is_end(c)) {
                    word.push(c);
                }
                pieces.push(Piece::Word(word));
            }
        }
    }
    pieces.retain(|piece| *piece != Piece::Mark(','));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_marks_are_told_apart() {
        let word = |text: &str| Piece::Word(text.to_owned());
        assert_eq!(
            pieces("a = \"b # \\\" c\" # d\nhostname={ x, \"*.y\" }"),
            [
                word("a"),
                Piece::Mark('='),
                word("b # \" c"),
                word("hostname"),
                Piece::Mark('='),
                Piece::Mark('{'),
                word("x"),
                word("*.y"),
                Piece::Mark('}'),
            ]
        );
    }
}
