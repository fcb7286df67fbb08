//! Rows of cycles of any length, through the model of a home that the tests of the decisions use.

#[path = "../../simulation/state_machine/model.rs"]
#[expect(dead_code, reason = "the search through all states uses the rest")]
pub mod model;
#[path = "../../simulation/state_machine/promises.rs"]
#[expect(dead_code, reason = "the search through all states uses the rest")]
mod promises;

use cadence::logic::readiness::Readiness;
use model::{A, B, Home, Input, Others, Pause, Seen};

/// More cycles of 400 s than the longest wait that anything may ask for, a day, and than it takes after that.
const FOREVER: usize = 24 * 9 + 12;

/// Two bytes a cycle.
pub fn sequence(input: &[u8]) {
    let mut home = Home::new();
    for bytes in input.chunks_exact(2).take(256) {
        let cycle = of(bytes[0], bytes[1]);
        let after = home.after(cycle);
        promises::hold(&home, cycle, &after);
        home = after;
    }
    leads_home(home);
}

fn of(first: u8, second: u8) -> Input {
    let pauses = [Pause::Fast, Pause::Fast, Pause::Gap, Pause::Reboot];
    let seen = [
        Seen::Address(A),
        Seen::Address(B),
        Seen::NoHost,
        Seen::NoRouter,
        Seen::NoWanFast,
        Seen::NoWanSlow,
        Seen::NoAddress,
    ];
    let others = [
        Others::Honest,
        Others::OldDns,
        Others::NoDns,
        Others::NoRead,
        Others::WriteRefused,
        Others::WriteLost,
        Others::WriteLostButApplied,
        Others::KilledBeforeWrite,
        Others::KilledAfterWrite,
        Others::KilledInTheDark,
    ];
    Input {
        pause: pauses[usize::from(first) % pauses.len()],
        seen: seen[usize::from(first >> 2) % seen.len()],
        others: others[usize::from(second) % others.len()],
    }
}

/// From wherever it is, an honest world leads to READY, the right record and a modem with power.
pub fn leads_home(mut home: Home) {
    let honest = Input {
        pause: Pause::Gap,
        ..Input::HONEST
    };
    for _ in 0..FOREVER {
        home = home.after(honest);
        if home.readiness() == Readiness::Ready && home.content == Some(A) && home.plug_on {
            return;
        }
    }
    panic!("an honest world does not lead home from {home:#?}");
}
