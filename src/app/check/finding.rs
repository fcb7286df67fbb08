//! What one check found, and what to do about it.

use crate::called;
use crate::logic::advice;
use crate::logic::named::named;
use serde::Serialize;

use crate::render::printable;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// What was looked at: `config`, `token`, `zone` and so on. There may be several of one name.
    pub check: &'static str,
    /// How it is.
    #[serde(rename = "result")]
    pub level: Level,
    /// What was found, in one line.
    pub message: String,
    /// What to do about it; what is to be written to a file stands on lines of its own.
    pub fix: Option<String>,
}

named! {
    /// How bad it is.
    pub enum Level {
        /// As it should be.
        Ok = "ok",
        /// Cycles run, but not as well as they could, or something is about to change.
        Warn = "warn",
        /// Cycles cannot do their work.
        Fail = "fail",
    }
}

impl Finding {
    /// Parts of the message come from this host's tools and from the network, and must not steer a terminal.
    pub(super) fn new(check: &'static str, level: Level, message: impl AsRef<str>) -> Self {
        let message = printable(message.as_ref());
        let (what, fix) = advice::split(&message);
        Self {
            check,
            level,
            message: what.to_owned(),
            fix: fix.map(str::to_owned),
        }
    }

    /// As it should be.
    pub fn ok(check: &'static str, message: impl AsRef<str>) -> Self {
        Self::new(check, Level::Ok, message)
    }

    /// It could be better.
    pub fn warn(check: &'static str, message: impl AsRef<str>) -> Self {
        Self::new(check, Level::Warn, message)
    }

    /// It must be fixed.
    pub fn fail(check: &'static str, message: impl AsRef<str>) -> Self {
        Self::new(check, Level::Fail, message)
    }

    /// The same with this to do about it, whatever the message said of that.
    #[must_use]
    pub fn fix(self, fix: impl AsRef<str>) -> Self {
        let fix = called::typed(fix.as_ref());
        let lines: Vec<String> = fix.split('\n').map(printable).collect();
        Self {
            fix: Some(lines.join("\n")),
            ..self
        }
    }

    /// The same with this to do about it where the message says nothing of that.
    #[must_use]
    pub fn or_fix(self, fix: &str) -> Self {
        match self.fix {
            Some(_) => self,
            None => self.fix(fix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_is_taken_out_of_a_line_that_carries_one() {
        let plain = || Finding::fail("x", "no token");
        let carried = Finding::fail("x", "no token; fix: make one");
        assert_eq!(carried, plain().fix("make one"));
        assert_eq!(carried.clone().or_fix("another"), carried);
        assert_eq!(plain().or_fix("another"), plain().fix("another"));
        assert_eq!(carried.fix("another"), plain().fix("another"));
    }

    #[test]
    fn what_a_tool_says_steers_no_terminal() {
        let finding = Finding::warn("units", "a\u{1b}[31mb\nc").fix("put in:\nd\u{9b}e\r");
        assert_eq!(finding.message, "a [31mb c");
        assert_eq!(finding.fix.as_deref(), Some("put in:\nd e "));
    }
}
