//! Who is told: `[[heartbeat]]`, `[[notify]]` and `[sheets]`. Their URLs are secrets, which are read when they are needed and never shown.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::presets::{BeatPreset, Preset};
use super::server::Endpoint;
use super::sheets::{self, Sheets};
use crate::logic::delivery::Wants;

/// Where a URL is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// In the configuration.
    Written(Endpoint),
    /// In a file of its own, or in a systemd credential of the receiver's name.
    File(Option<PathBuf>),
}

/// The URL is a secret; what names its file is none.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(_) => f.write_str("Written(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// A `[[heartbeat]]`.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// What it is called.
    pub name: String,
    /// What the service understands.
    pub preset: &'static BeatPreset,
    /// Its URL.
    pub place: Place,
    /// How often it is told that all is well.
    pub every: Duration,
}

/// How a `[[notify]]` is told.
#[derive(Debug, Clone)]
pub enum How {
    /// By a request.
    Webhook {
        /// What the service understands.
        preset: &'static Preset,
        /// The operator's own body, in place of the preset's.
        template: Option<String>,
        /// To whom, where the service asks for that: Telegram's `chat_id`.
        to: String,
        /// Its URL.
        place: Place,
    },
    /// By a program that reads the event from stdin.
    Program(PathBuf),
}

/// A `[[notify]]`.
#[derive(Debug, Clone)]
pub struct Notify {
    /// What it is called.
    pub name: String,
    /// How it is told.
    pub how: How,
    /// Of what, and when.
    pub wants: Wants,
}

/// Every kind of receivers.
#[derive(Debug, Clone, Default)]
pub struct Receivers {
    /// Who is told that cadence lives.
    pub heartbeats: Vec<Heartbeat>,
    /// Who is told what happened.
    pub notify: Vec<Notify>,
    /// Where a row for each cycle goes.
    pub sheets: Option<Sheets>,
}

/// The name of the systemd credential in which a receiver's URL may be.
#[must_use]
pub fn url_credential(name: &str) -> String {
    format!("url-{name}")
}

/// The file of a secret.
pub struct SecretFile<'a> {
    /// What it holds, in words.
    pub what: String,
    /// The name of the systemd credential that takes its place.
    pub credential: String,
    /// The key that names it.
    pub key: &'static str,
    /// Where it is.
    pub path: &'a Path,
}

impl Receivers {
    /// Whether nobody is to be told anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heartbeats.is_empty() && self.notify.is_empty() && self.sheets.is_none()
    }

    /// The files in which URLs and keys are.
    pub fn secret_files(&self) -> impl Iterator<Item = SecretFile<'_>> {
        let heartbeats = self.heartbeats.iter().map(|it| (&it.name, &it.place));
        let notify = self.notify.iter().filter_map(|it| match &it.how {
            How::Webhook { place, .. } => Some((&it.name, place)),
            How::Program(_) => None,
        });
        let urls = heartbeats
            .chain(notify)
            .filter_map(|(name, place)| match place {
                Place::File(Some(path)) => Some(SecretFile {
                    what: format!("the URL of {name}"),
                    credential: url_credential(name),
                    key: "url_file",
                    path,
                }),
                Place::File(None) | Place::Written(_) => None,
            });
        let key_file = self.sheets.as_ref().and_then(|it| it.key_file.as_deref());
        urls.chain(key_file.map(|path| SecretFile {
            what: "the key for Google Sheets".to_owned(),
            credential: sheets::CREDENTIAL.to_owned(),
            key: "sheets.key_file",
            path,
        }))
    }

    /// Sets the URL of each, whatever the configuration says of it.
    pub fn set_url(&mut self, url: &Endpoint) {
        let heartbeats = self.heartbeats.iter_mut().map(|it| &mut it.place);
        let notify = self.notify.iter_mut().filter_map(|it| match &mut it.how {
            How::Webhook { place, .. } => Some(place),
            How::Program(_) => None,
        });
        for place in heartbeats.chain(notify) {
            *place = Place::Written(url.clone());
        }
    }

    /// The programs that are run.
    pub fn programs(&self) -> impl Iterator<Item = &Path> {
        self.notify.iter().filter_map(|it| match &it.how {
            How::Program(path) => Some(path.as_path()),
            How::Webhook { .. } => None,
        })
    }

    /// What they are called.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let heartbeats = self.heartbeats.iter().map(|it| it.name.as_str());
        let notify = self.notify.iter().map(|it| it.name.as_str());
        let sheets = self.sheets.iter().map(|_| sheets::NAME);
        heartbeats.chain(notify).chain(sheets).collect()
    }
}
