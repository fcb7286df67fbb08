//! Typed reading of one table of the configuration.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::bounds::{Span, Whole};
use super::entries::{self, Entry, Form, shape_of};
use super::in_force::{Kind, Shown};
use super::reader::Reader;
use super::suggest::{did_you_mean, or_nearest};
use super::value::{Value, cut, may_be_token};
use crate::called;
use crate::logic::units::{config_duration, parse_duration};

/// What a section is written in.
#[derive(Clone, Copy)]
pub enum Table<'a> {
    /// A table of the file.
    File(&'a DeTable<'a>),
    /// An entry of a variable.
    Entry(Entry<'a>),
}

impl Table<'_> {
    /// How many keys it has, or a few more.
    fn len(self) -> usize {
        match self {
            Self::File(table) => table.len(),
            Self::Entry(entry) => entry.words().len(),
        }
    }

    /// Whether it has a key.
    pub fn has(self, key: &str) -> bool {
        match self {
            Self::File(table) => table.get(key).is_some(),
            Self::Entry(entry) => entry.get(key).is_some(),
        }
    }
}

/// Sections of one name, each with its place.
pub type Tables<'a> = Vec<(Table<'a>, Value<'a>)>;

/// One section. The keys that are asked for are the ones that are allowed.
pub struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    name: &'static str,
    table: Option<Table<'a>>,
    /// Where that is, for those of which there may be several: their keys are in no variable of their own, as that could mean any of them.
    place: Option<Value<'a>>,
    /// Whether the file has it, or a variable one of its keys.
    is_there: bool,
    keys: Vec<&'static str>,
    /// Those whose words in a variable are not as they have to be, which is told.
    flawed: Vec<&'static str>,
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
        Self::begin(reader, name, table.map(Table::File), None)
    }

    /// One of several sections of that name.
    pub fn of_several(
        reader: &'r mut Reader<'a>,
        name: &'static str,
        (table, place): (Table<'a>, Value<'a>),
    ) -> Self {
        Self::begin(reader, name, Some(table), Some(place))
    }

    fn begin(
        reader: &'r mut Reader<'a>,
        name: &'static str,
        table: Option<Table<'a>>,
        place: Option<Value<'a>>,
    ) -> Self {
        if let Some(trace) = &mut reader.trace {
            trace.begin(name, table.is_some());
        }
        Self {
            reader,
            name,
            table,
            place,
            is_there: table.is_some(),
            keys: Vec::with_capacity(8),
            flawed: Vec::new(),
            left: table.map_or(0, Table::len),
        }
    }

    /// Whether the file has it, or a variable one of the keys that were asked for.
    pub const fn is_there(&self) -> bool {
        self.is_there
    }

    /// A value that no variable of its own can override. Each key is asked for once.
    fn own_value(&mut self, key: &'static str, kind: Kind) -> Option<Value<'a>> {
        // A thousand records have little more than their names: where all are known, no other is looked for.
        if self.left == 0 {
            return None;
        }
        self.keys.push(key);
        let found = match self.table? {
            Table::File(table) => Value::File(table.get(key)?),
            Table::Entry(entry) => {
                let (word, place) = (entry.get(key)?, self.place?);
                if word.form != Form::Whole && (word.form, kind) != (Form::Alone, Kind::Flag) {
                    self.left -= 1;
                    self.flawed.push(key);
                    let told = self.flaw(
                        key,
                        word.form,
                        Some(word.value).filter(|_| !entry.has_secrets()),
                    );
                    self.reader.problem_at(place, &told);
                    return None;
                }
                place.with(word.value)
            }
        };
        self.left -= 1;
        Some(found)
    }

    /// What is told of a word of a variable that is not as it has to be.
    fn flaw(&self, key: &str, form: Form, value: Option<&str>) -> String {
        let path = self.path(key);
        let value = value.filter(|it| !it.is_empty() && !may_be_token(it));
        let value = value.map_or_else(|| "VALUE".to_owned(), cut);
        match form {
            Form::Spaced => {
                format!("{path} has white space at its \"=\": expected {key}={value}")
            }
            Form::EmptyKind => format!("{path} has no value: expected one behind the \"/\""),
            Form::Whole | Form::Alone | Form::Empty => {
                format!("{path} has no value: expected {key}=VALUE")
            }
        }
    }

    /// What the file has of sections below.
    fn file_value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        match self.own_value(key, Kind::Text)? {
            Value::File(value) => Some(value),
            Value::Variable { .. } => None,
        }
    }

    /// Where a key is.
    pub fn place(&self, key: &str) -> Option<Value<'a>> {
        match self.table? {
            Table::File(table) => table.get(key).map(Value::File),
            Table::Entry(entry) => self.place?.with(entry.get(key)?.value).into(),
        }
    }

    /// A value from its variable, where that is set, or else from the file.
    fn value(&mut self, key: &'static str, kind: Kind) -> Option<Value<'a>> {
        let own = self.own_value(key, kind);
        let overridden = match self.place {
            None if self.reader.has_variables() => self.reader.variable(&self.path(key)),
            Some(_) | None => None,
        };
        self.is_there |= overridden.is_some();
        let value = overridden.or(own);
        if let Some(trace) = &mut self.reader.trace {
            trace.ask(key, kind, value);
        }
        value
    }

    /// What the last key is where it is left out, for whoever wants to see that.
    fn otherwise(&mut self, default: impl FnOnce() -> Option<Shown>) {
        if let Some(trace) = &mut self.reader.trace {
            trace.otherwise(default());
        }
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
        let value = self.value(key, Kind::Text);
        let Some(value) = value.filter(|value| value.as_text() != Some("")) else {
            if let Some(place) = place.filter(|_| !self.flawed.contains(&key)) {
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

    /// One of a few words, of which the first is the default.
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
        let read = self.parsed(key, parse);
        self.otherwise(|| Some(Shown::Text(words().next()?.to_owned())));
        read.unwrap_or(default)
    }

    /// `true` or `false`, and where it is from; none where it is left out.
    pub fn boolean(&mut self, key: &'static str) -> Option<(bool, Value<'a>)> {
        let value = self.value(key, Kind::Flag)?;
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
        let value = self.value(key, Kind::Bare)?;
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
        let read = self.integer(key, &allowed, within);
        self.otherwise(|| {
            let is_allowed = bounds.default >= bounds.min;
            is_allowed.then(|| Shown::Bare(bounds.default.to_string()))
        });
        read.unwrap_or(bounds.default)
    }

    /// A duration within its bounds.
    pub fn duration(&mut self, key: &'static str, bounds: Span) -> Duration {
        let Some(value) = self.value(key, Kind::Text) else {
            self.otherwise(|| Some(Shown::Text(config_duration(bounds.default))));
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
        let Some(value) = self.value(key, Kind::List) else {
            self.otherwise(|| {
                let is_allowed = count.contains(&default.len());
                let entries = default.iter().map(|it| (*it).to_owned());
                is_allowed.then(|| Shown::List(entries.collect()))
            });
            return default
                .iter()
                .filter_map(|entry| parse(entry).ok())
                .collect();
        };
        let allowed = format!("an array of {} to {} strings", count.start(), count.end());
        let entries = match value {
            Value::File(array) => {
                let entries = self.entries(key, array, &count, &allowed, |n| {
                    format!(" has {n} entries")
                });
                entries.iter().map(Value::File).collect()
            }
            Value::Variable { text, .. } => self.parts(key, value, text, &count),
        };
        let parsed = entries.into_iter();
        let parsed = parsed.filter_map(|entry| self.text(key, entry, &parse));
        parsed.collect()
    }

    /// The parts of the list in a variable; none where there are more or fewer than `count` allows.
    fn parts(
        &mut self,
        key: &str,
        value: Value<'a>,
        text: &'a str,
        count: &RangeInclusive<usize>,
    ) -> Vec<Value<'a>> {
        let (start, end) = (count.start(), count.end());
        let allowed = format!("{start} to {end} texts with commas between them");
        match entries::list(text) {
            Ok(parts) if count.contains(&parts.len()) => {
                let parts = parts.into_iter();
                return parts.map(|it| value.with(entries::unquoted(it))).collect();
            }
            Ok(parts) => {
                let found = format!(" has {} entries", parts.len());
                self.reader
                    .refuse_found(&self.path(key), value, &found, &allowed);
            }
            Err(expected) => self.refuse(key, value, expected),
        }
        vec![]
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
    pub fn tables(&mut self, key: &'static str, max: usize) -> Tables<'a> {
        let tables = self.optional_tables(key, max);
        if tables.is_none() {
            self.reader.problem_of_the_whole(&format!(
                "no {key} is configured; fix: add a section [[{key}]], in two brackets each, as man cadence.toml shows, or have one made: {}",
                called::cadence("init")
            ));
        }
        tables.unwrap_or_default()
    }

    /// The same, which may be left out. Those of the variable take the place of those of the file.
    pub fn optional_tables(&mut self, key: &'static str, max: usize) -> Option<Tables<'a>> {
        let value = self.file_value(key);
        if let Some(variable) = self.reader.variable_of_sections(key) {
            return Some(self.tables_of(key, variable, max));
        }
        let value = value?;
        let allowed = format!("1 to {max} sections [[{key}]], in two brackets each");
        let given = |n| format!(" is given {n} times");
        let entries = self.entries(key, value, &(1..=max), &allowed, given);
        let tables = entries.iter().filter_map(|entry| {
            let (table, place) = (entry.get_ref().as_table(), Value::File(entry));
            let table = self.read(key, place, table, &allowed, Ok)?;
            Some((Table::File(table), place))
        });
        Some(tables.collect())
    }

    /// The entries of a variable, each as a section.
    fn tables_of(&mut self, key: &'static str, variable: Value<'a>, max: usize) -> Tables<'a> {
        let (Value::Variable { name, text, .. }, Some(shape)) = (variable, shape_of(key)) else {
            return vec![];
        };
        let allowed = format!(
            "1 to {max} entries with commas between them, such as {}",
            shape.example
        );
        let found = match Entry::all(text, shape) {
            Ok(entries) if (1..=max).contains(&entries.len()) => {
                let placed = entries.into_iter().zip(1..).map(|(it, entry)| {
                    let text = it.text();
                    (Table::Entry(it), Value::Variable { name, entry, text })
                });
                return placed.collect();
            }
            Ok(entries) => format!(" has {} entries", entries.len()),
            Err(expected) => {
                self.reader.refuse_found(key, variable, "", expected);
                return vec![];
            }
        };
        self.reader.refuse_found(key, variable, &found, &allowed);
        vec![]
    }

    /// Refuses the keys that nobody asked for.
    pub fn close(mut self) {
        if self.left == 0 {
            return;
        }
        match (self.table, self.place) {
            (Some(Table::File(table)), _) => {
                for key in table.keys() {
                    let name: &str = key.get_ref();
                    if !self.keys.contains(&name) {
                        let problem = self.unknown(name, "");
                        let line = self.reader.line(key.span().start);
                        self.reader.problem(line, &problem);
                    }
                }
            }
            (Some(Table::Entry(entry)), Some(place)) => self.close_entry(entry, place),
            (Some(Table::Entry(_)) | None, _) => {}
        }
    }

    /// The words of an entry that are no keys, or those of one twice.
    fn close_entry(&mut self, entry: Entry<'a>, place: Value<'a>) {
        let words = entry.words();
        for (at, word) in words.iter().enumerate() {
            let before = words.iter().take(at).any(|it| it.key == word.key);
            let problem = if !self.keys.contains(&word.key) {
                let form = ", as key=value, and a comma before the next entry";
                self.unknown(word.key, form)
            } else if before {
                format!("{} is set twice: expected one", self.path(word.key))
            } else {
                continue;
            };
            self.reader.problem_at(place, &problem);
        }
    }

    /// What is told of a key that there is not; `form` is how one is written.
    fn unknown(&self, name: &str, form: &str) -> String {
        let hint = did_you_mean(name, self.keys.iter().copied());
        // In an entry of a variable, what stands behind the address of a receiver may be a part of that.
        let is_of_secret = ["heartbeat", "notify"].contains(&self.name)
            && matches!(self.table, Some(Table::Entry(_)))
            && hint.is_empty();
        let path = if may_be_token(name) || name.contains("://") || is_of_secret {
            "(not shown)".to_owned()
        } else {
            cut(&self.path(name))
        };
        let keys = self.keys.join(", ");
        // Other tools have it in their configuration.
        let is_secret = hint.is_empty() && SECRETS.iter().any(|it| name.contains(it));
        let place = self
            .keys
            .iter()
            .find(|key| is_secret && key.ends_with("_file"));
        match place {
            Some(place) => format!(
                "unknown key {path}: a secret does not belong here, where others may read it; fix: put it into a file of its own, \
                 and the path of that into {place}"
            ),
            None => format!("unknown key {path}: {hint}expected one of: {keys}{form}"),
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
