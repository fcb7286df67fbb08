//! `cadence status --check=alive`: whether cycles run at their times, whatever they find. For whoever starts a container anew that fails its
//! health check: an outage, or a provider that refuses, is nothing that this would mend, and it may be what is just being mended.

use std::path::Path;

use super::monitor::{Monitor, unknown};
use crate::logic::moment::Moment;
use crate::logic::schedule::is_alive;
use crate::logic::state::State;
use crate::render::text::ago;

/// To Docker, 1 is unhealthy, and all else its own affair.
const NOT_ALIVE: u8 = 1;

/// What is told of that state.
pub fn alive(state: Option<&State>, now: &Moment, state_dir: &Path) -> Monitor {
    let last = state.and_then(|state| state.last.as_ref());
    let (Some(state), Some(last)) = (state, last) else {
        let place = state_dir.display();
        return Monitor {
            code: NOT_ALIVE,
            ..unknown(&format!("no cycle has ended yet: by the state in {place}"))
        };
    };
    let is_alive = is_alive(state, now);
    let age = last.at.elapsed(now).known().map(|age| age.as_secs());
    let word = if is_alive { "ALIVE" } else { "STALE" };
    let busy = if state.recovery.cut.is_some() {
        ", and the modem may be without power since a cut"
    } else {
        ""
    };
    Monitor {
        code: if is_alive { 0 } else { NOT_ALIVE },
        line: format!("{word}: last cycle {}{busy}\n", ago(age)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::fixtures::at;
    use crate::logic::state::LastCycle;

    #[test]
    fn it_is_alive_in_an_outage_and_in_a_cut_and_not_where_no_cycle_runs() {
        let told = |state: Option<&State>, s| {
            let Monitor { code, line } = alive(state, &at(s), Path::new("/x"));
            (code, line)
        };
        let none = "UNKNOWN: no cycle has ended yet: by the state in /x\n";
        assert_eq!(told(None, 0), (1, none.to_owned()));
        let mut state = State::cold(&at(0));
        assert_eq!(told(Some(&state), 0), (1, none.to_owned()));
        state.last = Some(LastCycle {
            at: at(0),
            elapsed_ms: 1,
        });
        let fresh = "ALIVE: last cycle 1 min 30 s ago\n";
        assert_eq!(told(Some(&state), 90), (0, fresh.to_owned()));
        let late = "STALE: last cycle 10 min ago\n";
        assert_eq!(told(Some(&state), 600), (1, late.to_owned()));
        state.recovery.intend(&at(100));
        let busy = "ALIVE: last cycle 10 min ago, and the modem may be without power since a cut\n";
        assert_eq!(told(Some(&state), 600), (0, busy.to_owned()));
    }
}
