//! The play: each scene does something to the world, runs cycles, and holds what it claims against what the world saw.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{PLUG, Played, Stage};
use crate::app::power::Outcome;
use crate::error::Error;
use crate::logic::observation::Observation;
use crate::logic::readiness::Readiness;
use crate::logic::units::Family;
use crate::logic::verdict::Verdict;
use crate::system;
use crate::world::{Counts, Entry, Line, ProviderMode, Tally};

/// The addresses that the ISP gives, one after the other, and one that it never gave: all global unicast.
const FIRST: Ipv4Addr = Ipv4Addr::new(93, 184, 216, 34);
const SECOND: Ipv4Addr = Ipv4Addr::new(93, 184, 217, 81);
const THIRD: Ipv4Addr = Ipv4Addr::new(93, 184, 218, 12);
const LIE: Ipv4Addr = Ipv4Addr::new(93, 184, 219, 66);
/// What somebody set in the dashboard, and cadence must leave alone.
const COMMENT: &str = "do not touch";
const TTL: u32 = 300;
/// Providers are asked in random order, one in four lies: so many cycles without meeting it have odds of 1 to 30 million.
const CYCLES_TO_MEET_A_LIAR: usize = 60;

/// How much older the outage is made in which the power is cut.
const OUTAGE: Duration = Duration::from_secs(30);
/// The modem of the demo boots within a few of these.
const BOOT_LOOK: Duration = Duration::from_millis(20);
const CYCLES_TO_BOOT: usize = 100;
/// A busy host takes its time to run the thread that counts.
const COUNT_LOOK: Duration = Duration::from_millis(5);
const LOOKS_AT_COUNTS: usize = 200;

/// A scene; what was seen, in one line.
type Play = fn(&mut Stage<'_>) -> Result<String, Error>;

/// The scenes in their order; each goes on where the one before ended.
pub const SCENES: [(&str, Play); 6] = [
    (
        "first publish: an address counts once two cycles agree on it",
        first_publish,
    ),
    (
        "steady state: nothing to do costs next to nothing",
        steady_state,
    ),
    ("the ISP changes the address of the home", address_change),
    ("one address provider lies", lying_provider),
    ("an outage, and a new address when the line is back", outage),
    ("the modem hangs, and its power is cut", power_cycle),
];

/// Ends the demo where a claim does not hold.
pub fn claim(holds: bool, claim: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(refuted(claim)) }
}

/// A claim that did not hold.
fn refuted(claim: &str) -> Error {
    Error::failed(format!(
        "the demo claims that {claim}, and that is not what happened: please report this, unless this host is short of memory, processes or open files"
    ))
}

fn first_publish(stage: &mut Stage<'_>) -> Result<String, Error> {
    stage.move_to(FIRST);
    one_cycle_to(stage, Readiness::Probing)?;
    claim(
        stage.writes() == 0,
        "one observation alone publishes nothing",
    )?;
    one_cycle_to(stage, Readiness::Ready)?;
    let (request, record) = last_write(stage)?;
    claim(
        stage.writes() == 1 && request.method == "POST" && holds(&record, FIRST),
        "the second observation creates the record",
    )?;
    Ok(format!(
        "the first cycle wrote nothing, the second created vpn.example.com A {FIRST}"
    ))
}

fn steady_state(stage: &mut Stage<'_>) -> Result<String, Error> {
    one_cycle_to(stage, Readiness::Ready)?;
    let counts = counted(stage, stage.cycles);
    claim(
        counts.doh.requests > 0,
        "after a write public DNS is asked until it shows the address",
    )?;
    stage.world.reset_counts();
    one_cycle_to(stage, Readiness::Ready)?;
    let counts = counted(stage, 1);
    claim(
        counts.wan.connections == 1
            && counts.ip.connections == 1
            && counts.doh == Tally::default()
            && counts.api == Tally::default(),
        "a steady cycle makes one connection to a WAN target and one to an address provider",
    )?;
    Ok(format!(
        "public DNS shows the address; then a cycle made {} connection to a WAN target, {} to an address provider, \
         {} to public DNS and {} to Cloudflare",
        counts.wan.connections,
        counts.ip.connections,
        counts.doh.connections,
        counts.api.connections
    ))
}

/// What the world has counted once it has seen a connection to a WAN target in each of so many cycles: nothing is said over it, so
/// that it is made before its server comes to see it. What never comes is not waited for for long.
fn counted(stage: &Stage<'_>, cycles: usize) -> Counts {
    let seen =
        |counts: &Counts| usize::try_from(counts.wan.connections).is_ok_and(|seen| seen >= cycles);
    for _ in 0..LOOKS_AT_COUNTS {
        let counts = stage.world.counts();
        if seen(&counts) {
            return counts;
        }
        system::sleep(COUNT_LOOK);
    }
    stage.world.counts()
}

fn address_change(stage: &mut Stage<'_>) -> Result<String, Error> {
    let (_, record) = last_write(stage)?;
    let id = record["id"].as_str().unwrap_or_default();
    let by_hand = json!({"comment": COMMENT, "ttl": TTL});
    let cloudflare = stage.world.cloudflare();
    cloudflare
        .edit_record(id, &by_hand)
        .map_err(Error::failed)?;

    stage.move_to(SECOND);
    one_cycle_to(stage, Readiness::Probing)?;
    claim(stage.writes() == 1, "an unconfirmed address is not written")?;
    one_cycle_to(stage, Readiness::Ready)?;
    let (request, record) = last_write(stage)?;
    let only_content = Some(json!({"content": SECOND}));
    claim(
        stage.writes() == 2 && request.method == "PATCH" && request.body == only_content,
        "nothing but the content is sent",
    )?;
    claim(
        holds(&record, SECOND) && record["comment"] == COMMENT && record["ttl"] == TTL,
        "the record keeps its comment and its TTL",
    )?;
    Ok(format!(
        "PROBING, then READY and PATCH {{\"content\":\"{SECOND}\"}}; the record keeps its comment \"{COMMENT}\" and its \
         TTL of {TTL} s, set by hand"
    ))
}

fn lying_provider(stage: &mut Stage<'_>) -> Result<String, Error> {
    let writes = stage.writes();
    stage
        .world
        .set_provider(0, ProviderMode::Lies(LIE.to_string()));
    let (played, turn) = meet_the_liar(stage)?;
    stage.world.set_provider(0, ProviderMode::Honest);
    let counted = played.seen.counted(Family::V4);
    claim(
        counted.is_some_and(|counted| counted.address == IpAddr::V4(SECOND)),
        "a lie is outvoted",
    )?;
    claim(
        played.readiness == Readiness::Ready && stage.writes() == writes,
        "a lie changes neither readiness nor the record",
    )?;
    Ok(format!(
        "it said {LIE}, the three others said {SECOND}: outvoted, nothing written (providers are asked in \
         random order; its turn came in cycle {turn} of this scene)"
    ))
}

/// Runs cycles until the liar is asked, and tells of that one alone; also returns which one that was.
fn meet_the_liar(stage: &mut Stage<'_>) -> Result<(Played, usize), Error> {
    let lies = |seen: &Observation| {
        let mut answers = seen.public_ip.iter().flat_map(|seen| &seen.answers);
        answers.any(|answer| answer.address == Ok(IpAddr::V4(LIE)))
    };
    for turn in 1..=CYCLES_TO_MEET_A_LIAR {
        let played = stage.cycle(&|cycle| lies(&cycle.seen))?;
        if lies(&played.seen) {
            return Ok((played, turn));
        }
    }
    Err(refuted("every provider is asked in turn"))
}

fn outage(stage: &mut Stage<'_>) -> Result<String, Error> {
    let writes = stage.writes();
    stage.world.set_line(Line::Down).map_err(Error::failed)?;
    let played = one_cycle_to(stage, Readiness::NotReady)?;
    claim(played.verdict.is_down(), "an outage is seen as one at once")?;

    stage.move_to(THIRD);
    stage.world.set_line(Line::Up).map_err(Error::failed)?;
    one_cycle_to(stage, Readiness::Probing)?;
    claim(
        stage.writes() == writes,
        "nothing is written before the line has proven itself",
    )?;
    one_cycle_to(stage, Readiness::Ready)?;
    let (_, record) = last_write(stage)?;
    claim(
        stage.writes() == writes + 1 && holds(&record, THIRD),
        "the address after an outage is published",
    )?;
    Ok(format!(
        "NOT_READY in the first cycle without a line; back with another address: PROBING, READY, updated to {THIRD}"
    ))
}

fn power_cycle(stage: &mut Stage<'_>) -> Result<String, Error> {
    stage.world.set_line(Line::Down).map_err(Error::failed)?;
    let played = one_cycle_to(stage, Readiness::NotReady)?;
    claim(
        matches!(played.recovery, Outcome::Suppressed(_)) && cuts(stage) == 0,
        "a young outage does not cut the power",
    )?;
    stage.age_outage(OUTAGE)?;
    let played = one_cycle_to(stage, Readiness::NotReady)?;
    claim(
        played.recovery == Outcome::Completed && cuts(stage) == 1,
        "an outage that lasts cuts the power once",
    )?;
    claim(
        stage.world.plugs().is_on(PLUG),
        "the modem has its power back",
    )?;
    boot(stage)?;
    one_cycle_to(stage, Readiness::Ready)?;
    claim(cuts(stage) == 1, "a line that works is left alone")?;
    Ok(format!(
        "the outage was left alone while it was young; then the plug got off and the timed on in one request, and the line came \
         back. For this show the outage was made {} s older than it was and had to last 20 s instead of 8 min, and the power was off \
         for 1 s instead of 30 s",
        OUTAGE.as_secs()
    ))
}

/// Runs cycles until the modem has booted, and all that is behind it can be reached; tells of that one alone.
fn boot(stage: &mut Stage<'_>) -> Result<(), Error> {
    for _ in 0..CYCLES_TO_BOOT {
        let played = stage.cycle(&|cycle| cycle.decision.verdict == Verdict::Healthy)?;
        if played.verdict == Verdict::Healthy {
            return Ok(());
        }
        system::sleep(BOOT_LOOK);
    }
    Err(refuted("the line comes back once the modem has power"))
}

/// How often the modem was without power for long enough.
fn cuts(stage: &Stage<'_>) -> usize {
    stage.world.plugs().power_cycles(PLUG, Duration::ZERO)
}

fn one_cycle_to(stage: &mut Stage<'_>, expected: Readiness) -> Result<Played, Error> {
    let played = stage.cycle(&|_| true)?;
    let found = played.readiness;
    claim(
        found == expected,
        &format!("this cycle ends {expected} (it ended {found})"),
    )?;
    Ok(played)
}

/// The last request that changed a record, and the record as it became.
fn last_write(stage: &Stage<'_>) -> Result<(Entry, Value), Error> {
    let journal = stage.world.cloudflare().journal();
    let last = journal.into_iter().rev().find_map(|request| {
        let after = request.writes.last()?.after.clone()?;
        Some((request, after))
    });
    last.ok_or_else(|| refuted("a record is written"))
}

fn holds(record: &Value, address: Ipv4Addr) -> bool {
    record["content"] == address.to_string().as_str()
}
