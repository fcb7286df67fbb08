//! `cadence check`

use super::context::Context;
use crate::cli;
use crate::error::{EXIT_DONE, Error};

/// Runs the command.
///
/// # Errors
/// Never.
pub fn run(_context: &Context, _options: &cli::Check) -> Result<u8, Error> {
    Ok(EXIT_DONE)
}
