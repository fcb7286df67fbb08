//! The only wall clock and the only randomness of the program, and its threads.
//!
//! No clock in here can fail: what the kernel does not tell is left out in a way that [`Moment::elapsed`] understands.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process;
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use rand::rngs::{SmallRng, SysRng};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rustix::time::{ClockId, clock_gettime};

use crate::file::of_kernel;
pub use crate::file::runs_systemd;
use crate::logic::moment::Moment;

/// A random id the kernel makes at every boot; see `random(4)`.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// A UUID has 36 characters; a longer text is no boot id.
const LONGEST_BOOT_ID: usize = 64;

/// Reads the three clocks.
///
/// The wall clock is cut to milliseconds, as it is stored and shown, and clamped to what a [`Timestamp`] holds. Where the
/// kernel does not tell its boot id, the wall clock alone counts.
#[must_use]
pub fn now() -> Moment {
    Moment {
        wall: wall_from(SystemTime::now()),
        boot: boot_id(),
        since_boot_ms: u64::try_from(since_boot().as_millis()).unwrap_or(u64::MAX),
    }
}

/// The kernel's id of this boot, read once a process; empty where it tells none.
fn boot_id() -> Arc<str> {
    static ID: OnceLock<Arc<str>> = OnceLock::new();
    let read = || parse_boot_id(&of_kernel(BOOT_ID));
    Arc::clone(ID.get_or_init(|| read().unwrap_or_default().into()))
}

/// Time since boot, sleep included: `CLOCK_BOOTTIME`, see `clock_gettime(2)`.
#[must_use]
pub fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

/// Whether a signal is that of a terminal which goes, and `nohup` has this process ignore it; unknown is no.
#[must_use]
pub fn is_by_nohup(signal: i32) -> bool {
    signal == libc::SIGHUP && ignores_hangup(&of_kernel("/proc/self/status"))
}

/// By the mask of signals, whose first bit is SIGHUP: see `proc_pid_status(5)`.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}

/// Whether stdout and stderr end in the same place, as on a terminal or in the journal.
#[must_use]
pub fn is_one_output() -> bool {
    let end = |stream| {
        let meta = std::fs::metadata(stream).ok();
        meta.map(|meta| (meta.dev(), meta.ino()))
    };
    let stdout = end("/proc/self/fd/1");
    stdout.is_some() && stdout == end("/proc/self/fd/2")
}

/// A thread of that name. All work has the same kind of them, each of which takes some KiB of code.
///
/// # Errors
/// The system gives no more threads.
pub fn thread(name: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// A duration drawn evenly from zero to `max`, both included.
#[must_use]
pub fn random_up_to(max: Duration) -> Duration {
    let nanos = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(generator().random_range(0..=nanos))
}

/// A random UUID (RFC 9562, version 4).
#[must_use]
pub fn random_uuid() -> String {
    let bits: u128 = generator().random();
    let bits = bits & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let mut id = format!("{bits:032x}");
    for place in [20, 16, 12, 8] {
        id.insert(place, '-');
    }
    id
}

/// Puts the items in a random order.
pub fn shuffle<T>(items: &mut [T]) {
    items.shuffle(&mut generator());
}

/// Whether this process runs as root, by its effective user.
#[must_use]
pub fn is_root() -> bool {
    static IS_ROOT: LazyLock<bool> = LazyLock::new(|| rustix::process::geteuid().is_root());
    *IS_ROOT
}

/// Does nothing for `duration`.
pub fn sleep(duration: Duration) {
    thread::sleep(duration);
}

/// Jitter and a fair order need no secrecy, so a kernel without randomness (an old one in early boot, a sandbox) is no
/// reason to stop: the clock and the process id are seed enough.
fn generator() -> SmallRng {
    SmallRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| {
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.subsec_nanos());
        SmallRng::seed_from_u64(u64::from(nanos) << 32 | u64::from(process::id()))
    })
}

fn wall_from(time: SystemTime) -> Timestamp {
    let out_of_range = if time < UNIX_EPOCH {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::try_from(time)
        .and_then(|wall| Timestamp::from_millisecond(wall.as_millisecond()))
        .unwrap_or(out_of_range)
}

/// The processes that are seen here, as `proc` shows them (`proc(5)`).
#[must_use]
pub fn processes(proc: &Path) -> Vec<u32> {
    let mut found = vec![];
    let Ok(entries) = fs::read_dir(proc) else {
        return found;
    };
    for entry in entries {
        let Ok(entry) = entry else {
            continue;
        };
        let name = entry.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) {
            found.push(pid);
        }
    }
    found
}

/// Reads `/proc/sys/kernel/random/boot_id`; none where it holds something else.
#[must_use]
pub fn parse_boot_id(text: &str) -> Option<String> {
    let id = text.trim();
    let valid = (1..=LONGEST_BOOT_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    valid.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_known_by_the_mask_of_the_kernel() {
        assert!(ignores_hangup("SigBlk:\t00\nSigIgn:\t0000000000001001\n"));
        for status in [
            "",
            "SigIgn:",
            "SigIgn:\t0000000000001000\nSigCgt:\t1\n",
            "SigIgn:\tx",
        ] {
            assert!(!ignores_hangup(status), "{status}");
        }
    }

    #[test]
    fn a_boot_id_is_hexadecimal_and_short() {
        let id = "b743ed3e-726f-4eb9-b26a-8d5173affe28";
        assert_eq!(parse_boot_id(&format!("{id}\n")).as_deref(), Some(id));
        for text in ["", "\n", "not an id", "ABC", "a\nb", &"a".repeat(65)] {
            assert_eq!(parse_boot_id(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_uuid_is_random_and_says_so() {
        let (one, other) = (random_uuid(), random_uuid());
        assert_ne!(one, other);
        let parts: Vec<&str> = one.split('-').collect();
        assert_eq!(
            parts.iter().map(|it| it.len()).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
        assert!(
            parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']),
            "{one}"
        );
    }

    #[test]
    fn a_system_clock_of_any_year_is_read() {
        let after = |seconds| wall_from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        assert_eq!(after(0), "1970-01-01T00:00:00Z");
        assert_eq!(after(4_294_967_295), "2106-02-07T06:28:15Z");
        assert_eq!(
            wall_from(UNIX_EPOCH - Duration::from_secs(24 * 60 * 60)).to_string(),
            "1969-12-31T00:00:00Z"
        );
        assert_eq!(
            wall_from(UNIX_EPOCH + Duration::from_secs(1 << 50)),
            Timestamp::MAX
        );
        assert_eq!(
            wall_from(UNIX_EPOCH - Duration::from_secs(1 << 50)),
            Timestamp::MIN
        );
    }

    #[test]
    fn the_wall_clock_is_cut_to_milliseconds() {
        let wall = wall_from(UNIX_EPOCH + Duration::from_nanos(1_999_999));
        assert_eq!(wall.as_nanosecond(), 1_000_000);
        assert_eq!(now().wall.subsec_nanosecond() % 1_000_000, 0);
    }

    #[test]
    fn two_moments_of_this_boot_are_in_order() {
        let earlier = now();
        assert!(earlier.elapsed(&now()).known().is_some());
    }

    #[test]
    fn a_random_duration_stays_within_its_bound_and_varies() {
        let max = Duration::from_secs(10);
        let drawn: Vec<_> = (0..64).map(|_| random_up_to(max)).collect();
        assert!(drawn.iter().all(|duration| *duration <= max));
        assert!(drawn.iter().any(|duration| *duration != drawn[0]));
        assert_eq!(random_up_to(Duration::ZERO), Duration::ZERO);
        let _ = random_up_to(Duration::MAX);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
