//! Panics while the modem is dark: wherever one is, the power comes back, and the cycle ends as a cycle does.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::logic::event::EventKind;
use crate::logic::fixtures;
use crate::logic::moment::Moment;
use crate::plug::{Pin, PlugError};

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
fn whatever_but_silence_comes_of_the_last_look_leaves_the_power_on_and_counts_no_attempt() {
    // That somebody answered is not asked at once again.
    for (heard, told, is_known) in [
        (LastLook::Answer, "a server answered the final check", true),
        (
            LastLook::Unasked,
            "the servers could not all be asked in",
            false,
        ),
        (LastLook::Stopped, "cadence was stopped during", false),
    ] {
        let plug = Breaks::at("never", true);
        let mut state = State::cold(&system::now());
        let save = |_: &State| panic!("there is nothing to intend");
        let outcome = cycle(&plug, &mut state, &fixtures::limits(), &save, &|| heard).unwrap();
        let Outcome::Suppressed(why) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(why.starts_with(told), "{why}");
        assert_eq!(state.recovery.looked.is_some(), is_known, "{why}");
        assert_eq!((state.recovery.attempts.len(), state.outbox.len()), (0, 0));
        assert!(!plug.inside.lock().unwrap().dark);
    }
}

/// A plug that is not the one that was pinned, and is on.
struct Stranger;

impl Plug for Stranger {
    fn can_time_itself(&self) -> bool {
        true
    }

    fn status(&self, _: Deadline) -> Result<PlugStatus, PlugError> {
        Ok(PlugStatus {
            on: Some(true),
            id: Some("A8032ABE54DD".to_owned()),
            ..PlugStatus::default()
        })
    }

    fn off(&self, _: Duration, _: Option<Duration>, _: Deadline) -> Result<(), PlugError> {
        panic!("a stranger is left alone")
    }

    fn on(&self, _: Deadline) -> Result<(), PlugError> {
        panic!("a stranger is left alone")
    }

    fn target(&self) -> String {
        "of a freezer".to_owned()
    }

    fn pin(&self) -> Pin<'_> {
        Pin::To("A8032ABE54DC")
    }
}

#[test]
fn that_another_device_is_on_says_nothing_of_the_plug() {
    let now = system::now();
    let mut state = State::cold(&now);
    state.recovery.away = Some(Moment {
        since_boot_ms: 0,
        ..now
    });
    let limits = Limits {
        restore_after: Duration::from_millis(1),
        ..fixtures::limits()
    };
    let waits = Decision::Suppressed("it waits".to_owned());
    let save = |_: &State| panic!("there is nothing to intend");
    let outcome = carry_out(
        &waits,
        Ok(&Stranger),
        &mut state,
        &limits,
        Some(&save),
        &|| LastLook::Silence,
    );
    let why = "the plug of a freezer: another device answers there: it says it is A8032ABE54DD, and the plug to \
               be switched is A8032ABE54DC; fix: correct recovery.address, or recovery.plug_id where the plug was replaced";
    assert_eq!(outcome.unwrap(), Outcome::Suppressed(why.to_owned()));
    assert_eq!(state.recovery.plug_seen, None, "the plug may be off");
}

/// Another device in place of the plug of a cut: the first question to it is lost, and it is on.
#[derive(Default)]
struct Mumbles {
    asked: AtomicBool,
}

impl Plug for Mumbles {
    fn can_time_itself(&self) -> bool {
        true
    }

    fn status(&self, deadline: Deadline) -> Result<PlugStatus, PlugError> {
        if self.asked.swap(true, Ordering::Relaxed) {
            Stranger.status(deadline)
        } else {
            Err(PlugError {
                message: "timed out".to_owned(),
                maybe_done: false,
            })
        }
    }

    fn off(&self, _: Duration, _: Option<Duration>, _: Deadline) -> Result<(), PlugError> {
        panic!("a stranger is left alone")
    }

    fn on(&self, _: Deadline) -> Result<(), PlugError> {
        Ok(())
    }

    fn target(&self) -> String {
        Stranger.target()
    }

    fn pin(&self) -> Pin<'_> {
        Stranger.pin()
    }
}

#[test]
fn a_cut_is_not_over_because_another_device_is_on() {
    let mut state = State::cold(&system::now());
    state.recovery.intend(&system::now());
    let why = restore(Ok(&Mumbles::default()), &mut state, Duration::ZERO)
        .unwrap()
        .unwrap_err();
    assert!(why.contains("another device answers there"), "{why}");
    assert!(state.recovery.cut.is_some(), "the next cycle tries again");
}

/// A plug that cannot tell whether it is on, and refuses to switch off.
struct Refuses;

impl Plug for Refuses {
    fn can_time_itself(&self) -> bool {
        false
    }

    fn status(&self, _: Deadline) -> Result<PlugStatus, PlugError> {
        Ok(PlugStatus::default())
    }

    fn off(&self, _: Duration, _: Option<Duration>, _: Deadline) -> Result<(), PlugError> {
        Err(PlugError {
            message: "no".to_owned(),
            maybe_done: false,
        })
    }

    fn on(&self, _: Deadline) -> Result<(), PlugError> {
        Ok(())
    }

    fn target(&self) -> String {
        "of a test".to_owned()
    }
}

#[test]
fn an_off_that_was_refused_is_no_attempt_and_the_on_after_it_may_have_started_the_modem() {
    let mut state = State::cold(&system::now());
    let limits = fixtures::limits();
    let outcome = cycle(&Refuses, &mut state, &limits, &|_| Ok(()), &|| {
        LastLook::Silence
    })
    .unwrap();
    assert_eq!(outcome, Outcome::Failed("no".to_owned()));
    assert_eq!(
        (state.recovery.attempts.len(), state.recovery.cut),
        (0, None)
    );
    assert!(state.recovery.powered.is_some());
}

/// A plug that carries out an off later than anybody waits for it, as one over the air or behind a cloud.
#[derive(Default)]
struct Late(AtomicBool);

impl Plug for Late {
    fn can_time_itself(&self) -> bool {
        false
    }

    fn status(&self, _: Deadline) -> Result<PlugStatus, PlugError> {
        Ok(PlugStatus {
            on: Some(!self.0.load(Ordering::Relaxed)),
            ..PlugStatus::default()
        })
    }

    fn off(&self, _: Duration, _: Option<Duration>, _: Deadline) -> Result<(), PlugError> {
        Err(PlugError {
            message: "it says that it is on".to_owned(),
            maybe_done: true,
        })
    }

    fn on(&self, _: Deadline) -> Result<(), PlugError> {
        self.0.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn target(&self) -> String {
        "of a test".to_owned()
    }
}

#[test]
fn an_off_that_is_carried_out_after_the_attempt_has_failed_is_undone_by_the_next_cycle() {
    let limits = Limits {
        enabled: true,
        off_time: Duration::from_millis(1),
        restore_after: Duration::ZERO,
        ..fixtures::limits()
    };
    let plug = Late::default();
    let mut state = State::cold(&system::now());
    state.recovery.away = Some(system::now());
    let save = |_: &State| Ok(());
    let outcome = cycle(&plug, &mut state, &limits, &save, &|| LastLook::Silence).unwrap();
    assert!(outcome.reason().unwrap().ends_with("; the power is back"));
    assert!(state.recovery.cut.is_none());
    let mut next = || {
        let held = Decision::Suppressed("cooldown".to_owned());
        let look = || LastLook::Silence;
        carry_out(&held, Ok(&plug), &mut state, &limits, Some(&save), &look).unwrap()
    };
    assert_eq!(next(), Outcome::Suppressed("cooldown".to_owned()));
    plug.0.store(true, Ordering::Relaxed);
    assert_eq!(next(), Outcome::SwitchedOn);
    assert!(!plug.0.load(Ordering::Relaxed));
    let last = state.outbox.last().map(|event| &event.what);
    assert!(
        matches!(
            last,
            Some(EventKind::Recovery {
                phase: RecoveryPhase::SwitchedOn,
                ..
            })
        ),
        "{last:?}"
    );
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
        let outcome = cycle(&plug, &mut state, &limits, &save, &|| LastLook::Silence).unwrap();
        let inside = plug.inside.lock().unwrap();
        assert!(inside.broke, "{operation}: nothing broke");
        assert!(!inside.dark, "{operation}: the modem stays dark");
        assert_eq!(
            outcome,
            Outcome::Failed(format!("{BROKE}; the power is back")),
            "{operation}"
        );
        assert!(state.recovery.cut.is_none(), "{operation}");
        assert!(state.recovery.powered.is_some(), "{operation}");
        assert_eq!(
            state.recovery.watch, None,
            "{operation}: an attempt that failed helps nobody"
        );
        assert_eq!(
            *saved.lock().unwrap(),
            [true],
            "{operation}: the intention comes first"
        );
    }
}
