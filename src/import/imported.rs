//! What is taken from another tool's file, and what is left out of it.

use std::fmt;

use crate::logic::units::RecordType;

/// Said of a key that is in no table.
pub const UNKNOWN: &str = "unknown to cadence";
/// Why a key is of no use here.
pub const SCHEDULE: &str = "cadence has a schedule of its own";
/// The same.
pub const SOURCE: &str = "cadence asks several providers for the address, and two must agree";
/// The same.
pub const PROCESS: &str = "it is about the other tool's own process";
/// The same.
pub const MESSAGES: &str = "for messages, see [[notify]] and `cadence notify`";
/// Why an address that is no public one makes a difference.
pub const INTERFACE: &str = "cadence publishes the address that providers see; do not let it keep a record for an address of a LAN or a VPN";
/// Why a record is left out.
pub const NOT_CLOUDFLARE: &str = "its provider is another one, and cadence knows Cloudflare alone";
const NO_PROVIDER: &str = "it names no provider";
const OTHER_TOKEN: &str = "it has another API token, and a configuration has one; for a second instance, with a configuration and a token of its own, see cadence@.service in cadence(7)";
const GLOBAL_KEY: &str = "cadence needs an API token, as a Global API Key can do everything; create one, and add --token-file FILE";
const KEY_BESIDE: &str = "a Global API Key is not taken, as it can do everything";
const NO_TOKEN: &str = "its entry has no API token, and that of another entry may not see its zone; fix: create one with Zone:Read and DNS:Edit for all the zones of the file, and add --token-file FILE";
const VARIABLE: &str = "it is in a variable of the environment; fix: add --token-file FILE";
const TWICE: &str = "another entry for it, with other settings, is taken";
/// Why a family is left out.
pub const FIXED: &str = "it gives an address that is fixed or made elsewhere, so the records of that family are left out";
/// Why a record with an interface identifier of its own is.
pub const ANOTHERS: &str =
    "it has the address of another device: add it as a [[record]] with `suffix` or `mac`";
/// Said of a family of which the other tool keeps no record.
pub const OFF: &str = "that family is off there";
const LONG_TTL: &str = "a record keeps the TTL that it has; to set one of over 120 s, see interval-below-ttl in cadence.toml(5)";
/// Cloudflare's for automatic.
const AUTOMATIC: u32 = 1;
/// The range of a TTL that needs no change of the schedule: the policy rule `interval-below-ttl`.
const TTLS: std::ops::RangeInclusive<u32> = 60..=120;
/// No name is longer.
const MAX_NAME: usize = 253;
/// So many letters and digits in a row may be a secret.
const SECRET: usize = 30;

/// Why keys are of no use, and which, with spaces between them.
pub type Table = [(&'static str, &'static str)];

/// Whether it is one of these words, with spaces between them.
#[must_use]
pub fn is_one_of(words: &str, word: &str) -> bool {
    words.split(' ').any(|own| own == word)
}

/// The same, where capitals make no difference.
#[must_use]
pub fn is_like_one_of(words: &str, word: &str) -> bool {
    words.split(' ').any(|own| own.eq_ignore_ascii_case(word))
}

/// Why this key is of none, where it is in the table.
#[must_use]
pub fn find(table: &Table, key: &str) -> Option<&'static str> {
    let (why, _) = table.iter().find(|(_, keys)| is_like_one_of(keys, key))?;
    Some(why)
}

/// Why what this provider keeps is left out, unless it is Cloudflare.
#[must_use]
pub fn foreign(provider: Option<&str>) -> Option<&'static str> {
    match provider {
        None => Some(NO_PROVIDER),
        Some(name) if name.eq_ignore_ascii_case("cloudflare") => None,
        Some(_) => Some(NOT_CLOUDFLARE),
    }
}

/// Whether records of a family are not kept, by the way in which favonia/cloudflare-ddns finds their address.
#[must_use]
pub fn is_off(how: &str) -> bool {
    matches!(how, "none" | "unmanaged")
}

/// A text that is shown nowhere.
#[derive(PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text itself, for the file of its own.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A record that the other tool keeps.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name; within a zone of which only the id is known, the part before that, empty for the zone's own.
    pub name: String,
    /// The id of that zone: 32 hexadecimal digits.
    pub zone_id: Option<String>,
    /// Its type.
    pub kind: RecordType,
    /// Its zone, where the file names one.
    pub zone: Option<String>,
    /// Seconds, 1 for automatic.
    pub ttl: Option<u32>,
    /// Whether Cloudflare proxies it.
    pub proxied: Option<bool>,
}

impl Wanted {
    /// A record of this name, of which nothing else is said.
    #[must_use]
    pub fn named(name: &str, kind: RecordType) -> Self {
        Self {
            name: name.to_owned(),
            zone_id: None,
            kind,
            zone: None,
            ttl: None,
            proxied: None,
        }
    }

    /// The record for people.
    #[must_use]
    pub fn label(&self) -> String {
        let name = shown(&self.name);
        let (place, id) = match &self.zone_id {
            Some(id) if name.is_empty() => ("the zone ", id.as_str()),
            Some(id) => (" in the zone ", id.as_str()),
            None => ("", ""),
        };
        [&name, place, id, " ", self.kind.as_str()].concat()
    }
}

/// Something that is not taken.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What it is: a key, or a record.
    pub what: String,
    /// Why.
    pub why: String,
    /// Whether something is missed by it.
    pub matters: bool,
}

/// Who else was told by the other tool that it lives.
#[derive(Debug)]
pub struct Beat {
    /// The key that names it.
    pub key: &'static str,
    /// `heartbeat.preset`.
    pub preset: &'static str,
    /// Its URL.
    pub url: Secret,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Imported {
    /// The records, each once.
    pub records: Vec<Wanted>,
    /// Those of entries without a token, until it is known whether another entry has one.
    pub(super) without_token: Vec<Wanted>,
    /// The API token, as it stands there.
    pub token: Option<Secret>,
    /// The heartbeats.
    pub heartbeats: Vec<Beat>,
    /// What is left out, each once.
    pub left_out: Vec<LeftOut>,
    /// Whether `ttl` and `proxied` are for records that are created, and those that exist keep their own.
    pub is_for_new: bool,
    /// Whether another token takes the place of those of the file.
    pub has_token: bool,
    /// Whether the tool is guessed, as any other may read the same variables.
    pub is_guess: bool,
}

impl Imported {
    /// Adds a record, once, unless it needs another token than those before it.
    pub fn add(&mut self, wanted: Wanted, token: Option<&str>) {
        let token = token.filter(|token| !token.is_empty() && !self.has_token);
        let is_variable = token.is_some_and(|token| token.contains('$'));
        if is_variable {
            self.lose_variable("the API token");
        }
        if self.has(&wanted) {
            return;
        }
        let Some(token) = token.filter(|_| !is_variable) else {
            if self.has_token {
                self.records.push(wanted);
            } else {
                self.without_token.push(wanted);
            }
            return;
        };
        let known = self.token.get_or_insert_with(|| Secret::new(token));
        if known.expose() == token {
            self.records.push(wanted);
        } else {
            self.lose_record(&wanted, OTHER_TOKEN);
        }
    }

    /// Whether it is there already; where that is with other settings, it is told.
    fn has(&mut self, wanted: &Wanted) -> bool {
        let same = |it: &&Wanted| {
            it.name.eq_ignore_ascii_case(&wanted.name)
                && (&it.zone_id, it.kind) == (&wanted.zone_id, wanted.kind)
        };
        let Some(known) = self.records.iter().find(same) else {
            return false;
        };
        if (known.ttl, known.proxied) != (wanted.ttl, wanted.proxied) {
            self.lose_record(wanted, TWICE);
        }
        true
    }

    /// Settles what becomes of the records without a token: they do not ride on that of another entry, which may be for another zone.
    pub fn settle(&mut self) {
        let has_token = self.token.is_some();
        for wanted in std::mem::take(&mut self.without_token) {
            match self.has(&wanted) {
                true => {}
                false if has_token => self.lose_record(&wanted, NO_TOKEN),
                false => self.records.push(wanted),
            }
        }
        let keys = self.left_out.iter_mut().filter(|it| it.why == GLOBAL_KEY);
        for left in keys.filter(|_| has_token) {
            left.why = String::from(KEY_BESIDE);
            left.matters = false;
        }
    }

    /// Leaves a key out of which nothing is missed.
    pub fn leave(&mut self, what: &str, why: &str) {
        self.left_out(shown(what), why, false);
    }

    /// Leaves out what the operator has to know of.
    pub fn lose(&mut self, what: &str, why: &str) {
        self.left_out(shown(what), why, true);
    }

    /// Leaves out a record.
    pub fn lose_record(&mut self, wanted: &Wanted, why: &str) {
        self.left_out(wanted.label(), why, true);
    }

    /// Leaves out a Global API Key.
    pub fn lose_key(&mut self, what: &str) {
        if !self.has_token {
            self.lose(what, GLOBAL_KEY);
        }
    }

    /// Leaves out a token that is not in the file itself.
    pub fn lose_variable(&mut self, what: &str) {
        if !self.has_token {
            self.lose(what, VARIABLE);
        }
    }

    /// Leaves out a record of a family that the other tool does not keep, as this key says.
    pub fn leave_off(&mut self, wanted: &Wanted, key: &str) {
        let why = [OFF, " (", key, ")"].concat();
        self.left_out(wanted.label(), &why, false);
    }

    /// Leaves out a key as a table says; one that is in none is unknown.
    pub fn leave_as(&mut self, key: &str, table: &Table) {
        match find(table, key) {
            Some(why) => self.left_out(shown(key), why, why == INTERFACE),
            None => self.lose(key, UNKNOWN),
        }
    }

    fn left_out(&mut self, what: String, why: &str, matters: bool) {
        let left = LeftOut {
            what,
            why: why.to_owned(),
            matters,
        };
        if !self.left_out.contains(&left) {
            self.left_out.push(left);
        }
    }

    /// Whether the records of a family are kept by an address that is found in a way as cadence does, or can; favonia/cloudflare-ddns
    /// names the ways.
    pub fn finds_address(&mut self, key: &str, how: &str) -> bool {
        match how.split(':').next().unwrap_or_default() {
            how if is_off(how) => {
                self.leave(key, OFF);
                return false;
            }
            "static" | "static.empty" | "file" | "literal" | "debug.const" => {
                self.lose(key, FIXED);
                return false;
            }
            "local" | "local.iface" => self.lose(key, INTERFACE),
            _ => self.leave(key, SOURCE),
        }
        true
    }

    /// The TTL, where a record can have it.
    pub fn ttl(&mut self, key: &str, text: &str) -> Option<u32> {
        let ttl = text.trim().parse::<u32>().ok();
        // Both are the provider's automatic one.
        let ttl = ttl.map(|ttl| if ttl == 0 { AUTOMATIC } else { ttl });
        match ttl {
            Some(ttl) if ttl == AUTOMATIC || TTLS.contains(&ttl) => return Some(ttl),
            Some(_) => self.leave(key, LONG_TTL),
            None => self.lose(key, "expected a number of seconds"),
        }
        None
    }

    /// A yes or no, as the tools write it.
    pub fn flag(&mut self, key: &str, text: &str) -> Option<bool> {
        let flag = flag(text);
        if flag.is_none() {
            self.lose(key, "expected true or false");
        }
        flag
    }
}

/// A yes or no, as the tools write it.
#[must_use]
pub fn flag(text: &str) -> Option<bool> {
    let is_yes = is_like_one_of("true yes on 1 t y", text);
    (is_yes || is_like_one_of("false no off 0 f n", text)).then_some(is_yes)
}

/// A key or a name as it may be shown: in a broken file a secret may stand in its place, or an address that has one.
#[must_use]
pub fn shown(text: &str) -> String {
    let is_plain = text.len() <= MAX_NAME && !text.chars().any(char::is_control);
    let has_more = |(_, rest): (&str, &str)| rest.contains(['@', '/']);
    if is_plain && !text.split_once(':').is_some_and(has_more) && !is_secretive(text) {
        text.to_owned()
    } else {
        "(not shown)".to_owned()
    }
}

/// Whether a part of it looks like a token or a key: long, and of a mixture that no name has.
#[must_use]
pub fn is_secretive(text: &str) -> bool {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.split(|c| !is_of_token(c)).any(|run| {
        let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
        let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
        let is_hex = run.bytes().all(|byte| byte.is_ascii_hexdigit());
        run.len() >= SECRET && (is_mixed || is_hex)
    })
}

/// Whether it is the id of a zone.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
