//! What `cadence status` says in more than one form.

use super::document::{Address, Document};

/// `1 of 2 confirmations`, for a candidate.
pub fn confirmations(address: &Address) -> Option<String> {
    let so_far = address.confirmations?;
    Some(match (address.required, so_far) {
        (Some(required), _) => format!("{} of {required} confirmations", so_far.min(required)),
        (None, 1) => "1 confirmation".to_owned(),
        (None, _) => format!("{so_far} confirmations"),
    })
}

/// `99.85% (3403/3408)`; none where no cycle was counted.
pub fn uptime(document: &Document) -> Option<String> {
    let counted = document.uptime;
    let percent = counted.percent?;
    Some(format!(
        "{percent:.2}% ({}/{})",
        counted.ready, counted.total
    ))
}
