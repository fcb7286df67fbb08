//! What became of the record and of the line, whoever looks after them.

use super::events::Event;

/// A change is undisturbed where nothing else happened for so long before it, and until the record was right.
const QUIET: u64 = 15 * 60;

/// What taking the modem's power did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It hung, and nothing else would have ended that soon.
    Needed,
    /// The line was down, and not by the modem.
    Needless,
    /// The line worked, or would have as soon as the modem was up.
    Harmful,
}

/// A change of the address.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    /// Since when there is a line with that address, once there was one.
    since: Option<u64>,
    is_undisturbed: bool,
}

/// What was counted in a home.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Seconds for which nothing came through, and those of the others in which the record was wrong.
    pub down: u64,
    pub wrong: u64,
    pub writes: u64,
    pub false_writes: u64,
    /// Seconds from a change of the address, with a line that works, to the right record.
    pub undisturbed: Vec<u64>,
    /// The same of changes that came with other troubles.
    pub disturbed: Vec<u64>,
    /// Changes after which the address changed again before the record was right.
    pub overtaken: u64,
    pub needed: u64,
    pub needless: u64,
    pub harmful: u64,
    /// Seconds from the begin of a hang to the loss of power that ended it: by whoever looks after the line, and by others.
    pub ended: Vec<u64>,
    pub ended_by_others: Vec<u64>,
    /// Calls beyond the router.
    pub calls: u64,
    /// The change that the record has not followed yet.
    change: Option<Change>,
    /// When the last trouble was over, or will be.
    trouble: u64,
}

impl Ledger {
    /// So many seconds pass from `t` on.
    pub fn pass(&mut self, t: u64, seconds: u64, carries: bool, is_right: bool) {
        if let Some(change) = &mut self.change
            && carries
            && seconds > 0
        {
            change.since.get_or_insert(t);
        }
        if !carries {
            self.down += seconds;
        } else if !is_right {
            self.wrong += seconds;
        }
    }

    pub fn troubled(&mut self, t: u64, event: &Event) {
        if let Some(lasts) = event.troubles() {
            self.trouble = self.trouble.max(t + lasts);
            if let Some(change) = &mut self.change {
                change.is_undisturbed = false;
            }
        }
    }

    /// The modem is on its way until then.
    pub fn boots(&mut self, until: u64) {
        self.trouble = self.trouble.max(until);
    }

    pub fn renumbered(&mut self, t: u64) {
        let before = self.change.replace(Change {
            since: None,
            is_undisturbed: t > self.trouble + QUIET,
        });
        self.overtaken += u64::from(before.is_some_and(|change| change.since.is_some()));
    }

    pub fn wrote(&mut self, t: u64, is_right: bool) {
        self.writes += 1;
        if !is_right {
            self.false_writes += 1;
        } else if let Some(change) = self.change.take() {
            let delay = t - change.since.unwrap_or(t);
            if change.is_undisturbed {
                self.undisturbed.push(delay);
            } else {
                self.disturbed.push(delay);
            }
        }
    }

    pub fn cut(&mut self, cut: Cut) {
        match cut {
            Cut::Needed => self.needed += 1,
            Cut::Needless => self.needless += 1,
            Cut::Harmful => self.harmful += 1,
        }
    }

    pub fn hung(&mut self, seconds: u64, is_ours: bool) {
        if is_ours {
            self.ended.push(seconds);
        } else {
            self.ended_by_others.push(seconds);
        }
    }

    pub fn asked(&mut self, servers: usize) {
        self.calls += servers as u64;
    }

    /// With what was counted in another home.
    pub fn add(&mut self, other: Self) {
        for (mine, others) in [
            (&mut self.down, other.down),
            (&mut self.wrong, other.wrong),
            (&mut self.writes, other.writes),
            (&mut self.false_writes, other.false_writes),
            (&mut self.overtaken, other.overtaken),
            (&mut self.needed, other.needed),
            (&mut self.needless, other.needless),
            (&mut self.harmful, other.harmful),
            (&mut self.calls, other.calls),
        ] {
            *mine += others;
        }
        self.undisturbed.extend(other.undisturbed);
        self.disturbed.extend(other.disturbed);
        self.ended.extend(other.ended);
        self.ended_by_others.extend(other.ended_by_others);
    }
}
