//! What takes long is begun before it is known to be needed, beside the look at the line: what this cycle asks for if it sees what is to be
//! expected. It is used where the rules ask for it, and thrown away where they do not.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::adapters::Adapters;
use super::lookup::{Lookup, Read};
use super::threads::few_at_a_time;
use crate::logic::moment::Moment;
use crate::logic::records::{Next, RecordSpec};
use crate::logic::state::State;
use crate::logic::step::Desired;
use crate::net::Deadline;

/// So many connections to a DNS over HTTPS server serve any number of records.
const DOH_CONNECTIONS: usize = 4;

/// What public DNS answers for a record, none where no server did; and how long that took.
pub type Shown = (Option<Vec<IpAddr>>, Duration);

/// What was read ahead.
#[derive(Default)]
pub struct Ahead {
    /// What public DNS answers, one per record; empty where it was asked about none.
    pub shown: Vec<Option<Shown>>,
    /// What the provider holds.
    pub read: Read,
}

impl Ahead {
    /// Reads what each record is [foreseen](crate::logic::step::foresee) to need first.
    pub fn read(
        adapters: &Adapters,
        desired: &Desired<'_>,
        state: &State,
        foreseen: &[Option<Next>],
        now: &Moment,
        deadline: Deadline,
    ) -> Self {
        let records = desired.records.iter().zip(foreseen);
        let asked = |next: &Option<Next>| *next == Some(Next::AskApi);
        let at_provider = records.clone().filter(|(_, next)| asked(next));
        let at_provider = at_provider.map(|(spec, _)| spec);
        // The first of those that waited longest, as it is the first to be looked at.
        let from_the_end = at_provider.rev();
        let longest = from_the_end.max_by_key(|spec| state.waited(spec, now));
        let read = longest.and_then(|first| {
            let lookup = Lookup::by(adapters, Read::default(), desired, now, deadline).ok()?;
            // What is in trouble may be asked for as well, and is in the same pages.
            let others = records.filter(|(_, next)| next.is_none() || asked(next));
            let mut others = others.map(|(spec, _)| spec);
            lookup.read_ahead(state, first, &mut others);
            Some(lookup.into_read())
        });
        let public_dns = |spec: &RecordSpec| adapters.public_dns(spec, deadline);
        let is_asked = |at: usize| foreseen.get(at) == Some(&Some(Next::AskDoh));
        Self {
            shown: ask_public_dns(desired.records, is_asked, &public_dns),
            read: read.unwrap_or_default(),
        }
    }
}

/// Asks public DNS about some of the records; empty where it is about none.
pub fn ask_public_dns(
    records: &[RecordSpec],
    is_asked: impl Fn(usize) -> bool,
    public_dns: &(dyn Fn(&RecordSpec) -> Option<Vec<IpAddr>> + Sync),
) -> Vec<Option<Shown>> {
    let places: Vec<usize> = (0..records.len()).filter(|at| is_asked(*at)).collect();
    if places.is_empty() {
        return vec![];
    }
    let answers = few_at_a_time(DOH_CONNECTIONS, &places, |at| {
        let begun = Instant::now();
        let shown = records.get(*at).and_then(public_dns);
        (shown, begun.elapsed())
    });
    let mut shown: Vec<Option<Shown>> = records.iter().map(|_| None).collect();
    for (at, answer) in places.into_iter().zip(answers) {
        if let Some(shown) = shown.get_mut(at) {
            *shown = answer;
        }
    }
    shown
}
