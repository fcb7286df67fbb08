//! The URLs of receivers: found, checked, and never shown.

use super::env::Env;
use super::receivers::{Place, url_credential};
use super::secret::secret_file;
use super::server::Endpoint;
use super::url;

/// No service has longer URLs.
const MAX_URL: usize = 2048;

/// The URL of a receiver: that of the configuration, or of its file, or of the credential of its name.
///
/// # Errors
/// Which file cannot be used, why, and how to fix it; never the content.
pub fn load_url(env: &Env, name: &str, place: &Place) -> Result<Endpoint, String> {
    let file = match place {
        Place::Written(url) => return Ok(url.clone()),
        Place::File(file) => file,
    };
    let what = ["URL", name, "url_file"];
    let (path, bytes) = secret_file(env, what, &url_credential(name), file.as_deref(), MAX_URL)?;
    let shown = path.display();
    url_of(&bytes).map_err(|allowed| {
        format!("what {shown} holds is no URL for {name} (not shown); fix: put {allowed} there, alone on one line")
    })
}

/// The URL of a receiver, as a file or an answer holds it.
///
/// # Errors
/// Says what is allowed.
pub fn url_of(bytes: &[u8]) -> Result<Endpoint, String> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if bytes.len() > MAX_URL {
        Err("a URL of at most 2 KiB".to_owned())
    } else {
        url::secure(text)
    }
}
