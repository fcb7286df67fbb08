//! The URLs of receivers: found, checked, and never shown.

use std::io;

use super::credentials::handed_over;
use super::env::Env;
use super::receivers::Place;
use super::server::Endpoint;
use super::url;
use crate::error::plain;
use crate::file;

/// No service has longer URLs.
const MAX_URL: usize = 2048;

/// The name of the systemd credential in which a receiver's URL may be.
#[must_use]
pub fn credential(name: &str) -> String {
    format!("url-{name}")
}

/// The URL of a receiver: that of the configuration, or of its file, or of the credential of its name.
///
/// # Errors
/// Which file cannot be used, why, and how to fix it; never the content.
pub fn load_url(env: &Env, name: &str, place: &Place) -> Result<Endpoint, String> {
    let file = match place {
        Place::Written(url) => return Ok(url.clone()),
        Place::File(file) => file,
    };
    let credential = credential(name);
    let handed = handed_over(env, &credential);
    let Some(path) = handed.as_ref().or(file.as_ref()) else {
        return Err(format!(
            "no URL for {name}; fix: set `url_file` to the path of a file that holds it, or hand over the systemd credential {credential}"
        ));
    };
    let shown = path.display();
    let content = file::read(path, MAX_URL).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "no URL for {name}: {shown} does not exist; fix: {}",
            file::store("URL", path)
        ),
        io::ErrorKind::PermissionDenied => format!(
            "cannot read the URL for {name} in {shown}: permission denied; fix: {}",
            file::let_in(path)
        ),
        _ => format!(
            "cannot read the URL for {name} in {shown}: {}",
            plain(&error)
        ),
    })?;
    url_of(&content.bytes).map_err(|allowed| {
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
