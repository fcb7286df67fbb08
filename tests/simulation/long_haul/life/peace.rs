//! Peace: all is honest, soon every record is right, and then a cycle costs next to nothing.

use std::time::Duration;

use cadence::world::{Counts, Line, PlugMode, ProviderMode, Tally};
use rand::RngExt;
use serde_json::{Value, json};

use super::super::support::gist;
use super::super::weather;
use super::Life;

/// In an honest world the records are right, and nothing is left to do, after so many cycles.
const UNTIL_RIGHT: usize = 3;
/// Long enough for any rest, budget and cap.
const A_DAY_LATER: Duration = Duration::from_secs(25 * 3_600);

impl Life {
    /// What was asked since the counts were reset, beside one look at the line. That is a connection and no more; where it is slow to
    /// come, on a busy machine, the other two targets are tried too, and a world may count those of the cycle before late.
    pub fn asked(&self) -> Counts {
        let counts = self.home.world.counts();
        assert!(
            counts.wan.connections <= 6 && counts.wan.requests == 0,
            "{counts:?}"
        );
        Counts {
            wan: Tally::default(),
            ..counts
        }
    }

    /// From now on all is honest; soon every record is right, and nothing is left to do.
    pub fn make_peace(&mut self) {
        self.set_line(Line::Up);
        let random = &mut self.random;
        self.address = Some(weather::honest(random));
        self.address6 = Some(weather::honest6(random));
        let world = &self.home.world;
        world.set_address(self.address);
        world.set_address6(self.address6);
        world.set_doh(weather::HONEST_RESOLVER);
        world.cloudflare().set_fault(None);
        for index in 0..4 {
            world.set_provider(index, ProviderMode::Honest);
            world.set_provider6(index, ProviderMode::Honest);
        }
        if let Some(model) = self.plan.wanted.plug {
            world.plugs().set_mode(model, PlugMode::Honest);
        }
        self.plug = PlugMode::Honest;
        if self.clock_was_odd {
            // A rest or a budget that began on an absurd clock begins anew on the next one.
            self.pass(A_DAY_LATER);
            self.cycle(&[]);
            self.clock_was_odd = false;
        }
        self.pass(A_DAY_LATER);
        self.tell(format!(
            "peace, with {:?} {:?}",
            self.address, self.address6
        ));
        for _ in 0..UNTIL_RIGHT {
            self.cycle(&[]);
        }
        let report = self.cycle_told(&[]);
        assert!(is_all(&report, &["noop/cache"]), "{report:#}");
        assert!(!self.home.is_unsettled());
        let (v4, v6) = (json!(self.address), json!(self.address6));
        let records = self.home.world.cloudflare().records();
        for (kind, name) in &self.plan.wanted.records {
            let right = if kind == "A" { &v4 } else { &v6 };
            let found: Vec<&Value> = records
                .iter()
                .filter(|record| record["type"] == *kind && record["name"] == *name)
                .map(|record| &record["content"])
                .collect();
            assert_eq!(found, [right], "{kind} {name}");
        }
        self.figures.peaces += 1;
    }

    /// A cycle in which nothing is new costs a look at the line and one at each address, and tells the history nothing.
    pub fn steady_cycle(&mut self) {
        if self.random.random() {
            self.pass(Duration::from_secs(120));
        }
        self.home.world.reset_counts();
        let events = self.figures.events;
        let report = self.cycle_told(&[]);
        assert_eq!(self.figures.events, events, "nothing happened: {report:#}");
        assert!(
            is_all(&report, &["noop/cache", "noop/doh", "noop/api"]),
            "{report:#}"
        );
        if is_all(&report, &["noop/cache"]) {
            let used = |kind| {
                let once = u64::from(self.plan.uses(kind));
                Tally {
                    connections: once,
                    requests: once,
                }
            };
            let counts = Counts {
                ip: used("A"),
                ip6: used("AAAA"),
                ..Counts::default()
            };
            assert_eq!(self.asked(), counts);
        }
        self.figures.steady += 1;
    }
}

/// READY, with every record settled in one of these ways.
fn is_all(report: &Value, ways: &[&str]) -> bool {
    let gist = gist(report);
    let mut words = gist.split(' ');
    words.next() == Some("READY") && words.all(|word| ways.contains(&word))
}
