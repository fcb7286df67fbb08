//! Whoever watches the demo, and what is told to them.

use crate::app::reconcile::Cycle;
use crate::error::Error;

/// What is told while it is played, each thing as it happens.
pub enum Told<'a> {
    /// A scene begins: its number and its title.
    Scene(usize, &'static str),
    /// A cycle has run.
    Cycle(&'a Cycle<'a>),
    /// A scene has ended: what was seen in it.
    Seen(&'a str),
}

/// Whoever watches. Where it cannot be told, the demo ends.
pub type Audience<'a> = dyn FnMut(Told<'_>) -> Result<(), Error> + 'a;
