//! What happens to a home from outside, drawn from its seed.

use std::time::Duration;

use cadence::world::Line;
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::json;

use super::super::weather;
use super::Life;

impl Life {
    /// Changes whatever may change between two cycles.
    pub fn stir(&mut self) {
        let back = self.plan.line_comes_back();
        let turns = if self.line == Line::Up { (1, 12) } else { back };
        if self.random.random_ratio(turns.0, turns.1) {
            let line = if self.line == Line::Up {
                Line::Down
            } else {
                Line::Up
            };
            self.set_line(line);
        }
        if self.random.random_ratio(1, 5) {
            self.change_address();
        }
        let (world, random) = (&self.home.world, &mut self.random);
        let mut told = vec![];
        if random.random_ratio(1, 3) {
            let modes = weather::providers(random, 4, weather::lie);
            told.push(format!("providers {modes:?}"));
            for (index, mode) in modes.into_iter().enumerate() {
                world.set_provider(index, mode);
            }
            let modes = weather::providers(random, 3, weather::lie6);
            told.push(format!("providers of IPv6 {modes:?}"));
            for (index, mode) in modes.into_iter().enumerate() {
                world.set_provider6(index, mode);
            }
        }
        if random.random_ratio(1, 3) {
            for index in 0..2 {
                let mode = weather::resolver(random, self.address);
                told.push(format!("resolver {index} {mode:?}"));
                world.set_doh_server(index, mode);
            }
        }
        if random.random_ratio(1, 8) {
            let (count, fault) = (random.random_range(1..4), weather::fault(random));
            told.push(format!("{count} times {fault:?}"));
            if random.random() {
                world.cloudflare().fail_next_write(count, fault);
            } else {
                world.cloudflare().fail_next(count, fault);
            }
        }
        let plug = self.plan.wanted.plug;
        if let Some(model) = plug.filter(|_| random.random_ratio(1, 10)) {
            self.plug = weather::plug(random);
            told.push(format!("plug {:?}", self.plug));
            world.plugs().set_mode(model, self.plug);
        }
        for what in told {
            self.tell(what);
        }
        if self.random.random_ratio(1, 8) {
            self.meddle();
        }
        if self.random.random_ratio(1, 2) {
            let seconds = *self.plan.pauses().choose(&mut self.random).unwrap();
            self.pass(Duration::from_secs(seconds));
        }
    }

    pub fn set_line(&mut self, line: Line) {
        self.tell(format!("line {line:?}"));
        self.line = line;
        self.home.world.set_line(line).unwrap();
    }

    pub fn change_address(&mut self) {
        let random = &mut self.random;
        if !self.plan.uses("AAAA") || random.random() {
            self.address = random.random_ratio(9, 10).then(|| weather::honest(random));
            self.home.world.set_address(self.address);
            self.tell(format!("address {:?}", self.address));
        } else {
            self.address6 = random.random_ratio(9, 10).then(|| weather::honest6(random));
            self.home.world.set_address6(self.address6);
            self.tell(format!("address {:?}", self.address6));
        }
    }

    /// Somebody else edits or deletes a record.
    pub fn meddle(&mut self) {
        let cloudflare = self.home.world.cloudflare();
        let Some(record) = cloudflare.records().choose(&mut self.random).cloned() else {
            return;
        };
        let id = record["id"].as_str().unwrap();
        if self.random.random_ratio(1, 3) {
            cloudflare.remove_record(id);
            self.ledger.was_deleted(&record);
            self.tell(format!("somebody deletes {}", record["name"]));
        } else {
            let content = if record["type"] == "A" {
                weather::lie(&mut self.random)
            } else {
                weather::lie6(&mut self.random)
            };
            let edit = json!({"content": content});
            cloudflare.edit_record(id, &edit).unwrap();
            self.tell(format!("somebody writes {content} into {}", record["name"]));
        }
    }
}
