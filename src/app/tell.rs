//! After a cycle, with its lock free and its state on disk: receivers are told what happened, and that cadence lives. All of it takes a
//! time of its own, side by side, and no cycle fails by it.

use jiff::Timestamp;

use super::adapters::Adapters;
use super::history::Entry;
use super::threads::side_by_side;
use crate::config::Env;
use crate::config::receivers::{Heartbeat, Notify, Receivers};
use crate::logic::advice;
use crate::logic::delivery::{Home, Next, Pulse, is_urgent};
use crate::logic::event::Event;
use crate::logic::schedule;
use crate::logic::state::State;
use crate::net::Deadline;
use crate::receiver::heartbeat::{Health, Word};
use crate::receiver::{Message, Refusal, TIME};
use crate::store::receivers::{self, Told};
use crate::store::{StateDir, StoreError, history};
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
}

/// Makes a message of events, before which others may be lost, and which may be urgent.
pub type Written<'a> = dyn Fn(&[Event], bool, bool) -> Message + 'a;

/// What is to be done for one receiver.
pub enum Job<'a> {
    /// It is told how it goes.
    Beat(&'a Heartbeat, Word<'a>),
    /// It is told what happened, up to the event of this number.
    Message(&'a Notify, u64, Message),
}

/// Tells everybody; gives what went wrong, one line each. `written` makes a message of events.
///
/// # Errors
/// What is known of the receivers cannot be read or written; then nobody is told.
pub fn tell(
    adapters: &Adapters,
    env: &Env,
    dir: &StateDir,
    report: &Report<'_>,
    written: &Written<'_>,
) -> Result<Vec<String>, StoreError> {
    let receivers = &adapters.settings.receivers;
    // Whoever holds the lock tells what there is; the rest waits for the next cycle.
    let Some(_lock) = receivers::lock(dir)? else {
        return Ok(vec![]);
    };
    let (mut told, damaged) = receivers::read(dir)?;
    let damaged = damaged.map(|why| {
        let file = receivers::FILE;
        format!("{file}: {why}; receivers are told what happens from now on")
    });
    let mut warnings: Vec<String> = damaged.into_iter().collect();
    let mut is_changed = take_up(receivers, &mut told, report.state);
    let home = Home {
        is_down: report.state.outage.is_some(),
        is_unsettled: schedule::is_fast(report.state),
        is_urgent: report.state.recovery.cut.is_some()
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
    let results = carry_out(&jobs, adapters, env);
    let ended = system::now().wall;
    for (job, result) in jobs.iter().zip(results) {
        let name = job.name();
        let known = told.receivers.get_mut_or_new(name);
        match (result, job) {
            (Ok(()), Job::Beat(_, word)) => known.has_beaten(word.pulse, &word.run, ended),
            (Ok(()), Job::Message(_, last, _)) => known.was_sent(*last, ended),
            (Err(Refusal { why, said, wait }), _) => {
                let (what, fix) = advice::split(&why);
                let line = format!("{name} was not told: {what}{said}");
                warnings.push(advice::join(&line, fix));
                known.fails(why, wait, home.is_down, ended);
            }
        }
    }
    if is_changed || !jobs.is_empty() {
        // What was sent is not to be sent again; when a heartbeat was last seen may be lost.
        receivers::write(dir, &mut told, is_any_message)?;
    }
    Ok(warnings)
}

/// Forgets who is not configured any more, and takes up who is new: what was before is no news to them. Whether there are any.
fn take_up(receivers: &Receivers, told: &mut Told, state: &State) -> bool {
    let names = receivers.names();
    told.receivers.retain(|name| names.contains(&name));
    let mut is_any_new = false;
    for name in names {
        if told.receivers.get(name).is_none() {
            told.receivers.get_mut_or_new(name).told = state.seq;
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

/// Does all of it, side by side and in the time that there is.
pub fn carry_out(jobs: &[Job<'_>], adapters: &Adapters, env: &Env) -> Vec<Result<(), Refusal>> {
    let end = Deadline::after(TIME);
    let results = side_by_side(jobs, |job| match job {
        Job::Beat(heartbeat, word) => adapters.beat(env, heartbeat, word, end),
        Job::Message(notify, _, message) => adapters.notify(env, notify, message, end),
    });
    let broken = || Err(Refusal::of("its thread broke".to_owned()));
    let results = results.into_iter();
    results.map(|it| it.unwrap_or_else(broken)).collect()
}

impl Job<'_> {
    fn name(&self) -> &str {
        match self {
            Job::Beat(heartbeat, ..) => &heartbeat.name,
            Job::Message(notify, ..) => &notify.name,
        }
    }
}
