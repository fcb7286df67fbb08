//! What one cycle saw: the signals, as plain values.

use super::named::named;
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use super::gateway::Asked;
use super::host_part::OwnAddress;
use super::lan::Place;
use super::line::Line;
use super::units::{ByFamily, Family};
use super::ups::Ups;

named! {
    /// A failed probe by how long it took to fail: a refusal, a struggle, or silence.
    pub enum FailureClass {
        /// Under 50 ms: somebody near said no.
        FastFail = "FAST_FAIL",
        /// Under 300 ms.
        SlowFail = "SLOW_FAIL",
        /// 300 ms and more.
        Timeout = "TIMEOUT",
    }
}

impl FailureClass {
    /// Classifies a failure by its elapsed time.
    #[must_use]
    pub const fn of(elapsed: Duration) -> Self {
        match elapsed.as_millis() {
            0..50 => Self::FastFail,
            50..300 => Self::SlowFail,
            _ => Self::Timeout,
        }
    }
}

/// One signal: what was asked, how long it took, and the answer or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal<T> {
    /// What was asked: an interface, an address, a URL. None where nothing could be found to ask.
    pub target: Option<String>,
    /// From the first packet to the answer or to giving up.
    pub elapsed: Duration,
    /// The answer, or one line of what went wrong.
    pub result: Result<T, String>,
}

impl<T> Signal<T> {
    /// Whether the signal was good.
    #[must_use]
    pub const fn ok(&self) -> bool {
        self.result.is_ok()
    }

    /// The class of the failure, where it failed.
    #[must_use]
    pub fn failure(&self) -> Option<FailureClass> {
        match self.result {
            Ok(_) => None,
            Err(_) => Some(FailureClass::of(self.elapsed)),
        }
    }
}

named! {
    /// How the router showed that it lives.
    pub enum RouterMethod {
        /// An ICMP echo reply.
        Icmp = "icmp",
        /// A TCP connection, or its refusal.
        Tcp = "tcp",
    }
}

/// What one address provider said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The provider's URL.
    pub provider: String,
    /// Its host and port: two answers are independent where these differ.
    pub authority: String,
    /// A publishable address, or why there is none.
    pub address: Result<IpAddr, String>,
}

/// An address that counts as an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The address.
    pub address: IpAddr,
    /// Two independent providers named it in this cycle.
    pub corroborated: bool,
    /// The router alone told it: it keeps a line READY, and nothing is written on the strength of it.
    pub hinted: bool,
}

/// The public address of one family, as seen in one cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicIp {
    /// The family that was asked for, and over which it was asked.
    pub family: Family,
    /// Whether an address counts; `target` is the provider that named it first.
    pub signal: Signal<Counted>,
    /// Every provider that was asked, in order, with what it said.
    pub answers: Vec<Answer>,
    /// How many providers are configured.
    pub max_attempts: usize,
}

impl PublicIp {
    /// What the answers of some providers come to.
    #[must_use]
    pub fn new(
        family: Family,
        elapsed: Duration,
        result: Result<Counted, String>,
        answers: Vec<Answer>,
        max_attempts: usize,
    ) -> Self {
        let named = |answer: &&Answer| {
            result
                .as_ref()
                .is_ok_and(|counted| answer.address == Ok(counted.address))
        };
        let target = answers
            .iter()
            .find(named)
            .or(answers.first())
            .map(|answer| answer.provider.clone());
        Self {
            family,
            signal: Signal {
                target,
                elapsed,
                result,
            },
            answers,
            max_attempts,
        }
    }
}

/// All signals of one cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// A default route, or a link on the configured interface.
    pub host: Signal<()>,
    /// The router answers on the local network.
    pub router: Signal<RouterMethod>,
    /// Something beyond the router proved who it is.
    pub wan: Signal<()>,
    /// What all that came back from there, or did not, says of the line.
    pub line: Line,
    /// The same over each family in use.
    pub lines: ByFamily<Line>,
    /// One per record family in use; empty unless the line is up.
    pub public_ip: Vec<PublicIp>,
    /// The router was asked for its external address.
    pub gateway: Option<Asked>,
    /// The line that the plug serves, where what else was seen was seen over another one.
    pub served: Option<Box<Served>>,
    /// The VPN by which this host goes out over each family, where that was looked at, as something may be written.
    pub exits: ByFamily<Option<String>>,
    /// Where this host is on its own network, where that is known.
    pub lan: Option<Place>,
    /// This host's own IPv6 addresses; none where no record asks for them.
    pub own: Vec<OwnAddress>,
    /// What the UPS said, where one is configured.
    pub ups: Option<Signal<Ups>>,
}

/// The line that the plug serves, as seen over it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// A link on its interface.
    pub host: Signal<()>,
    /// Its router answers.
    pub router: Signal<RouterMethod>,
    /// Something beyond that proved who it is.
    pub wan: Signal<()>,
    /// What all that came back from there, or did not, says of it.
    pub line: Line,
}

impl Observation {
    /// What was seen of the line that the plug serves: no answer over another one counts for its power.
    #[must_use]
    pub fn of_plug(&self) -> Cow<'_, Self> {
        let Some(served) = self.served.as_deref() else {
            return Cow::Borrowed(self);
        };
        Cow::Owned(Self {
            host: served.host.clone(),
            router: served.router.clone(),
            wan: served.wan.clone(),
            line: served.line,
            lines: ByFamily::same(served.line),
            public_ip: vec![],
            gateway: None,
            served: None,
            exits: ByFamily::default(),
            lan: None,
            ups: None,
            own: vec![],
        })
    }

    /// Whether this family is up, and nobody told its address.
    #[must_use]
    pub fn lacks(&self, family: Family) -> bool {
        *self.lines.of(family) == Line::Up && self.counted(family).is_none()
    }

    /// The address of this family that counts in this cycle.
    #[must_use]
    pub fn counted(&self, family: Family) -> Option<Counted> {
        self.public_ip
            .iter()
            .filter(|seen| *self.lines.of(family) == Line::Up && seen.family == family)
            .find_map(|seen| seen.signal.result.as_ref().ok().copied())
            .filter(|counted| Family::of(counted.address) == family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_classified_at_50_and_300_milliseconds() {
        for (ms, class) in [
            (0, FailureClass::FastFail),
            (49, FailureClass::FastFail),
            (50, FailureClass::SlowFail),
            (299, FailureClass::SlowFail),
            (300, FailureClass::Timeout),
            (8000, FailureClass::Timeout),
        ] {
            assert_eq!(FailureClass::of(Duration::from_millis(ms)), class, "{ms}");
        }
    }

    #[test]
    fn a_failed_signal_has_the_class_of_its_time_and_a_good_one_none() {
        let after = |ms, result| Signal {
            target: None,
            elapsed: Duration::from_millis(ms),
            result,
        };
        assert_eq!(after(400, Ok(())).failure(), None);
        let failed = after(400, Err("silence".to_owned()));
        assert_eq!(failed.failure(), Some(FailureClass::Timeout));
        let refused = after(1, Err("refused".to_owned()));
        assert_eq!(refused.failure(), Some(FailureClass::FastFail));
    }
}
