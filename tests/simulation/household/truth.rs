//! What a last look would truly be answered.

use super::hearing::{Names, OF_PORTAL, OF_SERVER};
use super::line::Portal;
use super::servers::Server;
use super::world::World;

/// What a last look would truly be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    Silence,
    Answered,
    /// Somebody lives whom nobody can ask: his name does not resolve, and it never did before.
    OutOfReach,
}

/// The last look before an off.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub at: u64,
    pub truth: Truth,
    /// What it would be answered as the off leaves.
    pub now: Truth,
}

impl Truth {
    /// Whether anybody answers now whose answer forbids a cut: whoever it is, unless the owner said that only proof counts.
    pub fn of(world: &World, names: &Names) -> Self {
        let answers = world.answers(!world.kit.limits.when_unverified);
        let known_at = match world.portal() {
            Some(Portal::ByName) => OF_PORTAL,
            Some(Portal::Everywhere | Portal::Named | Portal::Private) | None => OF_SERVER,
        };
        let is_askable = |server: &&Server| {
            server.name.is_none_or(|name| {
                let known = names.get(name).and_then(|known| known.first());
                world.resolves() || known == Some(&known_at)
            })
        };
        if answers.iter().any(is_askable) {
            Self::Answered
        } else if answers.is_empty() {
            Self::Silence
        } else {
            Self::OutOfReach
        }
    }
}

/// Whether the host can surely verify somebody now.
pub fn is_provable(world: &World) -> bool {
    let can_ask = |server: &&Server| server.name.is_none() || world.resolves();
    world.host.offset == 0 && world.portal().is_none() && world.answers(false).iter().any(can_ask)
}
