//! One file a command, and the parts of a cycle that touch the outside.

pub mod act;
mod ask;
pub mod check;
pub mod context;
#[cfg(feature = "demo")]
pub mod demo;
pub mod history;
pub mod init;
pub mod left_over;
mod lookup;
pub mod observe;
pub mod power;
pub mod probe;
pub mod reconcile;
pub mod recover;
pub mod status;
mod threads;
pub mod wire;
