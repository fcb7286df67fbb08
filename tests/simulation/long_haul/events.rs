//! The events of a history, each by what was true in its cycle and by those before it.

use std::collections::{BTreeMap, VecDeque};

use cadence::world::Write;
use serde_json::Value;

use super::ledger::{Truth, content};

/// What the events said last.
#[derive(Debug, Default)]
pub struct Told {
    /// Of each family, where records of both are kept.
    readiness: BTreeMap<Option<String>, Value>,
    addresses: BTreeMap<String, Value>,
    outage: bool,
}

impl Told {
    /// An event tells what was so in its cycle. True where it tells of a write that its cycle made and reported.
    pub fn judge(
        &mut self,
        event: &Value,
        truth: &Truth,
        may_gap: bool,
        untold: &mut Vec<(bool, Write)>,
        unanswered: &mut VecDeque<Write>,
    ) -> bool {
        let known = |address: &Value| {
            let address = address.as_str().unwrap_or_default().parse();
            truth
                .addresses
                .iter()
                .any(|true_one| address.as_ref() == Ok(true_one))
        };
        match event["kind"].as_str().unwrap() {
            "readiness" => {
                let family = event["family"].as_str().map(str::to_owned);
                let before = self.readiness.insert(family, event["to"].clone());
                assert_eq!(event["from"], before.unwrap_or("INIT".into()), "{event}");
                assert!(
                    if event["to"] == "NOT_READY" {
                        // By a clock that is wrong no certificate is valid, and over IPv6 nobody else answers here.
                        truth.down || truth.odd_clock
                    } else {
                        truth.up
                    },
                    "{event} {truth:?}"
                );
            }
            "address" => {
                let family = event["family"].as_str().unwrap().to_owned();
                let before = self.addresses.insert(family, event["to"].clone());
                assert_eq!(event["from"], before.unwrap_or_default(), "{event}");
                assert!(known(&event["to"]), "{event} {truth:?}");
            }
            "record" if ["updated", "created"].contains(&event["outcome"].as_str().unwrap()) => {
                let of_it = |write: &Write| {
                    write.after.as_ref().is_some_and(|after| {
                        after["name"] == event["name"]
                            && after["type"] == event["type"]
                            && after["content"] == event["to"]
                    })
                };
                let exactly =
                    |write: &Write| of_it(write) && content(write.before.as_ref()) == event["from"];
                // Told late: by whomever it was made, as nobody can tell a killed process's write from another host's.
                if event["reason"].is_string() {
                    let earlier = unanswered.iter().rposition(of_it);
                    let now = untold.iter().rposition(|(_, write)| of_it(write));
                    match (earlier, now) {
                        (Some(place), _) => drop(unanswered.remove(place)),
                        (None, Some(place)) => drop(untold.remove(place)),
                        (None, None) => panic!("never written: {event}"),
                    }
                    return false;
                }
                // The last of its like: that of a killed process need not be told. And somebody else may write between its reading and
                // its writing, where that was not calm.
                let told = untold
                    .iter()
                    .rposition(|(_, write)| exactly(write))
                    .or_else(|| {
                        untold
                            .iter()
                            .position(|(calm, write)| !calm && of_it(write))
                    });
                untold.remove(told.unwrap_or_else(|| panic!("never written: {event}")));
                return true;
            }
            "record" => assert!(event["reason"].is_string(), "{event}"),
            "converged" => assert!(known(&event["address"]), "{event} {truth:?}"),
            "outage" => {
                let began = event["phase"] == "began";
                assert_ne!(began, self.outage, "{event}");
                assert!(
                    if began { truth.down } else { truth.up },
                    "{event} {truth:?}"
                );
                self.outage = began;
            }
            "recovery" => {}
            "gap" => assert!(may_gap, "there was none: {event}"),
            "error" => {
                let message = event["message"].as_str().unwrap();
                let known = (truth.odd_clock && message.contains("this host's clock"))
                    || (truth.damaged && message.contains("is unusable"))
                    || (!truth.calm && message.contains("has not been READY for over 10 min"));
                assert!(known, "{event} {truth:?}");
            }
            _ => panic!("nothing of the kind happened: {event}"),
        }
        false
    }
}
