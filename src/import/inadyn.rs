//! `inadyn.conf` (inadyn.conf(5)): settings, and sections in braces, of which those of the provider `cloudflare` are taken.

use super::imported::{
    INTERFACE, Imported, MESSAGES, NOT_CLOUDFLARE, PROCESS, SCHEDULE, SOURCE, Table, UNKNOWN,
    Wanted, find, is_like_one_of,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Word(&'a str),
    Mark(char),
}

/// Takes the records of the provider `cloudflare`.
pub fn read(text: &str, into: &mut Imported) {
    let pieces = pieces(text);
    let mut rest = pieces.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let Piece::Word(word) = *first else {
            continue;
        };
        match (word, after) {
            ("provider" | "custom", [Piece::Word(name), Piece::Mark('{'), inner @ ..]) => {
                let (settings, after) = settings(inner, into);
                rest = after;
                section(word, name, &settings, into);
            }
            (key, [Piece::Mark('='), Piece::Word(_), after @ ..]) => {
                into.leave_as(key, TABLE);
                rest = after;
            }
            (key, _) => unset(key, into),
        }
    }
}

/// Keys and values; of a list each on its own.
type Settings<'a> = Vec<(&'a str, &'a str)>;

/// The settings up to the end of a section.
fn settings<'a, 'p>(
    mut rest: &'p [Piece<'a>],
    into: &mut Imported,
) -> (Settings<'a>, &'p [Piece<'a>]) {
    let (mut found, mut list) = (vec![], None);
    loop {
        rest = match (list, rest) {
            (_, []) => return (found, rest),
            (Some(_), [Piece::Mark('}'), after @ ..]) => {
                list = None;
                after
            }
            (Some(key), [Piece::Word(value), after @ ..]) => {
                found.push((key, *value));
                after
            }
            (None, [Piece::Mark('}'), after @ ..]) => return (found, after),
            (
                None,
                [
                    Piece::Word(key),
                    Piece::Mark('='),
                    Piece::Mark('{'),
                    after @ ..,
                ],
            ) => {
                list = Some(*key);
                after
            }
            (
                None,
                [
                    Piece::Word(key),
                    Piece::Mark('='),
                    Piece::Word(value),
                    after @ ..,
                ],
            ) => {
                found.push((*key, *value));
                after
            }
            (None, [Piece::Word(key), after @ ..]) => {
                unset(key, into);
                after
            }
            (_, [_, after @ ..]) => after,
        };
    }
}

/// A word that is set to nothing, such as `include("FILE")`. Any other may be a piece of a password.
fn unset(word: &str, into: &mut Imported) {
    if word.split('(').next() == Some("include") {
        into.lose(
            "include",
            "that file is not read; if the token is in it, add --token-file FILE",
        );
    } else {
        into.lose("a word without \"=\" (not shown)", UNKNOWN);
    }
}

fn section(kind: &str, name: &str, settings: &Settings<'_>, into: &mut Imported) {
    let one = |key: &str| {
        settings
            .iter()
            .rev()
            .find(|(own, _)| *own == key)
            .map(|(_, value)| *value)
    };
    // An older version calls it an alias.
    let is_host = |(key, _): &&(&str, &str)| matches!(*key, "hostname" | "alias");
    let hosts = settings.iter().filter(is_host).map(|(_, host)| *host);
    // `default@cloudflare.com:1`, of which each part but the middle may be missing.
    let service = name.rsplit('@').next().unwrap_or(name);
    let service = service.split(':').next().unwrap_or(service);
    let ours = "cloudflare.com cloudflare cloudflare-ipv6 cloudflare-ipv6.com";
    let is_ours = is_like_one_of(ours, service);
    if hosts.clone().next().is_none() {
        into.lose(&[kind, " ", name].concat(), "it has no hostname");
    }
    if kind != "provider" || !is_ours {
        hosts.for_each(|host| into.lose(host, NOT_CLOUDFLARE));
        return;
    }
    for (key, _) in settings {
        match *key {
            "username" | "password" | "hostname" | "alias" | "ttl" | "proxied" => {}
            key if find(OF_ADDRESS, key).is_some() => into.leave_as(key, OF_ADDRESS),
            key => into.leave_as(key, TABLE),
        }
    }
    // The type is that of the address that it finds: there is no other word of it.
    let ways = [Some(name), one("checkip-server"), one("checkip-command")];
    let marks = ["ipv6", "ip6", "v6.", "64.", " -6"];
    let is_ipv6 = ways
        .iter()
        .flatten()
        .any(|way| marks.iter().any(|mark| way.contains(mark)));
    let kind = if is_ipv6 {
        RecordType::Aaaa
    } else {
        RecordType::A
    };
    let ttl = one("ttl").and_then(|ttl| into.ttl("ttl", ttl));
    let proxied = one("proxied").and_then(|flag| into.flag("proxied", flag));
    let zone = one("username").filter(|zone| zone.contains('.') && !zone.contains('@'));
    for host in hosts {
        // The zone's own record.
        let host = host.strip_prefix("@.").unwrap_or(host);
        let wanted = Wanted {
            zone: zone.map(str::to_owned),
            ttl,
            proxied,
            ..Wanted::named(host, kind)
        };
        into.add(wanted, one("password"));
    }
}

/// Words, in quotes or not, and the marks between them, as libconfuse reads them (its `lexer.l`). What is escaped stays so.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (vec![], text);
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let until = |text: &str, end: &dyn Fn(char) -> bool| text.find(end).unwrap_or(text.len());
        rest = match first {
            '/' if after.starts_with('*') => after[1..].split_once("*/").map_or("", |it| it.1),
            '#' | '/' if first == '#' || after.starts_with('/') => {
                &rest[until(rest, &|c| c == '\n')..]
            }
            '$' if after.starts_with('{') => {
                let (word, after) = rest.split_at(rest.find('}').map_or(rest.len(), |end| end + 1));
                pieces.push(Piece::Word(word));
                after
            }
            '=' | '{' | '}' => {
                pieces.push(Piece::Mark(first));
                after
            }
            '"' | '\'' => {
                let mut is_escaped = false;
                let end = after.find(|c: char| {
                    let ends = (c == first && !is_escaped) || c == '\n';
                    is_escaped = c == '\\' && !is_escaped;
                    ends
                });
                let (word, after) = after.split_at(end.unwrap_or(after.len()));
                pieces.push(Piece::Word(word));
                after.get(1..).unwrap_or_default()
            }
            c if c.is_whitespace() || c == ',' => after,
            _ => {
                // A path may have what ends a word elsewhere, but then it is in quotes.
                let end = until(rest, &|c| c.is_whitespace() || "={},#".contains(c));
                let (word, after) = rest.split_at(end);
                pieces.push(Piece::Word(word));
                after
            }
        };
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_marks_are_told_apart() {
        let word = Piece::Word;
        assert_eq!(
            pieces("a = \"b # \\\" c\" # d\nhostname={ x, \"*.y\" }"),
            [
                word("a"),
                Piece::Mark('='),
                word("b # \\\" c"),
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
