//! Which plugs there are, and how they can behave.

use std::time::Duration;

/// The model of an emulated plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlugModel {
    /// Shelly, first generation.
    Shelly1,
    /// Shelly, second generation.
    Shelly2,
    /// Tasmota.
    Tasmota,
    /// Something with one URL to switch on and another to switch off.
    Http,
    /// A switch of Home Assistant.
    HomeAssistant,
}

impl PlugModel {
    /// Every model.
    pub const ALL: [Self; 5] = [
        Self::Shelly1,
        Self::Shelly2,
        Self::Tasmota,
        Self::Http,
        Self::HomeAssistant,
    ];
}

/// How a plug behaves. Where an answer is spoilt, what was asked is done all the same: that is the harder case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlugMode {
    /// As documented.
    Honest,
    /// Answers after that long.
    Slow(Duration),
    /// Does nothing and answers with this status.
    Status(u16),
    /// Does nothing and answers 401, whatever the credentials.
    Unauthorized,
    /// Answers with a page for people.
    Garbage,
    /// Answers with half a body.
    Truncated,
    /// Resets the connection when it has read the request.
    Reset,
    /// Takes every command and does nothing. Asked for its state, it tells the truth.
    Ignores,
    /// Takes every command and does nothing. Asked for its state, it lies.
    Lies,
    /// Switches and forgets the time after which to switch back.
    Forgets,
    /// [`PlugModel::Http`] resets the connection of an off, and carries it out that long afterwards, whatever it was told since.
    /// [`PlugModel::HomeAssistant`] takes it, and carries it out that long afterwards unless it was told something else since.
    Late(Duration),
    /// [`PlugModel::HomeAssistant`] takes every command and does nothing, and has this state.
    Says(&'static str),
}
