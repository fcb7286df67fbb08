//! The VPN of this home, as a signal: looked at in each cycle once the records and the forwards are settled.

use super::adapters::Adapters;
use super::check::finding::Finding;
use crate::logic::moment::Moment;
use crate::logic::reachable;
use crate::logic::state::State;
use crate::logic::vpn::{self, Reach, Told};

/// Takes up whether it is reached from outside.
pub fn judge(adapters: &Adapters, state: &mut State, now: &Moment) {
    let Some(told) = look(adapters, state, now) else {
        state.vpn = None;
        return;
    };
    let name = adapters.settings.vpn.as_ref().map(|it| &*it.name);
    let event = vpn::take_up(&mut state.vpn, &told, name.unwrap_or_default(), now);
    if let Some(what) = event {
        state.emit(now, what);
    }
}

/// The verdict by what is seen now and what the state knows; none where no VPN is configured.
#[must_use]
pub fn look(adapters: &Adapters, state: &State, now: &Moment) -> Option<Told> {
    let settings = &adapters.settings;
    let vpn = settings.vpn.as_ref()?;
    let public = state.machines.ipv4.track.trusted();
    let forward = reachable::forward_of(vpn, &settings.forwards, state.forwards.as_ref());
    let seen = adapters.vpn(vpn, forward.as_ref(), public, now.wall);
    let facts = reachable::facts(vpn, &seen, &settings.records, forward.as_ref(), state);
    Some(vpn::verdict(vpn, &seen, &facts))
}

/// As `check` and `probe` tell it.
#[must_use]
pub fn finding(told: &Told) -> Finding {
    let sentence = Told::sentence(told.reach, &told.why);
    match told.reach {
        Reach::Yes => Finding::ok("vpn", sentence),
        Reach::No | Reach::NotKnown => Finding::warn("vpn", sentence),
    }
}
