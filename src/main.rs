//! The `cadence` program: parse, start the logger, run, exit.

use std::process::ExitCode;

use cadence::cli::Cli;
use cadence::{app, log_to_stderr};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(&cli.global);
    match app::run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            for line in error.message.lines() {
                log::error!("{line}");
            }
            ExitCode::from(error.exit_code)
        }
    }
}
