//! What `app/act.rs` does about one record, against the simulated outside: each intention is on disk before the deed.

use std::net::IpAddr;

use cadence::logic::moment::Moment;
use cadence::logic::provider::{ApiError, ApiErrorKind, Found};
use cadence::logic::records::{Instead, Layer, Next, RecordSpec, Settled, Write, WriteFate};
use cadence::logic::state::State;
use cadence::logic::step::{Desired, Planned};

use super::WriteAnswer;

/// The fingerprint of the token that all simulated cycles use.
const TOKEN: u32 = 1;

/// What a home can do about a record.
pub trait Deeds {
    /// The process ended in the middle of it.
    type Killed;

    /// Puts an intention on disk.
    fn keep(&mut self, state: &State) -> Result<(), Self::Killed>;
    /// What public DNS answers, where it does.
    fn public_dns(&mut self) -> Option<Vec<IpAddr>>;
    /// What the API says of the record.
    fn read(&mut self) -> Result<Vec<Found>, ApiError>;
    /// Writes the record.
    fn write(&mut self, wanted: IpAddr) -> Result<WriteAnswer, Self::Killed>;
}

/// Settles one record.
pub fn act<D: Deeds>(
    home: &mut D,
    state: &mut State,
    spec: &RecordSpec,
    planned: &Planned,
    now: &Moment,
    desired: &Desired<'_>,
) -> Result<Settled, D::Killed> {
    let mut next = planned.next.clone();
    let Some(wanted) = planned.wanted else {
        let Next::Done(settled) = next else {
            panic!("nothing is wanted, and {next:?}")
        };
        return Ok(settled);
    };
    let remembered = state.records.get(spec.key()).cloned().unwrap_or_default();
    let reconciliation = desired.reconcile(spec, &remembered, wanted, now);
    loop {
        next = match next {
            Next::Done(settled) => {
                if matches!(
                    settled,
                    Settled::Right {
                        layer: Layer::Api,
                        ..
                    } | Settled::Written(_)
                ) {
                    state.answered(&state.about(spec));
                }
                return Ok(settled);
            }
            Next::AskDoh => {
                let answer = home.public_dns();
                reconciliation.after_doh(answer.as_deref())
            }
            Next::AskApi => {
                if let Some(held) = state.at_rest(&state.about(spec), TOKEN, false, now) {
                    return Ok(held);
                }
                match home.read() {
                    Ok(found) => reconciliation.after_read(&found),
                    Err(error) => Next::Done(failed(state, spec, &error, WriteFate::None, now)),
                }
            }
            Next::Write(write) => {
                state
                    .records
                    .get_mut_or_new(spec.key())
                    .intend(write.replacement(wanted, now));
                home.keep(state)?;
                let answer = home.write(wanted)?;
                Next::Done(conclude(state, spec, write, answer, now))
            }
        };
    }
}

fn conclude(
    state: &mut State,
    spec: &RecordSpec,
    write: Write,
    answer: WriteAnswer,
    now: &Moment,
) -> Settled {
    let error = |kind| ApiError {
        kind,
        message: "the API failed".to_owned(),
    };
    match answer {
        WriteAnswer::Applied => Settled::Written(write),
        WriteAnswer::Lost => failed(
            state,
            spec,
            &error(ApiErrorKind::Unconfirmed {
                retry_after: None,
                is_told: false,
            }),
            WriteFate::InDoubt,
            now,
        ),
        WriteAnswer::Refused => failed(
            state,
            spec,
            &error(ApiErrorKind::RateLimited { retry_after: None }),
            WriteFate::NotApplied,
            now,
        ),
    }
}

fn failed(
    state: &mut State,
    spec: &RecordSpec,
    error: &ApiError,
    write: WriteFate,
    now: &Moment,
) -> Settled {
    let about = state.about(spec);
    let reason = state.back_off(&error.kind, &about, &error.message, TOKEN, now);
    let found = Instead::Unread;
    Settled::Failed {
        reason,
        write,
        found,
    }
}
