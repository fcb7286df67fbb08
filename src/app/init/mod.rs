//! `cadence init`: a first configuration, verified before it is written.
//!
//! `interview` asks for what the flags leave out, `verify` whether what was named is so, `draft` puts it into the sample, and
//! `files` writes it, never in the place of another file. Nothing is written before everything is known and verified; but where an
//! interview ends too soon, the secrets that were typed are kept, as they are shown nowhere and cannot be asked for again.

mod brought;
pub mod draft;
mod files;
#[cfg(feature = "import")]
mod from;
mod interview;
mod names;
mod next;
mod receiver;
#[cfg(feature = "import")]
mod running;
mod token;
mod unfit;
mod verify;

use std::path::{Path, PathBuf};

pub use files::Written;
pub use interview::{Listener, Told};
pub use next::Step;

use super::ask;
use super::check::Finding;
use super::context::Context;
use super::notify::Test;
use crate::cli;
use crate::config::{self, Mode, Token};
use crate::error::{EXIT_USAGE, Error};
use crate::logic::advice;
use crate::render::Form;
use brought::Brought;
use files::{Place, Secret};
use interview::{Interview, LEFT_OUT};

/// What was found and done.
#[derive(Debug)]
pub struct Report {
    /// The configuration.
    pub config: PathBuf,
    /// What was verified; told already where somebody was asked.
    pub findings: Vec<Finding>,
    /// Whether somebody was asked.
    pub told: bool,
    /// The files, in the order of their writing.
    pub written: Vec<Written>,
    /// A token that was there and stays.
    pub kept: Option<PathBuf>,
    /// What to do now.
    pub next: Vec<Step>,
}

/// Runs the command. Who is to be told what happens gets `message`.
///
/// # Errors
/// Something is there already, missing, not so, or cannot be written. Then nothing was written, but for secrets that were typed and
/// verified.
pub fn run(
    context: &Context,
    options: &cli::Init,
    listener: &Listener<'_>,
    message: &Test<'_>,
) -> Result<Report, Error> {
    let place = Place::find(context)?;
    let called = next::called(&place, context);
    let mut brought = brought(options)?;
    let refused = |what: &str, given: &str, expected: String| {
        let message = format!("{what} {given:?} is not an address: expected {expected}");
        Error::new(EXIT_USAGE, message)
    };
    if let Some(address) = &options.plug_address {
        config::parse_plug_address(address).map_err(|why| refused("plug", address, why))?;
    }
    if let Some(router) = &options.router {
        config::parse_router(router).map_err(|why| refused("router", router, why))?;
    }
    let untold = |error, findings: &[Finding]| untold(error, findings, context, listener);
    if let Some(error) = brought.refused.take() {
        return Err(untold(error, &brought.findings));
    }
    let found = token::find(context, options, &place, brought.token.take())?;
    let mut interview = Interview::new(context, options, &place, listener);
    if let Err(error) = interview.require_flags(brought.has_records(), found.is_some()) {
        // What another tool's file lacks is why.
        return Err(untold(error, &brought.findings));
    }
    let stop = std::mem::take(&mut brought.steps);
    let conversed = converse(&mut interview, found, brought, message);
    let token = conversed.map_err(|mut error| {
        // Without asking anybody nothing is verified.
        let mut typed = interview
            .typed
            .iter()
            .filter(|_| !options.offline)
            .peekable();
        let kept = typed.peek().is_some() && place.write(None, &interview.typed).is_ok();
        let left = if kept {
            let each = typed.map(|Secret { what, file, .. }| {
                format!("; the {what} is verified, and kept in {}", file.display())
            });
            each.collect()
        } else {
            "; nothing was written".to_owned()
        };
        error.message = advice::with(&error.message, &left);
        let is_begun = !interview.draft.records.is_empty() || !interview.pending.is_empty();
        if interview.asks {
            let again = next::again(&called, options, &interview);
            error.message = if kept || is_begun {
                let (what, _) = advice::split(&error.message);
                advice::join(what, Some(&format!("go on from here: {again}")))
            } else {
                advice::or(error.message, &format!("start again: {again}"))
            };
        }
        if interview.is_imported && !interview.asks {
            error = untold(error, &interview.findings);
        }
        if ask::is_ended() {
            log::error!("{error}");
            ask::end_as_told();
        }
        error
    })?;
    let Interview {
        asks,
        findings,
        draft,
        typed,
        given,
        ..
    } = interview;
    let stored = token::is_stored(&token);
    let secrets: Vec<Secret> = given.into_iter().chain(typed).collect();
    let written = place.write(Some(&draft.text()), &secrets)?;
    Ok(Report {
        config: place.config.clone(),
        findings,
        told: asks,
        written,
        kept: stored.then(|| place.token.clone()),
        next: [stop, next::steps(&place, &called, &draft, options.offline)].concat(),
    })
}

/// An error in the place of the report, which alone would have told what was left out where nobody is asked: it is told beside the error, to a
/// program in its document.
fn untold(mut error: Error, findings: &[Finding], context: &Context, tell: &Listener<'_>) -> Error {
    let style = &context.style;
    for it in findings.iter().filter(|it| it.check == LEFT_OUT) {
        if style.form == Form::Json {
            let told = advice::join(&it.message, it.fix.as_deref());
            error.message += &["\n", LEFT_OUT, ": ", &told].concat();
        } else if !style.quiet {
            tell(Told::Found(it));
        }
    }
    error
}

/// What is there before anybody is asked: another tool's file, or what the flags name.
fn brought(options: &cli::Init) -> Result<Brought, Error> {
    #[cfg(feature = "import")]
    if let Some(brought) = from::read(options)? {
        return Ok(brought);
    }
    Ok(Brought {
        named: names::named(options)?,
        ..Brought::default()
    })
}

/// All the questions, in their order.
fn converse(
    interview: &mut Interview<'_>,
    found: Option<Token>,
    mut brought: Brought,
    message: &Test<'_>,
) -> Result<Token, Error> {
    interview.greet();
    for finding in std::mem::take(&mut brought.findings) {
        interview.note(finding);
    }
    interview.is_imported = brought.is_imported;
    interview.is_for_new = brought.is_for_new;
    interview.router()?;
    let token = interview.token(found)?;
    let adapters = interview.adapters(Ok(token.clone()))?;
    #[cfg(feature = "import")]
    from::name(interview, &mut brought, &adapters)?;
    interview.records(brought.named, &adapters)?;
    interview.plug(&token)?;
    match brought.heartbeat.take() {
        Some((preset, url)) if interview.options.notify.is_none() => {
            receiver::imported(interview, &token, preset, &url, message)?;
        }
        _ => receiver::settle(interview, &token, message)?,
    }
    if ask::is_ended() {
        return Err(interview::no_answer());
    }
    // What is written must load, and keep the policy.
    let settings = interview.draft.settings(&interview.context.env)?;
    let stored = token::is_stored(&token);
    hold_policy(&settings, token.file().filter(|_| stored))?;
    Ok(token)
}

/// In production a broken rule would stop each cycle.
fn hold_policy(settings: &config::Settings, token_file: Option<(&Path, u32)>) -> Result<(), Error> {
    let broken = config::check_policy(settings, token_file);
    let lines: Vec<String> = broken.into_iter().map(|broken| broken.message).collect();
    if lines.is_empty() || settings.mode == Mode::Test {
        return Ok(());
    }
    Err(Error::config(lines.join("\n")))
}
