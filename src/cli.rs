//! The grammar of the command line, and nothing else: man pages and completions are made from it.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::logic::event::KINDS;
use crate::logic::units::parse_duration;

/// Keep a home network reachable: DNS that follows the public address, and a verdict on the line.
#[derive(Debug, Clone, Parser)]
#[command(name = "cadence", version, max_term_width = 80)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Read this configuration instead of /etc/cadence/cadence.toml
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Keep state in this folder instead of /var/lib/cadence
    #[arg(long, global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub state_dir: Option<PathBuf>,
    /// How to print: `auto` is `pretty`, and `logfmt` for `reconcile` where there is no terminal
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Auto)]
    pub format: Format,
    /// Short for --format json: one JSON document on stdout
    #[arg(long, global = true, conflicts_with = "format")]
    pub json: bool,
    /// When to use colours; `NO_COLOR` is honoured
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
    /// Say more; twice for every detail
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Print nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// `pretty`; `logfmt` for `reconcile` without a terminal.
    Auto,
    /// For people.
    Pretty,
    /// One line of key=value pairs for what is worth a line.
    Logfmt,
    /// One JSON document.
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Observe, compare and update once, then exit
    Reconcile(Reconcile),
    /// Show what is known: readiness, address, records, the last 24 hours
    Status(Status),
    /// Observe every signal once, side by side; changes nothing
    Probe(Probe),
    /// Cut the modem's power once and give it back
    Recover(Recover),
    /// List address changes, readiness changes, record writes and outages
    History(History),
    /// Write a first configuration, asking for what the flags leave out
    Init(Init),
    /// Check config, token, zones, records and this host, with a mend for each fault
    Check(Check),
    /// Watch real cycles against a made-up world; needs no account and no network
    #[cfg(feature = "demo")]
    Demo(Demo),
}

/// `cadence reconcile`
#[derive(Debug, Clone, Default, Args)]
pub struct Reconcile {
    /// Observe and decide; write neither DNS nor state
    #[arg(long)]
    pub dry_run: bool,
    /// Take an address on which two independent providers agree as confirmed at once
    #[arg(long)]
    pub trust: bool,
    /// Do not settle for what an earlier cycle verified
    #[arg(long)]
    pub no_cache: bool,
    /// Do nothing unless a cycle is due (cron)
    #[arg(long)]
    pub if_due: bool,
    /// Sleep a random time of up to DURATION first (cron)
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s", hide_default_value = true)]
    pub splay: Duration,
    /// Wait up to DURATION for another cycle to end
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s", hide_default_value = true)]
    pub wait: Duration,
}

/// `cadence status`
#[derive(Debug, Clone, Args)]
pub struct Status {
    /// Exit 0 when all is right, 1 while something changes, 2 when something is wrong or stale, 3 without state
    #[arg(long)]
    pub check: bool,
}

/// `cadence probe`
#[derive(Debug, Clone, Args)]
pub struct Probe {
    /// Only these signals
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SIGNAL,..")]
    pub only: Vec<ProbeSignal>,
}

/// What `cadence probe` can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProbeSignal {
    /// A default route or a link.
    Host,
    /// The router.
    Router,
    /// The internet beyond it.
    Wan,
    /// The public address, as every provider tells it.
    PublicIp,
    /// What public DNS answers for each record.
    Dns,
    /// The plug; without --only where recovery is enabled.
    Plug,
}

/// `cadence recover`
#[derive(Debug, Clone, Default, Args)]
pub struct Recover {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Also within the cooldown, beyond the caps, and where the plug may be cut off
    #[arg(long)]
    pub force: bool,
    /// Show what would happen; switch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Cut nothing: switch the plug on, without asking
    #[arg(long, conflicts_with_all = ["force", "dry_run"])]
    pub on: bool,
    /// Switch nothing: give up a cut that is not over, and whose plug can never be reached again
    #[arg(long, conflicts_with_all = ["force", "dry_run", "on"])]
    pub forget: bool,
}

/// `cadence history`
#[derive(Debug, Clone, Args)]
pub struct History {
    /// Only events younger than DURATION, such as 12h or 7d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// Only the last N events
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only events of these kinds
    #[arg(long, value_delimiter = ',', value_name = "KIND,..", value_parser = PossibleValuesParser::new(KINDS))]
    pub kind: Vec<String>,
    /// The youngest first
    #[arg(long)]
    pub reverse: bool,
}

/// The plugs that an address alone describes.
pub const PLUGS: [&str; 3] = ["shelly1", "shelly2", "tasmota"];

/// `cadence init`
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// Keep this record on the home's address; may be given several times
    #[arg(long, value_name = "NAME")]
    pub record: Vec<String>,
    /// The type of each record: A (default) or AAAA; for both give it twice
    #[arg(long = "type", value_name = "TYPE", value_parser = PossibleValuesParser::new(["A", "AAAA"]), hide_possible_values = true)]
    pub types: Vec<String>,
    /// Let cadence create a record that does not exist
    #[arg(long)]
    pub create: bool,
    /// The zone of the records; without it, found from their names
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Read the API token from FILE, or from stdin where it is -
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The modem's smart plug: shelly1, shelly2 or tasmota
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(PLUGS), hide_possible_values = true)]
    pub plug: Option<String>,
    /// Host or host:port of the plug
    #[arg(long, value_name = "HOST", requires = "plug")]
    pub plug_address: Option<String>,
    /// Ask nothing: what is needed comes by flags
    #[arg(short, long)]
    pub yes: bool,
    /// Ask neither Cloudflare nor the plug; write without verifying
    #[arg(long)]
    pub offline: bool,
}

/// `cadence check`
#[derive(Debug, Clone, Args)]
pub struct Check {
    /// Look at this host only; ask nobody
    #[arg(long)]
    pub offline: bool,
}

/// `cadence demo`
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Args)]
pub struct Demo {}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|allowed| format!("allowed is {allowed}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
