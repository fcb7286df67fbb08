//! The plug behind which the modem gets its power. It is asked and never switched.

use super::finding::Finding;
use crate::app::adapters::Adapters;
use crate::called;
use crate::config::PlugKind;
use crate::logic::advice;
use crate::logic::recovery::LONGEST_GAP;
use crate::logic::units::human_duration;
use crate::plug::Pin;

const FIX: &str = "set recovery.address to the plug's address, and recovery.user and recovery.password_file to its login";
const FIX_ENTITY: &str = "set recovery.address to Home Assistant's address, recovery.entity to an entity that it knows, and recovery.password_file to a file with a long-lived access token";
const FIX_PROGRAM: &str = "set recovery.program to the program, and make it executable";

/// Whether what it takes to speak to the plug is configured; nothing where it is not wanted. Asks nobody.
pub fn offline(adapters: &Adapters) -> Option<Finding> {
    match adapters.plug() {
        Ok(plug) => {
            let target = plug.target();
            Some(match plug.pin() {
                Pin::Unset => {
                    let why =
                        format!("{target} (not asked): not switched off without recovery.plug_id");
                    let fix = format!("set it; it is shown by: {}", called::cadence("check"));
                    Finding::warn("plug", why).fix(fix)
                }
                Pin::To(_) | Pin::Untold => Finding::ok("plug", format!("{target} (not asked)")),
            })
        }
        Err(why) => unusable(adapters, why),
    }
}

/// What the plug says of itself, and whether it stays within reach; nothing where it is not wanted.
pub fn look(adapters: &Adapters) -> Vec<Finding> {
    let plug = match adapters.plug() {
        Ok(plug) => plug,
        Err(why) => return unusable(adapters, why).into_iter().collect(),
    };
    let signal = adapters.plug_status();
    let target = plug.target();
    let mut findings = vec![match signal.result {
        Ok(status) => {
            let known = plug.pin().allows_off(&status);
            let is_ours = plug.pin().allows_on(&status).is_ok();
            let id = status
                .id
                .map_or_else(String::new, |id| format!(" (id {id})"));
            match (status.on, known) {
                (Some(false), known) if is_ours => {
                    let why = known.err().unwrap_or_default();
                    let (why, then) = advice::split(&why);
                    let why = if why.is_empty() {
                        why.to_owned()
                    } else {
                        format!("; {why}")
                    };
                    let then = then.map_or_else(String::new, |then| format!("{then}; first "));
                    let found = format!("{target} is off: the modem has no power{id}{why}");
                    let on = called::cadence("recover --on");
                    Finding::warn("plug", found).fix(format!("{then}switch it on: {on}"))
                }
                (_, Err(why)) => Finding::warn(
                    "plug",
                    format!("{target} answers{id}, but will not be switched off: {why}"),
                ),
                (Some(true), Ok(())) => {
                    Finding::ok("plug", format!("{target} answers and is on{id}"))
                }
                // One that is off is ours where it may be switched off.
                (None | Some(false), Ok(())) => Finding::ok(
                    "plug",
                    format!("{target}: cannot tell whether it is on{id}"),
                ),
            }
        }
        Err(why) => {
            let fix = match adapters.settings.recovery.plug {
                PlugKind::Command => FIX_PROGRAM,
                PlugKind::HomeAssistant => FIX_ENTITY,
                PlugKind::Shelly1 | PlugKind::Shelly2 | PlugKind::Tasmota | PlugKind::Http => FIX,
            };
            Finding::fail("plug", format!("{target}: {why}")).or_fix(fix)
        }
    }];
    if !plug.can_time_itself() {
        let fix = "give it an address on this network, or use a plug that can time itself";
        let cut_off = adapters.plug_may_be_cut_off();
        findings.extend(cut_off.map(|why| Finding::warn("plug", why).fix(fix)));
    }
    let policy = &adapters.settings.policy;
    let longest = policy.unsettled_interval + policy.jitter;
    if adapters.settings.recovery.limits.enabled && longest > LONGEST_GAP {
        let (longest, gap) = (human_duration(longest), human_duration(LONGEST_GAP));
        let why = format!(
            "never switched off: cycles may be {longest} apart, and over {gap} prove no outage"
        );
        let fix = "set policy.unsettled_interval and policy.jitter to less";
        findings.push(Finding::warn("plug", why).fix(fix));
    }
    findings
}

fn unusable(adapters: &Adapters, why: String) -> Option<Finding> {
    let is_wanted = adapters.settings.recovery.limits.enabled;
    is_wanted.then(|| Finding::fail("plug", why))
}
