use std::time::Duration;

use serde::Serialize;

use super::event::RecordOutcome;
use super::line::Reason;
use super::observation::FailureClass;
use super::readiness::Readiness;
use super::records::{CacheStatus, Layer};
use super::units::{Family, RecordType, human_duration};
use super::verdict::Verdict;

/// Each of these, by the name that it has in a document and by that in state and history.
fn named<T: Copy + Serialize>(all: &[T], name: impl Fn(T) -> &'static str) {
    for it in all {
        assert_eq!(serde_json::to_value(it).unwrap(), name(*it));
    }
}

#[test]
fn whatever_is_told_has_one_name_in_documents_state_and_history() {
    named(
        &[
            Reason::Clock,
            Reason::UnknownAuthority,
            Reason::Portal,
            Reason::NotTls,
            Reason::Blocked,
            Reason::RouterPage,
            Reason::NobodyAsked,
        ],
        Reason::as_str,
    );
    named(
        &[
            FailureClass::FastFail,
            FailureClass::SlowFail,
            FailureClass::Timeout,
        ],
        FailureClass::as_str,
    );
    named(
        &[
            Readiness::Init,
            Readiness::Probing,
            Readiness::Ready,
            Readiness::NotReady,
        ],
        Readiness::as_str,
    );
    named(&[Family::V4, Family::V6], Family::as_str);
    named(&[RecordType::A, RecordType::Aaaa], RecordType::as_str);
    named(&[Layer::Cache, Layer::Doh, Layer::Api], Layer::as_str);
    named(
        &[
            CacheStatus::Hit,
            CacheStatus::Miss,
            CacheStatus::Expired,
            CacheStatus::Mismatch,
            CacheStatus::Skipped,
        ],
        CacheStatus::as_str,
    );
    named(
        &[
            RecordOutcome::Noop,
            RecordOutcome::Updated,
            RecordOutcome::Created,
            RecordOutcome::Held,
            RecordOutcome::Failed,
        ],
        RecordOutcome::as_str,
    );
    named(
        &[
            Verdict::Healthy,
            Verdict::Degraded,
            Verdict::Unverified,
            Verdict::WanDown,
            Verdict::RouterDown,
            Verdict::HostDown,
        ],
        Verdict::as_str,
    );
}

/// "Resource Record (RR) TYPEs" of IANA's DNS parameters.
#[test]
fn a_record_type_has_its_number_in_dns() {
    assert_eq!((RecordType::A.number(), RecordType::Aaaa.number()), (1, 28));
}

#[test]
fn a_whole_unit_is_told_as_one() {
    for (seconds, told) in [
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (86_400, "1 d"),
    ] {
        assert_eq!(human_duration(Duration::from_secs(seconds)), told);
    }
}
