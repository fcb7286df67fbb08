//! `[sheets]`: the spreadsheet that gets a row for each cycle, and the key of who appends it.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::time::Duration;

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value as Json;

use super::bounds;
use super::env::Env;
use super::paths::absolute;
use super::secret::secret_file;
use super::section::Section;
use super::server::Endpoint;
use super::url;
use super::value::Value;

/// What it is called among the receivers.
pub const NAME: &str = "sheets";
/// The name under which the service hands its key over.
pub const CREDENTIAL: &str = "sheets-key";

const API_URL: &str = "https://sheets.googleapis.com";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// Whom else Google's own keys name, older ones too.
const GOOGLE: [&str; 3] = [
    "oauth2.googleapis.com",
    "accounts.google.com",
    "www.googleapis.com",
];
/// Google's ids have 44 letters.
const MAX_ID: usize = 128;
/// Google's limit for the name of a sheet.
const MAX_SHEET: usize = 100;
/// Google's files have 2.4 KiB.
const MAX_KEY: usize = 16 << 10;
/// No address is longer (RFC 5321 section 4.5.3.1.3).
const MAX_EMAIL: usize = 254;

/// Where rows go.
#[derive(Debug, Clone)]
pub struct Sheets {
    /// The id of the spreadsheet.
    pub spreadsheet: String,
    /// The name of the sheet (the tab) in it.
    pub sheet: String,
    /// The key of a service account, where it is in a file.
    pub key_file: Option<PathBuf>,
    /// How often rows go out.
    pub every: Duration,
    /// The base URL of the API.
    pub api_url: Endpoint,
    /// Who gives an access token for an assertion.
    pub token_url: Endpoint,
}

/// Reads the section; none where no spreadsheet is named. `place` is that of the section, where there is one.
pub fn read<'a>(mut section: Section<'_, 'a>, place: Option<Value<'a>>) -> Option<Sheets> {
    let allowed = "the id of the spreadsheet, as in its URL between /d/ and /edit";
    let spreadsheet = section.required_by(place, "spreadsheet", allowed, |text| {
        let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_id = text.len() <= MAX_ID && text.bytes().all(is_of_id);
        is_id
            .then(|| text.to_owned())
            .ok_or_else(|| allowed.to_owned())
    });
    let sheet = section.parsed("sheet", |text| {
        let is_name = text.chars().count() <= MAX_SHEET && !text.contains(char::is_control);
        is_name
            .then(|| text.to_owned())
            .ok_or_else(|| format!("the name of a sheet, of at most {MAX_SHEET} characters"))
    });
    let key_file = section.parsed("key_file", absolute);
    let every = section.duration("every", bounds::SHEETS_EVERY);
    let api_url = section.parsed("api_url", url::secure);
    let token_url = section.parsed("token_url", url::secure);
    section.close();
    Some(Sheets {
        spreadsheet: spreadsheet?,
        sheet: sheet.unwrap_or_else(|| "cadence".to_owned()),
        key_file,
        every,
        api_url: api_url.or_else(|| url::secure(API_URL).ok())?,
        token_url: token_url.or_else(|| url::secure(TOKEN_URL).ok())?,
    })
}

impl Sheets {
    /// Stands for the sheet where it is written down that it has a header: an id may let in whoever has it.
    #[must_use]
    pub fn fingerprint(&self) -> u32 {
        let mut hasher = DefaultHasher::new();
        (&self.spreadsheet, &self.sheet).hash(&mut hasher);
        let [a, b, c, d, ..] = hasher.finish().to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// The key of a service account. Nothing shows it.
pub struct ServiceKey {
    /// Who it is of: with whom the spreadsheet has to be shared.
    pub email: String,
    /// Which of its keys.
    pub id: String,
    pair: RsaKeyPair,
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceKey(..)")
    }
}

impl ServiceKey {
    /// Signs by RS256 (RFC 7518 section 3.3); none where the system gives no randomness.
    #[must_use]
    pub fn sign(&self, text: &str) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = SystemRandom::new();
        let signed = self
            .pair
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature);
        signed.ok().map(|()| signature)
    }

    /// Reads the file that Google makes for a key; `token_host` is whom an assertion will be sent to.
    ///
    /// # Errors
    /// What is wrong with it and how to fix it; nothing of what it holds but names of hosts.
    fn parse(bytes: &[u8], token_host: &str) -> Result<Self, String> {
        const WHOLE: &str =
            "put the whole file there that Google Cloud gives for a new key of type JSON";
        let broken = |what: &str| format!("{what}; fix: {WHOLE}");
        if bytes.len() > MAX_KEY {
            return Err(broken("it is over 16 KiB long"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let document: Json =
            serde_json::from_slice(bytes).map_err(|_| broken("it is no whole JSON"))?;
        let text = |key: &str| document.get(key).and_then(Json::as_str);
        if text("type") != Some("service_account") {
            return Err(broken("its `type` is not \"service_account\""));
        }
        let plain = |key: &str, most| {
            let is_plain = |it: &&str| it.len() <= most && it.bytes().all(is_of_name);
            let found = text(key).filter(is_plain).map(str::to_owned);
            found.ok_or_else(|| broken(&format!("its `{key}` is missing or odd")))
        };
        if let Some(uri) = text("token_uri") {
            let host = url::secure(uri).map(|it| it.host).unwrap_or_default();
            if host != token_host && !GOOGLE.contains(&host.as_str()) {
                const OTHER: &str = "its `token_uri` is none of Google's; fix: use a key that Google made, or set `sheets.token_url` to that if you trust it";
                return Err(OTHER.to_owned());
            }
        }
        let pem = text("private_key").unwrap_or_default();
        let pair = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .ok()
            .and_then(|key| RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok());
        Ok(Self {
            email: plain("client_email", MAX_EMAIL)?,
            id: plain("private_key_id", MAX_ID)?,
            pair: pair.ok_or_else(|| {
                broken("its `private_key` is no RSA key of 2048 to 4096 bits in PEM (PKCS #8)")
            })?,
        })
    }
}

/// What addresses and ids consist of: it is shown, and stands in JSON as it is.
const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@' | b'+')
}

/// The key: that of `sheets.key_file`, or of the systemd credential.
///
/// # Errors
/// Which file cannot be used, why, and how to fix it; never the content.
pub fn load_key(env: &Env, sheets: &Sheets) -> Result<ServiceKey, String> {
    let file = sheets.key_file.as_deref();
    let what = ["key", "Google Sheets", "sheets.key_file"];
    let (path, bytes) = secret_file(env, what, CREDENTIAL, file, MAX_KEY)?;
    ServiceKey::parse(&bytes, &sheets.token_url.host).map_err(|why| {
        let path = path.display();
        format!("what {path} holds is no key for Google Sheets (not shown): {why}")
    })
}

#[cfg(test)]
#[path = "sheets_tests.rs"]
mod tests;
