//! Panics while the modem is dark: wherever one is, the power comes back, and the cycle ends as a cycle does.

use std::sync::Mutex;

use super::*;
use crate::logic::fixtures;
use crate::plug::PlugStatus;

/// A plug whose operation of that name panics when the modem is dark, for the first time.
struct Breaks {
    operation: &'static str,
    times_itself: bool,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    dark: bool,
    broke: bool,
}

impl Breaks {
    fn at(operation: &'static str, times_itself: bool) -> Self {
        Self {
            operation,
            times_itself,
            inside: Mutex::default(),
        }
    }

    /// What becomes of the relay in an operation; the panic comes first where it would switch on, and last where it would not.
    fn operate(&self, operation: &str, dark: Option<bool>) -> bool {
        let mut inside = self.inside.lock().unwrap();
        if dark == Some(true) {
            inside.dark = true;
        }
        let breaks = inside.dark && !inside.broke && operation == self.operation;
        inside.broke |= breaks;
        if dark == Some(false) && !breaks {
            inside.dark = false;
        }
        let dark = inside.dark;
        drop(inside);
        assert!(!breaks, "broke in {operation}");
        dark
    }
}

impl Plug for Breaks {
    fn can_time_itself(&self) -> bool {
        self.times_itself
    }

    fn status(&self, _: Deadline) -> Result<PlugStatus, PlugError> {
        let dark = self.operate("status", None);
        Ok(PlugStatus {
            on: Some(!dark),
            ..PlugStatus::default()
        })
    }

    fn off(&self, _: Duration, _: Option<Duration>, _: Deadline) -> Result<(), PlugError> {
        self.operate("off", Some(true));
        Ok(())
    }

    fn on(&self, _: Deadline) -> Result<(), PlugError> {
        self.operate("on", Some(false));
        Ok(())
    }

    fn target(&self) -> String {
        "of a test".to_owned()
    }
}

#[test]
fn an_answer_to_the_last_look_leaves_the_power_on_and_counts_no_attempt() {
    let plug = Breaks::at("never", true);
    let mut state = State::cold(&system::now());
    let save = |_: &State| panic!("there is nothing to intend");
    let outcome = cycle(&plug, &mut state, &fixtures::limits(), &save, &|| false).unwrap();
    assert_eq!(outcome, Outcome::Suppressed(ANSWERED.to_owned()));
    assert!(
        state.recovery.looked.is_some(),
        "it is not asked at once again"
    );
    assert_eq!((state.recovery.attempts.len(), state.outbox.len()), (0, 0));
    assert!(!plug.inside.lock().unwrap().dark);
}

#[test]
fn a_panic_while_the_modem_is_dark_gives_its_power_back_and_ends_the_attempt() {
    let limits = Limits {
        off_time: Duration::from_millis(1),
        ..fixtures::limits()
    };
    for (operation, times_itself) in [
        ("off", true),
        ("off", false),
        ("status", true),
        ("on", true),
        ("on", false),
    ] {
        let plug = Breaks::at(operation, times_itself);
        let mut state = State::cold(&system::now());
        let saved = Mutex::new(vec![]);
        let save = |state: &State| {
            saved.lock().unwrap().push(state.recovery.cut.is_some());
            Ok(())
        };
        let outcome = cycle(&plug, &mut state, &limits, &save, &|| true).unwrap();
        let inside = plug.inside.lock().unwrap();
        assert!(inside.broke, "{operation}: nothing broke");
        assert!(!inside.dark, "{operation}: the modem stays dark");
        assert_eq!(outcome, Outcome::Failed(BROKE.to_owned()), "{operation}");
        assert!(state.recovery.cut.is_none(), "{operation}");
        assert_eq!(
            *saved.lock().unwrap(),
            [true],
            "{operation}: the intention comes first"
        );
    }
}
