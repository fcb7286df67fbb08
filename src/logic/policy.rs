//! Thresholds, and the rules that keep them sane (contract: policy).

use std::path::Path;
use std::time::Duration;

use super::advice;
use super::guardrails::Limits;
use super::units::config_duration;

/// The `[policy]` section, within its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Equal observations in consecutive cycles before anything is written; 1..=10.
    pub confirmations: u32,
    /// How long a verified record needs no new evidence.
    pub cache_max_age: Duration,
    /// Between cycles while all is well.
    pub healthy_interval: Duration,
    /// Between cycles otherwise.
    pub unsettled_interval: Duration,
    /// Up to that much is added to each interval at random.
    pub jitter: Duration,
    /// Writes to one record in any 60 minutes.
    pub max_updates_per_hour: u32,
}

/// Under 15 s the services that are asked see no home but a nuisance.
pub const MIN_UNSETTLED_INTERVAL: Duration = Duration::from_secs(15);
/// A modem takes 1 to 8 minutes to start.
pub const MIN_BOOT_GRACE: Duration = Duration::from_secs(10 * 60);
/// A modem needs minutes to come up and longer to be judged.
pub const MIN_COOLDOWN: Duration = Duration::from_secs(15 * 60);
/// For a shorter time a modem's capacitors may keep it alive.
pub const MIN_OFF_TIME: Duration = Duration::from_secs(5);
/// For a longer time the home is cut off for nothing.
pub const MAX_OFF_TIME: Duration = Duration::from_secs(2 * 60);
/// Permission bits of everybody but the owner and the group.
const OTHERS: u32 = 0o007;
/// Cloudflare's word for an automatic TTL.
const TTL_AUTOMATIC: u32 = 1;

/// A rule that keeps an unattended installation sane (contract: policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// `healthy_interval` is not below any configured TTL.
    IntervalBelowTtl,
    /// `cache_max_age` is not below `healthy_interval`.
    CacheShorterThanInterval,
    /// At least two confirmations.
    SingleConfirmation,
    /// `unsettled_interval` is not below 15 s.
    IntervalTooFast,
    /// There is some jitter.
    NoJitter,
    /// `boot_grace` is not below 10 min.
    BootGraceTooShort,
    /// `cooldown` is not below 15 min.
    CooldownTooShort,
    /// `off_time` is from 5 s to 2 min.
    OffTime,
    /// Two WAN targets of different hosts, where recovery is enabled.
    SingleWanTarget,
    /// Nobody but its owner and group may read the token file.
    TokenReadable,
}

impl Rule {
    /// All rules, in the order in which they are reported.
    pub const ALL: [Self; 10] = [
        Self::IntervalBelowTtl,
        Self::CacheShorterThanInterval,
        Self::SingleConfirmation,
        Self::IntervalTooFast,
        Self::NoJitter,
        Self::BootGraceTooShort,
        Self::CooldownTooShort,
        Self::OffTime,
        Self::SingleWanTarget,
        Self::TokenReadable,
    ];

    /// The name, as in `policy.waive`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IntervalBelowTtl => "interval-below-ttl",
            Self::CacheShorterThanInterval => "cache-shorter-than-interval",
            Self::SingleConfirmation => "single-confirmation",
            Self::IntervalTooFast => "interval-too-fast",
            Self::NoJitter => "no-jitter",
            Self::BootGraceTooShort => "boot-grace-too-short",
            Self::CooldownTooShort => "cooldown-too-short",
            Self::OffTime => "off-time",
            Self::SingleWanTarget => "single-wan-target",
            Self::TokenReadable => "token-readable",
        }
    }
}

/// What the rules look at.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Thresholds and intervals.
    pub policy: &'a Policy,
    /// The TTLs of the records that have one, in seconds.
    pub ttls: Vec<u32>,
    /// The guardrails of the power cycle.
    pub recovery: Limits,
    /// The hosts of the WAN targets.
    pub wan_hosts: Vec<&'a str>,
    /// The token file with its permission bits, where there is one.
    pub token_file: Option<(&'a Path, u32)>,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: Rule,
    /// One line: the key, what was found, the bound, and how to fix or waive it.
    pub message: String,
}

/// The rules that are broken, in the order of [`Rule::ALL`].
#[must_use]
pub fn broken(facts: &Facts<'_>) -> Vec<Broken> {
    Rule::ALL
        .into_iter()
        .filter_map(|rule| {
            let fix = judge(rule, facts)?;
            let waive = format!("waive it with policy.waive = [\"{}\"]", rule.name());
            let message = match (rule, advice::split(&fix)) {
                // A command stands last, so that it can be copied.
                (Rule::TokenReadable, (what, Some(command))) => {
                    advice::join(what, Some(&format!("{waive}, or close it: {command}")))
                }
                _ => format!("{fix}, or {waive}"),
            };
            Some(Broken { rule, message })
        })
        .collect()
}

/// What was found, the bound and the fix, where the rule is broken.
fn judge(rule: Rule, facts: &Facts<'_>) -> Option<String> {
    let policy = facts.policy;
    let interval = config_duration(policy.healthy_interval);
    let broken = |is_broken: bool, message: String| is_broken.then_some(message);
    match rule {
        Rule::IntervalBelowTtl => {
            let longest = facts.ttls.iter().copied().filter(|ttl| *ttl != TTL_AUTOMATIC).max()?;
            let bound = Duration::from_secs(longest.into());
            broken(
                policy.healthy_interval < bound,
                format!(
                    "policy.healthy_interval = \"{interval}\" is below record.ttl = {longest}; fix: \
                     set at least \"{}\", lower the ttl",
                    config_duration(bound)
                ),
            )
        }
        Rule::CacheShorterThanInterval => broken(
            policy.cache_max_age < policy.healthy_interval,
            format!(
                "policy.cache_max_age = \"{}\" is below policy.healthy_interval = \"{interval}\", so no cycle would find it \
                 fresh; fix: set at least \"{interval}\"",
                config_duration(policy.cache_max_age)
            ),
        ),
        Rule::SingleConfirmation => broken(
            policy.confirmations < 2,
            format!(
                "policy.confirmations = {}, but an address is published on its second observation in a row at the earliest; fix: \
                 set at least 2",
                policy.confirmations
            ),
        ),
        Rule::IntervalTooFast => broken(
            policy.unsettled_interval < MIN_UNSETTLED_INTERVAL,
            format!(
                "policy.unsettled_interval = \"{}\", which strains the services; fix: set at least \"{}\"",
                config_duration(policy.unsettled_interval),
                config_duration(MIN_UNSETTLED_INTERVAL)
            ),
        ),
        Rule::NoJitter => broken(
            policy.jitter.is_zero(),
            "policy.jitter = \"0s\", so many homes would ask in the same second; fix: set more, such as \"10s\"".to_owned(),
        ),
        Rule::BootGraceTooShort => broken(
            facts.recovery.boot_grace < MIN_BOOT_GRACE,
            format!(
                "recovery.boot_grace = \"{}\", so a modem could be cut while it starts; fix: set at least \"{}\"",
                config_duration(facts.recovery.boot_grace),
                config_duration(MIN_BOOT_GRACE)
            ),
        ),
        Rule::CooldownTooShort => broken(
            facts.recovery.cooldown < MIN_COOLDOWN,
            format!(
                "recovery.cooldown = \"{}\", which wears out the modem; fix: set at least \"{}\"",
                config_duration(facts.recovery.cooldown),
                config_duration(MIN_COOLDOWN)
            ),
        ),
        Rule::OffTime => broken(
            !(MIN_OFF_TIME..=MAX_OFF_TIME).contains(&facts.recovery.off_time),
            format!(
                "recovery.off_time = \"{}\" is out of range; fix: set \"{}\" to \"{}\"",
                config_duration(facts.recovery.off_time),
                config_duration(MIN_OFF_TIME),
                config_duration(MAX_OFF_TIME)
            ),
        ),
        Rule::SingleWanTarget => {
            let first = facts.wan_hosts.first()?;
            let is_one = facts.wan_hosts.iter().all(|host| host.eq_ignore_ascii_case(first));
            broken(
                facts.recovery.enabled && is_one,
                "network.wan_targets has 1 host, whose outage would look like one of the line; fix: name two hosts".to_owned(),
            )
        }
        Rule::TokenReadable => {
            let (path, mode) = facts.token_file?;
            let path = path.display();
            broken(
                mode & OTHERS != 0,
                format!("the token file has mode {mode:04o}, open to every user of this host; fix: chmod 0640 {path}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::logic::fixtures::limits;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The defaults, and a record with a TTL of a minute.
    fn policy() -> Policy {
        Policy {
            confirmations: 2,
            cache_max_age: seconds(3600),
            healthy_interval: seconds(120),
            unsettled_interval: seconds(30),
            jitter: seconds(10),
            max_updates_per_hour: 6,
        }
    }

    fn facts(policy: &Policy) -> Facts<'_> {
        Facts {
            policy,
            ttls: vec![60],
            recovery: Limits {
                boot_grace: seconds(900),
                ..limits()
            },
            wan_hosts: vec!["1.1.1.1", "9.9.9.9", "8.8.8.8"],
            token_file: Some((Path::new("/t"), 0o640)),
        }
    }

    #[test]
    fn the_defaults_break_no_rule() {
        assert_eq!(broken(&facts(&policy())), []);
    }

    #[test]
    fn each_rule_holds_at_its_bound_and_breaks_beyond_it() {
        type Change = fn(&mut Policy, &mut Facts<'_>);
        let table: [(Rule, Change, Change, &str); 11] = [
            (
                Rule::IntervalBelowTtl,
                |_, facts| facts.ttls = vec![60, 120, TTL_AUTOMATIC],
                |_, facts| facts.ttls = vec![60, 121],
                "policy.healthy_interval = \"2m\" is below record.ttl = 121; fix: set at least \"2m1s\", lower the ttl, \
                 or waive it with policy.waive = [\"interval-below-ttl\"]",
            ),
            (
                Rule::CacheShorterThanInterval,
                |policy, _| policy.cache_max_age = seconds(120),
                |policy, _| policy.cache_max_age = seconds(119),
                "policy.cache_max_age = \"1m59s\" is below policy.healthy_interval = \"2m\", so no cycle would find it fresh; fix: \
                 set at least \"2m\", or waive it with policy.waive = [\"cache-shorter-than-interval\"]",
            ),
            (
                Rule::SingleConfirmation,
                |policy, _| policy.confirmations = 2,
                |policy, _| policy.confirmations = 1,
                "policy.confirmations = 1, but an address is published on its second observation in a row at the earliest; fix: \
                 set at least 2, \
                 or waive it with policy.waive = [\"single-confirmation\"]",
            ),
            (
                Rule::IntervalTooFast,
                |policy, _| policy.unsettled_interval = seconds(15),
                |policy, _| policy.unsettled_interval = seconds(14),
                "policy.unsettled_interval = \"14s\", which strains the services; fix: set at least \"15s\", \
                 or waive it with policy.waive = [\"interval-too-fast\"]",
            ),
            (
                Rule::NoJitter,
                |policy, _| policy.jitter = Duration::from_millis(1),
                |policy, _| policy.jitter = Duration::ZERO,
                "policy.jitter = \"0s\", so many homes would ask in the same second; fix: set more, such as \"10s\", \
                 or waive it with policy.waive = [\"no-jitter\"]",
            ),
            (
                Rule::BootGraceTooShort,
                |_, facts| facts.recovery.boot_grace = seconds(600),
                |_, facts| facts.recovery.boot_grace = seconds(599),
                "recovery.boot_grace = \"9m59s\", so a modem could be cut while it starts; fix: set at least \"10m\", \
                 or waive it with policy.waive = [\"boot-grace-too-short\"]",
            ),
            (
                Rule::CooldownTooShort,
                |_, facts| facts.recovery.cooldown = seconds(900),
                |_, facts| facts.recovery.cooldown = seconds(899),
                "recovery.cooldown = \"14m59s\", which wears out the modem; fix: set at least \"15m\", \
                 or waive it with policy.waive = [\"cooldown-too-short\"]",
            ),
            (
                Rule::OffTime,
                |_, facts| facts.recovery.off_time = seconds(5),
                |_, facts| facts.recovery.off_time = seconds(4),
                "recovery.off_time = \"4s\" is out of range; fix: set \"5s\" to \"2m\", or waive it with policy.waive = [\"off-time\"]",
            ),
            (
                Rule::OffTime,
                |_, facts| facts.recovery.off_time = seconds(120),
                |_, facts| facts.recovery.off_time = seconds(121),
                "recovery.off_time = \"2m1s\" is out of range; fix: set \"5s\" to \"2m\", or waive it with policy.waive = [\"off-time\"]",
            ),
            (
                Rule::SingleWanTarget,
                |_, facts| facts.wan_hosts = vec!["a.example", "b.example"],
                |_, facts| facts.wan_hosts = vec!["a.example", "A.example"],
                "network.wan_targets has 1 host, whose outage would look like one of the line; fix: name two hosts, \
                 or waive it with policy.waive = [\"single-wan-target\"]",
            ),
            (
                Rule::TokenReadable,
                |_, facts| facts.token_file = Some((Path::new("/t"), 0o660)),
                |_, facts| facts.token_file = Some((Path::new("/t"), 0o644)),
                "the token file has mode 0644, open to every user of this host; fix: \
                 waive it with policy.waive = [\"token-readable\"], or close it: chmod 0640 /t",
            ),
        ];
        for (rule, holds, breaks, message) in table {
            let outcome = |change: Change| {
                let mut changed = policy();
                let original = policy();
                let mut facts = facts(&original);
                change(&mut changed, &mut facts);
                broken(&Facts {
                    policy: &changed,
                    ..facts
                })
            };
            assert_eq!(outcome(holds), [], "{rule:?}");
            assert_eq!(
                outcome(breaks),
                [Broken {
                    rule,
                    message: message.to_owned()
                }]
            );
        }
    }

    #[test]
    fn rules_without_their_subject_hold() {
        let policy = policy();
        let facts = Facts {
            ttls: vec![],
            recovery: Limits {
                enabled: false,
                ..limits()
            },
            wan_hosts: vec!["a.example"],
            token_file: None,
            ..facts(&policy)
        };
        assert_eq!(broken(&facts), []);
    }

    #[test]
    fn no_two_rules_share_a_name() {
        let names: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
    }
}
