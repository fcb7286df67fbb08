//! Runs the command that was asked for, and prints what it found. Commands return values, `render` makes text of them, and here both meet.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::app::adapters::Adapters;
use crate::app::context::Context;
#[cfg(feature = "demo")]
use crate::app::demo;
use crate::app::reconcile::Cycle;
use crate::app::{
    ask, check, forward, history, init, notify, probe, reconcile, recover, report, status, tell,
    timer,
};
use crate::called;
use crate::cli::{self, Cli, Command};
use crate::error::{EXIT_DONE, EXIT_LOCKED, Error};
use crate::logic::advice;
use crate::logic::event::Event;
use crate::net::http;
use crate::receiver::Message;
use crate::receiver::heartbeat::Health;
use crate::render::cycle::csv;
use crate::render::{self, Form, Style};
use crate::store::{StateDir, telemetry, textfile};
use crate::system;

/// Runs a command; the exit code, or why it could not do its work. A cycle needs no room on the stack for what the other commands do, so those
/// are not inlined.
///
/// # Errors
/// What failed and what to do about it.
pub fn run(cli: Cli) -> Result<u8, Error> {
    let is_log = matches!(cli.command, Command::Reconcile(_));
    let context = Context::new(cli.global, is_log);
    called::remember(context.called());
    match cli.command {
        Command::Reconcile(options) => {
            let result = reconcile(&context, &options);
            if options.tell_timer {
                match &result {
                    Ok(_) => timer::tell(&context),
                    // Another cycle runs: that is as good, and no trouble.
                    Err(error) if error.exit_code == EXIT_LOCKED => return Ok(EXIT_LOCKED),
                    Err(_) => {}
                }
            }
            documented(&context, result)
        }
        Command::Status(options) => documented(&context, status(&context, &options)),
        Command::Probe(options) => documented(&context, probe(&context, &options)),
        Command::Recover(options) if options.left_over => timer::end_left_over(&context),
        Command::Recover(options) => documented(&context, recover(&context, &options)),
        Command::History(options) => history(&context, &options),
        Command::Report(options) => documented(&context, report(&context, &options)),
        Command::Forward(options) => documented(&context, forward(&context, &options)),
        Command::Metrics => metrics(&context),
        Command::Notify(options) => documented(&context, notify(&context, &options)),
        Command::Init(options) => documented(&context, init(&context, &options)),
        Command::Check(options) => check(&context, &options),
        Command::Timer => timer::run(&context),
        #[cfg(feature = "demo")]
        Command::Demo(_) => demo(&context),
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

fn reconcile(context: &Context, options: &cli::Reconcile) -> Result<u8, Error> {
    let Some(adapters) = reconcile::prepare(context, options)? else {
        return Ok(EXIT_DONE);
    };
    let desired = reconcile::desired(&adapters, options);
    let (mut cycle, dir) = reconcile::run(&adapters, &desired, &context.state_dir(), options)?;
    cycle.started_by = context.started_by();
    let joined = !cycle.errors.is_empty() && log_joins_report(context.style);
    let reported = |error: &&String| joined && cycle.reports(error);
    for error in cycle.errors.iter().filter(|error| !reported(error)) {
        log::error!("{error}");
    }
    context.print(&render::cycle::report(&cycle, &context.style))?;
    if let Some(dir) = dir {
        let settings = &adapters.settings;
        keep(&dir, settings.keep, &cycle);
        tell(context, &adapters, &dir, &cycle);
        // Of whoever is asked before, the cycle itself tells it.
        let vouching = adapters.vouching(&cycle.now).filter(|it| it.unasked);
        if let (Some(roots), None) = (vouching, &cycle.state.roots) {
            log::warn!("{}", roots.told());
        }
        if let Some(path) = &settings.textfile {
            let dir = dir.path();
            let text = render::status::metrics_of(&cycle.state, settings, dir, &cycle.now);
            if let Err(error) = textfile::replace(path, &text) {
                let error = error.to_string();
                let fix = "let metrics.textfile name a file in a folder where the user who runs the cycles can write";
                log::warn!("{}", advice::join(advice::split(&error).0, Some(fix)));
            }
        }
    }
    let code = cycle.exit_code;
    // The process ends: the kernel takes back what a thousand records hold quicker than they are let go of one by one.
    std::mem::forget(cycle);
    std::mem::forget(adapters);
    Ok(code)
}

/// Tells receivers what happened. The lock is free by then, as above.
fn tell(context: &Context, adapters: &Adapters, dir: &StateDir, cycle: &Cycle<'_>) {
    let settings = &adapters.settings;
    if settings.receivers.is_empty() {
        return;
    }
    let (now, zone) = (system::now(), TimeZone::system());
    let seen = render::status::monitor_of(&cycle.state, settings, dir.path(), &now);
    let line = seen.line.trim_end();
    let log = [&[line.to_owned()], cycle.errors.as_slice()]
        .concat()
        .join("\n");
    let wan = &cycle.seen.wan;
    let report = tell::Report {
        state: &cycle.state,
        code: seen.code,
        health: Health {
            exit_code: cycle.exit_code,
            line,
            log: &log,
            ping: wan.ok().then_some(wan.elapsed.as_millis()),
        },
        minute: render::minute_of_day(now.wall, &zone),
        columns: csv::COLUMNS,
    };
    let home = settings.home();
    let written = |events: &[Event], lost, is_urgent| {
        render::message::message(events, lost, is_urgent, home, (now.wall, &zone))
    };
    match tell::tell(adapters, &context.env, dir, &report, &written) {
        Ok(done) => {
            for warning in &done.warnings {
                log::warn!("{warning}");
            }
            if let Some(sent) = done.rows {
                let line = render::cycle::rows(&sent, system::now().wall, &context.style);
                match (line, sent.why) {
                    (None, Some(why)) => log::warn!("sheets did not get its rows: {why}"),
                    // What a cycle prints was printed before.
                    (line, _) => drop(context.print(&line.unwrap_or_default())),
                }
            }
        }
        Err(error) => log::warn!("{error}"),
    }
}

/// Whom cadence tells what happens; or a test of that.
#[inline(never)]
fn notify(context: &Context, options: &cli::Notify) -> Result<u8, Error> {
    let findings = notify::run(context, options, &test_message, csv::COLUMNS)?;
    let checked = check::Checked::of(findings);
    context.print(&render::check::report(&checked.findings, &context.style))?;
    Ok(checked.exit_code())
}

/// What a receiver is told as a test.
fn test_message(home: &str) -> Message {
    let now = system::now().wall;
    render::message::message(&[], false, false, home, (now, &TimeZone::UTC))
}

/// Keeps a line of the cycle for that long. The lock is free by then: no cycle waits for it, and none fails by it.
fn keep(dir: &StateDir, time: Duration, cycle: &Cycle<'_>) {
    if time.is_zero() {
        return;
    }
    let (today, line) = (cycle.now.wall, csv::line(cycle, http::sent()));
    let day = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
    let first = today.checked_sub(time).map_or(Date::MIN, day);
    if let Err(error) = telemetry::append(dir, [csv::COLUMNS, &line], day(today), first) {
        log::warn!("{error}");
    }
}

/// Whether the report of a cycle and the log end in the same place, as on a terminal or in the journal: then an error
/// that the report tells is not told there once more.
fn log_joins_report(style: Style) -> bool {
    style.form != Form::Json && !style.quiet && system::is_one_output()
}

#[inline(never)]
fn status(context: &Context, options: &cli::Status) -> Result<u8, Error> {
    let (text, code) = match status::run(context) {
        Ok(known) => {
            render::status::report(&known, options.check, &context.style, &TimeZone::system())
        }
        Err(error) if options.check.is_some() => {
            let told = render::status::unknown(&error.to_string());
            // To Docker, 1 is unhealthy, and all else its own affair.
            let is_alive = options.check == Some(cli::Checked::Alive);
            (told.line, if is_alive { 1 } else { told.code })
        }
        Err(error) => return Err(Error::state(error)),
    };
    context.print(&text)?;
    Ok(code)
}

/// As they are for whoever asks now; a cycle writes the same into `metrics.textfile`.
fn metrics(context: &Context) -> Result<u8, Error> {
    let known = status::run(context).map_err(Error::state)?;
    context.print(&render::status::metrics(&known))?;
    Ok(EXIT_DONE)
}

/// The port forwards: all of them, or what became of their removal.
#[inline(never)]
fn forward(context: &Context, options: &cli::Forward) -> Result<u8, Error> {
    let checked = check::Checked::of(forward::run(context, options)?);
    context.print(&render::check::report(&checked.findings, &context.style))?;
    Ok(checked.exit_code())
}

#[inline(never)]
fn probe(context: &Context, options: &cli::Probe) -> Result<u8, Error> {
    let probed = probe::run(context, options)?;
    context.print(&render::probe::report(&probed, &context.style))?;
    Ok(EXIT_DONE)
}

#[inline(never)]
fn history(context: &Context, options: &cli::History) -> Result<u8, Error> {
    let listed = history::run(context, options)?;
    let text = render::history::report(&listed, &context.style, &TimeZone::system());
    context.print(&text)?;
    Ok(EXIT_DONE)
}

/// The page goes to the file that is named, or to a stdout that is one; where one looks on, it is told in a few lines.
#[inline(never)]
fn report(context: &Context, options: &cli::Report) -> Result<u8, Error> {
    let (zone, style) = (TimeZone::system(), &context.style);
    let Some(report) = report::run(context, options, &zone)? else {
        return Err(Error::failed(report::nothing(context)));
    };
    let told = render::report::report(&report, style, &zone);
    let page = || render::report::page(&report, &zone);
    let is_any_form = context.is_any_form();
    match options.output.as_deref() {
        Some(path) if path != Path::new("-") => {
            let is_told = matches!(style.form, Form::Json | Form::Logfmt);
            report::save(path, &if is_told { told } else { page() })?;
        }
        Some(_) if is_any_form => context.print(&page())?,
        None if is_any_form && !style.quiet && !io::stdout().is_terminal() => {
            context.print(&page())?;
        }
        Some(_) | None => context.print(&told)?,
    }
    Ok(EXIT_DONE)
}

#[inline(never)]
fn check(context: &Context, options: &cli::Check) -> Result<u8, Error> {
    if options.show_config {
        return documented(context, show_config(context));
    }
    let checked = check::run(context, options);
    context.print(&render::check::report(&checked.findings, &context.style))?;
    Ok(checked.exit_code())
}

/// The configuration in force; it is not said whether it works.
fn show_config(context: &Context) -> Result<u8, Error> {
    let in_force = context.in_force()?;
    let path = context.config_path();
    context.print(&render::in_force::report(&in_force, &path, &context.style))?;
    Ok(EXIT_DONE)
}

/// A power cycle by hand. How long the modem stays dark is told beside the question.
#[inline(never)]
fn recover(context: &Context, options: &cli::Recover) -> Result<u8, Error> {
    let style = &context.style;
    let is_for_people = style.form == Form::Pretty && !style.quiet;
    let done = recover::run(context, options, &|told| match told {
        recover::Told::Plan(plan) if is_for_people => {
            context.print(&render::recover::plan(plan, style))
        }
        recover::Told::Dark(off_time) if !style.quiet && ask::can_ask() => {
            ask::tell(&render::recover::dark(system::now().wall, off_time));
            Ok(())
        }
        recover::Told::Plan(_) | recover::Told::Dark(_) => Ok(()),
    })?;
    context.print(&render::recover::report(&done, style))?;
    if let recover::Done::Cycle {
        outcome,
        is_wanted,
        untold,
        ..
    } = &done
    {
        let is_untold = !is_wanted && style.form != Form::Json;
        if let Some(why) = outcome.reason().filter(|_| is_untold) {
            log::error!("power cycle: {why}");
        }
        if let Some(error) = untold {
            log::error!("{error}");
        }
    }
    Ok(done.exit_code())
}

/// The first configuration; what is told beside the questions goes where they go.
#[inline(never)]
fn init(context: &Context, options: &cli::Init) -> Result<u8, Error> {
    let style = &context.style;
    let listener = |told: init::Told<'_>| ask::tell(&render::init::told(&told, style));
    let report = init::run(context, options, &listener, &test_message)?;
    context.print(&render::init::report(&report, style))?;
    Ok(EXIT_DONE)
}

/// The demo, at a pace that a person can follow where one watches.
#[cfg(feature = "demo")]
fn demo(context: &Context) -> Result<u8, Error> {
    let style = &context.style;
    let is_watched = io::stdout().is_terminal();
    let is_told = style.form != Form::Json && !style.quiet;
    let played = demo::run(&mut |told| {
        if is_told {
            context.print(&render::demo::told(&told, style))?;
            if is_watched {
                system::sleep(render::demo::pause(&told));
            }
        }
        Ok(())
    });
    if style.form == Form::Json {
        context.print(&render::demo::document(&played))?;
    } else if is_told && played.error.is_none() {
        context.print(&render::demo::ending(&played, style))?;
    }
    played.error.map_or(Ok(EXIT_DONE), Err)
}
