//! A cycle that has run, for whoever tells of it.

use std::time::Duration;

use crate::app::act::Acted;
use crate::app::power;
use crate::logic::event::RecordOutcome;
use crate::logic::moment::Moment;
use crate::logic::observation::Observation;
use crate::logic::readiness::Readiness;
use crate::logic::records::{CHANGING, RecordSpec, RecordState, Truth};
use crate::logic::state::State;
use crate::logic::step::{Decision, Desired, Planned};
use crate::logic::units::Family;

/// A cycle that has run: everything that its report tells.
#[derive(Debug)]
pub struct Cycle<'a> {
    /// The configuration under which it ran.
    pub desired: &'a Desired<'a>,
    /// Why it ran, where it ran out of turn.
    pub started_by: Option<&'static str>,
    /// `production` or `test`.
    pub mode: &'static str,
    /// Whether it only looked.
    pub dry_run: bool,
    /// When it began.
    pub now: Moment,
    /// How long it took.
    pub elapsed: Duration,
    /// What it saw.
    pub seen: Observation,
    /// What followed from that.
    pub decision: Decision,
    /// What was done, one per record.
    pub acted: Vec<Acted>,
    /// What became of the modem's power.
    pub recovery: power::Outcome,
    /// What it leaves to the next cycle.
    pub state: State,
    /// What went wrong, one line each.
    pub errors: Vec<String>,
    /// The exit code of the command.
    pub exit_code: u8,
}

impl Cycle<'_> {
    /// Each record with what was planned and what was done.
    pub fn records(&self) -> impl Iterator<Item = (&RecordSpec, &Planned, &Acted)> {
        let planned = self.desired.records.iter().zip(&self.decision.records);
        planned
            .zip(&self.acted)
            .map(|((spec, planned), acted)| (spec, planned, acted))
    }

    /// How many records came out in each way, of the ways in which any did.
    pub fn outcomes(&self) -> impl Iterator<Item = (RecordOutcome, usize)> {
        const WAYS: [RecordOutcome; 5] = [
            RecordOutcome::Noop,
            RecordOutcome::Updated,
            RecordOutcome::Created,
            RecordOutcome::Held,
            RecordOutcome::Failed,
        ];
        let came = |way| {
            let came = self.acted.iter().map(|it| it.outcome.settled.outcome());
            (way, came.filter(|one| *one == way).count())
        };
        WAYS.into_iter().map(came).filter(|(_, count)| *count > 0)
    }

    /// The records with which something is wrong: not those that only wait, for the line or for a confirmation, unless the line is up and
    /// they wait for long. That one of two families is missing is told as such.
    pub fn troubles(&self) -> impl Iterator<Item = (&RecordSpec, Truth)> {
        let is_up = !self.decision.verdict.is_down();
        let is_ready = |readiness| readiness == Readiness::Ready;
        let is_any_ready = is_ready(self.state.readiness());
        let is_wrong = move |spec: &RecordSpec, known: &RecordState| {
            let own = self.state.machines.of(spec.kind.family()).track;
            let is_missing = is_any_ready && !is_ready(own.readiness());
            known.trouble.as_ref().is_some_and(|trouble| {
                let age = || trouble.since.elapsed(&self.now).known();
                let is_long = || age().is_some_and(|age| age >= CHANGING);
                !trouble.waits || (is_up && !is_missing && is_long())
            })
        };
        let is_any = self.state.records.values().any(|it| it.trouble.is_some());
        let records = self.desired.records.iter().filter(move |_| is_any);
        records.filter_map(move |spec| {
            let known = self.state.records.get(spec.key())?;
            is_wrong(spec, known).then(|| (spec, known.truth()))
        })
    }

    /// Whether the line of a record tells this error.
    #[must_use]
    pub fn reports(&self, error: &str) -> bool {
        self.acted
            .iter()
            .any(|acted| acted.outcome.settled.trouble().map(String::as_str) == Some(error))
    }

    /// The family on which the readiness of the whole rests: the first of those that are as ready.
    #[must_use]
    pub fn leading_family(&self) -> Family {
        let readiness = self.state.readiness();
        let mut families = self.desired.families().into_iter();
        families
            .find(|family| self.state.machines.of(*family).track.readiness() == readiness)
            .unwrap_or(Family::V4)
    }

    /// The confirmations of the address of one family, and how many it needs; never more than those.
    #[must_use]
    pub fn confirmations(&self, family: Family) -> (u32, u32) {
        let required = self.desired.policy.confirmations;
        let track = self.state.machines.of(family).track;
        (track.confirmations().min(required), required)
    }
}
