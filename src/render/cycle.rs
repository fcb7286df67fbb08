//! x
use super::Style;
use crate::app::reconcile::Cycle;
/// x
#[must_use]
pub fn report(_: &Cycle<'_>, _: &Style) -> String {
    String::new()
}
