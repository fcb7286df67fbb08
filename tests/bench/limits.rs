//! What a cycle of cadence may take, with delays: of one connection, one request, and one answer of the name server.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::internet::{Delays, Internet};
use crate::measure::Cost;
use crate::rounds::{Addresses, DELAYS};
use crate::support::{each_moment, each_record, wall};
use crate::tools::{Kind, Tool};

/// What the name server takes for an answer, on top of every bound.
pub const NAME: Duration = Duration::from_millis(20);

/// The cycles, and what each may take beside the name server's answer, in milliseconds.
const CYCLES: [(&str, f64); 5] = [
    ("steady", 90.0),
    ("evidence expired, public DNS is asked", 95.0),
    ("first sight of a change", 95.0),
    ("write", 145.0),
    ("first sight and write, --trust", 145.0),
];

/// A cycle that has a bound.
pub struct Limit {
    pub cycle: &'static str,
    pub bound_ms: f64,
    pub costs: Vec<Cost>,
}

/// Each cycle once a round, by a cadence and by another one that trusts what it sees.
pub fn measure(internet: &Internet, folder: &Path, kinds: &[Kind], rounds: usize) -> Vec<Limit> {
    let mut addresses = Addresses::new();
    let [plain, trusting] = [0, 1].map(|at| kinds[at].set_up(internet, folder, "limits", 1));
    let run = |tool: &Tool| tool.run(internet, false).unwrap();
    let settle = |tool: &Tool| {
        internet.set_delays(Delays::default());
        run(tool);
        internet.set_delays(Delays {
            name: NAME,
            ..DELAYS
        });
    };
    addresses.next(internet);
    for _ in 0..3 {
        settle(&plain);
        settle(&trusting);
    }
    let mut limits = CYCLES.map(|(cycle, bound)| Limit {
        cycle,
        bound_ms: bound + NAME.as_secs_f64() * 1e3,
        costs: vec![],
    });
    for _ in 0..rounds {
        let steady = run(&plain);
        age(&plain.folder.join("state/state.json"));
        let expired = run(&plain);
        addresses.next(internet);
        let [seen, written] = [(), ()].map(|()| run(&plain));
        addresses.next(internet);
        let at_once = run(&trusting);
        // The one who trusts saw two changes in one, and the other has one before it.
        [&trusting, &plain, &plain, &plain]
            .into_iter()
            .for_each(settle);
        for (limit, cost) in limits
            .iter_mut()
            .zip([steady, expired, seen, written, at_once])
        {
            limit.costs.push(cost);
        }
    }
    limits.into()
}

/// Lets three hours pass, as if the host had been off.
fn age(state: &Path) {
    let mut known: Value = serde_json::from_str(&fs::read_to_string(state).unwrap()).unwrap();
    known = each_record(known);
    each_moment(&mut known, &|moment| {
        let before = wall(moment).checked_sub(Duration::from_secs(3 * 3600));
        moment.insert("wall".into(), before.unwrap().to_string().into());
        moment.insert("boot".into(), "an earlier boot".into());
    });
    fs::write(state, known.to_string()).unwrap();
}
