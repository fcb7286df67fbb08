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

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::render::{self, Form};
use context::Context;

/// Runs a command; the exit code, or why it could not do its work.
///
/// # Errors
/// What failed and what to do about it.
pub fn run(cli: Cli) -> Result<u8, Error> {
    let is_log = matches!(cli.command, Command::Reconcile(_));
    let context = Context::new(cli.global, is_log);
    match cli.command {
        Command::Reconcile(options) => documented(&context, reconcile::run(&context, &options)),
        Command::Status(options) => documented(&context, status::run(&context, &options)),
        Command::Probe(options) => documented(&context, probe::run(&context, &options)),
        Command::Recover(options) => documented(&context, recover::run(&context, &options)),
        Command::History(options) => history::run(&context, &options),
        Command::Init(options) => documented(&context, init::run(&context, &options)),
        Command::Check(options) => check::run(&context, &options),
        #[cfg(feature = "demo")]
        Command::Demo(options) => demo::run(&context, &options),
    }
}

/// Where one JSON document is wanted, the error that ended a command is one too: a program need not read the log.
fn documented(context: &Context, result: Result<u8, Error>) -> Result<u8, Error> {
    if let (Err(error), Form::Json) = (&result, context.style.form) {
        // The error itself goes to stderr, where this cannot be written.
        let _ = context.print(&render::error_document(error));
    }
    result
}
