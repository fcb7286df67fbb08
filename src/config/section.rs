//! Typed reading of one table of the configuration.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::bounds::{Span, Whole};
use super::reader::Reader;
use super::suggest::{did_you_mean, or_nearest};
use super::value::{Value, cut, may_be_token};
use crate::called;
use crate::logic::units::{config_duration, parse_duration};

/// One table of the file. The keys that are asked for are the ones that are allowed.
pub struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    name: &'static str,
    table: Option<&'a DeTable<'a>>,
    keys: Vec<&'static str>,
    /// So many of the table's keys were not asked for yet.
    left: usize,
}

impl<'r, 'a> Section<'r, 'a> {
    /// The table of that name, which is empty for the file itself. One that is not there can still have variables.
    pub fn new(
        reader: &'r mut Reader<'a>,
        name: &'static str,
        table: Option<&'a DeTable<'a>>,
    ) -> Self {
        Self {
            reader,
            name,
            table,
            keys: Vec::with_capacity(8),
            left: table.map_or(0, DeTable::len),
        }
    }

    /// A value that no variable can override. Each key is asked for once.
    fn file_value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        // A thousand records have little more than their names: where all are known, no other is looked for.
        if self.left == 0 {
            return None;
        }
        self.keys.push(key);
        let found = self.table?.get(key)?;
        self.left -= 1;
        Some(found)
    }

    /// Where a key of the file is.
    pub fn place(&self, key: &str) -> Option<Value<'a>> {
        self.table?.get(key).map(Value::File)
    }

    /// A value from its variable, where that is set, or else from the file.
    fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        let in_file = self.file_value(key).map(Value::File);
        // Several sections have the same keys, so no variable can mean one of them.
        let overridden = if SEVERAL.contains(&self.name) {
            None
        } else {
            self.reader.variable(&self.path(key))
        };
        overridden.or(in_file)
    }

    /// What `parse` makes of what was `found` in a value; its error is what is allowed. Nothing is found in a value that is of another type
    /// than `types`.
    fn read<T, U>(
        &mut self,
        key: &str,
        value: Value<'a>,
        found: Option<T>,
        types: &str,
        parse: impl FnOnce(T) -> Result<U, String>,
    ) -> Option<U> {
        match found.map(parse) {
            Some(Ok(parsed)) => return Some(parsed),
            Some(Err(allowed)) => self.refuse(key, value, &allowed),
            None => self.refuse_type(key, value, types),
        }
        None
    }

    fn refuse(&mut self, key: &str, value: Value<'a>, allowed: &str) {
        self.reader.refuse(&self.path(key), value, allowed);
    }

    /// Notes a problem with a key that is told at another place; `found` follows the key.
    pub fn refuse_at(&mut self, place: Value<'a>, key: &str, found: &str, allowed: &str) {
        self.reader
            .refuse_found(&self.path(key), place, found, allowed);
    }

    fn refuse_type(&mut self, key: &str, value: Value<'a>, allowed: &str) {
        self.reader.refuse_type(&self.path(key), value, allowed);
    }

    /// A string that `parse` reads; its error is what is allowed. An empty string counts as left out.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.required_by(None, key, "", parse)
    }

    /// Like [`Self::parsed`]; to leave it out is a problem at the place that requires it, where there is one.
    pub fn required_by<T>(
        &mut self,
        place: Option<Value<'a>>,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(value) = self.value(key).filter(|value| value.as_text() != Some("")) else {
            if let Some(place) = place {
                self.reader
                    .refuse_found(&self.path(key), place, " is not set", allowed);
            }
            return None;
        };
        self.text(key, value, parse)
    }

    /// A value as `parse` reads its text.
    fn text<T>(
        &mut self,
        key: &str,
        value: Value<'a>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = value.as_text();
        // What is said of an empty one is said of all that will not do.
        match (parse(text.unwrap_or_default()), text) {
            (Ok(parsed), Some(_)) => return Some(parsed),
            (Err(allowed), Some(_)) => self.refuse(key, value, &allowed),
            (parsed, None) => self.refuse_other(key, value, parsed.err()),
        }
        None
    }

    /// What is no string at all.
    fn refuse_other(&mut self, key: &str, value: Value<'a>, allowed: Option<String>) {
        let allowed = allowed.map_or_else(String::new, |it| format!(": {it}"));
        self.refuse_type(key, value, &format!("a string in quotes{allowed}"));
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
        default: T,
    ) -> T {
        let words = || choices.iter().map(|(word, _)| *word);
        let parse = |text: &str| {
            choices
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, choice)| *choice)
                .ok_or_else(|| one_of(words()) + &or_nearest(text, words()))
        };
        self.parsed(key, parse).unwrap_or(default)
    }

    /// `true` or `false`, and where it is from; none where it is left out.
    pub fn boolean(&mut self, key: &'static str) -> Option<(bool, Value<'a>)> {
        let value = self.value(key)?;
        let found = self.read(key, value, value.as_bool(), "true or false", Ok)?;
        Some((found, value))
    }

    /// An integer that `parse` takes; `allowed` says which those are.
    pub fn integer<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(i64) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        self.read(key, value, value.as_integer(), allowed, |number| {
            parse(number).ok_or_else(|| allowed.to_owned())
        })
    }

    /// A whole number within its bounds.
    pub fn whole(&mut self, key: &'static str, bounds: Whole) -> u32 {
        let allowed = format!("a whole number from {} to {}", bounds.min, bounds.max);
        let within = |number: i64| {
            u32::try_from(number)
                .ok()
                .filter(|it| (bounds.min..=bounds.max).contains(it))
        };
        self.integer(key, &allowed, within)
            .unwrap_or(bounds.default)
    }

    /// A duration within its bounds.
    pub fn duration(&mut self, key: &'static str, bounds: Span) -> Duration {
        let Some(value) = self.value(key) else {
            return bounds.default;
        };
        let range = |min, max| {
            format!(
                "\"{}\" to \"{}\"",
                config_duration(min),
                config_duration(max)
            )
        };
        let bounded = range(bounds.min, bounds.max);
        let allowed = match bounds.policy {
            Some((min, max)) => format!(
                "a duration from {} (where the policy rule is waived: {bounded})",
                range(min, max)
            ),
            None => format!("a duration from {bounded}"),
        };
        let within = |text: &str| {
            let duration = parse_duration(text).ok();
            duration
                .filter(|it| (bounds.min..=bounds.max).contains(it))
                .ok_or_else(|| allowed.clone())
        };
        self.read(key, value, value.as_text(), &allowed, within)
            .unwrap_or(bounds.default)
    }

    /// An array of strings that `parse` reads, as many as `count` allows.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        count: RangeInclusive<usize>,
        default: &[&str],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let Some(value) = self.file_value(key) else {
            return default
                .iter()
                .filter_map(|entry| parse(entry).ok())
                .collect();
        };
        let allowed = format!("an array of {} to {} strings", count.start(), count.end());
        let entries = self.entries(key, value, &count, &allowed, |n| {
            format!(" has {n} entries")
        });
        let parsed = entries.iter().filter_map(|entry| {
            let entry = Value::File(entry);
            self.text(key, entry, &parse)
        });
        parsed.collect()
    }

    /// The entries of an array; none where it is something else, or has more or fewer than `count` allows: then `found` says how many.
    fn entries(
        &mut self,
        key: &str,
        array: &'a Spanned<DeValue<'a>>,
        count: &RangeInclusive<usize>,
        allowed: &str,
        found: fn(usize) -> String,
    ) -> &'a [Spanned<DeValue<'a>>] {
        let value = Value::File(array);
        match array.get_ref().as_array() {
            Some(entries) if count.contains(&entries.len()) => return entries,
            Some(entries) => {
                let found = found(entries.len());
                self.reader
                    .refuse_found(&self.path(key), value, &found, allowed);
            }
            None => self.refuse_type(key, value, allowed),
        }
        &[]
    }

    /// A section below this one.
    pub fn table(&mut self, key: &'static str) -> Option<&'a DeTable<'a>> {
        self.placed_table(key).map(|(table, _)| table)
    }

    /// The same with its place.
    pub fn placed_table(&mut self, key: &'static str) -> Option<(&'a DeTable<'a>, Value<'a>)> {
        let value = self.file_value(key)?;
        let allowed = format!("one section [{key}]");
        let (table, place) = (value.get_ref().as_table(), Value::File(value));
        let table = self.read(key, place, table, &allowed, Ok)?;
        Some((table, place))
    }

    /// The sections of an array of tables (`[[key]]`), each with its place; from 1 to `max`.
    pub fn tables(&mut self, key: &'static str, max: usize) -> Vec<(&'a DeTable<'a>, Value<'a>)> {
        let tables = self.optional_tables(key, max);
        if tables.is_none() {
            self.reader.problem_of_the_whole(&format!(
                "no {key} is configured; fix: add a section [[{key}]], in two brackets each, as man cadence.toml shows, or have one made: {}",
                called::cadence("init")
            ));
        }
        tables.unwrap_or_default()
    }

    /// The same, which may be left out.
    pub fn optional_tables(
        &mut self,
        key: &'static str,
        max: usize,
    ) -> Option<Vec<(&'a DeTable<'a>, Value<'a>)>> {
        let allowed = format!("1 to {max} sections [[{key}]], in two brackets each");
        let value = self.file_value(key)?;
        let given = |n| format!(" is given {n} times");
        let entries = self.entries(key, value, &(1..=max), &allowed, given);
        let tables = entries.iter().filter_map(|entry| {
            let (table, place) = (entry.get_ref().as_table(), Value::File(entry));
            let table = self.read(key, place, table, &allowed, Ok)?;
            Some((table, place))
        });
        Some(tables.collect())
    }

    /// Refuses the keys that nobody asked for.
    pub fn close(self) {
        let Some(table) = self.table.filter(|_| self.left > 0) else {
            return;
        };
        for key in table.keys() {
            let name: &str = key.get_ref();
            if self.keys.contains(&name) {
                continue;
            }
            let hint = did_you_mean(name, self.keys.iter().copied());
            let path = if may_be_token(name) {
                "(not shown)".to_owned()
            } else {
                cut(&self.path(name))
            };
            let line = self.reader.line(key.span().start);
            let keys = self.keys.join(", ");
            // Other tools have it in their configuration.
            let is_secret = hint.is_empty() && SECRETS.iter().any(|it| name.contains(it));
            let place = self
                .keys
                .iter()
                .find(|key| is_secret && key.ends_with("_file"));
            let problem = match place {
                Some(place) => format!(
                    "unknown key {path}: a secret does not belong here, as everyone may read this file; fix: put it into a file of its own, \
                     and the path of that into {place}"
                ),
                None => format!("unknown key {path}: {hint}expected one of: {keys}"),
            };
            self.reader.problem(line, &problem);
        }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }
}

/// The sections of which there may be several.
const SEVERAL: [&str; 4] = ["record", "forward", "heartbeat", "notify"];
/// What the name of a key has in it whose value is a secret.
const SECRETS: [&str; 5] = ["token", "api_key", "private_key", "password", "secret"];

/// `"a", "b" or "c"`.
fn one_of(words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
