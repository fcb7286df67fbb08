//! One file a command, and the parts of a cycle that touch the outside.

pub mod act;
pub mod context;
pub mod observe;
pub mod reconcile;
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
        _ => Ok(0),
    }
}
