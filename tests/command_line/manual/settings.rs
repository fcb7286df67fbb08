//! The keys of the configuration, for cadence.toml(5): their words from the sample that is installed, what is allowed from the
//! program itself, which says so to whoever sets something else.

use std::path::Path;

use cadence::config::{Env, parse};

use super::markup::{bold, to_man, typed};

const SAMPLE: &str = include_str!("../../../packaging/cadence.toml");
/// The shortest configuration.
const VALID: &str = "[[record]]\nname = \"a.example\"\n";
/// It bounds the jitter, and is the longest here, so that the jitter's own bound is told.
const LONGEST_INTERVAL: (&str, &str) = ("CADENCE_POLICY_HEALTHY_INTERVAL", "1h");
/// No key of the configuration takes either of these strings; most refuse the first, and say more about it.
const REFUSED: [&str; 2] = ["????????????????????", "\\u0001"];

/// A key of the sample, with its value as it is written there.
pub struct Key {
    /// Empty at the top of the file.
    section: String,
    name: String,
    value: String,
}

/// What the sample says in one go.
pub enum Part {
    /// A section begins.
    Section(String),
    /// Words about what follows, a line each.
    Words(Vec<String>),
    /// Keys of which the words before are true.
    Keys(Vec<Key>),
}

/// The sample in parts. There prose follows `# `; a key that is commented out follows `#`, and an entry of an array `#  `.
pub fn sample() -> Vec<Part> {
    let mut parts = Vec::new();
    let mut section = "";
    for line in SAMPLE.lines() {
        let is_prose = line == "#" || (line.starts_with("# ") && !line.starts_with("#  "));
        let code = line.strip_prefix('#').unwrap_or(line);
        if is_prose {
            let words = code.trim().to_owned();
            match parts.last_mut() {
                Some(Part::Words(lines)) => lines.push(words),
                _ => parts.push(Part::Words(vec![words])),
            }
        } else if code.starts_with('[') {
            section = code.trim_matches(['[', ']']);
            parts.push(Part::Section(code.to_owned()));
        } else if line.is_empty() {
            // What has no key below it stands for itself.
            if matches!(parts.last(), Some(Part::Words(_))) {
                parts.push(Part::Keys(vec![]));
            }
        } else if let Some((name, value)) = code.split_once(" = ") {
            let key = Key {
                section: section.to_owned(),
                name: name.to_owned(),
                value: value.to_owned(),
            };
            match parts.last_mut() {
                Some(Part::Keys(keys)) => keys.push(key),
                _ => parts.push(Part::Keys(vec![key])),
            }
        } else {
            let Some(Part::Keys(keys)) = parts.last_mut() else {
                panic!("packaging/cadence.toml: what is this? {line}");
            };
            keys.last_mut().unwrap().value += code;
        }
    }
    parts
}

impl Key {
    fn path(&self) -> String {
        match self.section.as_str() {
            "" => self.name.clone(),
            section => format!("{section}.{}", self.name),
        }
    }

    fn is_list(&self) -> bool {
        self.value.starts_with('[')
    }

    /// What the program says is allowed, when the key is set to this.
    fn allowed_instead_of(&self, value: &str) -> Option<String> {
        let Self { section, name, .. } = self;
        let text = match section.as_str() {
            "" => format!("{name} = {value}\n{VALID}"),
            "record" if name == "name" => format!("[[record]]\nname = {value}\n"),
            "forward" | "heartbeat" | "notify" => {
                format!("{VALID}[[{section}]]\n{name} = {value}\n")
            }
            "record" if name == "type" => format!("{VALID}{name} = {value}\n"),
            // The type that takes every key.
            "record" => format!("{VALID}type = \"AAAA\"\n{name} = {value}\n"),
            _ => format!("{VALID}[{section}]\n{name} = {value}\n"),
        };
        let env = match self.path().as_str() {
            "policy.healthy_interval" | "forward.lifetime" => Env::default(),
            _ => Env::from([LONGEST_INTERVAL]),
        };
        let error = parse(&text, Path::new("c"), &env).err()?;
        let about = format!(": {}", self.path());
        let problem = error
            .problems()
            .iter()
            .find(|problem| problem.contains(&about))?;
        Some(problem.split_once(": expected ")?.1.to_owned())
    }

    /// What is allowed.
    fn allowed(&self) -> String {
        let asked = |form: fn(&str) -> String| {
            let mut refused = REFUSED.into_iter().map(form);
            refused.find_map(|value| self.allowed_instead_of(&value))
        };
        let whole = asked(|word| format!("\"{word}\"")).unwrap();
        match asked(|word| format!("[\"{word}\"]")) {
            Some(entry) if self.is_list() => format!("{whole}, each {entry}"),
            _ => whole,
        }
    }

    /// The variable that overrides it, if one does.
    fn variable(&self) -> Option<String> {
        let name = format!("CADENCE_{}", self.path().replace('.', "_").to_uppercase());
        let about = format!("${name}: {}", self.path());
        let overrides = |value| {
            let env = Env::from([(name.as_str(), value)]);
            let error = parse(VALID, Path::new("c"), &env).err();
            error.is_some_and(|error| error.problems().iter().any(|line| line.starts_with(&about)))
        };
        let found = overrides(REFUSED[0]) || overrides("\u{1}");
        found.then_some(name)
    }

    /// Whether a configuration without it is refused.
    fn is_required(&self) -> bool {
        let missing = format!("{} is not set", self.path());
        self.section == "record"
            && parse("[[record]]\n", Path::new("c"), &Env::default())
                .is_err_and(|error| error.to_string().contains(&missing))
    }

    /// The paragraph of facts; `words` are those of the sample.
    fn facts(&self, words: &str) -> String {
        let shown = if words.contains("Left out:") || self.is_required() {
            "Example"
        } else {
            "Default"
        };
        let mut facts = Vec::new();
        if self.is_required() {
            facts.push("Required".to_owned());
        }
        if self.is_list() {
            facts.push(match lines_of_list(&self.value).as_str() {
                "" => format!("{shown}: none"),
                lines => format!("{shown}:\n.EX\n{lines}.EE"),
            });
        } else if self.value != "\"\"" {
            facts.push(format!("{shown}: \\fB{}\\fR", typed(&self.value)));
        }
        facts.push(format!("Allowed: {}", bold(&self.allowed(), typed)));
        if let Some(name) = self.variable() {
            facts.push(format!("Variable: \\fB{name}\\fR"));
        }
        // The end of an example is a break already.
        facts.join("\n.br\n").replace(".EE\n.br\n", ".EE\n") + "\n"
    }
}

/// The entries of a list, a line each.
fn lines_of_list(list: &str) -> String {
    let entries = list.trim_matches(['[', ']']).split(',');
    entries
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| typed(entry) + "\n")
        .collect()
}

/// The subsections with every key.
pub fn keys() -> String {
    let mut page: Vec<String> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for part in sample() {
        match part {
            Part::Words(lines) => words = lines,
            // The first words are about the file as such: the written part of the page says that.
            Part::Keys(keys) if keys.is_empty() && page.is_empty() => words.clear(),
            Part::Keys(keys) if keys.is_empty() => {
                page.push(".PP\n".to_owned() + &prose(&words));
                words.clear();
            }
            Part::Section(name) => {
                page.push(format!(".SS {}\n", typed(&name)));
                page.push(prose(&words));
                words.clear();
            }
            Part::Keys(keys) => {
                if page.is_empty() {
                    page.push(".SS \"At the top of the file\"\n".to_owned());
                }
                page.extend(entry(&keys, &words));
                words.clear();
            }
        }
    }
    page.concat()
}

/// The entry of keys that share their words.
fn entry(keys: &[Key], words: &[String]) -> Vec<String> {
    let name = |key: &Key| format!("\\fB{}\\fR\n", typed(&key.name));
    let tag = |(at, key): (usize, &Key)| {
        let request = if at == 0 { ".TP\n" } else { ".TQ\n" };
        request.to_owned() + &name(key)
    };
    let facts = |(at, key): (usize, &Key)| {
        let paragraph = if words.is_empty() && at == 0 {
            ""
        } else {
            ".IP\n"
        };
        let whose = if keys.len() > 1 {
            name(key) + ".br\n"
        } else {
            String::new()
        };
        paragraph.to_owned() + &whose + &key.facts(&words.join(" "))
    };
    let tags = keys.iter().enumerate().map(tag);
    let facts = keys.iter().enumerate().map(facts);
    tags.chain([prose(words)]).chain(facts).collect()
}

/// Words as text of the page.
fn prose(words: &[String]) -> String {
    let lines = words.iter().map(|line| match line.as_str() {
        "" => ".IP\n".to_owned(),
        line => to_man(line),
    });
    lines.collect()
}
