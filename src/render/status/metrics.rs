//! What is known as metrics: a sample that is not known is left out. What a thing is in is a label, with 1 for the one that is so and 0 for the
//! others.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::document::{Document, Ups};
use crate::logic::forward::Standing;
use crate::logic::readiness::Readiness;
use crate::logic::records::Truth;
use crate::logic::verdict::Verdict;
use crate::logic::vpn::Reach;

/// A label and its value.
type Label<'a> = (&'static str, &'a str);

/// The text of metrics, of which there are two kinds that differ in how they name counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>, as `node_exporter`'s textfile collector reads it.
    Prometheus,
    /// <https://prometheus.io/docs/specs/om/open_metrics_spec/>: a family of counters is called without `_total`, and the text says that it ends.
    OpenMetrics,
}

/// The metrics, one family after the other.
struct Text(String, Form);

impl Text {
    /// Begins a family: a counter where its name ends so, a gauge otherwise.
    fn family(&mut self, name: &str, help: &str) {
        let counter = name.strip_suffix("_total");
        let kind = counter.map_or("gauge", |_| "counter");
        let name = counter
            .filter(|_| self.1 == Form::OpenMetrics)
            .unwrap_or(name);
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[Label<'_>], value: f64) {
        let label = |(name, value): &Label<'_>| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{name}=\"{}\"", value.replace('\n', "\\n"))
        };
        let labels: Vec<String> = labels.iter().map(label).collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    /// A family of one sample, where that is known.
    fn one(&mut self, name: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.family(name, help);
            self.sample(name, &[], value);
        }
    }
}

/// Seconds since 1970.
fn unix(at: Option<Timestamp>) -> Option<f64> {
    at.map(Timestamp::as_second).map(seconds)
}

#[allow(clippy::cast_precision_loss, reason = "seconds of a century fit")]
const fn seconds(seconds: i64) -> f64 {
    seconds as f64
}

/// A count that fits.
fn count(count: u64) -> f64 {
    seconds(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The metrics of a document; `check` is what `status --check` exits with.
#[must_use]
pub fn text(document: &Document, check: u8, form: Form) -> String {
    let mut text = Text(String::new(), form);
    let version = env!("CARGO_PKG_VERSION");
    text.family("cadence_build_info", "The release of cadence.");
    text.sample("cadence_build_info", &[("version", version)], 1.0);
    text.one(
        "cadence_check_status",
        "What `cadence status --check` exits with: 0 all right, 1 a warning, 2 critical, 3 not known.",
        Some(f64::from(check)),
    );
    text.one(
        "cadence_config_valid",
        "Whether cycles can use the configuration.",
        Some(f64::from(u8::from(document.config_error.is_none()))),
    );
    cycles(&mut text, document);
    line(&mut text, document);
    records(&mut text, document);
    forwards(&mut text, document);
    recovery(&mut text, document);
    if let Some(known) = &document.ups {
        ups(&mut text, known);
    }
    if form == Form::OpenMetrics {
        text.0.push_str("# EOF\n");
    }
    text.0
}

fn cycles(text: &mut Text, document: &Document) {
    let last = document.last_cycle.as_ref();
    text.one(
        "cadence_last_cycle_timestamp_seconds",
        "When the last cycle began.",
        unix(last.and_then(|last| last.began.at)),
    );
    text.one(
        "cadence_last_cycle_duration_seconds",
        "How long it took.",
        last.map(|last| count(last.elapsed_ms) / 1_000.0),
    );
    let next = document.next.as_ref();
    text.one(
        "cadence_next_cycle_timestamp_seconds",
        "When the next one is due.",
        unix(next.and_then(|next| next.due_at)),
    );
    let known = document.readiness.is_some();
    let of = |cycles| known.then(|| count(cycles));
    text.one(
        "cadence_cycles_total",
        "Cycles that ended.",
        of(document.uptime.total),
    );
    text.one(
        "cadence_ready_cycles_total",
        "Cycles that ended READY.",
        of(document.uptime.ready),
    );
}

fn line(text: &mut Text, document: &Document) {
    if let Some(verdict) = document.verdict {
        const NAME: &str = "cadence_verdict";
        text.family(NAME, "What the last cycle found of the line.");
        for it in Verdict::ALL {
            let is_so = f64::from(u8::from(*it == verdict));
            text.sample(NAME, &[("verdict", it.as_str())], is_so);
        }
    }
    let families: Vec<_> = document.public_ip.used().collect();
    if document.readiness.is_some() {
        const NAME: &str = "cadence_readiness";
        text.family(NAME, "How far each address family is trusted.");
        for (family, address) in &families {
            for it in Readiness::ALL {
                let is_so = f64::from(u8::from(address.readiness == Some(*it)));
                let labels = [("family", family.as_str()), ("readiness", it.as_str())];
                text.sample(NAME, &labels, is_so);
            }
        }
    }
    if families.iter().any(|(_, it)| it.address.is_some()) {
        const NAME: &str = "cadence_public_address_info";
        text.family(NAME, "The public address, and how far it is believed.");
        for (family, it) in &families {
            if let Some(address) = it.shown() {
                let address = address.to_string();
                let labels = [
                    ("family", family.as_str()),
                    ("address", address.as_str()),
                    ("state", it.state.as_str()),
                ];
                text.sample(NAME, &labels, 1.0);
            }
        }
    }
    let outage = document.outage.as_ref();
    text.one(
        "cadence_outage_start_timestamp_seconds",
        "When the current outage began.",
        unix(outage.and_then(|outage| outage.began.at)),
    );
}

fn records(text: &mut Text, document: &Document) {
    let records = &document.records;
    if document.readiness.is_none() || records.is_empty() {
        return;
    }
    let name = "cadence_record_truth";
    text.family(name, "What is known of each record.");
    for record in records {
        for it in Truth::ALL {
            let labels = [
                ("name", record.name.as_str()),
                ("type", record.kind.as_str()),
                ("truth", it.as_str()),
            ];
            let is_so = f64::from(u8::from(record.truth == *it));
            text.sample(name, &labels, is_so);
        }
    }
    let name = "cadence_record_verified_timestamp_seconds";
    text.family(name, "When each record was last seen to be right.");
    for record in records {
        let at = record.verified.as_ref().and_then(|it| it.when.at);
        if let Some(at) = unix(at) {
            let labels = [("name", &*record.name), ("type", &*record.kind)];
            text.sample(name, &labels, at);
        }
    }
    let name = "cadence_record_public_dns_lag_seconds";
    text.family(
        name,
        "For how long public DNS has not shown what each record holds.",
    );
    for record in records {
        let pending = record.pending.as_ref().filter(|it| it.heard);
        let behind = pending.map_or(Some(0), |it| it.behind_s);
        if let Some(behind) = behind {
            let labels = [("name", &*record.name), ("type", &*record.kind)];
            text.sample(name, &labels, count(behind));
        }
    }
}

fn forwards(text: &mut Text, document: &Document) {
    let name = "cadence_forward_open";
    let reach = document.vpn.as_ref().map(|it| it.reach);
    let reach = reach.filter(|it| *it != Reach::NotKnown);
    text.one(
        "cadence_vpn_reachable",
        "Whether the VPN is reached from outside.",
        reach.map(|it| f64::from(u8::from(it == Reach::Yes))),
    );
    if !document.forwards.is_empty() {
        text.family(name, "Whether the router forwards each port.");
    }
    for forward in &document.forwards {
        let port = forward.external.to_string();
        let labels = [("protocol", forward.protocol.as_str()), ("port", &*port)];
        let is_open = f64::from(u8::from(forward.standing == Standing::Open));
        text.sample(name, &labels, is_open);
    }
}

fn recovery(text: &mut Text, document: &Document) {
    let recovery = &document.recovery;
    let is = |it: bool| Some(f64::from(u8::from(it)));
    text.one(
        "cadence_modem_dark",
        "Whether the modem may be without power since a cut, or its plug was seen off and left so.",
        is(recovery.dark),
    );
    text.one(
        "cadence_recovery_enabled",
        "Whether cadence may cut the modem's power.",
        is(recovery.enabled),
    );
    text.one(
        "cadence_recovery_attempts_in_day",
        "Power cycles of the last 24 hours.",
        Some(count(recovery.attempts_in_day as u64)),
    );
    text.one(
        "cadence_plug_line_up",
        "Whether the line that the plug serves is up, if this host goes out by another one.",
        recovery.line.and_then(|line| is(!line.is_down())),
    );
    let backoff = document.backoff.as_ref();
    text.one(
        "cadence_api_paused",
        "Whether Cloudflare's API is left alone for now.",
        is(backoff.is_some()),
    );
    text.one(
        "cadence_api_token_rejected",
        "Whether Cloudflare rejected the token.",
        is(backoff.is_some_and(|it| it.token_rejected)),
    );
}

/// One that cannot be asked has one sample, which says that.
fn ups(text: &mut Text, ups: &Ups) {
    let is = |it: bool| f64::from(u8::from(it));
    text.one(
        "cadence_ups_up",
        "Whether the UPS could be asked.",
        Some(is(ups.error.is_none())),
    );
    text.one(
        "cadence_ups_on_battery",
        "Whether the UPS is on battery.",
        ups.on_battery.map(is),
    );
    text.one(
        "cadence_ups_battery_low",
        "Whether the UPS says that its battery is low.",
        ups.low.map(is),
    );
    text.one(
        "cadence_ups_battery_charge_ratio",
        "What is left in the battery, from 0 to 1.",
        ups.charge.map(|charge| f64::from(charge) / 100.0),
    );
    text.one(
        "cadence_ups_battery_runtime_seconds",
        "For how long that lasts.",
        ups.runtime_s.map(f64::from),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::{at, ip, machines};
    use crate::logic::readiness::Track;
    use crate::logic::state::{LastCycle, State};

    /// Each sample is of the family that stands above it, and each family is there once.
    fn families(text: &str) -> Vec<&str> {
        let mut families = vec![];
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                families.push(rest.split(' ').next().unwrap());
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().unwrap();
                let family = *families.last().unwrap();
                assert_eq!(
                    name.strip_prefix(family)
                        .unwrap()
                        .trim_end_matches("_total"),
                    "",
                    "{line}"
                );
            }
        }
        let mut sorted = families.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), families.len(), "{families:?}");
        families
    }

    #[test]
    fn what_is_not_known_is_left_out_and_never_zero() {
        let document = Document::new(None, None, &at(0));
        let text = text(&document, 3, Form::OpenMetrics);
        assert!(text.contains("\ncadence_check_status 3\n"), "{text}");
        assert!(text.ends_with("\n# EOF\n"));
        for unknown in [
            "cycles_total",
            "last_cycle",
            "verdict",
            "readiness{",
            "record_",
        ] {
            assert!(
                !text.contains(&format!("\ncadence_{unknown}")),
                "{unknown}: {text}"
            );
        }
        families(&text);
    }

    #[test]
    fn of_what_a_thing_may_be_in_one_is_so() {
        let trusted = Track::Trusted {
            address: ip("11.0.0.1"),
            confirmations: 2,
        };
        let mut state = State::cold(&at(0));
        state.machines = machines(trusted, Track::Init);
        state.verdict = Some(Verdict::WanDown);
        state.last = Some(LastCycle {
            at: at(0),
            elapsed_ms: 94,
        });
        state.recovery.intend(&at(0));
        let document = Document::new(Some(&state), None, &at(5));
        let text = text(&document, 2, Form::Prometheus);
        for sample in [
            "cadence_verdict{verdict=\"WAN_DOWN\"} 1",
            "cadence_verdict{verdict=\"HEALTHY\"} 0",
            "cadence_readiness{family=\"ipv4\",readiness=\"READY\"} 1",
            "cadence_readiness{family=\"ipv4\",readiness=\"INIT\"} 0",
            "cadence_public_address_info{family=\"ipv4\",address=\"11.0.0.1\",state=\"trusted\"} 1",
            "cadence_last_cycle_duration_seconds 0.094",
            "cadence_modem_dark 1",
            "cadence_cycles_total 0",
        ] {
            assert!(text.contains(&format!("\n{sample}\n")), "{sample}: {text}");
        }
        let last = format!(
            "cadence_last_cycle_timestamp_seconds {}",
            at(0).wall.as_second()
        );
        assert!(text.contains(&last), "{text}");
        assert!(families(&text).contains(&"cadence_cycles_total"));
        assert!(text.contains("# TYPE cadence_cycles_total counter\n"));
        assert!(!text.contains("EOF"));
        let open = super::text(&document, 2, Form::OpenMetrics);
        assert!(families(&open).contains(&"cadence_cycles"));
        let counter = "# TYPE cadence_cycles counter\ncadence_cycles_total 0\n";
        assert!(open.contains(counter) && open.ends_with("\n# EOF\n"));
    }

    #[test]
    fn a_label_cannot_end_itself() {
        let mut text = Text(String::new(), Form::Prometheus);
        text.sample("a", &[("b", "c\"d\\e\nf")], 1.0);
        assert_eq!(text.0, "a{b=\"c\\\"d\\\\e\\nf\"} 1\n");
    }
}
