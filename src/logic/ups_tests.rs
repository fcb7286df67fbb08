use super::*;
use crate::logic::fixtures::at;
use crate::logic::guardrails::{Guardrail, Started, on_mains};

fn said(status: &str) -> Ups {
    Ups::said(status, Some("43"), Some(720)).unwrap()
}

/// A UPS, and what became known of it.
#[derive(Default)]
struct Home {
    ups: Option<Ups>,
    battery: Option<Battery>,
}

impl Home {
    fn hears(&mut self, status: &str, s: u64) -> Vec<News> {
        let said = said(status);
        learn(&mut self.ups, &mut self.battery, Some(Ok(&said)), &at(s))
    }

    fn hears_nothing(&mut self, s: u64) -> Vec<News> {
        let why = "connection refused".to_owned();
        learn(&mut self.ups, &mut self.battery, Some(Err(&why)), &at(s))
    }

    fn allows(&self, s: u64) -> Result<(), Guardrail> {
        let supply = self.battery.as_ref().map(|it| it.supply(&at(s)));
        on_mains(supply.unwrap_or_default())
    }
}

fn ups(phase: UpsPhase, seconds: Option<u64>) -> News {
    News {
        phase,
        charge: Some(43),
        seconds,
    }
}

#[test]
fn the_words_of_a_status_tell_whether_there_are_mains() {
    for (status, on_battery, low) in [
        ("OL", false, false),
        ("OL CHRG", false, false),
        ("OL DISCHRG", false, false),
        ("OL CAL DISCHRG", false, false),
        ("OL LB CHRG", false, true),
        ("OL TRIM", false, false),
        ("OL BOOST OVER", false, false),
        ("OL OFF", false, false),
        ("BYPASS", false, false),
        ("ALARM OL RB", false, false),
        ("OB", true, false),
        ("OB DISCHRG", true, false),
        ("OB LB", true, true),
        ("ALARM OB LB RB", true, true),
        ("CAL OB", true, false),
        ("FSD OL", true, true),
        ("FSD OB LB", true, true),
        ("OL OB", true, false),
        ("  OB\tUNHEARD-OF ", true, false),
        ("ONLINE", false, false),
        ("ONLINE REPLACEBATT", false, false),
        ("ONBATT LOWBATT", true, true),
        ("ONBATT SHUTTING DOWN", true, true),
    ] {
        let ups = Ups::said(status, None, None).unwrap();
        assert_eq!((ups.on_battery, ups.low), (on_battery, low), "{status}");
    }
}

#[test]
fn words_that_tell_nothing_of_the_mains_are_no_answer() {
    for status in [
        "",
        "WAIT",
        "OFF",
        "CAL",
        "ALARM",
        "COMMLOST",
        "LB",
        "ol",
        "OLOB",
        "SSH-2.0-OpenSSH_9.2p1",
    ] {
        assert_eq!(
            Ups::said(status, None, None),
            Err(format!("does not tell whether there are mains: {status:?}"))
        );
    }
    let steers = Ups::said("OL \u{1b}[31m\u{7}", None, None).unwrap();
    assert_eq!(steers.status, "OL [31m");
    let long = "x".repeat(5000);
    assert!(Ups::said(&long, None, None).unwrap_err().len() < 120);
}

#[test]
fn of_a_number_the_whole_part_counts() {
    for (text, number) in [
        ("100", Some(100)),
        ("99.7", Some(99)),
        ("100.0 Percent", Some(100)),
        ("0", Some(0)),
        ("", None),
        ("-1", None),
        ("N/A", None),
        ("99999999999999", None),
        ("+5", None),
        ("1e30", None),
    ] {
        assert_eq!(whole(text), number, "{text:?}");
    }
    let charge = |text| Ups::said("OL", Some(text), None).unwrap().charge;
    assert_eq!(charge("100"), Some(100));
    assert_eq!(charge("1000"), None, "more than a byte holds");
    assert_eq!(charge("101"), None, "more than all");
}

#[test]
fn people_are_told_in_a_line() {
    let told = |status: &str| said(status).told();
    assert_eq!(told("OL"), "on mains, 43%");
    assert_eq!(told("OB"), "on battery, 43%, 12 min left");
    assert_eq!(told("OB LB"), "on battery, battery low, 43%, 12 min left");
    assert_eq!(Ups::said("OB", None, None).unwrap().told(), "on battery");
}

#[test]
fn each_change_is_told_once() {
    let mut home = Home::default();
    assert_eq!(home.hears("OL", 0), []);
    assert_eq!(home.hears("OB", 60), [ups(UpsPhase::OnBattery, None)]);
    assert_eq!(home.hears("OB", 120), []);
    assert_eq!(
        home.hears("OB LB", 180),
        [ups(UpsPhase::BatteryLow, Some(720))]
    );
    assert_eq!(home.hears("OB LB", 210), []);
    assert_eq!(
        home.hears("OL LB CHRG", 240),
        [ups(UpsPhase::MainsBack, Some(180))]
    );
    assert_eq!(home.hears("OL CHRG", 300), []);
    assert_eq!(
        home.hears("OB LB", 360),
        [
            ups(UpsPhase::OnBattery, None),
            ups(UpsPhase::BatteryLow, Some(720))
        ]
    );
}

#[test]
fn on_battery_and_until_the_modem_had_its_time_the_power_is_left_alone() {
    let mut home = Home::default();
    home.hears("OL", 0);
    assert_eq!(home.allows(0), Ok(()));
    home.hears("OB", 60);
    assert_eq!(home.allows(60), Err(Guardrail::OnBattery));
    home.hears("OB", 4000);
    assert_eq!(home.allows(4000), Err(Guardrail::OnBattery));
    home.hears("OL", 4060);
    let left = |s| {
        let left = Duration::from_secs(s);
        let of = Started::Mains;
        Err(Guardrail::Started { of, left })
    };
    assert_eq!(home.allows(4060), left(900));
    // It is counted from when they came back, not from when that was seen last.
    home.hears("OL", 4959);
    assert_eq!(home.allows(4959), left(1));
    assert_eq!(home.allows(4960), Ok(()));
}

#[test]
fn a_ups_that_cannot_be_asked_counts_as_none_but_what_was_known_of_the_battery_stands_for_its_time()
{
    let mut home = Home::default();
    assert_eq!(home.hears_nothing(0), []);
    assert_eq!(home.allows(0), Ok(()));
    assert!(home.ups.as_ref().unwrap().error.is_some());

    home.hears("OB LB", 60);
    assert_eq!(home.hears_nothing(120), []);
    let left = Err(Guardrail::Started {
        of: Started::Battery,
        left: Duration::from_secs(840),
    });
    assert_eq!(home.allows(120), left);
    home.hears_nothing(959);
    assert!(home.allows(959).is_err());
    assert_eq!(home.allows(960), Ok(()));
    // What it says when it answers again: still on battery is no news, mains are.
    assert_eq!(home.hears("OB LB", 1000), []);
    assert_eq!(home.allows(1000), Err(Guardrail::OnBattery));
    home.hears_nothing(1060);
    assert_eq!(
        home.hears("OL", 1120),
        [ups(UpsPhase::MainsBack, Some(1060))]
    );
    // Mains that were back are back, whoever answers.
    home.hears_nothing(1180);
    let left = Err(Guardrail::Started {
        of: Started::Mains,
        left: Duration::from_secs(840),
    });
    assert_eq!(home.allows(1180), left);
}

#[test]
fn what_is_remembered_survives_the_state_file_and_what_is_no_such_thing_is_refused() {
    let mut home = Home::default();
    home.hears("OB LB", 0);
    home.hears_nothing(60);
    let ups = serde_json::to_string(&home.ups).unwrap();
    assert_eq!(serde_json::from_str::<Option<Ups>>(&ups).unwrap(), home.ups);
    let battery = serde_json::to_string(&home.battery).unwrap();
    let read = serde_json::from_str::<Option<Battery>>(&battery).unwrap();
    assert_eq!(read, home.battery);
    for broken in ["{}", "7", "[]", "\"out\""] {
        assert!(serde_json::from_str::<Ups>(broken).is_err(), "{broken}");
        assert!(serde_json::from_str::<Battery>(broken).is_err(), "{broken}");
    }
    let unheard = battery.replace("unknown", "unheard");
    assert!(serde_json::from_str::<Battery>(&unheard).is_err());
}

#[test]
fn where_none_is_configured_any_more_the_battery_is_remembered_for_its_time_alone() {
    let mut home = Home::default();
    home.hears("OB", 0);
    assert_eq!(learn(&mut home.ups, &mut home.battery, None, &at(60)), []);
    assert_eq!(home.ups, None);
    let left = Err(Guardrail::Started {
        of: Started::Battery,
        left: Duration::from_secs(1),
    });
    assert_eq!(home.allows(899), left);
    let put_back = home.battery.clone();
    assert_eq!(learn(&mut home.ups, &mut home.battery, None, &at(900)), []);
    assert_eq!(home.battery, None);
    // Put back in time, it goes on where it was.
    home.battery = put_back;
    let back = ups(UpsPhase::MainsBack, Some(120));
    assert_eq!(home.hears("OL", 120), [back]);
    assert!(home.allows(1019).is_err());
    assert_eq!(home.allows(1020), Ok(()));
    assert_eq!(learn(&mut home.ups, &mut home.battery, None, &at(200)), []);
    assert!(home.allows(1019).is_err());
}

#[test]
fn what_happened_at_a_time_that_the_clocks_cannot_tell_was_just_now() {
    let mut home = Home::default();
    home.hears("OB", 0);
    home.hears("OL", 60);
    let unset = Moment::simulated("another boot", 12, Duration::from_secs(12));
    let supply = home.battery.unwrap().supply(&unset);
    assert_eq!(supply, Supply::Back(Duration::ZERO));
}
