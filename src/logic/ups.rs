//! The mains as a UPS tells of them, by the words of Network UPS Tools (RFC 9271, section 5.1) and of apcupsd.
//!
//! A modem that lost its power with the mains starts by itself, and one that hangs on battery may hang for what is in front of it: while a
//! UPS is on battery, and for a while after, the modem's power is left alone. A UPS that cannot be asked counts as none.

use std::time::Duration;

use super::moment::Moment;
use super::named::named;
use super::stored::stored;
use super::units::human_duration;

/// So long after the mains are back the modem may still be starting, and what is in front of it.
pub const AFTER_BATTERY: Duration = Duration::from_secs(15 * 60);
/// Of what a server says, no more words are shown.
const MAX_WORDS: usize = 60;

stored! {
    /// What a UPS said last.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct Ups {
        /// It feeds from its battery, or is about to switch off what it feeds.
        pub on_battery: bool,
        /// It says that its battery is low.
        pub low: bool,
        /// What is left in the battery, in per cent.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub charge: Option<u8>,
        /// For how many seconds that lasts.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub runtime_s: Option<u32>,
        /// Its own words.
        pub status: String,
        /// Why it did not answer the last cycle: all else is from before, or never was.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub error: Option<String>,
    }
}

named! {
    /// What is known of the mains since the UPS was on battery.
    pub enum Mains {
        /// They are out.
        Out = "out",
        /// They were out when the UPS could be asked last.
        Unknown = "unknown",
        /// They are back.
        Back = "back",
    }
}

named! {
    /// What a UPS tells.
    pub enum UpsPhase {
        /// It feeds from its battery.
        OnBattery = "on_battery",
        /// The mains are back.
        MainsBack = "mains_back",
        /// What is left in its battery is little.
        BatteryLow = "battery_low",
    }
}

/// What the modem's power has to do with what a UPS told of the mains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Supply {
    /// Nothing: they were never out, or nobody tells.
    #[default]
    Steady,
    /// They are out.
    Out,
    /// They came back so long ago.
    Back(Duration),
    /// They were out when the UPS could be asked last, so long ago.
    Unknown(Duration),
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// What happened.
    pub phase: UpsPhase,
    /// What is left in the battery, in per cent.
    pub charge: Option<u8>,
    /// For how many seconds the mains were out, or the battery lasts.
    pub seconds: Option<u64>,
}

stored! {
    /// The last time on battery.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Battery {
        /// The first cycle that saw it.
        pub since: Moment,
        /// The last cycle that saw it, or the first that saw the mains again.
        pub until: Moment,
        /// What is known since.
        pub mains: Mains,
    }
}

impl Ups {
    /// Reads the words of a status, and what may come with them.
    ///
    /// # Errors
    /// They do not tell whether there are mains.
    pub fn said(
        status: &str,
        charge: Option<&str>,
        runtime_s: Option<u32>,
    ) -> Result<Self, String> {
        let (mut mains, mut on_battery, mut low) = (false, false, false);
        for word in status.split_ascii_whitespace() {
            match word {
                // What the output gets in a bypass is the mains.
                "OL" | "ONLINE" | "BYPASS" => mains = true,
                "OB" | "ONBATT" => on_battery = true,
                "LB" | "LOWBATT" => low = true,
                // It is about to switch off what it feeds, mains or not.
                "FSD" | "SHUTTING" => (on_battery, low) = (true, true),
                // Calibration, charging, an alarm, the load, and whatever a later release adds.
                _ => {}
            }
        }
        // A server's words must not steer a terminal.
        let shown = status.trim().chars().filter(|it| !it.is_control());
        let status: String = shown.take(MAX_WORDS).collect();
        if !(mains || on_battery) {
            return Err(format!("does not tell whether there are mains: {status:?}"));
        }
        Ok(Self {
            on_battery,
            low,
            charge: charge.and_then(percent),
            runtime_s,
            status,
            error: None,
        })
    }

    /// For people: `on battery, low, 43 %, 12 min left`.
    #[must_use]
    pub fn told(&self) -> String {
        let source = if self.on_battery { "battery" } else { "mains" };
        let mut told = format!("on {source}");
        if self.low {
            told.push_str(", battery low");
        }
        if let Some(charge) = self.charge {
            told = format!("{told}, {charge}%");
        }
        let left = self.runtime_s.filter(|_| self.on_battery);
        if let Some(left) = left {
            let left = human_duration(Duration::from_secs(left.into()));
            told = format!("{told}, {left} left");
        }
        told
    }
}

/// The whole part of a number, as of `100`, `99.7` and `99.7 Percent`.
#[must_use]
pub fn whole(text: &str) -> Option<u32> {
    let end = text.find(|digit: char| !digit.is_ascii_digit());
    let (whole, rest) = text.split_at(end.unwrap_or(text.len()));
    // As `1e30`, which is another number.
    let goes_on = rest.starts_with(|it: char| it.is_ascii_alphanumeric());
    whole.parse().ok().filter(|_| !goes_on)
}

fn percent(text: &str) -> Option<u8> {
    let percent = whole(text).filter(|percent| *percent <= 100)?;
    percent.try_into().ok()
}

impl Battery {
    /// Whether the UPS feeds from its battery.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.mains == Mains::Out
    }

    /// What it has to do with the modem's power by now. What happened at a time that the clocks cannot tell was just now.
    #[must_use]
    pub fn supply(&self, now: &Moment) -> Supply {
        let passed = self.until.elapsed(now).known().unwrap_or_default();
        match self.mains {
            Mains::Out => Supply::Out,
            Mains::Unknown => Supply::Unknown(passed),
            Mains::Back => Supply::Back(passed),
        }
    }
}

/// Takes up what the UPS said, or why it said nothing; none of it where no UPS is configured (any more). Gives what there is to tell.
pub fn learn(
    known: &mut Option<Ups>,
    battery: &mut Option<Battery>,
    said: Option<Result<&Ups, &String>>,
    now: &Moment,
) -> Vec<News> {
    let Some(said) = said else {
        *known = None;
        // Whoever takes a section out may put it back: what was known of the battery stands for its time.
        battery.take_if(|battery| battery.until.elapsed(now).at_least(AFTER_BATTERY));
        if let Some(battery) = battery.as_mut().filter(|it| it.is_on()) {
            battery.mains = Mains::Unknown;
        }
        return vec![];
    };
    let before = known.take().unwrap_or_default();
    let ups = match said {
        Ok(ups) => known.insert(ups.clone()),
        Err(why) => {
            let error = Some(why.clone());
            *known = Some(Ups { error, ..before });
            // What was known stands, for as long as it lasts.
            if let Some(battery) = battery.as_mut().filter(|it| it.is_on()) {
                battery.mains = Mains::Unknown;
            }
            return vec![];
        }
    };
    let begun = battery.as_ref().filter(|it| it.mains != Mains::Back);
    let begun = begun.map(|battery| battery.since.clone());
    let mut news = vec![];
    let mut tell = |phase, seconds| {
        let charge = ups.charge;
        news.push(News {
            phase,
            charge,
            seconds,
        });
    };
    match (&begun, ups.on_battery) {
        (None, true) => tell(UpsPhase::OnBattery, None),
        (Some(since), false) => {
            let lasted = since.elapsed(now).known();
            tell(UpsPhase::MainsBack, lasted.map(|lasted| lasted.as_secs()));
        }
        (Some(_), true) | (None, false) => {}
    }
    if ups.low && !before.low {
        tell(UpsPhase::BatteryLow, ups.runtime_s.map(u64::from));
    }
    if ups.on_battery || begun.is_some() {
        *battery = Some(Battery {
            since: begun.unwrap_or_else(|| now.clone()),
            until: now.clone(),
            mains: if ups.on_battery {
                Mains::Out
            } else {
                Mains::Back
            },
        });
    }
    news
}

#[cfg(test)]
#[path = "ups_tests.rs"]
mod tests;
