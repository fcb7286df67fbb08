//! How cadence was called: a command that is advised looks at the same configuration and the same state as the one that advises it.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What reads only, and needs no root.
const FREE: [&str; 6] = ["status", "probe", "history", "report", "metrics", "demo"];

/// The name of the program.
const NAME: &str = "cadence";

/// What lets root run a command.
const SUDO: &str = "sudo ";

/// Where sudo looks for programs: `secure_path` of `sudoers(5)`, as distributions have it.
const ROOTS_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The call of this process; there is one.
static THIS: OnceLock<Called> = OnceLock::new();

/// How cadence is to be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Called {
    /// Root does the work.
    pub sudo: bool,
    /// Root called.
    pub by_root: bool,
    /// Named in place of the host's configuration.
    pub config: Option<PathBuf>,
    /// Named in place of the usual folder.
    pub state_dir: Option<PathBuf>,
    /// Set up by variables, which neither sudo nor cron hands on.
    pub by_variables: bool,
    /// Where the program is; none: by its name it is found.
    pub program: Option<PathBuf>,
    /// Where this user's shell looks for programs.
    pub path: Option<OsString>,
}

impl Called {
    /// The command with these words, as it is typed.
    #[must_use]
    pub fn command(&self, words: &str) -> String {
        let sudo = self.sudo(!FREE.iter().any(|free| words.starts_with(free)));
        let name = self.name(!sudo.is_empty());
        format!("{sudo}{name}{} {words}", self.options())
    }

    /// The program as a shell finds it, root's or this user's: its path, where its name would find none or another one.
    fn name(&self, by_root: bool) -> String {
        let own = self.path.as_deref().filter(|_| !by_root);
        let folders = std::env::split_paths(own.unwrap_or(OsStr::new(ROOTS_PATH)));
        let found = folders
            .map(|folder| folder.join(NAME))
            .find(|it| it.is_file());
        let found = found.and_then(|found| found.canonicalize().ok());
        match &self.program {
            Some(program) if found.as_ref() != Some(program) => quoted(program),
            _ => NAME.to_owned(),
        }
    }

    /// What is to be done so that a cycle runs where one is due, and the line for crontab; or the command alone where there is none.
    #[must_use]
    pub fn by_cron(&self) -> (String, String) {
        let program = std::env::current_exe().unwrap_or_else(|_| "cadence".into());
        let program = quoted(&program) + &self.options();
        if self.by_variables {
            let keep = "keep this running, with the variables that are set now";
            return (keep.to_owned(), format!("{program} timer --quiet"));
        }
        let command = format!("{program} reconcile --quiet --if-due --splay 10s");
        if is_installed("crontab") {
            let add = format!("add this line with {}crontab -e", self.sudo(true));
            return (add, format!("* * * * * {command}"));
        }
        let install = "install cron first, or run this each minute by a scheduler of your own";
        (install.to_owned(), command)
    }

    /// What stands before a command that root has to run.
    #[must_use]
    pub fn sudo(&self, needs_root: bool) -> &'static str {
        if self.sudo && needs_root && !self.by_variables && self.has_sudo() {
            SUDO
        } else {
            ""
        }
    }

    /// Whether sudo is to be typed: in a container root has none, and needs none.
    fn has_sudo(&self) -> bool {
        !self.by_root || is_installed("sudo")
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

/// Whether the host has that program.
fn is_installed(program: &str) -> bool {
    std::env::split_paths(ROOTS_PATH).any(|folder| folder.join(program).exists())
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

/// The same as root types it who looks at the whole host.
#[must_use]
pub fn as_root(words: &str) -> String {
    let hosts = Called {
        sudo: true,
        by_root: this().by_root,
        program: this().program.clone(),
        ..Called::default()
    };
    hosts.command(words)
}

/// Any command, as it is to be typed on this host.
#[must_use]
pub fn typed(text: &str) -> Cow<'_, str> {
    if text.contains(SUDO) && !this().has_sudo() {
        Cow::Owned(text.replace(SUDO, ""))
    } else {
        Cow::Borrowed(text)
    }
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
            ..Called::default()
        };
        assert_eq!(
            own.command("recover --on"),
            r"cadence --config '/home/ada'\''s/c.toml' --state-dir /tmp/s recover --on"
        );
        let (told, line) = own.by_cron();
        let is_for_cron = line.starts_with("* * * * * /") && told.ends_with("crontab -e");
        assert!(
            is_for_cron || told.contains("install cron"),
            "{told}: {line}"
        );
        assert!(
            line.ends_with("--state-dir /tmp/s reconcile --quiet --if-due --splay 10s"),
            "{line}"
        );
    }

    #[test]
    fn where_variables_say_all_nothing_is_advised_that_would_lose_them() {
        let called = Called {
            sudo: true,
            by_root: true,
            by_variables: true,
            ..Called::default()
        };
        assert_eq!(called.command("reconcile"), "cadence reconcile");
        let (told, line) = called.by_cron();
        assert!(told.starts_with("keep this running"), "{told}");
        assert!(line.ends_with(" timer --quiet"), "{line}");
    }

    #[test]
    fn a_program_that_is_not_found_by_its_name_is_called_by_its_path() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        let (own, linked, other) = (top.join("own"), top.join("linked"), top.join("other"));
        for folder in [&own, &linked, &other] {
            std::fs::create_dir(folder).unwrap();
        }
        for folder in [&own, &other] {
            std::fs::write(folder.join(NAME), "").unwrap();
        }
        std::os::unix::fs::symlink(own.join(NAME), linked.join(NAME)).unwrap();
        let program = own.join(NAME);
        let path = |folders: &[&PathBuf]| std::env::join_paths(folders).ok();
        let called = |path| Called {
            sudo: true,
            program: Some(program.clone()),
            path,
            ..Called::default()
        };
        let shown = program.display();
        for (found, folders) in [
            (true, &[&own][..]),
            (true, &[&top, &linked, &other]),
            (false, &[&other, &own]),
            (false, &[&top]),
        ] {
            let called = called(path(folders));
            let name = if found {
                NAME.to_owned()
            } else {
                shown.to_string()
            };
            assert_eq!(called.command("status"), format!("{name} status"));
            // Root looks elsewhere.
            assert_eq!(called.command("check"), format!("sudo {shown} check"));
        }
        assert_eq!(called(None).command("status"), format!("{shown} status"));
    }
}
