//! What answers in the place of a UPS's server.

use cadence::probe::ups::{nis_answer, nut_answer};

/// As both servers say it.
pub fn answer(input: &[u8]) {
    for said in [nut_answer(input, "ups"), nis_answer(input)] {
        let shown = match &said {
            Ok(ups) => {
                assert!(ups.charge.is_none_or(|it| it <= 100), "{ups:?}");
                assert!(ups.status.chars().count() <= 60, "{ups:?}");
                format!("{} {}", ups.told(), ups.status)
            }
            Err(why) => why.clone(),
        };
        assert!(!shown.contains(char::is_control), "{shown:?}");
        assert!(shown.len() < 600, "{shown:?}");
    }
}
