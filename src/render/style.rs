//! How to print: for people, for logs or for machines, with colours or without.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use rustix::termios::tcgetwinsize;

use super::text::WIDTH;
use crate::cli::{Color, Format, Global};
use crate::config::Env;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// What to print.
    pub form: Form,
    /// How many columns a line may have.
    pub width: usize,
    /// With ANSI colours.
    pub color: bool,
    /// With characters beyond ASCII.
    pub unicode: bool,
    /// With marks that are pictures.
    pub emoji: bool,
    /// With the syslog priority before each line, as the journal reads it (sd-daemon(3)).
    pub priority: bool,
    /// Only errors.
    pub quiet: bool,
    /// Also what is not worth a line by default.
    pub verbose: bool,
}

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Pretty,
    /// key=value pairs.
    Logfmt,
    /// One JSON document.
    Json,
}

impl Style {
    /// Finds out how to print on this stdout what is a log by its nature, or what is read by whoever asked for it.
    #[must_use]
    pub fn new(global: &Global, env: &Env, is_log: bool) -> Self {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let form = match global.format {
            _ if global.json => Form::Json,
            Format::Json => Form::Json,
            Format::Pretty => Form::Pretty,
            Format::Auto if terminal || !is_log => Form::Pretty,
            Format::Logfmt | Format::Auto => Form::Logfmt,
        };
        let color = is_colored(global.color, terminal, env);
        let priority = form != Form::Json && is_journal(env, "/proc/self/fd/1");
        Self {
            form,
            // A line of the journal is an entry of its own.
            width: if priority {
                usize::MAX
            } else {
                width_of(stdout)
            },
            color,
            unicode: locale(env) != Some(false),
            emoji: terminal && shows_emoji(env),
            priority,
            quiet: global.quiet,
            verbose: global.verbose > 0,
        }
    }

    /// The text in that colour, or as it is where colours are off. Pad the text before: escapes have no width.
    #[must_use]
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Good => "32",
            Paint::Warn => "33",
            Paint::Bad => "31",
            Paint::Dim => "2",
            Paint::Bold => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// How many columns this stream has: those of its terminal, or what every terminal has.
#[must_use]
pub fn width_of(stream: impl AsFd) -> usize {
    let columns = tcgetwinsize(stream).map_or(0, |size| size.ws_col);
    if columns == 0 { WIDTH } else { columns.into() }
}

fn is_colored(color: Color, terminal: bool, env: &Env) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org: set and not empty. A dumb terminal (terminfo's word) would show the escapes as they are.
        Color::Auto => {
            terminal
                && env.get("NO_COLOR").is_none()
                && env.get("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

/// Whether a terminal of this environment shows pictures: the Linux console does not, nor does one of another character set.
fn shows_emoji(env: &Env) -> bool {
    let is_simple = |term: &std::ffi::OsStr| term == "linux" || term == "dumb";
    locale(env) == Some(true) && !env.get("TERM").is_some_and(is_simple)
}

/// Whether the character set of the locale is UTF-8; none where no locale is set, as for cron.
fn locale(env: &Env) -> Option<bool> {
    let mut names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let locale = names.find_map(|name| env.get(name))?;
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    Some(locale.replace('-', "").contains("utf8"))
}

/// Whether this stream goes to the journal: `$JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
#[must_use]
pub fn is_journal(env: &Env, stream: &str) -> bool {
    let named = env.get("JOURNAL_STREAM").and_then(std::ffi::OsStr::to_str);
    named.is_some_and(|named| {
        let meta = std::fs::metadata(stream);
        meta.is_ok_and(|meta| named == format!("{}:{}", meta.dev(), meta.ino()))
    })
}

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// All is well.
    Good,
    /// Worth a look.
    Warn,
    /// Broken.
    Bad,
    /// Beside the point.
    Dim,
    /// A heading.
    Bold,
}

#[cfg(test)]
impl Style {
    /// A form and nothing else, as most tests print.
    pub(crate) const fn plain(form: Form) -> Self {
        Self {
            form,
            width: WIDTH,
            color: false,
            unicode: true,
            emoji: true,
            priority: false,
            quiet: false,
            verbose: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_show_them_and_people_who_want_them() {
        let plain = Env::from([("TERM", "xterm")]);
        for (color, terminal, env, colored) in [
            (Color::Auto, true, &plain, true),
            (Color::Auto, false, &plain, false),
            (Color::Auto, true, &Env::from([("NO_COLOR", "1")]), false),
            (Color::Auto, true, &Env::from([("NO_COLOR", "")]), true),
            (Color::Auto, true, &Env::from([("TERM", "dumb")]), false),
            (Color::Always, false, &Env::from([("NO_COLOR", "1")]), true),
            (Color::Never, true, &plain, false),
        ] {
            assert_eq!(
                is_colored(color, terminal, env),
                colored,
                "{color:?} {terminal} {env:?}"
            );
        }
    }

    #[test]
    fn the_journal_is_known_by_the_device_and_inode_that_it_names() {
        let stream = tempfile::NamedTempFile::new().unwrap();
        let path = stream.path().to_str().unwrap();
        let about = std::fs::metadata(path).unwrap();
        let named = format!("{}:{}", about.dev(), about.ino());
        assert!(is_journal(
            &Env::from([("JOURNAL_STREAM", named.as_str())]),
            path
        ));
        assert!(!is_journal(&Env::from([("JOURNAL_STREAM", "8:1")]), path));
        assert!(!is_journal(&Env::default(), path));
    }
}
