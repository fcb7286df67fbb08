//! One telemetry line: time, mark, subsystem, state, primary, meta.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::style::{Form, Paint, Style};
use super::text::{hang, padded, printable, quoted};
use super::time::local_clock;
use crate::logic::readiness::Readiness;
use crate::logic::verdict::Verdict;

/// The widest subsystem.
const SUBSYSTEM: usize = 11;
/// The widest state.
const STATE: usize = 11;
/// Where the state begins, and further lines of what is wrapped: behind time, mark and subsystem.
const INDENT: usize = 24;
/// Leaves room for a name with its type, or an IPv4 address with its key.
const PRIMARY: usize = 34;
/// What is shorter has no number that says something.
const LEAST: Duration = Duration::from_micros(50);
/// On what is narrower, values are in no columns.
const WIDE: usize = 100;

/// How much a line matters. The values are syslog priorities (RFC 5424 section 6.2.1), which sd-daemon(3) reads from `<6>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something failed.
    Error = 3,
    /// Something wants a look.
    Warning = 4,
    /// Something changed.
    Notice = 5,
    /// All is as it was.
    Info = 6,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
        }
    }

    /// Whether it is worth a line where nobody asked for every line.
    const fn is_noteworthy(self) -> bool {
        matches!(self, Self::Error | Self::Warning | Self::Notice)
    }
}

/// What a person sees at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Good.
    Good,
    /// Not good yet, or not good enough.
    Warn,
    /// Bad.
    Bad,
    /// Neither: it was not asked, or it proves nothing.
    Neutral,
}

impl Mark {
    /// How good a verdict is.
    pub const fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Healthy => Self::Good,
            Verdict::Degraded => Self::Warn,
            Verdict::Unverified | Verdict::WanDown | Verdict::RouterDown | Verdict::HostDown => {
                Self::Bad
            }
        }
    }

    /// How good a readiness is.
    pub const fn of(readiness: Readiness) -> Self {
        match readiness {
            Readiness::Ready => Self::Good,
            Readiness::Init | Readiness::Probing => Self::Warn,
            Readiness::NotReady => Self::Bad,
        }
    }

    /// Two columns wide.
    pub const fn shown(self, style: Style) -> &'static str {
        match (self, style.emoji) {
            (Self::Good, true) => "🟢",
            (Self::Warn, true) => "🟡",
            (Self::Bad, true) => "🔴",
            (Self::Neutral, true) => "⚪",
            (Self::Good, false) => "+ ",
            (Self::Warn, false) => "! ",
            (Self::Bad, false) => "x ",
            (Self::Neutral, false) => "- ",
        }
    }

    /// The colour that goes with it.
    pub const fn paint(self) -> Paint {
        match self {
            Self::Good => Paint::Good,
            Self::Warn => Paint::Warn,
            Self::Bad => Paint::Bad,
            Self::Neutral => Paint::Dim,
        }
    }

    const fn level(self) -> Level {
        match self {
            Self::Good | Self::Neutral => Level::Info,
            Self::Warn => Level::Warning,
            Self::Bad => Level::Error,
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    at: Timestamp,
    mark: Mark,
    level: Level,
    subsystem: &'static str,
    state: &'static str,
    primary: Vec<Pair>,
    meta: Vec<Pair>,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    key: &'static str,
    value: Value,
    /// Where alone it is told; none is everywhere.
    only: Option<Form>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    /// `rtt=74ms` for people, `rtt_ms=74` for programs.
    Took(Duration),
}

impl Line {
    /// A line without values; its level follows from the mark.
    pub const fn new(
        at: Timestamp,
        mark: Mark,
        subsystem: &'static str,
        state: &'static str,
    ) -> Self {
        Self {
            at,
            mark,
            level: mark.level(),
            subsystem,
            state,
            primary: vec![],
            meta: vec![],
        }
    }

    /// Gives it another level than its mark does.
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// Appends a value to the primary column.
    pub fn primary(mut self, key: &'static str, value: impl ToString) -> Self {
        self.primary.push(Pair::new(key, value));
        self
    }

    /// The same, where there is a value.
    pub fn primary_some(self, key: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.primary(key, value),
            None => self,
        }
    }

    /// Appends a value after the primary column.
    pub fn meta(mut self, key: &'static str, value: impl ToString) -> Self {
        self.meta.push(Pair::new(key, value));
        self
    }

    /// The same, where there is a value.
    pub fn meta_some(self, key: &'static str, value: Option<impl ToString>) -> Self {
        self.meta_in(None, key, value)
    }

    /// The same, told in one form alone where one is given.
    pub fn meta_in(
        mut self,
        only: Option<Form>,
        key: &'static str,
        value: Option<impl ToString>,
    ) -> Self {
        self.meta.extend(value.map(|value| Pair {
            only,
            ..Pair::new(key, value)
        }));
        self
    }

    /// Appends how long something took.
    pub fn took(mut self, key: &'static str, took: Duration) -> Self {
        self.meta.push(Pair {
            key,
            value: Value::Took(took),
            only: None,
        });
        self
    }

    /// What wants to be told first comes first, and what is alike is side by side.
    pub const fn rank(&self) -> (u8, &'static str, &'static str) {
        (self.level as u8, self.subsystem, self.state)
    }

    /// Whether it is worth a line where nobody asked for every line.
    pub const fn is_noteworthy(&self) -> bool {
        self.level.is_noteworthy()
    }

    /// The same for so many others that are alike: why is told in place of what it has of its own.
    pub fn for_alike(mut self, others: usize, why: Option<&str>) -> Self {
        let own = std::mem::take(&mut self.meta);
        let told = self.meta_some("others", (others > 0).then_some(others));
        match why {
            Some(why) => told.meta("reason", why),
            None => Self {
                meta: told.meta.into_iter().chain(own).collect(),
                ..told
            },
        }
    }

    /// In the place of so many lines of its kind: their number.
    pub fn counted(&self, records: usize) -> Self {
        Self {
            primary: vec![Pair::new("records", records)],
            meta: vec![],
            ..*self
        }
    }

    fn pretty(&self, style: Style) -> String {
        let state = style.paint(self.mark.paint(), self.state);
        let pad = STATE.saturating_sub(self.state.len());
        let primary: Vec<String> = self.primary.iter().map(Pair::pretty).collect();
        let column = if style.width < WIDE { 0 } else { PRIMARY };
        let mut values = padded(&primary.join(" "), column);
        for pair in self.meta.iter().filter(|it| it.is_told(Form::Pretty)) {
            let rule = if values.is_empty() { "" } else { " | " };
            let _ = write!(values, "{rule}{}", pair.pretty());
        }
        let taken = INDENT + self.state.len() + pad + 1;
        let mut text = format!(
            "{} {} {:<SUBSYSTEM$} {state}{:pad$} {}",
            local_clock(self.at),
            self.mark.shown(style),
            self.subsystem,
            "",
            hang(&values, taken, INDENT, style.width),
        );
        text.truncate(text.trim_end().len());
        text
    }

    fn logfmt(&self, style: Style) -> String {
        let mut text = String::new();
        // The journal has its own time.
        if !style.priority {
            let _ = write!(text, "time={:.3} ", self.at);
        }
        let (level, subsystem, state) = (self.level.as_str(), self.subsystem, self.state);
        let _ = write!(text, "level={level} subsystem={subsystem} state={state}");
        let meta = self.meta.iter().filter(|it| it.is_told(Form::Logfmt));
        for pair in self.primary.iter().chain(meta) {
            let _ = write!(text, " {}", pair.logfmt());
        }
        text
    }
}

impl Pair {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a value and a reference to one are equally welcome"
    )]
    fn new(key: &'static str, value: impl ToString) -> Self {
        Self {
            key,
            value: Value::Text(value.to_string()),
            only: None,
        }
    }

    fn is_told(&self, form: Form) -> bool {
        self.only.is_none_or(|only| only == form)
    }

    fn pretty(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("{}={}", self.key, printable(text)),
            Value::Took(took) => format!("{}={}", self.key, milliseconds(*took)),
        }
    }

    fn logfmt(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("{}={}", self.key, quoted(text)),
            Value::Took(took) => format!("{}_ms={}", self.key, number(*took)),
        }
    }
}

/// The lines as text, each with a line feed at its end. In logfmt only what is noteworthy, unless everything is asked for.
pub fn print(lines: &[Line], style: Style) -> String {
    let mut text = String::new();
    for line in lines {
        let line_text = match style.form {
            Form::Pretty => line.pretty(style),
            Form::Logfmt | Form::Json if style.verbose || line.is_noteworthy() => {
                line.logfmt(style)
            }
            Form::Logfmt | Form::Json => continue,
        };
        if style.priority {
            let _ = write!(text, "<{}>", line.level as u8);
        }
        text.push_str(&line_text);
        text.push('\n');
    }
    text
}

/// `74ms`; under ten milliseconds with one decimal.
pub fn milliseconds(duration: Duration) -> String {
    if duration < LEAST {
        return "<0.1ms".to_owned();
    }
    format!("{}ms", number(duration))
}

/// `42s`, as people and logs read it.
pub fn whole_seconds(seconds: u64) -> String {
    match seconds {
        0 => "<1s".to_owned(),
        _ => format!("{seconds}s"),
    }
}

fn number(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1000.0;
    let decimals = usize::from(ms < 9.95);
    format!("{ms:.decimals$}")
}

#[cfg(test)]
mod tests;
