//! Receivers, as `cadence notify` and `cadence check` tell of them: whether they can be told, what waits for them and what goes wrong; or
//! what they say to a test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::adapters::Adapters;
use super::check::finding::Finding;
use super::context::Context;
use super::tell::{self, Job, carry_out, events_of};
use crate::cli;
use crate::config::receivers::{Heartbeat, How, Notify, Place};
use crate::config::sheets::{self, Sheets, load_key};
use crate::config::{Env, load_url};
use crate::error::{EXIT_DONE, Error};
use crate::logic::advice;
use crate::logic::delivery::{Delivery, Pulse};
use crate::logic::rows::Batch;
use crate::logic::state::{State, VERSION};
use crate::logic::units::{human_ago, human_duration};
use crate::receiver::heartbeat::{Health, Word};
use crate::receiver::{self, Message, Refusal};
use crate::store::{StateDir, StoreError, receivers, state};
use crate::system;

/// Makes the test of a home.
pub type Test<'a> = dyn Fn(&str) -> Message + 'a;

/// One of the configuration.
/// What to do where there is no receiver.
const ADD: &str = "add a [[notify]] or a [[heartbeat]]: see man cadence.toml";

#[derive(Clone, Copy)]
enum One<'a> {
    Heartbeat(&'a Heartbeat),
    Notify(&'a Notify),
    Sheets(&'a Sheets),
}

/// Runs the command: a line for each.
///
/// # Errors
/// When the configuration or the state cannot be read, or a name is none of it.
pub fn run(
    context: &Context,
    options: &cli::Notify,
    message: &Test<'_>,
    columns: &str,
) -> Result<Vec<Finding>, Error> {
    let adapters = Adapters::new(context.settings()?, &context.env, &context.outside)?;
    let mut all = all(&adapters);
    let names: Vec<&str> = all.iter().map(One::name).collect();
    let known = |name: &String| names.contains(&name.as_str());
    if let Some(unknown) = options.names.iter().find(|name| !known(name)) {
        let fix = match names.as_slice() {
            [] => ADD.to_owned(),
            names => format!("use one of {}", names.join(", ")),
        };
        return Err(Error::failed(format!(
            "{}: no receiver is called {unknown}; fix: {fix}",
            adapters.settings.place()
        )));
    }
    if names.is_empty() {
        let none = "nobody is notified";
        return Ok(vec![Finding::warn("notify", none).fix(ADD)]);
    }
    all.retain(|one| options.names.is_empty() || options.names.iter().any(|it| it == one.name()));
    if !options.test {
        let dir = StateDir::existing(&context.state_dir()).map_err(Error::state)?;
        return look(&all, (&context.env, &adapters.settings.path), dir.as_ref())
            .map_err(Error::state);
    }
    Ok(send(&all, &adapters, &context.env, (message, columns)))
}

/// Sends a test to every receiver; what came back.
pub fn tested(adapters: &Adapters, env: &Env, message: &Test<'_>) -> Vec<Finding> {
    // None of them is a spreadsheet: `init` writes no such section.
    send(&all(adapters), adapters, env, (message, ""))
}

fn send(
    all: &[One<'_>],
    adapters: &Adapters,
    env: &Env,
    (message, columns): (&Test<'_>, &str),
) -> Vec<Finding> {
    let message = message(adapters.settings.home());
    let jobs = all.iter().map(|one| one.test(&message, columns));
    let jobs: Vec<Job<'_>> = jobs.collect();
    let results = carry_out(&jobs, adapters, env);
    let told = all
        .iter()
        .zip(results)
        .map(|(one, (result, _))| match result {
            Err(Refusal { why, said, .. }) => one.fails(&why, &said),
            Ok(()) => Finding::ok(one.section(), format!("{} accepted the test", one.label())),
        });
    told.collect()
}

/// How it is with every receiver; nothing is sent.
///
/// # Errors
/// When what they were told cannot be read.
pub fn findings(
    adapters: &Adapters,
    env: &Env,
    dir: Option<&StateDir>,
) -> Result<Vec<Finding>, StoreError> {
    look(&all(adapters), (env, &adapters.settings.path), dir)
}

fn all(adapters: &Adapters) -> Vec<One<'_>> {
    let configured = &adapters.settings.receivers;
    let heartbeats = configured.heartbeats.iter().map(One::Heartbeat);
    let notify = configured.notify.iter().map(One::Notify);
    let sheets = configured.sheets.iter().map(One::Sheets);
    heartbeats.chain(notify).chain(sheets).collect()
}

fn look(
    all: &[One<'_>],
    of: (&Env, &Path),
    dir: Option<&StateDir>,
) -> Result<Vec<Finding>, StoreError> {
    let (mut told, mut events) = (receivers::Told::default(), vec![]);
    let mut damaged = None;
    if let Some(dir) = dir.filter(|_| !all.is_empty()) {
        (told, damaged) = receivers::read(dir)?;
        if let Some(state) = state::read::<State>(dir, VERSION.into())? {
            events = events_of(dir, &state)?;
        }
    }
    let (unknown, now) = (Delivery::default(), system::now().wall);
    let look = |one: &One<'_>| {
        let known = told.receivers.get(one.name()).unwrap_or(&unknown);
        let waiting = match (one, dir) {
            (One::Heartbeat(_), _) | (One::Sheets(_), None) => 0,
            (One::Notify(it), _) => known.count(&events, &it.wants),
            (One::Sheets(_), Some(dir)) => tell::waiting(dir, known.rows.as_ref(), now),
        };
        one.look(of, known, waiting, now)
    };
    let damaged = damaged.map(|why| {
        let file = receivers::FILE;
        let told = format!("{file} in the state folder cannot be used: {why}");
        Finding::fail("notify", told).fix("remove it: receivers are told what happens from then on")
    });
    Ok(damaged.into_iter().chain(all.iter().map(look)).collect())
}

impl One<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Heartbeat(it) => &it.name,
            Self::Notify(it) => &it.name,
            Self::Sheets(_) => sheets::NAME,
        }
    }

    const fn section(&self) -> &'static str {
        match self {
            Self::Heartbeat(_) => "heartbeat",
            Self::Notify(_) => "notify",
            Self::Sheets(_) => sheets::NAME,
        }
    }

    const fn place(&self) -> Option<&Place> {
        match self {
            Self::Heartbeat(it) => Some(&it.place),
            Self::Notify(it) => match &it.how {
                How::Webhook { place, .. } => Some(place),
                How::Program(_) => None,
            },
            Self::Sheets(_) => None,
        }
    }

    /// Its name, with what it understands where that is not the same.
    fn label(&self) -> String {
        let name = self.name();
        let kind = match self {
            Self::Heartbeat(it) => it.preset.name,
            Self::Notify(it) => match &it.how {
                How::Webhook {
                    template: Some(_), ..
                } => "template",
                How::Webhook { preset, .. } => preset.name,
                How::Program(_) => "program",
            },
            Self::Sheets(_) => name,
        };
        if name == kind {
            name.to_owned()
        } else {
            format!("{name} ({kind})")
        }
    }

    fn fails(&self, why: &str, said: &str) -> Finding {
        let (what, fix) = advice::split(why);
        let told = Finding::fail(self.section(), format!("{}: {what}{said}", self.label()));
        fix.into_iter().fold(told, Finding::fix)
    }

    fn look(
        &self,
        (env, config): (&Env, &Path),
        known: &Delivery,
        waiting: usize,
        now: Timestamp,
    ) -> Finding {
        let secret = match self {
            Self::Sheets(it) => load_key(env, it).map(drop),
            _ => self
                .place()
                .map_or(Ok(()), |place| load_url(env, self.name(), place).map(drop)),
        };
        if let Err(why) = secret {
            return self.fails(&why, "");
        }
        if let Self::Notify(Notify {
            how: How::Program(program),
            ..
        }) = self
        {
            if !program.exists() {
                return self.fails(&receiver::program::missing(program), "");
            }
        }
        let age = |at| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        let what = match self {
            Self::Sheets(_) => "row",
            Self::Heartbeat(_) | Self::Notify(_) => "event",
        };
        let waiting = match waiting {
            0 => String::new(),
            1 => format!("; 1 {what} waits"),
            many => format!("; {many} {what}s wait"),
        };
        if let Some(failed) = known.failed {
            let (what, fix) = advice::split(&known.why);
            let left = Duration::from_secs(known.wait_s).saturating_sub(age(failed));
            let again = human_duration(left);
            let what = format!("{what}{waiting}; again in {again}");
            return self.fails(&advice::join(&what, fix), "");
        }
        let last = known.at.map_or_else(
            || "not told anything yet".to_owned(),
            |at| format!("told {}", human_ago(age(at))),
        );
        // Whoever has the secret can write there.
        let (secret, key, holder) = match (self, self.place()) {
            (Self::Sheets(it), _) => ("key", "sheets.key_file", it.key_file.as_deref()),
            (_, Some(Place::Written(_))) => ("URL", "url_file", Some(config)),
            (_, Some(Place::File(path))) => ("URL", "url_file", path.as_deref()),
            (_, None) => ("", "", None),
        };
        let is_open = |path: &&Path| {
            fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0)
        };
        if let Some(holder) = holder.filter(is_open) {
            let told = format!(
                "{}: everyone may read its {secret} in {}",
                self.label(),
                holder.display()
            );
            let fix = format!(
                "put it into a file of its own that only root and the group cadence may read, and name that in `{key}`"
            );
            return Finding::warn(self.section(), told).fix(fix);
        }
        Finding::ok(self.section(), format!("{}: {last}{waiting}", self.label()))
    }

    /// A heartbeat says that all is well, as that is what a test is to show.
    fn test<'b>(&'b self, message: &'b Message, columns: &str) -> Job<'b> {
        match self {
            Self::Heartbeat(it) => {
                let word = Word {
                    pulse: Pulse::Up,
                    health: Health {
                        exit_code: EXIT_DONE,
                        line: &message.title,
                        log: &message.body,
                        ping: None,
                    },
                    run: String::new(),
                };
                Job::Beat(it, word)
            }
            Self::Notify(it) => Job::Message(it, 0, message.clone()),
            Self::Sheets(it) => Job::Rows(it, Batch::of_test(columns, system::now().wall)),
        }
    }
}
