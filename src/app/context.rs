//! What every command is given: the environment, the global flags, and how to print.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;

use super::adapters::{Adapters, Outside};
use crate::called::Called;
use crate::cli::{Format, Global};
use crate::config::in_force::Setting;
use crate::config::{self, Env, Mode, Settings, Token};
use crate::error::{Error, plain};
use crate::logic::policy::Rule;
use crate::render::Style;
use crate::system;

/// There for 30 seconds after the router announced another address: the folder of `cadence-announce.service`.
const ANNOUNCED: &str = "/run/cadence-announce";

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// The environment, read once.
    pub env: Env,
    /// The host and its network.
    pub outside: Outside,
    /// How to print.
    pub style: Style,
    global: Global,
    is_root: bool,
}

impl Context {
    /// Reads the environment and looks at stdout. What a command prints may be a log by its nature.
    #[must_use]
    pub fn new(global: Global, is_log: bool) -> Self {
        Self::within(global, Env::from_process(), Outside::this_host(), is_log)
    }

    /// The same with an environment, a host and a network of one's own.
    #[must_use]
    pub fn within(global: Global, env: Env, outside: Outside, is_log: bool) -> Self {
        let style = Style::new(&global, &env, is_log);
        Self {
            env,
            outside,
            style,
            global,
            is_root: system::is_root(),
        }
    }

    /// Where the configuration is.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        config::config_file(
            self.global.config.as_deref(),
            &self.env,
            self.is_root,
            Path::exists,
        )
    }

    /// Whether a flag or a variable says where the configuration is.
    #[must_use]
    pub fn names_config(&self) -> bool {
        self.global.config.is_some() || self.env.get("CADENCE_CONFIG").is_some()
    }

    /// Where a first configuration goes: a user who is not root gets one of their own.
    #[must_use]
    pub fn new_config_path(&self) -> PathBuf {
        let flag = self.global.config.as_deref();
        config::config_file(flag, &self.env, self.is_root, |_| true)
    }

    /// How another command is to be called that looks at the same. A variable may be unknown to whom it is told, and to sudo.
    #[must_use]
    pub fn called(&self) -> Called {
        let named = |flag: &Option<PathBuf>, variable| {
            let set = || self.env.get(variable).map(PathBuf::from);
            flag.clone().or_else(set)
        };
        Called {
            by_root: self.is_root,
            sudo: self.is_root || self.config_path() == Path::new(config::CONFIG_FILE),
            config: named(&self.global.config, "CADENCE_CONFIG"),
            state_dir: named(&self.global.state_dir, "CADENCE_STATE_DIR"),
            by_variables: self.env.get(config::RECORDS).is_some(),
            // While it is replaced by a newer one it is nowhere.
            program: std::env::current_exe().ok().filter(|it| it.exists()),
            path: self.env.get("PATH").map(ToOwned::to_owned),
        }
    }

    /// Why a cycle runs out of turn, where it does. The `TRIGGER_UNIT` of `systemd.exec(5)` cannot tell: sockets set none, and that of the
    /// timer before stays.
    #[must_use]
    pub fn started_by(&self) -> Option<&'static str> {
        let is_service = self.env.get("INVOCATION_ID").is_some();
        let is_announced = || Path::new(ANNOUNCED).symlink_metadata().is_ok();
        (is_service && is_announced()).then_some("announcement")
    }

    /// The global flags, for another process that is to do as this one.
    #[must_use]
    pub fn flags(&self) -> Vec<OsString> {
        let it = &self.global;
        let named = |flag: &str, value: &dyn AsRef<OsStr>| {
            let mut word = OsString::from(flag);
            word.push(value);
            word
        };
        let path = |flag, path: &Option<PathBuf>| Some(named(flag, path.as_ref()?));
        let paths = [
            path("--config=", &it.config),
            path("--state-dir=", &it.state_dir),
        ];
        let format = it.format.to_possible_value();
        let color = it.color.to_possible_value();
        let words = [
            format.map(|word| named("--format=", &word.get_name())),
            color.map(|word| named("--color=", &word.get_name())),
        ];
        // It takes the place of the other one.
        let (json, quiet) = (it.json.then_some("--json"), it.quiet.then_some("--quiet"));
        let words = words.into_iter().skip(usize::from(it.json));
        let verbose = vec!["-v"; it.verbose.into()];
        let more = json.into_iter().chain(quiet).chain(verbose);
        let all = paths.into_iter().chain(words).flatten();
        all.chain(more.map(OsString::from)).collect()
    }

    /// Whether nobody said how to print.
    #[must_use]
    pub fn is_any_form(&self) -> bool {
        self.global.format == Format::Auto && !self.global.json
    }

    /// Whether root runs the command.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.is_root
    }

    /// Where the state is.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        config::state_dir(
            self.global.state_dir.as_deref(),
            &self.env,
            self.is_root,
            &self.config_path(),
            Path::is_dir,
        )
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// Whatever is wrong with it, each fault on a line.
    pub fn settings(&self) -> Result<Settings, Error> {
        config::load(&self.config_path(), &self.env).map_err(Error::config)
    }

    /// Reads the configuration for what is in force of it, and where each value is from.
    ///
    /// # Errors
    /// Whatever is wrong with it, each fault on a line.
    pub fn in_force(&self) -> Result<Vec<Setting>, Error> {
        let (settings, mut in_force) =
            config::explain(&self.config_path(), &self.env).map_err(Error::config)?;
        config::add_secrets(&mut in_force, &self.env, &settings);
        Ok(in_force)
    }

    /// Holds the settings against the policy: in production a broken rule ends the command, in test it is a warning.
    ///
    /// # Errors
    /// Every broken rule that is not waived, each on a line.
    pub fn enforce_policy(&self, adapters: &Adapters) -> Result<(), Error> {
        let lines = broken_rules(&adapters.settings, adapters.token.as_ref().ok());
        match adapters.settings.mode {
            Mode::Production if !lines.is_empty() => Err(Error::config(lines.join("\n"))),
            Mode::Production | Mode::Test => {
                for line in lines {
                    log::warn!("{line}");
                }
                Ok(())
            }
        }
    }

    /// Prints the output of a command. A reader that has gone away is no error.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn print(&self, text: &str) -> Result<(), Error> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::failed(
                format!("cannot write to stdout: {}", plain(&error)),
            )),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Each rule that is broken and not waived, with the place where to fix it.
#[must_use]
pub fn broken_rules(settings: &Settings, token: Option<&Token>) -> Vec<String> {
    let place = |rule| match (rule, token) {
        (Rule::TokenReadable, Some(token)) => token.source().to_string(),
        _ => settings.place(),
    };
    config::check_policy(settings, token.and_then(Token::file))
        .iter()
        .map(|broken| format!("{}: {}", place(broken.rule), broken.message))
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn the_flags_that_are_passed_on_say_what_was_said() {
        let parsed = |words: &[OsString]| {
            let words = [OsString::from("cadence")]
                .into_iter()
                .chain(words.to_vec());
            let cli = Cli::try_parse_from(words.chain(["metrics".into()])).unwrap();
            cli.global
        };
        for words in [
            "",
            "--quiet",
            "-vv --json --config=/a --state-dir b",
            "--format logfmt --color never -v",
        ] {
            let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
            let global = parsed(&words);
            let told = format!("{global:?}");
            let context = Context::within(global, Env::default(), Outside::this_host(), false);
            assert_eq!(format!("{:?}", parsed(&context.flags())), told);
        }
    }
}
