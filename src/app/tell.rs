//! After a cycle, with its lock free and its state on disk: receivers are told what happened, and that cadence lives. All of it takes a
//! time of its own, side by side, and no cycle fails by it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::adapters::Adapters;
use super::history::Entry;
use super::threads::side_by_side;
use crate::config::Env;
use crate::config::receivers::{Heartbeat, Notify, Receivers};
use crate::config::sheets::{self, Sheets};
use crate::logic::advice;
use crate::logic::delivery::{Home, Next, Pulse, is_urgent};
use crate::logic::event::Event;
use crate::logic::rows::{Batch, MOST, Place, array, row};
use crate::logic::schedule;
use crate::logic::state::State;
use crate::net::Deadline;
use crate::receiver::heartbeat::{Health, Word};
use crate::receiver::{Message, Refusal, TIME};
use crate::store::receivers::{self, Told};
use crate::store::{StateDir, StoreError, history, telemetry};
use crate::system;

/// What a cycle leaves to tell.
pub struct Report<'a> {
    /// The state that it left.
    pub state: &'a State,
    /// What a monitor is told: 0 is well, 1 a change, more is wrong.
    pub code: u8,
    /// The same in words.
    pub health: Health<'a>,
    /// The minute of the local day.
    pub minute: u16,
    /// The names of the columns of telemetry.
    pub columns: &'static str,
}

/// What came of it.
#[derive(Default)]
pub struct Done {
    /// What went wrong, one line each.
    pub warnings: Vec<String>,
    /// What became of the rows, where any were to go out.
    pub rows: Option<Sent>,
}

/// Rows that went out.
pub struct Sent {
    /// How many.
    pub count: usize,
    /// How long it took.
    pub took: Duration,
    /// Why they are not known to be taken.
    pub why: Option<String>,
}

/// Makes a message of events, before which others may be lost, and which may be urgent.
pub type Written<'a> = dyn Fn(&[Event], bool, bool) -> Message + 'a;

/// What is to be done for one receiver.
pub enum Job<'a> {
    /// It is told how it goes.
    Beat(&'a Heartbeat, Word<'a>),
    /// It is told what happened, up to the event of this number.
    Message(&'a Notify, u64, Message),
    /// It gets rows.
    Rows(&'a Sheets, Batch),
}

/// Tells everybody; gives what came of it. `written` makes a message of events.
///
/// # Errors
/// What is known of the receivers cannot be read or written; then nobody is told.
pub fn tell(
    adapters: &Adapters,
    env: &Env,
    dir: &StateDir,
    report: &Report<'_>,
    written: &Written<'_>,
) -> Result<Done, StoreError> {
    let receivers = &adapters.settings.receivers;
    // Whoever holds the lock tells what there is; the rest waits for the next cycle.
    let Some(_lock) = receivers::lock(dir)? else {
        return Ok(Done::default());
    };
    let (mut told, damaged) = receivers::read(dir)?;
    let damaged = damaged.map(|why| {
        let file = receivers::FILE;
        format!("{file}: {why}; receivers are told what happens from now on")
    });
    let mut done = Done {
        warnings: damaged.into_iter().collect(),
        rows: None,
    };
    let mut is_changed = take_up(receivers, &mut told, report.state);
    let home = Home {
        is_down: report.state.outage.is_some(),
        is_unsettled: schedule::is_fast(report.state),
        is_urgent: report.state.recovery.cut.is_some()
            || report.state.ups.as_ref().is_some_and(|ups| ups.low)
            || report
                .state
                .rests()
                .any(|rest| rest.rejected_token.is_some()),
        minute: report.minute,
    };
    let now = system::now().wall;
    let mut jobs = heartbeats(receivers, &mut told, report, home, now);
    let is_behind = |it: &Notify| {
        let known = told.receivers.get(&it.name);
        known.is_some_and(|known| known.told != report.state.seq || known.sending.is_some())
    };
    let is_any_behind = receivers.notify.iter().any(is_behind);
    let beats = jobs.len();
    if is_any_behind {
        let events = events_of(dir, report.state)?;
        for notify in &receivers.notify {
            let known = told.receivers.get_mut_or_new(&notify.name);
            let is_any_lost = known.take_up(&events, report.state.seq);
            match known.next(&events, &notify.wants, home, now) {
                Next::Nothing => {
                    is_changed = true;
                    // What was on its way it no longer wants to be told; there may be more.
                    if known.sending.take().is_none() {
                        known.is_told(report.state.seq);
                    }
                }
                Next::Wait => {}
                Next::Send(last) => {
                    let waiting = known.waiting(&events, &notify.wants);
                    let waiting: Vec<Event> = waiting.cloned().collect();
                    known.sending = Some(last);
                    let is_urgent = home.is_urgent && waiting.iter().any(is_urgent);
                    let message = written(&waiting, is_any_lost, is_urgent);
                    jobs.push(Job::Message(notify, last, message));
                }
            }
        }
    }
    let is_any_message = jobs.len() > beats;
    if is_any_message {
        receivers::write(dir, &mut told, true)?;
    }
    if let Some(sheets) = &receivers.sheets {
        let known = told.receivers.get_mut_or_new(sheets::NAME);
        if known.takes_rows(sheets.every, home.is_down, now) {
            match rows(dir, known.rows.as_ref(), sheets, report.columns, now) {
                Ok(batch) => jobs.extend(batch.map(|batch| Job::Rows(sheets, batch))),
                Err(error) => done.warnings.push(error.to_string()),
            }
        }
    }
    let results = carry_out(&jobs, adapters, env);
    let ended = system::now().wall;
    for (job, (result, took)) in jobs.iter().zip(results) {
        let name = job.name();
        let known = told.receivers.get_mut_or_new(name);
        match (result, job) {
            (Ok(()), Job::Beat(_, word)) => known.has_beaten(word.pulse, &word.run, ended),
            (Ok(()), Job::Message(_, last, _)) => known.was_sent(*last, ended),
            (Ok(()), Job::Rows(_, batch)) => {
                known.has_rows(&batch.place, ended);
                done.rows = Some(Sent::of(batch, took, None));
            }
            (Err(Refusal { why, said, wait }), job) => {
                let line = advice::with(&why, &said);
                if let Job::Rows(_, batch) = job {
                    done.rows = Some(Sent::of(batch, took, Some(line)));
                } else {
                    done.warnings.push(format!("{name} was not told: {line}"));
                }
                known.fails(why, wait, home.is_down, ended);
            }
        }
    }
    if is_changed || !jobs.is_empty() {
        // What was sent is not to be sent again; when a heartbeat was last seen may be lost.
        let lasts = is_any_message || done.rows.is_some();
        receivers::write(dir, &mut told, lasts)?;
    }
    Ok(done)
}

/// The rows that are to go out now; none where there are none. Who is new gets that of this cycle and those that follow.
///
/// # Errors
/// The lines of telemetry cannot be read.
fn rows(
    dir: &StateDir,
    known: Option<&Place>,
    sheets: &Sheets,
    columns: &str,
    now: Timestamp,
) -> Result<Option<Batch>, StoreError> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let to = sheets.fingerprint();
    let read = |known: Option<&Place>| {
        let mut rows = vec![];
        let mut place = None;
        let after = known.map(|it| (it.day, it.offset));
        let is_place = telemetry::read_after(dir, after, today, &mut |line, day, offset| {
            if known.is_none() {
                rows.clear();
            }
            rows.extend(row(line));
            let more = rows.len() >= MOST;
            place = Some(Place {
                day,
                offset,
                more,
                to,
            });
            !more
        })?;
        Ok((rows, place.filter(|_| is_place), is_place))
    };
    // A clock that went back by days leaves a place that is still to come.
    let known = known.filter(|it| it.day <= today);
    let (mut rows, mut place, is_place) = read(known)?;
    if !is_place {
        (rows, place, _) = read(None)?;
    }
    let is_headed = known.is_some_and(|it| it.to == to);
    Ok(place.filter(|_| !rows.is_empty()).map(|place| Batch {
        header: (!is_headed).then(|| array(columns)),
        rows,
        place,
    }))
}

/// Forgets who is not configured any more, and takes up who is new: what was before this cycle is no news to them. Whether there are any.
fn take_up(receivers: &Receivers, told: &mut Told, state: &State) -> bool {
    let names = receivers.names();
    told.receivers.retain(|name| names.contains(&name));
    let mut is_any_new = false;
    let first = state.new_events().next();
    let before = first.map_or(state.seq, |event| event.seq.saturating_sub(1));
    for name in names {
        if told.receivers.get(name).is_none() {
            told.receivers.get_mut_or_new(name).told = before;
            is_any_new = true;
        }
    }
    is_any_new
}

/// The heartbeats that are to go out now.
fn heartbeats<'a>(
    receivers: &'a Receivers,
    told: &mut Told,
    report: &Report<'a>,
    home: Home,
    now: Timestamp,
) -> Vec<Job<'a>> {
    let is_changing = report.code == 1 && home.is_unsettled;
    let mut jobs = vec![];
    for heartbeat in &receivers.heartbeats {
        let pulse = match report.code {
            2.. => Pulse::Down,
            _ if is_changing && heartbeat.preset.start.is_some() => Pulse::Start,
            _ => Pulse::Up,
        };
        let known = told.receivers.get_mut_or_new(&heartbeat.name);
        if known.is_due(pulse, heartbeat.every, home.is_down, now) {
            let run = match pulse {
                Pulse::Start => system::random_uuid(),
                Pulse::Up | Pulse::Down => known.run.clone(),
            };
            let word = Word {
                pulse,
                health: report.health,
                run,
            };
            jobs.push(Job::Beat(heartbeat, word));
        }
    }
    jobs
}

/// Every event that is known, in order.
///
/// # Errors
/// The history cannot be read.
pub fn events_of(dir: &StateDir, state: &State) -> Result<Vec<Event>, StoreError> {
    let history = history::read::<Entry>(dir)?;
    let events = history.events.into_iter();
    let mut events: Vec<Event> = events.filter_map(|it| it.event).collect();
    // What the history could not take.
    let last = events.last().map_or(0, |event| event.seq);
    let untold = state.outbox.iter().filter(|event| event.seq > last);
    events.extend(untold.cloned());
    Ok(events)
}

/// How many rows wait; none where nothing is known of them.
#[must_use]
pub fn waiting(dir: &StateDir, known: Option<&Place>, now: Timestamp) -> usize {
    let today = TimeZone::UTC.to_datetime(now).date();
    let mut count = 0;
    let after = known.map(|it| (it.day, it.offset));
    let counted = after.map(|after| {
        telemetry::read_after(dir, Some(after), today, &mut |line, _, _| {
            count += usize::from(row(line).is_some());
            true
        })
    });
    if let Some(Err(error)) = counted {
        log::warn!("{error}");
    }
    count
}

/// Does all of it, side by side and in the time that there is; what came of each, and how long it took.
pub fn carry_out(
    jobs: &[Job<'_>],
    adapters: &Adapters,
    env: &Env,
) -> Vec<(Result<(), Refusal>, Duration)> {
    let end = Deadline::after(TIME);
    let results = side_by_side(jobs, |job| {
        let begun = Instant::now();
        let result = match job {
            Job::Beat(heartbeat, word) => adapters.beat(env, heartbeat, word, end),
            Job::Message(notify, _, message) => adapters.notify(env, notify, message, end),
            Job::Rows(sheets, batch) => adapters.append(env, sheets, batch, end),
        };
        (result, begun.elapsed())
    });
    let broken = || {
        let refusal = Refusal::of("its thread broke".to_owned());
        (Err(refusal), Duration::ZERO)
    };
    let results = results.into_iter();
    results.map(|it| it.unwrap_or_else(broken)).collect()
}

impl Sent {
    fn of(batch: &Batch, took: Duration, why: Option<String>) -> Self {
        let count = batch.rows.len();
        Self { count, took, why }
    }
}

impl Job<'_> {
    fn name(&self) -> &str {
        match self {
            Job::Beat(heartbeat, ..) => &heartbeat.name,
            Job::Message(notify, ..) => &notify.name,
            Job::Rows(..) => sheets::NAME,
        }
    }
}
