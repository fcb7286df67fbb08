//! Smart plugs, behind one of which the modem gets its power: one file a kind.
//!
//! A plug that can time itself (`shelly1`, `shelly2`, `tasmota`) is told to switch off and on again in one request, so that
//! nothing that happens to this host afterwards can leave the modem dark. Whatever a plug answers is read with distrust:
//! an operation has worked where the plug says so when it is asked again.

mod command;
mod device;
pub mod digest;
mod http;
pub mod kinds;
mod shelly1;
mod shelly2;
mod tasmota;

use std::fmt;
use std::time::Duration;

use crate::logic::advice;
use crate::logic::recovery::CutPlug;
use crate::net::Deadline;

/// The limit of one request to a plug on the local network.
pub const PLUG_TIMEOUT: Duration = Duration::from_secs(2);

/// One operation of a plug in all: a mark, two requests with a password, and the question what came of them; each request has its own
/// limit. Also what a program may take.
const OPERATION_TIME: Duration = Duration::from_secs(10);
/// When one operation of a plug that begins now must end.
#[must_use]
pub fn patience() -> Deadline {
    Deadline::after(OPERATION_TIME)
}

/// The plug behind which the modem gets its power.
pub trait Plug: Send + Sync {
    /// Whether [`Plug::off`] makes the plug switch on again by itself. Where it does not, the intention to switch on must be
    /// on disk before the off.
    fn can_time_itself(&self) -> bool;

    /// What the plug says of itself. Never switches anything.
    ///
    /// # Errors
    /// The plug does not answer, refuses, or answers something else.
    fn status(&self, deadline: Deadline) -> Result<PlugStatus, PlugError>;

    /// Whether it is on, in as few words as the kind allows, and never in one that could end a timer; none where it cannot tell.
    ///
    /// # Errors
    /// As [`Plug::status`].
    fn is_on(&self, deadline: Deadline) -> Result<Option<bool>, PlugError> {
        self.status(deadline).map(|status| status.on)
    }

    /// For how long the plug had run when it was cut last, by whoever left that as a mark in it; none where there is none, or it has no
    /// place for one. Asked while it is on.
    ///
    /// # Errors
    /// That place is somebody else's.
    fn mark(&self, _: Deadline) -> Result<Option<Duration>, PlugError> {
        Ok(None)
    }

    /// Switches off, unless the [departure](Deadline::departure) is missed. A plug that can time itself is told in the same request to
    /// switch on after `off_time`, and is then asked whether it is off and the time is running. `mark` is for how long it has run, to be
    /// left in it where there is a place: so that no other host cuts it again at once.
    ///
    /// # Errors
    /// It may not have worked, or nothing confirms that it has. Where [`PlugError::maybe_done`] is set the modem may be without
    /// power, and without a running timer: whoever called must see to it that [`Plug::on`] succeeds.
    fn off(
        &self,
        off_time: Duration,
        mark: Option<Duration>,
        deadline: Deadline,
    ) -> Result<(), PlugError>;

    /// Switches on, and asks the plug whether it is, where it can tell. To switch on what is on does no harm.
    ///
    /// # Errors
    /// It may not have worked, or nothing confirms that it has: try again.
    fn on(&self, deadline: Deadline) -> Result<(), PlugError>;

    /// What is remembered of it while its power is cut.
    fn reference(&self) -> Option<&CutPlug> {
        None
    }

    /// Which plug it is, for messages. Never with credentials.
    fn target(&self) -> String {
        self.reference().map(CutPlug::target).unwrap_or_default()
    }

    /// Which device has to answer as this plug. Those kinds that can time themselves also tell which device they are.
    fn pin(&self) -> Pin<'_> {
        let known = self.reference().filter(|_| self.can_time_itself());
        known.map_or(Pin::Untold, |plug| {
            plug.id.as_deref().map_or(Pin::Unset, Pin::To)
        })
    }
}

/// Which device has to answer as a plug: an address that DHCP gave may go to another device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin<'a> {
    /// Whichever answers: a plug of this kind does not tell.
    Untold,
    /// It tells, and `recovery.plug_id` does not say which one it has to be.
    Unset,
    /// This one.
    To(&'a str),
}

impl Pin<'_> {
    /// Whether what is known of the device is enough to switch it off, and nothing of that speaks against it.
    ///
    /// # Errors
    /// Why it is not, and the fix.
    pub fn allows_off(self, status: &PlugStatus) -> Result<(), String> {
        match (self, &status.id) {
            (Self::Untold, _) => Ok(()),
            (Self::Unset | Self::To(_), None) => Err(
                "the plug does not say which device it is; fix: update its firmware, or use plug = \"http\" or \"command\""
                    .to_owned(),
            ),
            (Self::Unset, Some(id)) => Err(format!(
                "recovery.plug_id is not set, and another device may get its address; fix: if this is the modem's plug, add plug_id = \"{id}\""
            )),
            (Self::To(_), Some(_)) => {
                self.allows_on(status)?;
                status.unfit.map_or(Ok(()), |why| Err(why.to_owned()))
            }
        }
    }

    /// Whether it may be switched on: unless it says that it is another device.
    ///
    /// # Errors
    /// What it says.
    pub fn allows_on(self, status: &PlugStatus) -> Result<(), String> {
        match (self, &status.id) {
            (Self::To(wanted), Some(id)) if wanted != id => Err(format!(
                "another device answers there: it says it is {id}, and the plug to be switched is {wanted}; fix: correct recovery.address, or recovery.plug_id where the plug was replaced"
            )),
            (Self::To(_) | Self::Unset | Self::Untold, _) => Ok(()),
        }
    }
}

/// Stands before a plug's own words.
const SAID: &str = " (it said ";

/// What a plug says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlugStatus {
    /// Whether the modem has power; none where a plug of that kind cannot tell.
    pub on: Option<bool>,
    /// Which device it is, by its hardware address: twelve upper-case hexadecimal digits. None where it does not tell.
    pub id: Option<String>,
    /// How long the plug has run. None where it does not tell.
    pub uptime: Option<Duration>,
    /// Why it is never to be switched off as it is set up, and the fix.
    pub unfit: Option<&'static str>,
}

/// Why an operation of a plug failed. Displays as one plain line, without credentials and without [`Plug::target`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlugError {
    /// What was found, and where there is one, the fix.
    pub message: String,
    /// True where the plug may have done what it was told.
    pub maybe_done: bool,
}

impl PlugError {
    /// The plug has certainly done nothing.
    fn undone(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            maybe_done: false,
        }
    }

    /// The plug may have done what it was told.
    fn unsure(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            maybe_done: true,
        }
    }

    /// The same with the plug's own words.
    fn saying(self, said: &str) -> Self {
        Self {
            message: advice::with(&self.message, &format!("{SAID}\"{said}\")")),
            ..self
        }
    }

    /// The plug took the command, and then could not be asked whether it has done it.
    fn after_command(self) -> Self {
        Self::unsure(format!("could not confirm: {}", self.message))
    }
}

impl fmt::Display for PlugError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PlugError {}

#[cfg(test)]
#[cfg(feature = "demo")]
mod tests;
