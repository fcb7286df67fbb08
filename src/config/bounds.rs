//! What each number may be, and why; the defaults are the contract's.

use std::time::Duration;

use crate::logic::policy;

/// A whole number from `min` to `max`.
#[derive(Clone, Copy)]
pub struct Whole {
    pub min: u32,
    pub max: u32,
    pub default: u32,
}

/// A duration from `min` to `max`.
#[derive(Clone, Copy)]
pub struct Span {
    pub min: Duration,
    pub max: Duration,
    pub default: Duration,
    /// What a policy rule narrows it to, unless it is waived.
    pub policy: Option<(Duration, Duration)>,
}

const fn whole(min: u32, default: u32, max: u32) -> Whole {
    Whole { min, max, default }
}

const fn span(min: Duration, default: Duration, max: Duration) -> Span {
    Span {
        min,
        max,
        default,
        policy: None,
    }
}

/// The span that a policy rule narrows to this.
const fn narrowed(span: Span, min: Duration, max: Duration) -> Span {
    Span {
        policy: Some((min, max)),
        ..span
    }
}

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn mins(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// One is no faster than two: the first observation only makes a candidate. Ten confirmations take over five minutes at the fast interval; more would keep a home unreachable for nothing.
pub const CONFIRMATIONS: Whole = whole(1, 2, 10);
/// Nothing is the cache switched off; beyond a week a change made by hand in the dashboard would go unseen too long.
pub const CACHE_MAX_AGE: Span = span(Duration::ZERO, HOUR, WEEK);
/// Public services are asked in each cycle: faster than 10 s is rude, slower than 1 h is no monitoring.
pub const HEALTHY_INTERVAL: Span = span(secs(10), mins(2), HOUR);
/// This is the fast interval: it may be fast for the short while in which it is wanted, and not slow.
pub const UNSETTLED_INTERVAL: Span = narrowed(
    span(secs(5), secs(30), mins(10)),
    policy::MIN_UNSETTLED_INTERVAL,
    mins(10),
);
/// A few minutes spread any number of homes; the interval itself is a second bound.
pub const JITTER: Span = span(Duration::ZERO, secs(10), mins(5));
/// Zero never asks the router. What it does not notice is found after this: an hour at most.
pub const VERIFY_EVERY: Span = span(Duration::ZERO, mins(10), mins(60));
/// Zero would never write; one a minute is more than any line that works will ask for.
pub const MAX_UPDATES_PER_HOUR: Whole = whole(1, 6, 60);

/// Cloudflare's word for "automatic".
pub const TTL_AUTOMATIC: i64 = 1;
/// Below this, down to 30, a TTL is for Enterprise zones.
pub const TTL_MIN: i64 = 60;
/// Cloudflare's longest TTL: a day.
pub const TTL_MAX: i64 = 86_400;

/// Under a second no modem forgets anything; over ten minutes the cure is worse. The policy rule `off-time` is narrower.
pub const OFF_TIME: Span = narrowed(
    span(secs(1), secs(30), mins(10)),
    policy::MIN_OFF_TIME,
    policy::MAX_OFF_TIME,
);
/// A modem that comes back within 10 s was never gone; one that needs a day is not fixed by cutting its power.
pub const EXPECTED_NETWORK_RECOVERY: Span = span(secs(10), mins(3), DAY);
/// Added to the former, so it may be nothing.
pub const ESCALATION_BUFFER: Span = span(Duration::ZERO, mins(1), DAY);
/// A modem starts in 1 to 8 minutes; where nothing ever starts together, it may be nothing.
pub const BOOT_GRACE: Span = narrowed(
    span(Duration::ZERO, mins(15), DAY),
    policy::MIN_BOOT_GRACE,
    DAY,
);
/// Zero is none; a year, and a month to look at it.
pub const KEEP: Span = span(
    Duration::ZERO,
    Duration::from_secs(400 * DAY.as_secs()),
    Duration::from_secs(3650 * DAY.as_secs()),
);
/// Cycles are no more frequent than that; a day is the longest period of most services.
pub const HEARTBEAT_EVERY: Span = span(mins(1), mins(5), DAY);
/// What happens meanwhile is merged into the next one. More than six an hour nobody reads.
pub const MESSAGES_EVERY: Span = span(Duration::ZERO, mins(10), DAY);
/// The API takes 60 writes a minute; rows that are a day old nobody waits for.
pub const SHEETS_EVERY: Span = span(mins(1), mins(15), DAY);
/// Zero is never.
pub const RESTORE_AFTER: Span = span(Duration::ZERO, mins(30), DAY);
/// Zero is never.
pub const LATE_RETRY: Span = span(Duration::ZERO, DAY, WEEK);
/// It doubles with every further attempt in an outage, from at most a week.
pub const COOLDOWN: Span = narrowed(
    span(Duration::ZERO, mins(30), WEEK),
    policy::MIN_COOLDOWN,
    WEEK,
);
/// Zero attempts is `enabled = false`; what ten did not fix, the next will not.
pub const MAX_ATTEMPTS_PER_OUTAGE: Whole = whole(1, 3, 10);
/// One an hour, day and night, is the most that any modem should bear.
pub const MAX_ATTEMPTS_PER_DAY: Whole = whole(1, 6, 24);
/// The largest plugs that these protocols drive have eight relays.
pub const RELAY: Whole = whole(0, 0, 7);

/// A port; 0 is none.
pub const PORT: Whole = whole(1, 0, 65_535);
/// That of `WireGuard` in every example.
pub const VPN_PORT: Whole = whole(1, 51_820, 65_535);
/// RFC 6886, 3.3 recommends two hours; a router may grant no less than two minutes (RFC 6887, 15), and no more than a day.
pub const FORWARD_LIFETIME: Span = span(mins(2), mins(120), DAY);
/// Each costs a question when it is renewed, of which the whole cycle waits for no longer than for one.
pub const MAX_FORWARDS: usize = 16;
/// Records of a zone are read and written together, and still a cycle must end within a minute.
pub const MAX_RECORDS: usize = 1000;
/// Each target or provider costs up to its timeout in a cycle that must end within a minute.
pub const MAX_ENTRIES: usize = 16;
/// Cloudflare's ids have 32 hexadecimal digits today; twice that leaves room.
pub const MAX_ID: usize = 64;
/// Plugs know user names of 32 characters at most; twice that leaves room.
pub const MAX_USER: usize = 64;
/// More than any service asks for.
pub const MAX_HEADERS: usize = 8;
/// A header or the body of a command has some hundred characters at most.
pub const MAX_HTTP_TEXT: usize = 1024;
/// `IFNAMSIZ` of Linux without its closing zero.
pub const MAX_INTERFACE: usize = 15;
/// A configuration of 1,000 records has some 100 KiB; whatever is larger than this is another file.
pub const MAX_FILE: usize = 1 << 20;
