//! One file a command, and the parts of a cycle that touch the outside.

pub mod act;
pub mod check;
pub mod context;
#[cfg(feature = "demo")]
pub mod demo;
pub mod history;
pub mod observe;
pub mod power;
pub mod probe;
pub mod reconcile;
pub mod recover;
pub mod status;
pub mod wire;

use crate::cli::{Cli, Command};
use crate::error::Error;
use context::Context;

/// Runs a command; the exit code, or why it could not do its work.
///
/// # Errors
/// What failed and what to do about it.
pub fn run(cli: Cli) -> Result<u8, Error> {
    let context = Context::new(cli.global);
    match cli.command {
        Command::Reconcile(options) => reconcile::run(&context, &options),
        Command::Status(options) => status::run(&context, &options),
        Command::Probe(options) => probe::run(&context, &options),
        Command::Recover(options) => recover::run(&context, &options),
        Command::History(options) => history::run(&context, &options),
        Command::Check(options) => check::run(&context, &options),
        #[cfg(feature = "demo")]
        Command::Demo(options) => demo::run(&context, &options),
    }
}
