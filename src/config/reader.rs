//! What is wrong with the configuration, collected: each problem says where it is, what was found and what is allowed.

use std::path::Path;

use super::entries::shape_of;
use super::env::{Env, FILE, OTHERS, variable};
use super::from_files::FromFiles;
use super::in_force::{Setting, Trace};
use super::suggest::did_you_mean;
use super::value::{Value, cut, is_secret, variable_place};
use crate::logic::order;

/// Sorts the problems of the environment behind those of the file.
const AFTER_THE_FILE: usize = usize::MAX;

/// Where a token is looked for, for whoever looked elsewhere.
const TOKENS: &str = "the API token is read from CLOUDFLARE_API_TOKEN, or from the file that CLOUDFLARE_API_TOKEN_FILE names; fix: rename it";

/// Whether an orchestrator makes such a variable of a service's name (`CADENCE_SERVICE_HOST`, `CADENCE_PORT_80_TCP_ADDR`), or an image has it.
fn is_of_orchestrator(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').skip(1).collect();
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let is_of_service = words.windows(2).any(|it| {
        matches!(it, ["SERVICE", "HOST" | "PORT"]) || it[0] == "PORT" && is_number(it[1])
    });
    is_of_service || words.last() == Some(&"PORT") || words == ["VERSION"]
}

/// The file being read, the variables that override its keys, and what was wrong so far.
pub struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    line_starts: Vec<usize>,
    env: &'a Env,
    /// What is in the files that variables name; none where no variable is ours: as a rule there is none, and then none is looked for.
    files: Option<&'a FromFiles>,
    /// What was asked for, where somebody wants to know.
    pub trace: Option<Trace<'a>>,
    /// The variables of the keys that were asked for.
    known: Vec<String>,
    /// Each with its line, in order.
    problems: Vec<(usize, String)>,
}

impl<'a> Reader<'a> {
    /// A reader of `text`, which is the content of the file at `path`.
    pub fn new(path: &'a Path, text: &'a str, env: &'a Env, files: Option<&'a FromFiles>) -> Self {
        let line_starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self {
            path,
            text,
            line_starts,
            env,
            files,
            trace: None,
            known: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The line of a byte of the text, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at) + 1
    }

    /// The column of a byte of the text in characters, from 1.
    pub fn column(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default().chars().rev();
        before.take_while(|c| *c != '\n').count() + 1
    }

    /// Whether there is any variable that may be of a key.
    pub const fn has_variables(&self) -> bool {
        self.files.is_some()
    }

    /// The value of the variable that overrides a key, and a problem where it is no text.
    pub fn variable(&mut self, key: &str) -> Option<Value<'a>> {
        let files = self.files?;
        self.named_variable(files, variable(key), is_secret(key))
    }

    /// The variable that has all sections of that name in it.
    pub fn variable_of_sections(&mut self, section: &str) -> Option<Value<'a>> {
        let files = self.files?;
        let shape = shape_of(section)?;
        self.named_variable(files, variable(shape.variable), shape.has_secrets())
    }

    /// A variable, or what is in the file that another one names.
    fn named_variable(
        &mut self,
        files: &'a FromFiles,
        expected: String,
        is_secret: bool,
    ) -> Option<Value<'a>> {
        let mut found = self.env.entry(&expected).map(|(name, value)| {
            let text = value.to_str();
            (name, text.ok_or_else(|| "expected UTF-8 text".to_owned()))
        });
        if is_secret {
            let of_file = format!("{expected}{FILE}");
            if let Some((name, read)) = files.of(&of_file) {
                let read = match (&found, read) {
                    (Some((other, _)), _) => {
                        Err(format!("${other} is set as well; fix: set one of them"))
                    }
                    (None, Ok(text)) => Ok(text.as_str()),
                    (None, Err(why)) => Err(why.clone()),
                };
                found = Some((name, read));
            }
            self.known.push(of_file);
        }
        self.known.push(expected);
        match found? {
            (name, Ok(text)) => Some(Value::Variable {
                name,
                entry: 0,
                text: text.trim(),
            }),
            (name, Err(why)) => {
                self.note(AFTER_THE_FILE, format!("${name}: {why}"));
                None
            }
        }
    }

    fn note(&mut self, line: usize, message: String) {
        order::insert(&mut self.problems, (line, message), |new, known| {
            new.0 < known.0
        });
    }

    /// Notes a problem at a line of the file.
    pub fn problem(&mut self, line: usize, message: &str) {
        self.note(line, format!("{}:{line}: {message}", self.path.display()));
    }

    /// Notes a problem at the place of a value.
    pub fn problem_at(&mut self, value: Value<'a>, message: &str) {
        match value {
            Value::File(value) => self.problem(self.line(value.span().start), message),
            Value::Variable { name, entry, .. } => {
                let message = format!("{}: {message}", variable_place(name, entry));
                self.note(AFTER_THE_FILE, message);
            }
        }
    }

    /// Notes a problem that has no line.
    pub fn problem_of_the_whole(&mut self, message: &str) {
        self.note(0, format!("{}: {message}", self.path.display()));
    }

    /// Notes that the value of a key is not allowed.
    pub fn refuse(&mut self, key: &str, value: Value<'a>, allowed: &str) {
        let found = value.shown(key, self.text);
        self.refuse_found(key, value, &found, allowed);
    }

    /// Notes that the value of a key has a type that is not allowed.
    pub fn refuse_type(&mut self, key: &str, value: Value<'a>, allowed: &str) {
        let found = value.shown_with_type(key, self.text);
        self.refuse_found(key, value, &found, allowed);
    }

    /// Notes a problem with a key at the place of `value`; `found` follows the key.
    pub fn refuse_found(&mut self, key: &str, value: Value<'a>, found: &str, allowed: &str) {
        self.problem_at(value, &format!("{key}{found}: expected {allowed}"));
    }

    /// Whether the service hands secrets over.
    pub fn has_credentials(&self) -> bool {
        self.env.get("CREDENTIALS_DIRECTORY").is_some()
    }

    /// Refuses variables that are no key's: whoever set one believes that it counts.
    pub fn refuse_unknown_variables(&mut self, sections: &[&str]) {
        for name in self.env.ours() {
            if self.known.iter().any(|known| known == name) {
                continue;
            }
            if let Some(problem) = self.unknown_variable(name, sections) {
                // Anybody may have made the name up.
                let message = format!("${}: {problem}", cut(name));
                self.note(AFTER_THE_FILE, message);
            }
        }
    }

    fn unknown_variable(&self, name: &str, sections: &[&str]) -> Option<String> {
        let upper = name.to_ascii_uppercase();
        let known = || self.known.iter().map(String::as_str);
        let is_known = |name: &str| known().any(|it| it == name);
        let section = sections.iter().find(|section| {
            let rest = upper.strip_prefix(&variable(section));
            rest.is_some_and(|it| {
                it.starts_with('_') || it.is_empty() && shape_of(section).is_none()
            })
        });
        let whole = upper.strip_suffix(FILE).unwrap_or(&upper);
        if whole.ends_with("TOKEN")
            && section.is_none_or(|it| *it == "cloudflare")
            && !is_known(&upper)
        {
            return Some(format!("unknown variable: {TOKENS}"));
        }
        let of_file = format!("{name}{FILE}");
        Some(match section.map(|section| (section, shape_of(section))) {
            Some((section, Some(shape))) => format!(
                "all [[{section}]] are set by one variable; fix: set {}",
                variable(shape.variable)
            ),
            Some(_) if is_known(&of_file) => {
                format!(
                    "the secret belongs in a file of its own; fix: set {of_file} to the path of that"
                )
            }
            Some((section, None)) => {
                let prefix = format!("{}_", variable(section));
                let allowed = known().filter(|it| it.starts_with(&prefix));
                let hint = did_you_mean(name, allowed.clone());
                // Of a secret, its file goes without saying.
                let is_own = |it: &&str| {
                    let whole = it.strip_suffix(FILE);
                    whole.is_none_or(|whole| !is_known(whole))
                };
                let keys = allowed
                    .filter(is_own)
                    .filter_map(|it| it.get(prefix.len()..));
                let keys = keys.collect::<Vec<_>>().join(", ");
                format!("unknown key: {hint}expected {prefix} and one of {keys}")
            }
            None => {
                let singular = upper.strip_suffix("IES").map(|it| format!("{it}Y"));
                let written = singular.as_deref().unwrap_or(name);
                let hint = did_you_mean(written, known().chain(OTHERS));
                match name.strip_suffix(FILE).filter(|it| is_known(it)) {
                    Some(whole) => {
                        format!("only secrets are read from files; fix: set {whole} itself")
                    }
                    None if is_of_orchestrator(name) => return None,
                    None if !hint.is_empty() => {
                        format!("unknown variable: {hint}Otherwise unset it")
                    }
                    None if name != upper => return None,
                    None => "unknown variable: expected a section and its key, such as CADENCE_POLICY_JITTER; fix: unset it"
                        .to_owned(),
                }
            }
        })
    }

    /// What was asked for, where it was to be noted.
    pub fn settings(&mut self) -> Vec<Setting> {
        let trace = self.trace.take().unwrap_or_default();
        trace.settings(self.text, |at| self.line(at))
    }

    /// What was wrong, in the order of the file, then of the environment.
    pub fn into_problems(self) -> Vec<String> {
        let problems = self.problems.into_iter();
        problems.map(|(_, message)| message).collect()
    }
}
