//! The `cadence` program: parse, start the logger, run, exit.

use std::process::ExitCode;
use std::sync::Arc;

use cadence::app::timer;
use cadence::{cli, log_panics, log_to_stderr, run};
use signal_hook::flag;

fn main() -> ExitCode {
    if let Some(code) = timer::resumed(std::env::args_os()) {
        return ExitCode::from(code);
    }
    // Caught, a limit on the size of files is an error of the write, and told; otherwise it is the end of the process.
    let _ = flag::register(libc::SIGXFSZ, Arc::default());
    let cli = cli::parse();
    log_to_stderr(&cli.global);
    log_panics();
    match run::run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            for line in error.message.lines() {
                log::error!("{line}");
            }
            ExitCode::from(error.exit_code)
        }
    }
}
