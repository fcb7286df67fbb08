//! Thousands of generated cycles: many records in several zones that fail in every way, against a provider that lives in memory.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::config::Token;
use crate::dns::{Provider, TokenStatus};
use crate::logic::fixtures::{at, desired, limits, policy, record, up};
use crate::logic::policy::Policy;
use crate::logic::provider::{ApiError, ApiErrorKind, Found, Whole, Zone};
use crate::logic::settle::{Ending, settle};
use crate::logic::step::{resume, step};
use crate::logic::units::RecordType;

thread_local! {
    static SECONDS: Cell<u64> = const { Cell::new(0) };
}

/// What a zone, or a record, does in place of what it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// Reads fail.
    Reads(ApiErrorKind),
    /// Writes fail, and nothing is made.
    Writes(ApiErrorKind),
    /// Writes are made, and nobody hears of it.
    Unheard,
    /// There are no batches, which is no trouble.
    NoBatches,
    /// It fails at each batch, by its own word, and at no change alone, which is none either.
    FailsAtBatches,
    /// It cannot be read as a whole, and by single names it can.
    NotWhole,
}

const NONE: Option<Duration> = None;
const FAULTS: [Fault; 14] = [
    Fault::Reads(ApiErrorKind::Unavailable { retry_after: NONE }),
    Fault::Reads(ApiErrorKind::Unavailable {
        retry_after: Some(Duration::from_secs(900)),
    }),
    Fault::Reads(ApiErrorKind::Forbidden),
    Fault::Reads(ApiErrorKind::Gone),
    Fault::Writes(ApiErrorKind::Forbidden),
    Fault::Writes(ApiErrorKind::Gone),
    Fault::Writes(ApiErrorKind::Unavailable { retry_after: NONE }),
    Fault::Writes(ApiErrorKind::Unconfirmed {
        retry_after: NONE,
        is_told: false,
    }),
    Fault::Writes(ApiErrorKind::Refused),
    Fault::Unheard,
    Fault::NoBatches,
    Fault::FailsAtBatches,
    Fault::Writes(ApiErrorKind::Unconfirmed {
        retry_after: NONE,
        is_told: true,
    }),
    Fault::NotWhole,
];

impl Fault {
    fn is_harmless(self) -> bool {
        matches!(self, Self::NoBatches | Self::FailsAtBatches)
    }
}

struct ZoneOf {
    name: String,
    records: Vec<Found>,
    fault: Option<Fault>,
    /// Since when nothing was wrong with it.
    well_since: u64,
}

struct Provided {
    zones: RefCell<Vec<ZoneOf>>,
    /// Names that are refused, whatever is asked of them.
    refused: RefCell<Vec<String>>,
    /// A name whose changes the server fails at.
    fails: RefCell<String>,
    address: Cell<IpAddr>,
    /// What was on disk last.
    saved: RefCell<Option<State>>,
    /// After so many writes the process dies.
    dies_after: Cell<Option<u32>>,
    is_dead: Cell<bool>,
    writes: Cell<u64>,
    calls: Cell<u64>,
}

fn name_of(write: &Write) -> &String {
    match write {
        Write::Patch { before, .. } => &before.name,
        Write::Create(new) => &new.name,
    }
}

fn failed(kind: ApiErrorKind) -> ApiError {
    let message = format!("{kind:?}");
    ApiError { kind, message }
}

impl Provided {
    fn call(&self) -> Result<(), ApiError> {
        self.calls.set(self.calls.get() + 1);
        if self.is_dead.get() {
            return Err(failed(ApiErrorKind::Unreachable));
        }
        Ok(())
    }

    fn read(&self, zone_id: &str, is_whole: bool) -> Result<Vec<Found>, ApiError> {
        self.call()?;
        let zones = self.zones.borrow();
        let zone = zones.iter().find(|zone| zone.name == zone_id).unwrap();
        match zone.fault {
            Some(Fault::Reads(kind)) => Err(failed(kind)),
            Some(Fault::NotWhole) if is_whole => {
                Err(failed(ApiErrorKind::Unavailable { retry_after: None }))
            }
            _ => Ok(zone.records.clone()),
        }
    }

    /// A write is made: of what is wanted, where something else was, and with the intention on disk.
    fn make(&self, zone: &mut ZoneOf, write: &Write) {
        let wanted = self.address.get();
        let name = match write {
            Write::Patch { before, change } => {
                let held = zone
                    .records
                    .iter_mut()
                    .find(|held| held.id == before.id)
                    .unwrap();
                assert_eq!(change.content, Some(wanted), "a false write");
                assert_ne!(held.address(), Some(wanted), "a needless write");
                held.content = wanted.to_string();
                held.name.clone()
            }
            Write::Create(new) => {
                assert_eq!(new.content, wanted, "a false record");
                let is_there = zone.records.iter().any(|held| held.name == new.name);
                assert!(!is_there, "a second record");
                zone.records.push(Found {
                    id: format!("new-{}", new.name),
                    kind: new.kind.to_string(),
                    name: new.name.clone(),
                    content: wanted.to_string(),
                    ttl: new.ttl,
                    proxied: false,
                });
                new.name.clone()
            }
        };
        let saved = self.saved.borrow();
        let known = saved
            .as_ref()
            .unwrap()
            .records
            .get((RecordType::A, &name))
            .unwrap();
        assert_eq!(known.in_doubt, Some(wanted), "a deed before its intention");
        self.writes.set(self.writes.get() + 1);
    }
}

impl Provider for Provided {
    fn zone(&self, name: &str, _: Option<&[Zone]>, _: Deadline) -> Result<Option<Zone>, ApiError> {
        self.call()?;
        let zones = self.zones.borrow();
        let zone = zones.iter().find(|zone| zone.name == name);
        Ok(zone.map(|zone| Zone {
            id: zone.name.clone(),
            name: zone.name.clone(),
            status: "active".to_owned(),
            name_servers: vec![],
        }))
    }

    fn zones(&self, _: u64, _: Deadline) -> Result<Option<Vec<Zone>>, ApiError> {
        self.call()?;
        Ok(None)
    }

    fn zone_names(&self, _: Deadline) -> Result<Vec<String>, ApiError> {
        Ok(vec![])
    }

    fn records(&self, zone: &str, name: &str, _: Deadline) -> Result<Vec<Found>, ApiError> {
        let mut found = self.read(zone, false)?;
        found.retain(|record| record.name == name);
        Ok(found)
    }

    fn zone_records(
        &self,
        zone: &str,
        names: &[&str],
        most: u64,
        _: Deadline,
    ) -> Result<Whole, ApiError> {
        let found = self.read(zone, true)?;
        let calls = found.len().div_ceil(30) as u64;
        if calls > most {
            let names = vec![];
            return Ok(Whole { names, calls });
        }
        let names = names.iter().map(|name| {
            let of_name = found.iter().filter(|record| record.name == *name);
            ((*name).to_owned(), of_name.cloned().collect())
        });
        Ok(Whole {
            names: names.collect(),
            calls,
        })
    }

    fn write(
        &self,
        zone_id: &str,
        writes: &[&Write],
        _: Deadline,
    ) -> Result<Vec<Result<(), ApiError>>, ApiError> {
        self.call()?;
        let mut zones = self.zones.borrow_mut();
        let zone = zones.iter_mut().find(|zone| zone.name == zone_id).unwrap();
        assert!(writes.len() <= self.largest_batch());
        match zone.fault {
            Some(Fault::NoBatches) if writes.len() > 1 => return Err(failed(ApiErrorKind::Gone)),
            Some(Fault::FailsAtBatches) if writes.len() > 1 => {
                return Err(failed(ApiErrorKind::Unconfirmed {
                    retry_after: None,
                    is_told: true,
                }));
            }
            Some(Fault::Writes(kind)) => return Err(failed(kind)),
            _ => {}
        }
        let refused = self.refused.borrow();
        let fails = self.fails.borrow();
        if writes.iter().any(|write| *name_of(write) == *fails) {
            return Err(failed(ApiErrorKind::Unconfirmed {
                retry_after: None,
                is_told: true,
            }));
        }
        if writes.iter().any(|write| refused.contains(name_of(write))) {
            return Err(failed(ApiErrorKind::Refused));
        }
        for write in writes {
            self.make(zone, write);
        }
        let left = self.dies_after.get().map(|left| left.saturating_sub(1));
        self.dies_after.set(left);
        if left == Some(0) {
            self.is_dead.set(true);
            return Err(failed(ApiErrorKind::Unconfirmed {
                retry_after: None,
                is_told: false,
            }));
        }
        if zone.fault == Some(Fault::Unheard) {
            return Err(failed(ApiErrorKind::Unconfirmed {
                retry_after: None,
                is_told: false,
            }));
        }
        Ok(writes.iter().map(|_| Ok(())).collect())
    }

    fn largest_batch(&self) -> usize {
        20
    }

    fn verify(&self, _: Deadline) -> Result<TokenStatus, ApiError> {
        Err(failed(ApiErrorKind::Refused))
    }
}

/// A home with some zones and records, and what it remembers.
struct Life {
    provided: Provided,
    records: Vec<RecordSpec>,
    policy: Policy,
    token: Token,
    state: State,
    seconds: u64,
    random: SmallRng,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let address: IpAddr = "93.184.0.1".parse().unwrap();
        let zones = random.random_range(1..=5);
        let mut records = vec![];
        let mut provided = vec![];
        for zone in 0..zones {
            let name = format!("zone{zone}.example");
            let mut held = vec![];
            for number in 0..random.random_range(1..=200 / zones) {
                let name = format!("h{number}.{name}");
                let create = random.random_bool(0.2);
                records.push(RecordSpec {
                    create,
                    ..record(&name, RecordType::A)
                });
                if !create {
                    held.push(Found {
                        id: format!("id-{name}"),
                        kind: "A".to_owned(),
                        name,
                        content: address.to_string(),
                        ttl: 60,
                        proxied: false,
                    });
                }
            }
            provided.push(ZoneOf {
                name,
                records: held,
                fault: None,
                well_since: 0,
            });
        }
        // In the file they are not in the order of their zones.
        for place in 0..records.len() {
            let other = random.random_range(0..records.len());
            records.swap(place, other);
        }
        Self {
            provided: Provided {
                zones: RefCell::new(provided),
                refused: RefCell::default(),
                fails: RefCell::default(),
                address: Cell::new(address),
                saved: RefCell::default(),
                dies_after: Cell::new(None),
                is_dead: Cell::new(false),
                writes: Cell::new(0),
                calls: Cell::new(0),
            },
            records,
            policy: Policy {
                cache_max_age: Duration::ZERO,
                max_updates_per_hour: 10_000,
                ..policy()
            },
            token: Token::given(b"0123456789abcdef0123456789abcdef01234567", "the test").unwrap(),
            state: State::cold(&at(0)),
            seconds: 0,
            random,
        }
    }

    /// What happens until the next cycle.
    fn pass(&mut self) {
        self.seconds += self.random.random_range(20..400);
        if self.random.random_bool(0.3) {
            let address = format!(
                "93.184.{}.{}",
                self.random.random_range(0..200),
                self.random.random_range(1..255)
            );
            self.provided.address.set(address.parse().unwrap());
        }
        for zone in self.provided.zones.borrow_mut().iter_mut() {
            if self.random.random_bool(0.1) {
                let was_well = zone.fault.is_none_or(Fault::is_harmless);
                zone.fault = self
                    .random
                    .random_bool(0.4)
                    .then(|| FAULTS[self.random.random_range(0..FAULTS.len())]);
                let is_well = zone.fault.is_none_or(Fault::is_harmless);
                match (was_well, is_well) {
                    (false, true) => zone.well_since = self.seconds,
                    (_, false) => zone.well_since = u64::MAX,
                    (true, true) => {}
                }
            }
            if self.random.random_bool(0.2) && !zone.records.is_empty() {
                // Another hand at the dashboard.
                let place = self.random.random_range(0..zone.records.len());
                zone.records[place].content = "192.0.2.1".to_owned();
            }
        }
        let mut refused = self.provided.refused.borrow_mut();
        if self.random.random_bool(0.1) {
            refused.clear();
            for _ in 0..self.random.random_range(0..4) {
                let place = self.random.random_range(0..self.records.len());
                refused.push(self.records[place].name.clone());
            }
        }
        if self.random.random_bool(0.1) {
            let place = self.random.random_range(0..self.records.len() * 2);
            let fails = self.records.get(place).map(|spec| spec.name.clone());
            let before = self.provided.fails.replace(fails.unwrap_or_default());
            // What its zone rests for is over from now on.
            let mut zones = self.provided.zones.borrow_mut();
            for zone in zones.iter_mut().filter(|it| before.ends_with(&it.name)) {
                zone.well_since = zone.well_since.max(self.seconds);
            }
        }
        let dies = self.random.random_bool(0.05);
        let after = self.random.random_range(1..4);
        self.provided.dies_after.set(dies.then_some(after));
    }

    /// One cycle, as `reconcile` runs it.
    fn cycle(&mut self) {
        let now = at(self.seconds);
        SECONDS.set(self.seconds);
        let limits = limits();
        let mut desired = desired(&self.records, &self.policy, &limits);
        (desired.doh, desired.trust) = (false, true);
        let seen = up(&self.provided.address.get().to_string());
        let state = resume(self.state.clone(), &desired, &now);
        let (mut state, decision) = step(state, &seen, &now, &desired);
        let save = |state: &State| {
            self.provided.saved.replace(Some(state.clone()));
            Ok(())
        };
        let clock = || at(SECONDS.get());
        let deadline = Deadline::after(Duration::from_secs(60));
        let provider = &self.provided;
        let act = Act {
            shown: vec![],
            lookup: Ok(Lookup::new(
                provider,
                &self.token,
                &self.records,
                false,
                &now,
                clock,
                deadline,
            )),
            public_dns: &|_| None,
            desired: &desired,
            now: &now,
            clock,
            further: RefCell::default(),
            is_unheard: Cell::new(false),
            save: Some(&save),
        };
        let acted = act.run(&mut state, &decision).unwrap();
        assert_eq!(acted.len(), self.records.len());
        if self.provided.is_dead.replace(false) {
            self.state = self.provided.saved.borrow().clone().unwrap();
            return;
        }
        let outcomes: Vec<Outcome> = acted.into_iter().map(|acted| acted.outcome).collect();
        let ending = Ending {
            outcomes: &outcomes.iter().collect::<Vec<_>>(),
            errors: &[],
            ended: &now,
            elapsed: Duration::ZERO,
            jitter: Duration::ZERO,
        };
        self.state = settle(state, &ending, &now, &desired);
        self.provided.saved.replace(Some(self.state.clone()));
        self.judge();
    }

    /// Every record that nothing was wrong with for longer than the longest rest holds the address now.
    fn judge(&self) {
        let wanted = self.provided.address.get().to_string();
        let refused = self.provided.refused.borrow();
        let fails = self.provided.fails.borrow();
        let known = self.state.records.clone();
        for zone in self.provided.zones.borrow().iter() {
            let rests = self
                .state
                .zones
                .get(&zone.name)
                .is_some_and(|known| known.rest.is_some());
            let is_well =
                zone.well_since == 0 || zone.well_since.saturating_add(3700) < self.seconds;
            if !is_well {
                continue;
            }
            // Where that one alone was to be changed, nobody can tell that it is not the server.
            assert!(
                !rests || fails.ends_with(&zone.name),
                "{} rests, and nothing is wrong with it",
                zone.name
            );
            if rests {
                continue;
            }
            for spec in self
                .records
                .iter()
                .filter(|spec| spec.may_be_in(&zone.name))
            {
                let held = zone.records.iter().find(|held| held.name == spec.name);
                let known = known.get(spec.key()).unwrap();
                let was_refused =
                    refused.contains(&spec.name) || *fails == spec.name || known.rest.is_some();
                let held = held.map(|held| held.content.clone());
                assert!(
                    was_refused || held.as_ref() == Some(&wanted),
                    "{} holds {held:?} and not {wanted} at {} s: {known:#?}",
                    spec.name,
                    self.seconds
                );
            }
        }
    }
}

fn play(lives: u64, cycles: u32) {
    let (mut writes, mut calls, mut records) = (0, 0, 0);
    for seed in 0..lives {
        let mut life = Life::new(seed);
        for _ in 0..cycles {
            life.pass();
            life.cycle();
        }
        writes += life.provided.writes.get();
        calls += life.provided.calls.get();
        records += life.records.len();
    }
    println!(
        "{lives} homes with {records} records, {cycles} cycles each: {writes} writes, {calls} calls"
    );
    assert!(writes > u64::from(cycles) * lives);
}

#[test]
fn in_a_thousand_generated_cycles_no_record_of_a_zone_that_is_well_waits_and_none_is_written_wrongly()
 {
    play(20, 50);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn in_ten_thousand_generated_cycles_no_record_of_a_zone_that_is_well_waits_and_none_is_written_wrongly()
 {
    play(170, 60);
}
