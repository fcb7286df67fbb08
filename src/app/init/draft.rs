//! The configuration as it grows: the sample that is built in, with the operator's values set in their places.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::{self, Env, Settings, TOKEN_FILE};
use crate::error::Error;
use crate::logic::idn;
use crate::logic::records::{HostPart, RecordSpec};
use crate::logic::units::RecordType;

/// The sample of the package, byte for byte.
pub const SAMPLE: &str = include_str!("../../../packaging/cadence.toml");
/// Sections of the sample; records follow each other before the second.
const RECORD: &str = "[[record]]";
const AFTER_RECORDS: &str = "[network]";
/// Stands in while no record is named yet: a configuration needs one.
const STAND_IN: &str = "vpn.example.com";

/// What the operator wants.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it will be written.
    pub path: PathBuf,
    /// `cloudflare.token_file`.
    pub token_file: PathBuf,
    /// The records.
    pub records: Vec<RecordSpec>,
    /// `network.router`, where the routing table does not tell it.
    pub router: Option<String>,
    /// The plug, where there is one.
    pub plug: Option<Plug>,
    /// Who is told what happens, where somebody is.
    pub receiver: Option<Receiver>,
}

/// A `[[notify]]` or a `[[heartbeat]]`.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Its section.
    pub section: &'static str,
    /// `preset`.
    pub preset: &'static str,
    /// `url_file`.
    pub url_file: PathBuf,
}

/// The `[recovery]` section. It stays switched off.
#[derive(Debug, Clone)]
pub struct Plug {
    /// `recovery.plug`.
    pub kind: String,
    /// `recovery.address`.
    pub address: String,
    /// `recovery.plug_id`, where the plug told it.
    pub id: Option<String>,
    /// `recovery.password_file`.
    pub password_file: Option<PathBuf>,
}

/// A line to set: its section, its key and the value as TOML.
type Line = (&'static str, &'static str, String);

impl Draft {
    /// The record of a name, in its zone where one is given.
    ///
    /// # Errors
    /// Says what is allowed.
    pub fn record(
        name: &str,
        kind: RecordType,
        zone: Option<&str>,
        create: bool,
    ) -> Result<RecordSpec, String> {
        let ascii = idn::to_ascii(name)?;
        let zone = zone.map(|zone| config::zone_of(name, &ascii, zone));
        Ok(RecordSpec {
            name: ascii,
            display: name.to_owned(),
            kind,
            ttl: None,
            proxied: None,
            create,
            zone: zone.transpose()?,
            id: None,
            host: HostPart::Seen,
        })
    }

    /// Whether such a record is in it already.
    #[must_use]
    pub fn has(&self, record: &RecordSpec) -> bool {
        self.records.iter().any(|own| own.key() == record.key())
    }

    /// What it means, under the variables that override its keys. Before a record is named it has none.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn settings(&self, env: &Env) -> Result<Settings, Error> {
        let mut draft = self.clone();
        if draft.records.is_empty() {
            let stand_in = Self::record(STAND_IN, RecordType::A, None, false);
            draft.records.extend(stand_in);
        }
        let read = config::parse(&draft.text(), &self.path, env);
        let mut settings = read.map_err(Error::config)?;
        settings.records.truncate(self.records.len());
        Ok(settings)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let mut records = self.records.iter();
        let mut lines = records.next().map(record).unwrap_or_default();
        if self.token_file != Path::new(TOKEN_FILE) {
            lines.push(("[cloudflare]", "token_file", path(&self.token_file)));
        }
        let mut set = |section, key, value: Option<String>| {
            lines.extend(value.map(|value| (section, key, value)));
        };
        set("[network]", "router", self.router.as_deref().map(text));
        if let Some(plug) = &self.plug {
            set("[recovery]", "plug", Some(text(&plug.kind)));
            set("[recovery]", "address", Some(text(&plug.address)));
            set("[recovery]", "plug_id", plug.id.as_deref().map(text));
            let password = plug.password_file.as_deref();
            set("[recovery]", "password_file", password.map(path));
        }
        if let Some(receiver) = &self.receiver {
            lines.push((receiver.section, "preset", text(receiver.preset)));
            lines.push((receiver.section, "url_file", path(&receiver.url_file)));
        }
        fill(&lines, &records.map(section).collect::<String>())
    }
}

/// The lines of a record that are not as the sample has them.
fn record(spec: &RecordSpec) -> Vec<Line> {
    let mut lines = vec![(RECORD, "name", text(&spec.display))];
    if spec.kind != RecordType::A {
        lines.push((RECORD, "type", text(spec.kind.as_str())));
    }
    if let Some(ttl) = spec.ttl {
        lines.push((RECORD, "ttl", ttl.to_string()));
    }
    if let Some(proxied) = spec.proxied {
        lines.push((RECORD, "proxied", proxied.to_string()));
    }
    if spec.create {
        lines.push((RECORD, "create", "true".to_owned()));
    }
    for (key, value) in [("zone", &spec.zone), ("id", &spec.id)] {
        lines.extend(value.iter().map(|value| (RECORD, key, text(value))));
    }
    lines
}

/// A further record, as a section of its own.
fn section(spec: &RecordSpec) -> String {
    let lines = record(spec);
    let lines = lines
        .iter()
        .map(|(_, key, value)| format!("{key} = {value}\n"));
    format!("{RECORD}\n{}\n", lines.collect::<String>())
}

/// The sample with each of the lines in the place of its own, and `more` behind the first record.
fn fill(lines: &[Line], more: &str) -> String {
    let mut filled = String::new();
    let mut section = "";
    for line in SAMPLE.split_inclusive('\n') {
        let bare = line.strip_prefix('#').unwrap_or(line);
        if bare.starts_with('[') {
            section = bare.trim_end();
            if section == AFTER_RECORDS {
                filled.push_str(more);
            }
            let wanted = lines.iter().any(|(of, ..)| *of == section);
            filled.push_str(if wanted { bare } else { line });
            continue;
        }
        let key = bare.split_once(" = ").map(|(key, _)| key);
        let is_set = |(of, own, _): &&Line| *of == section && Some(*own) == key;
        match lines.iter().find(is_set) {
            Some((_, key, value)) => filled.extend([*key, " = ", value, "\n"]),
            None => filled.push_str(line),
        }
    }
    filled
}

/// A TOML string: JSON's escapes are TOML's too.
fn text(value: &str) -> String {
    Value::from(value).to_string()
}

fn path(path: &Path) -> String {
    text(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            path: "/etc/cadence/cadence.toml".into(),
            token_file: TOKEN_FILE.into(),
            records: vec![Draft::record("vpn.example.com", RecordType::A, None, false).unwrap()],
            router: None,
            plug: None,
            receiver: None,
        }
    }

    fn lines(text: &str) -> Vec<&str> {
        text.lines().collect()
    }

    #[test]
    fn only_the_lines_that_are_wanted_differ_from_the_sample() {
        let text = draft().text();
        let (ours, sample) = (lines(&text), lines(SAMPLE));
        assert_eq!(ours.len(), sample.len());
        let set: Vec<&str> = ours
            .into_iter()
            .zip(sample)
            .filter(|(our, its)| our != its)
            .map(|(our, _)| our)
            .collect();
        assert_eq!(set, ["[[record]]", "name = \"vpn.example.com\""]);
    }

    #[test]
    fn what_is_written_means_what_was_wanted() {
        let mut records = vec![
            Draft::record("*.bücher.example", RecordType::Aaaa, None, true).unwrap(),
            Draft::record("a.b.example.com", RecordType::A, Some("Example.com"), false).unwrap(),
        ];
        records.push(RecordSpec {
            id: Some("372e67954025e0ba6aaa6d586b9e0b59".to_owned()),
            ..Draft::record("a.b.example.com", RecordType::Aaaa, None, false).unwrap()
        });
        let draft = Draft {
            token_file: "/home/ada \"q\"\\/t".into(),
            records: records.clone(),
            router: Some("fe80::1%eth0".to_owned()),
            plug: Some(Plug {
                kind: "tasmota".to_owned(),
                address: "plug.lan:8080".to_owned(),
                id: Some("E8DB84A1B2C3".to_owned()),
                password_file: Some("/etc/cadence/plug.password".into()),
            }),
            receiver: Some(Receiver {
                section: "[[notify]]",
                preset: "ntfy",
                url_file: "/etc/cadence/ntfy.url".into(),
            }),
            ..draft()
        };
        let settings = draft.settings(&Env::default()).unwrap();
        assert_eq!(settings.records, records);
        assert_eq!(
            settings.cloudflare.token_file.as_deref(),
            Some(draft.token_file.as_path())
        );
        let router = settings.network.router.unwrap();
        assert_eq!(router.scope.as_deref(), Some("eth0"));
        let recovery = settings.recovery;
        assert!(!recovery.limits.enabled);
        assert_eq!(recovery.plug, config::PlugKind::Tasmota);
        assert_eq!(recovery.address, "plug.lan:8080");
        assert_eq!(recovery.plug_id.as_deref(), Some("E8DB84A1B2C3"));
        assert!(recovery.password_file.is_some());
        let files = settings.receivers.secret_files();
        let files: Vec<_> = files.map(|file| (file.what, file.path)).collect();
        let path = Path::new("/etc/cadence/ntfy.url");
        assert_eq!(files, [("the URL of ntfy".to_owned(), path)]);
    }

    #[test]
    fn before_a_record_is_named_there_is_none() {
        let draft = Draft {
            records: vec![],
            ..draft()
        };
        assert_eq!(draft.settings(&Env::default()).unwrap().records, []);
        assert_eq!(draft.text(), SAMPLE);
    }

    #[test]
    fn a_path_that_toml_cannot_hold_is_refused_before_it_is_written() {
        let draft = Draft {
            token_file: "/etc/\u{7f}".into(),
            ..draft()
        };
        assert!(draft.settings(&Env::default()).is_err());
    }
}
