//! The grammar of the command line, and nothing else: man pages and completions are made from it.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{
    ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};

use crate::logic::event::KINDS;
use crate::logic::units::parse_duration;

/// Reads the command line; where there is nothing to do but to help, or to say what is wrong with it, that is the end.
#[must_use]
pub fn parse() -> Cli {
    let any = cycle().or_else(|_| Cli::try_parse());
    any.unwrap_or_else(|_| {
        let mut words = std::env::args_os().skip(1);
        let is_of_help = words.next().is_some_and(|it| it == "help")
            && words.next().is_some_and(|it| it == "-h" || it == "--help");
        if is_of_help && command().print_long_help().is_ok() {
            std::process::exit(0);
        }
        let matches = command().get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    })
}

/// The command line of a cycle, which is what runs unattended, some 260,000 times a year: the grammar of all else takes a tenth of what it takes.
fn cycle() -> Result<Cli, clap::Error> {
    let reconcile = Reconcile::augment_args(clap::Command::new("reconcile"));
    let cadence = Global::augment_args(clap::Command::new("cadence"));
    let matches = cadence.subcommand(reconcile).try_get_matches()?;
    let options = match matches.subcommand() {
        Some((_, options)) => Reconcile::from_arg_matches(options)?,
        None => return Err(clap::Error::new(clap::error::ErrorKind::MissingSubcommand)),
    };
    Ok(Cli {
        global: Global::from_arg_matches(&matches)?,
        command: Command::Reconcile(options),
    })
}

/// The grammar as its help shows it: what every command takes is told once, in that of cadence itself.
#[must_use]
pub fn command() -> clap::Command {
    let mut cadence = Cli::command();
    cadence.build();
    let cadence = cadence.mut_subcommands(|command| {
        let more = format!(
            "Global options: cadence --help\nManual: man cadence-{}",
            command.get_name()
        );
        let hidden = command.mut_args(|arg| {
            let is_global = arg.is_global_set();
            if is_global { arg.hide(true) } else { arg }
        });
        with_foot(hidden, &more)
    });
    with_foot(cadence, "")
}

/// What stands at the foot of a command's help: examples, and where there is more.
fn examples(command: &str) -> &'static str {
    match command {
        "cadence" => {
            "  sudo cadence init\n  cadence status\n  cadence demo\n\n\
             Manual: man cadence; man 7 cadence (setup, operation); man cadence.toml"
        }
        "reconcile" => "  sudo cadence reconcile --trust --dry-run\n  sudo cadence reconcile",
        "status" => "  cadence status\n  cadence status --check\n  cadence status --check=alive",
        "probe" => "  cadence probe\n  cadence probe --only router,wan --json",
        "recover" => "  sudo cadence recover --dry-run\n  sudo cadence recover",
        "history" => "  cadence history --since 7d\n  cadence history --kind outage,recovery",
        "report" => "  cadence report\n  cadence report --since 365d --output report.html",
        "forward" => "  cadence forward\n  sudo cadence forward --remove",
        "metrics" => "  cadence metrics",
        "notify" => "  cadence notify\n  sudo cadence notify --test",
        "init" => "  sudo cadence init\n  sudo cadence init --record vpn.example.com --create",
        "check" => "  sudo cadence check\n  cadence check --offline\n  cadence check --show-config",
        "timer" => "  cadence timer\n  cadence timer --quiet",
        "demo" => "  cadence demo\n  cadence demo -v",
        _ => "",
    }
}

fn with_foot(command: clap::Command, more: &str) -> clap::Command {
    match examples(command.get_name()) {
        "" => command,
        examples => command.after_help(format!("Examples:\n{examples}\n\n{more}")),
    }
}

/// Keep a home network reachable: DNS follows the public address, and the line is watched
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
    /// Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Auto)]
    pub format: Format,
    /// Same as --format json: one JSON document on stdout
    #[arg(long, global = true, conflicts_with = "format")]
    pub json: bool,
    /// When to use colours; `NO_COLOR` is honoured
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
    /// Print more; twice for every detail
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
    /// Show readiness, address, records and the last 24 hours
    Status(Status),
    /// Check every signal once, in parallel; changes nothing
    Probe(Probe),
    /// Power-cycle the modem once
    Recover(Recover),
    /// List address changes, readiness changes, record writes and outages
    History(History),
    /// Report how available the line was, as a page, a summary or JSON
    Report(Report),
    /// Show the port forwards of the router, or remove those of cadence
    Forward(Forward),
    /// Print Prometheus metrics
    Metrics,
    /// Show or test who is notified
    Notify(Notify),
    /// Create a first configuration, asking for what flags leave out
    Init(Init),
    /// Check config, token, zones, records and this host, with fixes
    Check(Check),
    /// Keep running, and start each cycle when it is due (containers)
    Timer,
    /// Watch real cycles in a simulated world; needs no account and no network
    #[cfg(feature = "demo")]
    Demo(Demo),
}

/// `cadence reconcile`
#[derive(Debug, Clone, Default, Args)]
pub struct Reconcile {
    /// Observe and decide; write neither DNS nor state
    #[arg(long)]
    pub dry_run: bool,
    /// Accept an address at once if two providers agree on it; one is never enough, even for the address that is trusted
    #[arg(long)]
    pub trust: bool,
    /// Ignore what earlier cycles verified
    #[arg(long)]
    pub no_cache: bool,
    /// Exit unless a cycle is due (cron)
    #[arg(long)]
    pub if_due: bool,
    /// Sleep a random time up to DURATION first (cron)
    #[arg(long, value_name = "DURATION", value_parser = short, default_value = "0s", hide_default_value = true)]
    pub splay: Duration,
    /// Wait up to DURATION for another cycle to finish
    #[arg(long, value_name = "DURATION", value_parser = short, default_value = "0s", hide_default_value = true)]
    pub wait: Duration,
    /// Tell `cadence timer`, which listens at stdin, when the next cycle is due
    #[arg(long, hide = true)]
    pub tell_timer: bool,
}

/// `cadence status`
#[derive(Debug, Clone, Args)]
pub struct Status {
    /// Exit 0 if all is well, 1 while something changes, 2 if something is wrong or stale, 3 without state; with `alive`, 0 if cycles run
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "ready", hide_possible_values = true)]
    pub check: Option<Checked>,
}

/// What `cadence status --check` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Checked {
    /// Whether all is well: the default.
    Ready,
    /// Whether cycles run, whatever they find.
    Alive,
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
    /// The public address, as each provider reports it.
    PublicIp,
    /// What public DNS answers for each record.
    Dns,
    /// The ports that the router is to forward, if it tells.
    Forward,
    /// The plug; without --only, if recovery is enabled.
    Plug,
    /// The UPS; without --only, if one is configured.
    Ups,
}

/// `cadence recover`
#[derive(Debug, Clone, Default, Args)]
pub struct Recover {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
    /// Ignore the mains, the cooldown, the caps, and that the plug may be cut off
    #[arg(long)]
    pub force: bool,
    /// Show what would happen; switch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Cut nothing: only switch the plug on, without asking
    #[arg(long, conflicts_with_all = ["force", "dry_run"])]
    pub on: bool,
    /// With --on: only where a cut is left over
    #[arg(long, hide = true, requires = "on")]
    pub left_over: bool,
    /// Switch nothing: give up an unfinished cut whose plug can never be reached again
    #[arg(long, conflicts_with_all = ["force", "dry_run", "on"])]
    pub forget: bool,
}

/// `cadence history`
#[derive(Debug, Clone, Args)]
pub struct History {
    /// Only events from the last DURATION, such as 12h or 7d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// Only the last N events
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only events of these kinds
    #[arg(long, value_delimiter = ',', value_name = "KIND,..", value_parser = PossibleValuesParser::new(KINDS))]
    pub kind: Vec<String>,
    /// Newest first
    #[arg(long)]
    pub reverse: bool,
}

/// `cadence report`
#[derive(Debug, Clone, Args)]
pub struct Report {
    /// Cover the last DURATION, such as 7d or 365d [default: 30d]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// Write the page to this file, or to stdout with -
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// `cadence notify`
#[derive(Debug, Clone, Args)]
pub struct Notify {
    /// Send a test to each now
    #[arg(long)]
    pub test: bool,
    /// Only these, by their names
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// `cadence forward`
#[derive(Debug, Clone, Default, Args)]
pub struct Forward {
    /// Give all of them back to the router
    #[arg(long)]
    pub remove: bool,
}

/// The plugs that an address alone describes.
pub const PLUGS: [&str; 3] = ["shelly1", "shelly2", "tasmota"];

/// The services that a URL alone describes.
pub const SERVICES: [&str; 2] = ["ntfy", "healthchecks"];

/// `cadence init`
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// Take records and API token from another tool's FILE
    #[cfg(feature = "import")]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["record", "types", "zone"])]
    pub from: Option<PathBuf>,
    /// Keep this record on the home's address; may be repeated
    #[arg(long, value_name = "NAME")]
    pub record: Vec<String>,
    /// The type of each record: A (default) or AAAA; repeat it for both
    #[arg(long = "type", value_name = "TYPE", value_parser = PossibleValuesParser::new(["A", "AAAA"]), hide_possible_values = true)]
    pub types: Vec<String>,
    /// Let cadence create a missing record
    #[arg(long)]
    pub create: bool,
    /// The zone of the records; found from their names by default
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Read the API token from FILE, or from stdin if it is -
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The router's address, if it is not the default gateway
    #[arg(long, value_name = "ADDRESS")]
    pub router: Option<String>,
    /// The modem's smart plug: shelly1, shelly2 or tasmota
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(PLUGS), hide_possible_values = true)]
    pub plug: Option<String>,
    /// The plug's host or host:port
    #[arg(long, value_name = "HOST", requires = "plug")]
    pub plug_address: Option<String>,
    /// Notify of outages and changes by this service: ntfy or healthchecks
    #[arg(long, value_name = "SERVICE", value_parser = PossibleValuesParser::new(SERVICES), hide_possible_values = true)]
    pub notify: Option<String>,
    /// Read the service's secret URL from FILE, or from stdin if it is -
    #[arg(long, value_name = "FILE", requires = "notify")]
    pub notify_url_file: Option<PathBuf>,
    /// Ask nothing: take everything from flags
    #[arg(short, long)]
    pub yes: bool,
    /// Contact no one; write without verifying
    #[arg(long)]
    pub offline: bool,
}

/// `cadence check`
#[derive(Debug, Clone, Args)]
pub struct Check {
    /// Check this host only; contact no one else
    #[arg(long)]
    pub offline: bool,
    /// Check nothing: show the configuration in force, and where each value is from
    #[arg(long)]
    pub show_config: bool,
}

/// `cadence demo`
#[cfg(feature = "demo")]
#[derive(Debug, Clone, Args)]
pub struct Demo {}

impl Init {
    /// The other tool's file, where it is one to begin with.
    #[must_use]
    pub fn from(&self) -> Option<&std::path::Path> {
        #[cfg(feature = "import")]
        return self.from.as_deref();
        #[cfg(not(feature = "import"))]
        None
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|allowed| format!("expected {allowed}"))
}

/// Whatever runs cycles wants them sooner than that.
fn short(text: &str) -> Result<Duration, String> {
    let bounded = duration(text)?;
    let is_short = bounded <= Duration::from_secs(3600);
    is_short
        .then_some(bounded)
        .ok_or_else(|| "expected a duration from \"0s\" to \"1h\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nobody_waits_for_days() {
        let parsed = |option, value| Cli::try_parse_from(["cadence", "reconcile", option, value]);
        for option in ["--splay", "--wait"] {
            assert!(parsed(option, "1h").is_ok());
            let told = parsed(option, "999d").unwrap_err().to_string();
            let expected = "expected a duration from \"0s\" to \"1h\"";
            assert!(told.contains("'999d'") && told.contains(expected), "{told}");
        }
    }

    #[test]
    fn every_command_has_examples_that_can_be_typed() {
        let cadence = command();
        let names = cadence.get_subcommands().map(clap::Command::get_name);
        let names = names.filter(|name| *name != "help");
        for name in names.chain([cadence.get_name()]) {
            assert_ne!(examples(name), "", "{name}");
            for line in examples(name).lines() {
                let Some(example) = line.strip_prefix("  ") else {
                    continue;
                };
                let words = example.trim_start_matches("sudo ").split(' ');
                assert!(Cli::try_parse_from(words).is_ok(), "{example}");
            }
        }
    }
}
