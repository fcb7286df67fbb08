//! One file a command, and the parts of a cycle that touch the outside.

pub mod act;
pub mod adapters;
pub mod ahead;
pub mod ask;
pub mod check;
pub mod context;
#[cfg(feature = "demo")]
pub mod demo;
pub mod forward;
pub mod hint;
pub mod history;
pub mod init;
mod lookup;
pub mod notify;
pub mod observe;
pub mod pending_cut;
pub mod power;
pub mod probe;
pub mod reconcile;
pub mod recover;
mod remembered;
pub mod report;
pub mod status;
pub mod tell;
mod threads;
pub mod timer;
pub mod vpn;
