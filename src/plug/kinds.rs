//! Which kind of plug the configuration names.

use super::Plug;
use super::command::Command;
use super::device::Device;
use super::http::Requests;
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
    Ok(match recovery.plug {
        PlugKind::Shelly1 => Box::new(Shelly1(Device::new(recovery, http, credentials)?)),
        PlugKind::Shelly2 => Box::new(Shelly2(Device::new(recovery, http, credentials)?)),
        PlugKind::Tasmota => Box::new(Tasmota::new(recovery, http, credentials)?),
        PlugKind::Http | PlugKind::HomeAssistant => {
            Box::new(Requests::new(recovery, http, credentials.as_ref())?)
        }
        PlugKind::Command => Box::new(Command::new(recovery)?),
    })
}
