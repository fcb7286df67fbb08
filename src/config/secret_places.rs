//! Where the secrets in force are that the configuration itself does not hold.

use super::credentials::CREDENTIAL as PASSWORD;
use super::env::Env;
use super::in_force::{Origin, Setting, Shown};
use super::receivers::{How, Place, url_credential};
use super::secret::handed_over;
use super::settings::Settings;
use super::sheets;
use super::token;

/// Puts each secret that is found elsewhere behind the keys of its section.
pub fn add_secrets(in_force: &mut Vec<Setting>, env: &Env, settings: &Settings) {
    let mut add = |section, number, key, place: Option<String>| {
        let Some(place) = place else {
            return;
        };
        let is_of = |it: &Setting| it.section == section && it.number == number;
        let last = in_force.iter().rposition(is_of);
        let secret = Setting {
            section,
            number,
            key,
            value: Shown::Hidden,
            origin: Origin::Place(place),
        };
        in_force.insert(last.map_or(in_force.len(), |at| at + 1), secret);
    };
    let handed = |name: &str| {
        let path = handed_over(env, name)?;
        Some(format!("{} (systemd credential)", path.display()))
    };
    let token = token::load(env, settings.cloudflare.token_file.as_deref());
    add(
        "cloudflare",
        None,
        "token",
        token.ok().map(|it| it.source().to_string()),
    );
    add("recovery", None, "password", handed(PASSWORD));
    let url = |name: &str, place: &Place| match place {
        Place::Written(_) => None,
        Place::File(_) => handed(&url_credential(name)),
    };
    for (it, number) in settings.receivers.heartbeats.iter().zip(1..) {
        add("heartbeat", Some(number), "url", url(&it.name, &it.place));
    }
    for (it, number) in settings.receivers.notify.iter().zip(1..) {
        if let How::Webhook { place, .. } = &it.how {
            add("notify", Some(number), "url", url(&it.name, place));
        }
    }
    if settings.receivers.sheets.is_some() {
        add("sheets", None, "key", handed(sheets::CREDENTIAL));
    }
}
