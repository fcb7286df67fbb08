//! The variables of favonia/cloudflare-ddns, which timothymiller/cloudflare-ddns has taken up since its version 2 (the README of either): from a `.env`
//! or a compose file.

use super::imported::{
    ANOTHERS, Beat, Imported, MESSAGES, PROCESS, SCHEDULE, SOURCE, Secret, Table, Wanted, is_off,
    is_one_of, is_secretive,
};
use super::proxied::proxied;
use crate::logic::units::RecordType;

/// Names and values.
pub type Variables = Vec<(String, String)>;

/// What makes an environment one of these tools.
pub const NAMES: &str = "CLOUDFLARE_API_TOKEN CLOUDFLARE_API_TOKEN_FILE CF_API_TOKEN CF_API_TOKEN_FILE DOMAINS IP4_DOMAINS IP6_DOMAINS";

const COMMENTS: &str = "cadence leaves the comment of a record as it is";
const LISTS: &str = "cadence keeps records alone";
const DELETES: &str = "cadence deletes nothing";

/// What is of no use, and why.
const TABLE: &Table = &[
    (
        SCHEDULE,
        "UPDATE_CRON UPDATE_ON_START CACHE_EXPIRATION DETECTION_TIMEOUT UPDATE_TIMEOUT REPEAT DETECTION_RETRIES",
    ),
    (DELETES, "DELETE_ON_STOP"),
    (
        PROCESS,
        "TZ PUID PGID EMOJI QUIET CONFIG_PATH CF_ACCOUNT_ID PATH",
    ),
    (MESSAGES, "SHOUTRRR"),
    (
        LISTS,
        "WAF_LISTS WAF_LIST_DESCRIPTION WAF_LIST_ITEM_COMMENT MANAGED_WAF_LIST_ITEMS_COMMENT_REGEX MANAGED_WAF_LIST_ITEM_COMMENT_REGEX IP4_DEFAULT_PREFIX_LEN IP6_DEFAULT_PREFIX_LEN",
    ),
    (
        COMMENTS,
        "RECORD_COMMENT MANAGED_RECORDS_COMMENT_REGEX MANAGED_RECORD_COMMENT_REGEX",
    ),
    (SOURCE, "IP4_DETECTION_FILTER IP6_DETECTION_FILTER"),
    (
        "cadence never publishes an address of Cloudflare's",
        "REJECT_CLOUDFLARE_IPS",
    ),
];
/// What is looked at for itself, beside [`NAMES`].
const USED: &str =
    "PROXIED TTL HEALTHCHECKS UPTIMEKUMA IP4_PROVIDER IP6_PROVIDER IP4_POLICY IP6_POLICY";

/// Takes what is of use; `file` gives what a file holds, as the tool would see it.
pub fn read(vars: &Variables, file: &dyn Fn(&str) -> Option<String>, into: &mut Imported) {
    let get = |name: &str| {
        let found = vars.iter().rev().find(|(own, _)| own == name);
        let value = found.map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    };
    for (name, value) in vars {
        match name.as_str() {
            name if is_one_of(NAMES, name) || is_one_of(USED, name) => {}
            name if value.trim().is_empty() => into.leave(name, "it is empty"),
            name => into.leave_as(name, TABLE),
        }
    }
    into.is_for_new = true;
    let token = token(&get, file, into);
    heartbeat(&get, into);
    let ttl = get("TTL").and_then(|ttl| into.ttl("TTL", ttl));
    for (kind, own, provider, policy) in [
        (RecordType::A, "IP4_DOMAINS", "IP4_PROVIDER", "IP4_POLICY"),
        (
            RecordType::Aaaa,
            "IP6_DOMAINS",
            "IP6_PROVIDER",
            "IP6_POLICY",
        ),
    ] {
        let key = if get(provider).is_some() {
            provider
        } else {
            policy
        };
        let is_off = get(key).is_some_and(is_off);
        let is_left = get(key).is_some_and(|how| !into.finds_address(key, how));
        let mut names = split(get("DOMAINS").unwrap_or_default());
        let of_both = names.len();
        names.append(&mut split(get(own).unwrap_or_default()));
        for entry in &names {
            // `example.org{hostid6=::1}`: what is in braces is about the AAAA record.
            let (name, own) = entry.split_once('{').unwrap_or((entry, ""));
            let mut wanted = Wanted::named(name, kind);
            if is_left {
                if is_off && !names[..of_both].contains(entry) {
                    into.leave_off(&wanted, key);
                }
                continue;
            }
            wanted.ttl = ttl;
            wanted.proxied = get("PROXIED").and_then(|all| is_proxied(all, name, into));
            if matches!(own.trim(), "" | "}") || kind == RecordType::A {
                into.add(wanted, token.as_deref());
            } else {
                into.lose_record(&wanted, ANOTHERS);
            }
        }
    }
}

fn is_proxied(expression: &str, name: &str, into: &mut Imported) -> Option<bool> {
    let value = proxied(expression, name);
    if value.is_none() {
        into.lose(
            "PROXIED",
            "it is an expression that cadence cannot read: set `proxied` by hand",
        );
    }
    value
}

/// The list at its commas, or where one is missing at white space, but not in braces or brackets.
fn split(list: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let parts = list.split(move |c| {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (c == ',' || c.is_whitespace()) && depth == 0
    });
    parts.map(str::trim).filter(|it| !it.is_empty()).collect()
}

fn token<'a>(
    get: &dyn Fn(&str) -> Option<&'a str>,
    file: &dyn Fn(&str) -> Option<String>,
    into: &mut Imported,
) -> Option<String> {
    if let Some(token) = get("CLOUDFLARE_API_TOKEN").or_else(|| get("CF_API_TOKEN")) {
        return Some(token.to_owned());
    }
    let names = ["CLOUDFLARE_API_TOKEN_FILE", "CF_API_TOKEN_FILE"];
    let (name, path) = names.iter().find_map(|name| Some((name, get(name)?)))?;
    let token = file(path).map(|text| text.trim().to_owned());
    let token = token.filter(|token| !token.is_empty());
    if token.is_none() && !into.has_token {
        into.lose(
            name,
            "that file cannot be read from here; fix: add --token-file FILE",
        );
    }
    token
}

fn heartbeat<'a>(get: &dyn Fn(&str) -> Option<&'a str>, into: &mut Imported) {
    for &(key, preset) in &[
        ("HEALTHCHECKS", "healthchecks"),
        ("UPTIMEKUMA", "uptime-kuma"),
    ] {
        let Some(url) = get(key) else {
            continue;
        };
        let url = match url.split_once('?') {
            // cadence adds a query of its own.
            Some((url, _)) if key == "UPTIMEKUMA" => url,
            _ => url,
        };
        let url = Secret::new(url);
        into.heartbeats.push(Beat { key, preset, url });
    }
}

/// A `.env` of this name, empty for the file itself: `NAME=value`, a line each, as Docker Compose reads it (<https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/>).
pub fn dotenv(text: &str, file: &str, into: &mut Imported) -> Variables {
    let mut vars = vec![];
    // The first line that is something else, and what is told of it.
    let (mut first, mut faulty) = (0, "");
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let pair = line.split_once('=');
        let Some((name, value)) = pair.filter(|(name, _)| is_name(name.trim())) else {
            faulty = if first > 0 {
                "it and others are not NAME=value"
            } else {
                first = number;
                "it is not NAME=value"
            };
            continue;
        };
        let value = value.trim();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let inner = quote.map(|quote| value[1..].split_once(quote));
        let value = match inner {
            Some(Some((inner, _))) => inner,
            Some(None) => {
                into.lose(
                    name,
                    "its value is of several lines, which cadence cannot read",
                );
                continue;
            }
            None => value.split(" #").next().unwrap_or_default().trim_end(),
        };
        vars.push((name.trim().to_owned(), value.to_owned()));
    }
    if first > 0 {
        let of = if file.is_empty() { "" } else { " of " };
        into.lose(&format!("line {first}{of}{file}"), faulty);
    }
    vars
}

/// Whether it can be the name of a variable.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(is_of_name)
        && !is_secretive(text)
}

/// `$NAME`, `${NAME}`, `${NAME:-default}` and `$$`, as Docker Compose fills them in.
///
/// # Errors
/// The variable that is not known.
pub fn filled(text: &str, vars: &Variables) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
            continue;
        }
        let (name, default, after) = if let Some(inner) = after.strip_prefix('{') {
            let (inner, after) = inner.split_once('}').ok_or_else(String::new)?;
            let end = inner.find([':', '-', '?', '+']).unwrap_or(inner.len());
            let (name, rule) = inner.split_at(end);
            let default = rule.strip_prefix(":-").or_else(|| rule.strip_prefix('-'));
            (name, default, after)
        } else {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, after) = after.split_at(end.unwrap_or(after.len()));
            (name, None, after)
        };
        if !is_name(name) {
            return Err(String::new());
        }
        let known = vars.iter().rev().find(|(own, _)| own == name);
        let known = known
            .map(|(_, value)| value.as_str())
            .filter(|it| !it.is_empty());
        match known.or(default) {
            Some(value) => filled.push_str(value),
            None => return Err(name.to_owned()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_as_compose_does() {
        let vars = vec![
            ("A".to_owned(), "1".to_owned()),
            ("E".to_owned(), String::new()),
        ];
        let all = "$A ${A} ${B:-x} ${E:-y} ${E-z} $$A";
        assert_eq!(filled(all, &vars).unwrap(), "1 1 x y z $A");
        assert_eq!(filled("${B}", &vars), Err("B".to_owned()));
        assert_eq!(filled("${B:?no}", &vars), Err("B".to_owned()));
        assert_eq!(filled("${", &vars), Err(String::new()));
    }

    #[test]
    fn a_file_of_variables_is_read_line_by_line() {
        let text = "# c\nexport A=1\nB = 'x # y' # z\nC=a # b\nD=\"a\nno line\n";
        let mut into = Imported::default();
        let vars = dotenv(text, "", &mut into);
        let pairs: Vec<(&str, &str)> = vars.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(pairs, [("A", "1"), ("B", "x # y"), ("C", "a")]);
        let left: Vec<&str> = into.left_out.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(left, ["D", "line 6"]);
    }
}
