//! How cadence was called: a command that is advised looks at the same configuration and the same state as the one that advises it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What reads only, and needs no root.
const FREE: [&str; 4] = ["status", "probe", "history", "demo"];

/// The call of this process; there is one.
static THIS: OnceLock<Called> = OnceLock::new();

/// How cadence is to be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Called {
    /// Root does the work.
    pub sudo: bool,
    /// Named in place of the host's configuration.
    pub config: Option<PathBuf>,
    /// Named in place of the usual folder.
    pub state_dir: Option<PathBuf>,
}

impl Called {
    /// The command with these words, as it is typed.
    #[must_use]
    pub fn command(&self, words: &str) -> String {
        let needs_root = !FREE.iter().any(|free| words.starts_with(free));
        format!("{}cadence{} {words}", self.sudo(needs_root), self.options())
    }

    /// The line for crontab that runs a cycle where one is due.
    #[must_use]
    pub fn cron_line(&self) -> String {
        let program = std::env::current_exe().unwrap_or_else(|_| "cadence".into());
        format!(
            "* * * * * {}{} reconcile --quiet --if-due --splay 10s",
            quoted(&program),
            self.options()
        )
    }

    /// What stands before a command that root has to run.
    #[must_use]
    pub const fn sudo(&self, needs_root: bool) -> &'static str {
        if self.sudo && needs_root { "sudo " } else { "" }
    }

    fn options(&self) -> String {
        let given = [("--config", &self.config), ("--state-dir", &self.state_dir)];
        let given = given.into_iter().filter_map(|(option, path)| {
            let path = std::path::absolute(path.as_ref()?).ok()?;
            Some(format!(" {option} {}", quoted(&path)))
        });
        given.collect()
    }
}

/// To be called once, before anything is advised.
pub fn remember(called: Called) {
    let _ = THIS.set(called);
}

/// How this process was called.
pub fn this() -> &'static Called {
    THIS.get_or_init(Called::default)
}

/// A command of cadence, as it is to be typed after this one.
#[must_use]
pub fn cadence(words: &str) -> String {
    this().command(words)
}

/// A path or another value as a shell takes it.
#[must_use]
pub fn quoted(value: &Path) -> String {
    let text = value.to_string_lossy();
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_');
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_what_was_named_and_root_does_what_needs_root() {
        let hosts = Called {
            sudo: true,
            ..Called::default()
        };
        assert_eq!(hosts.command("reconcile"), "sudo cadence reconcile");
        assert_eq!(hosts.command("status -v"), "cadence status -v");
        let own = Called {
            sudo: false,
            config: Some("/home/ada's/c.toml".into()),
            state_dir: Some("/tmp/s".into()),
        };
        assert_eq!(
            own.command("recover --on"),
            r"cadence --config '/home/ada'\''s/c.toml' --state-dir /tmp/s recover --on"
        );
        let line = own.cron_line();
        assert!(line.starts_with("* * * * * /"), "{line}");
        assert!(
            line.ends_with("--state-dir /tmp/s reconcile --quiet --if-due --splay 10s"),
            "{line}"
        );
    }
}
