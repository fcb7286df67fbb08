//! What other tools keep in their files, for `cadence init --from`: which tool it is, told by the content, and what of it cadence can take.
//!
//! Nothing here touches a file: whoever calls hands in the text, and a way to read what it refers to. What is not taken is named with its
//! reason, a key that nobody knows too. No text that is given back holds a secret, but for the [`Secret`] of its own.

mod compose;
mod ddclient;
mod environment;
mod imported;
mod inadyn;
mod json;
mod proxied;
mod yaml;

use serde_json::Value;

use crate::logic::advice;

pub use imported::{Beat, Imported, LeftOut, Secret, Wanted};

/// What is understood, for people.
pub const UNDERSTOOD: &str = "ddclient.conf, inadyn.conf, config.json of qdm12/ddns-updater (or its CONFIG in a file) or timothymiller/cloudflare-ddns, the YAML of jeessy2/ddns-go, or the environment of favonia's or timothymiller's cloudflare-ddns in a compose file or .env";

/// A file, and what is around it.
pub struct Source<'a> {
    /// Its text.
    pub text: &'a str,
    /// Whether another token takes the place of those in it.
    pub has_token: bool,
    /// Reads a file that it refers to, by a path from its own folder.
    pub beside: &'a dyn Fn(&str) -> Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Inadyn,
    Compose,
    DdnsGo,
    Environment,
    Ddclient,
}

/// The tool, and what is taken and left of its file.
///
/// # Errors
/// What cannot be read about it, and what is understood; never its content.
pub fn read(source: &Source<'_>) -> Result<(&'static str, Imported), String> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
    let mut into = Imported {
        has_token: source.has_token,
        ..Imported::default()
    };
    let tool = match kind(text)? {
        Kind::Json => of_json(&json::parse(text)?, &mut into)?,
        Kind::Inadyn => {
            inadyn::read(text, &mut into);
            "inadyn"
        }
        kind @ (Kind::Compose | Kind::DdnsGo) => {
            let Value::Object(root) = of_yaml(text)? else {
                return Err(unknown());
            };
            if kind == Kind::Compose {
                compose::read(&root, source.beside, &mut into)?
            } else {
                json::ddns_go(&root, &mut into);
                "ddns-go"
            }
        }
        Kind::Environment => {
            let vars = environment::dotenv(text, "", &mut into);
            environment::read(&vars, source.beside, &mut into);
            "cloudflare-ddns"
        }
        Kind::Ddclient => {
            ddclient::read(text, &mut into);
            "ddclient"
        }
    };
    into.settle();
    Ok((tool, into))
}

fn of_yaml(text: &str) -> Result<Value, String> {
    let fix = "write that on one line, or name a file with the variables alone, such as a .env";
    yaml::parse(text).map_err(|why| advice::or(why, fix))
}

fn of_json(value: &Value, into: &mut Imported) -> Result<&'static str, String> {
    let root = value.as_object().ok_or_else(unknown)?;
    let has = |key: &str| root.get(key).is_some_and(Value::is_array);
    match (has("settings"), has("cloudflare")) {
        (true, false) => {
            json::ddns_updater(root, into);
            Ok("ddns-updater")
        }
        (false, true) => {
            json::cloudflare_ddns(root, into);
            Ok("timothymiller/cloudflare-ddns")
        }
        (true, true) => Err(ambiguous("ddns-updater", "timothymiller/cloudflare-ddns")),
        (false, false) => Err(unknown()),
    }
}

/// What kind of file it is: by what stands in it, and in no other kind.
fn kind(text: &str) -> Result<Kind, String> {
    let is_comment = |line: &&str| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with(['#', '/', '*'])
    };
    let first = text.lines().find(|line| !is_comment(line));
    if first.is_some_and(|line| line.trim_start().starts_with('{')) {
        return Ok(Kind::Json);
    }
    let mut found: Option<(Kind, &str)> = None;
    for line in text.lines() {
        match (found, kind_of(line)) {
            (Some((known, one)), Some((kind, other))) if known != kind => {
                return Err(ambiguous(one, other));
            }
            (None, told @ Some(_)) => found = told,
            _ => {}
        }
    }
    found.map(|(kind, _)| kind).ok_or_else(unknown)
}

/// The kind of file in which such a line is.
fn kind_of(line: &str) -> Option<(Kind, &'static str)> {
    let key = line.split_once(':').map_or("", |(key, _)| key.trim_end());
    let bare = line.trim_start();
    let bare = bare.strip_prefix("export ").unwrap_or(bare);
    let name = bare.split_once('=').map_or("", |(name, _)| name.trim());
    Some(if inadyn::is_section(line) {
        (Kind::Inadyn, "inadyn")
    } else if key == "services" {
        (Kind::Compose, "a compose file")
    } else if matches!(key, "dnsconf" | "ipv4" | "ipv6") {
        (Kind::DdnsGo, "ddns-go")
    } else if imported::is_one_of(environment::NAMES, name) {
        (Kind::Environment, "an environment")
    } else if ddclient::is_setting(line) {
        (Kind::Ddclient, "ddclient")
    } else {
        return None;
    })
}

fn unknown() -> String {
    format!("it is not the file of a tool that cadence knows; fix: name one of these: {UNDERSTOOD}")
}

fn ambiguous(one: &str, other: &str) -> String {
    format!(
        "it could be of {one} or of {other}; fix: put what is of one of them into a file of its own"
    )
}
