//! Which kind of plug the configuration names.

use super::Plug;
use super::command::Command;
use super::http::TwoUrls;
use super::shelly1::Shelly1;
use super::shelly2::Shelly2;
use super::tasmota::Tasmota;
use crate::config::{Credentials, PlugKind, Recovery};
use crate::net::http::Http;

/// Makes the plug of the configuration; opens no socket.
///
/// # Errors
/// One line that names the key: what this kind needs is not set, or `off_time` is more than it can time.
pub fn new(
    recovery: &Recovery,
    http: Http,
    credentials: Option<Credentials>,
) -> Result<Box<dyn Plug>, String> {
    match recovery.plug {
        PlugKind::Shelly1 => Ok(Box::new(Shelly1::new(recovery, http, credentials)?)),
        PlugKind::Shelly2 => Ok(Box::new(Shelly2::new(recovery, http, credentials)?)),
        PlugKind::Tasmota => Ok(Box::new(Tasmota::new(recovery, http, credentials)?)),
        PlugKind::Http => Ok(Box::new(TwoUrls::new(recovery, http)?)),
        PlugKind::Command => Ok(Box::new(Command::new(recovery)?)),
    }
}
