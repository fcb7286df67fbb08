//! What is wrong with the configuration, collected: each problem says where it is, what was found and what is allowed.

use std::path::Path;

use super::env::Env;
use super::suggest::did_you_mean;
use super::value::{Value, cut};
use crate::logic::order;

/// With this the variables begin that override keys.
const PREFIX: &str = "CADENCE_";
/// Sorts the problems of the environment behind those of the file.
const AFTER_THE_FILE: usize = usize::MAX;

/// The file being read, the variables that override its keys, and what was wrong so far.
pub struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    line_starts: Vec<usize>,
    env: &'a Env,
    /// Whether any of them may be ours: as a rule there is none, and then none is looked for.
    has_variables: bool,
    /// The variables of the keys that were asked for.
    known: Vec<String>,
    /// Each with its line, in order.
    problems: Vec<(usize, String)>,
}

impl<'a> Reader<'a> {
    /// A reader of `text`, which is the content of the file at `path`.
    pub fn new(path: &'a Path, text: &'a str, env: &'a Env) -> Self {
        let line_starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self {
            path,
            text,
            line_starts,
            env,
            has_variables: ours(env).next().is_some(),
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

    /// The value of the variable that overrides a key, and a problem where it is no text.
    pub fn variable(&mut self, key: &str) -> Option<Value<'a>> {
        if !self.has_variables {
            return None;
        }
        let expected = variable(key);
        let found = self.env.entry(&expected);
        self.known.push(expected);
        let (name, value) = found?;
        if let Some(text) = value.to_str() {
            Some(Value::Variable {
                name,
                text: text.trim(),
            })
        } else {
            self.note(AFTER_THE_FILE, format!("${name}: expected UTF-8 text"));
            None
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
        match value {
            Value::File(value) => {
                let line = self.line(value.span().start);
                self.problem(line, &format!("{key}{found}: expected {allowed}"));
            }
            Value::Variable { name, .. } => {
                let message = format!("${name}: {key}{found}: expected {allowed}");
                self.note(AFTER_THE_FILE, message);
            }
        }
    }

    /// Refuses variables that start like one of a section's keys and are none.
    pub fn refuse_unknown_variables(&mut self, sections: &[&str]) {
        for name in ours(self.env) {
            let mut prefixes = sections
                .iter()
                .map(|section| (section, format!("{}_", variable(section))));
            let Some((section, prefix)) =
                prefixes.find(|(_, prefix)| name.starts_with(prefix.as_str()))
            else {
                continue;
            };
            if self.known.iter().any(|known| known == name) {
                continue;
            }
            let allowed: Vec<&str> = self
                .known
                .iter()
                .map(String::as_str)
                .filter(|known| known.starts_with(&prefix))
                .collect();
            // Anybody may have made it up.
            let shown = cut(name);
            let message = if allowed.is_empty() {
                format!(
                    "${shown}: a [[{section}]] cannot be set by variables; fix: set it in {}",
                    self.path.display()
                )
            } else {
                let hint = did_you_mean(name, allowed.iter().copied());
                format!(
                    "${shown}: unknown key: {hint}expected one of {}",
                    allowed.join(", ")
                )
            };
            self.note(AFTER_THE_FILE, message);
        }
    }

    /// What was wrong, in the order of the file, then of the environment.
    pub fn into_problems(self) -> Vec<String> {
        let problems = self.problems.into_iter();
        problems.map(|(_, message)| message).collect()
    }
}

/// The names of the variables that may be meant for us.
fn ours(env: &Env) -> impl Iterator<Item = &str> {
    env.names().filter(|name| name.starts_with(PREFIX))
}

/// The variable that overrides a key: `CADENCE_POLICY_JITTER` for `policy.jitter`.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}
