//! Any moment of any clock.

use std::time::Duration;

use cadence::logic::moment::Moment;
use jiff::Timestamp;

/// How many bytes a moment takes.
pub const BYTES: usize = 12;

/// A moment of any wall clock, of the boot of `other` or of another one, before it or after it.
pub fn moment(bytes: [u8; BYTES], other: &Moment) -> Moment {
    let [wall @ .., boot, one, two, three] = bytes;
    let since = Duration::from_millis(u32::from_be_bytes([0, one, two, three]).into());
    let wall = i64::from_be_bytes(wall);
    let (least, most) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let at = Timestamp::from_second(wall.clamp(least, most)).unwrap();
    let since = u64::try_from(since.as_millis()).unwrap();
    let (boot, since_boot_ms) = match boot % 5 {
        0 => (
            other.boot.clone(),
            other.since_boot_ms.saturating_add(since),
        ),
        1 => (
            other.boot.clone(),
            other.since_boot_ms.saturating_sub(since),
        ),
        2 => ("".into(), since),
        3 => ("another".into(), since),
        _ => ("another".into(), u64::MAX - since),
    };
    Moment {
        wall: at,
        boot,
        since_boot_ms,
    }
}
