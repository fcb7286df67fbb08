//! `cadence status`: reads what the last cycle left and tells it. No lock, no network, and nothing is changed.

use jiff::tz::TimeZone;

use super::context::Context;
use crate::cli;
use crate::config::Settings;
use crate::error::{EXIT_DONE, Error};
use crate::logic::readiness::Readiness;
use crate::logic::state::{State, VERSION};
use crate::render::Form;
use crate::render::status::{
    Configured, Document, check_line, json, logfmt, no_state, pretty, unknown,
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
            context.print(&unknown(&error.to_string()))?;
            return Ok(UNKNOWN);
        }
        read => read.map_err(Error::state)?,
    };
    let document = Document::new(state.as_ref(), configured, &system::now());
    let style = &context.style;
    let text = match style.form {
        Form::Json => json(&document).map_err(Error::failed)?,
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Pretty | Form::Logfmt if options.check => check_line(&document, &state_dir),
        Form::Logfmt => logfmt(&document),
        Form::Pretty => {
            let (zone, fault) = (TimeZone::system(), fault.as_deref());
            match state {
                Some(_) => pretty(&document, fault, style, &zone),
                None => no_state(&state_dir, fault, style, &zone),
            }
        }
    };
    context.print(&text)?;
    Ok(if options.check {
        check_code(&document)
    } else {
        EXIT_DONE
    })
}

/// The configuration where it is there and right; otherwise what is wrong with it, if it is there.
fn configuration(context: &Context) -> (Option<Settings>, Option<String>) {
    match context.settings() {
        Ok(settings) => (Some(settings), None),
        Err(_) if matches!(context.config_path().try_exists(), Ok(false)) => (None, None),
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

/// What monitors take for "not known".
const UNKNOWN: u8 = 3;

/// The exit code of `--check`, as monitors read it: 0 is well, 1 a warning, 2 critical, 3 unknown.
fn check_code(document: &Document) -> u8 {
    match (document.readiness, document.stale) {
        (None, _) => UNKNOWN,
        _ if document.recovery.dark => 2,
        (Some(_), true) | (Some(Readiness::NotReady), false) => 2,
        (Some(Readiness::Init | Readiness::Probing), false) => 1,
        // Of two families one may be missing.
        (Some(Readiness::Ready), false) => {
            let mut families = document.public_ip.used();
            let is_ready = |readiness| readiness == Some(Readiness::Ready);
            u8::from(!families.all(|(_, family)| is_ready(family.readiness)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::{at, ip, machines};
    use crate::logic::readiness::Track;
    use crate::logic::state::{LastCycle, State};

    #[test]
    fn a_monitor_sees_0_only_where_every_family_is_ready_and_that_is_fresh() {
        let trusted = |address| Track::Trusted {
            address: ip(address),
            confirmations: 2,
        };
        let (v4, v6) = (trusted("11.0.0.1"), trusted("2a00::1"));
        for (ipv4, ipv6, code) in [
            (v4, v6, 0),
            (v4, Track::Init, 0),
            (v4, Track::NotReady, 1),
            (Track::Empty, v6, 1),
            (Track::Empty, Track::Init, 1),
            (Track::NotReady, Track::NotReady, 2),
        ] {
            let mut state = State::cold(&at(0));
            state.machines = machines(ipv4, ipv6);
            state.last = Some(LastCycle {
                at: at(0),
                elapsed_ms: 1,
            });
            let seen_at = |s| check_code(&Document::new(Some(&state), None, &at(s)));
            assert_eq!((seen_at(10), seen_at(9000)), (code, 2), "{ipv4:?} {ipv6:?}");
        }
        assert_eq!(check_code(&Document::new(None, None, &at(0))), 3);
        let mut dark = State::cold(&at(0));
        dark.recovery.intend(&at(0));
        dark.machines = machines(v4, v6);
        assert_eq!(check_code(&Document::new(Some(&dark), None, &at(1))), 2);
    }
}
