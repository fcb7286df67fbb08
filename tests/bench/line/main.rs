//! How soon the record is right, and what becomes of the line, in simulated homes: `cargo bench --profile simulation --bench line -- [OPTION..]`.
//!
//! - `--years N`: so many homes, a year each (2,000);
//! - `--seed S`: other homes (1);
//! - `--leases`: only homes where a lease changes by itself, and the line is not lost with it;
//! - `--chart FILE.svg`: the times from a change to the right record, drawn.
//!
//! The same seed gives the same numbers on any machine: there is no clock in it, and numbers are drawn as integers.
#![allow(clippy::unwrap_used, reason = "a fault of the bench ends it")]

mod chart;
mod contest;
mod table;

use std::env;
use std::fs;

use contest::Contender;
use contest::measured::Isp;
use contest::models::MODELS;
use contest::watchdogs::WATCHDOGS;
use table::Row;

struct Options {
    years: u64,
    seed: u64,
    isp: Option<Isp>,
    chart: Option<String>,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some(options) = options(&arguments) else {
        eprintln!(
            "usage: cargo bench --profile simulation --bench line -- [--years N] [--seed S] [--leases] [--chart FILE.svg]"
        );
        std::process::exit(2);
    };
    let play = |contender: Contender| Row {
        name: contender.name(),
        calls: contender.calls(options.seed),
        ledger: contender.years(options.seed, options.years, options.isp),
    };
    let cadence = play(Contender::Cadence);
    let others = MODELS.iter().map(|model| play(Contender::Model(model)));
    let own = [cadence.clone(), play(Contender::Woken)];
    let records: Vec<Row> = own.into_iter().chain(others).collect();
    let watchdogs = WATCHDOGS.iter().map(|it| play(Contender::Watchdog(it)));
    let lines: Vec<Row> = [cadence]
        .into_iter()
        .chain(watchdogs)
        .chain([play(Contender::Nobody)])
        .collect();
    let [plain, others] = [&records[0].ledger.undisturbed, &records[0].ledger.disturbed];
    println!(
        "{} home-years, seed {}: {} changes of the address were followed, {} of them undisturbed\n",
        options.years,
        options.seed,
        plain.len() + others.len(),
        plain.len()
    );
    print!("{}", table::of_records(&records, options.years));
    println!();
    print!("{}", table::of_lines(&lines, options.years));
    if let Some(file) = options.chart {
        fs::write(file, chart::draw(&records)).unwrap();
    }
}

fn options(arguments: &[String]) -> Option<Options> {
    let mut options = Options {
        years: 2000,
        seed: 1,
        isp: None,
        chart: None,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            // What Cargo says to every program of this kind.
            "--bench" => {}
            "--years" => options.years = words.next()?.parse().ok().filter(|it| *it > 0)?,
            "--seed" => options.seed = words.next()?.parse().ok()?,
            "--leases" => options.isp = Some(Isp::Lease),
            "--chart" => options.chart = Some(words.next()?.clone()),
            _ => return None,
        }
    }
    Some(options)
}
