//! The UPS that tells of the mains.

use super::finding::Finding;
use crate::app::adapters::Adapters;

const FIX: &str = "start the server that watches the UPS, or set ups.nut to it";

/// What it says; nothing where none is configured. One that cannot be asked counts as none, so cycles do their work.
pub fn look(adapters: &Adapters) -> Option<Finding> {
    let signal = adapters.ups()?;
    let target = signal.target.unwrap_or_default();
    Some(match signal.result {
        Ok(ups) if ups.on_battery || ups.low => {
            Finding::warn("ups", format!("{target}: {}", ups.told()))
        }
        Ok(ups) => Finding::ok("ups", format!("{target}: {}", ups.told())),
        Err(why) => Finding::warn("ups", format!("{target} counts as none: {why}")).or_fix(FIX),
    })
}

/// That it is configured; asks nobody.
pub fn offline(adapters: &Adapters) -> Option<Finding> {
    let server = adapters.settings.ups.as_ref()?;
    Some(Finding::ok("ups", format!("{server} (not asked)")))
}
