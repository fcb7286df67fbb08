//! `cadence status`: reads what the last cycle left and tells it. No lock, no network, and nothing is changed.

use jiff::tz::TimeZone;

use super::context::Context;
use crate::cli;
use crate::config::Settings;
use crate::error::{EXIT_DONE, Error};
use crate::logic::state::{State, VERSION};
use crate::render::Form;
use crate::render::status::{
    Configured, Document, json, logfmt, monitor, no_state, pretty, unknown,
};
use crate::store::{StateDir, state};
use crate::system;

/// Runs the command.
///
/// # Errors
/// When the state cannot be read or used.
pub fn run(context: &Context, options: &cli::Status) -> Result<u8, Error> {
    let (settings, fault) = configuration(context);
    let limits = settings.as_ref().map(|settings| settings.recovery.limits());
    let configured = settings
        .as_ref()
        .zip(limits.as_ref())
        .map(|(settings, recovery)| Configured {
            records: &settings.records,
            policy: &settings.policy,
            recovery,
        });
    let state_dir = context.state_dir();
    let read = || match StateDir::existing(&state_dir)? {
        Some(dir) => state::read::<State>(&dir, VERSION.into()),
        None => Ok(None),
    };
    let state = match read() {
        Err(error) if options.check => {
            let told = unknown(&error.to_string());
            context.print(&told.line)?;
            return Ok(told.code);
        }
        read => read.map_err(Error::state)?,
    };
    let document = Document::new(state.as_ref(), configured, &system::now());
    let told = options.check.then(|| monitor(&document, &state_dir));
    let style = &context.style;
    let text = match (style.form, &told) {
        (Form::Json, _) => json(&document).map_err(Error::failed)?,
        (Form::Pretty | Form::Logfmt, _) if style.quiet => String::new(),
        (Form::Pretty | Form::Logfmt, Some(told)) => told.line.clone(),
        (Form::Logfmt, None) => logfmt(&document),
        (Form::Pretty, None) => {
            let (zone, fault) = (TimeZone::system(), fault.as_deref());
            match state {
                Some(_) => pretty(&document, fault, style, &zone),
                None => no_state(&state_dir, settings.is_some(), fault, style, &zone),
            }
        }
    };
    context.print(&text)?;
    Ok(told.map_or(EXIT_DONE, |told| told.code))
}

/// The configuration where it is there and right; otherwise what is wrong with it, if it is there, or was named and is not.
fn configuration(context: &Context) -> (Option<Settings>, Option<String>) {
    match context.settings() {
        Ok(settings) => (Some(settings), None),
        // Nobody named it.
        Err(_)
            if !context.names_config()
                && matches!(context.config_path().try_exists(), Ok(false)) =>
        {
            (None, None)
        }
        Err(error) => {
            let mut problems = error.message.lines();
            let first = problems.next().unwrap_or_default().to_owned();
            let fault = match problems.count() {
                0 => first,
                more => format!("{first} (and {more} more: cadence check)"),
            };
            (None, Some(fault))
        }
    }
}
