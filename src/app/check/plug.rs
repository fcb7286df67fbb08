//! The plug behind which the modem gets its power. It is asked and never switched.

use super::Finding;
use crate::app::wire::Wire;

const MEND: &str = "set recovery.address to where the plug is, and recovery.user and recovery.password_file to what it wants";

/// Whether what it takes to speak to the plug is configured; nothing where it is not wanted. Asks nobody.
pub fn offline(wire: &Wire) -> Option<Finding> {
    match wire.plug() {
        Ok(plug) => Some(Finding::ok(
            "plug",
            format!("{} (not asked)", plug.target()),
        )),
        Err(why) => unusable(wire, why),
    }
}

/// What the plug says of itself, and whether it stays within reach; nothing where it is not wanted.
pub fn look(wire: &Wire) -> Vec<Finding> {
    let plug = match wire.plug() {
        Ok(plug) => plug,
        Err(why) => return unusable(wire, why).into_iter().collect(),
    };
    let signal = wire.plug_status();
    let target = plug.target();
    let mut findings = vec![match signal.result {
        Ok(status) => {
            let known = plug.pin().allows_off(&status);
            let id = status
                .id
                .map_or_else(String::new, |id| format!(" (id {id})"));
            match (status.on, known) {
                (_, Err(why)) => Finding::warn(
                    "plug",
                    format!("{target} answers{id}, and will not be switched off"),
                )
                .mend(why),
                (Some(true), Ok(())) => {
                    Finding::ok("plug", format!("{target} answers, and is on{id}"))
                }
                (None, Ok(())) => Finding::ok(
                    "plug",
                    format!("{target}: cannot tell whether it is on{id}"),
                ),
                (Some(false), Ok(())) => Finding::warn(
                    "plug",
                    format!("{target} is off: the modem has no power{id}"),
                )
                .mend("cadence recover --on switches it on"),
            }
        }
        Err(why) => Finding::fail("plug", format!("{target}: {why}")).mend(MEND),
    }];
    if !plug.can_time_itself() {
        let mend = "give it an address on this network, or use a plug that can time itself";
        let cut_off = wire.plug_may_be_cut_off();
        findings.extend(cut_off.map(|why| Finding::warn("plug", why).mend(mend)));
    }
    findings
}

fn unusable(wire: &Wire, why: String) -> Option<Finding> {
    wire.settings
        .recovery
        .enabled
        .then(|| Finding::fail("plug", why))
}
