//! The environment, read once.

use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::logic::by_name::ByName;

/// With this the variables begin that override keys.
pub const PREFIX: &str = "CADENCE_";
/// What else begins with it and is ours.
pub const OTHERS: [&str; 2] = ["CADENCE_CONFIG", "CADENCE_STATE_DIR"];
/// Where this names records, the variables are how cadence is set up.
pub const RECORDS: &str = "CADENCE_RECORDS";
/// Those of our tests, which run the program.
const TESTS: &str = "CADENCE_TEST";
/// Behind the name of a secret's variable: that of a file that holds it.
pub const FILE: &str = "_FILE";

/// The variable that overrides a key: `CADENCE_POLICY_JITTER` for `policy.jitter`.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

/// A snapshot of the environment, so that it is read in one place and tests bring their own.
///
/// A variable with an empty value counts as not set. Names that are not Unicode are left out: none of ours is one.
#[derive(Clone, Default)]
pub struct Env(ByName<OsString>);

impl Env {
    /// The environment of this process.
    #[must_use]
    pub fn from_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect()
    }

    /// The value of a variable, where it is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The same with the name, which lives as long as the snapshot.
    pub(super) fn entry(&self, name: &str) -> Option<(&str, &OsStr)> {
        let (name, value) = self.0.iter().find(|(known, _)| *known == name)?;
        (!value.is_empty()).then_some((name.as_str(), value.as_os_str()))
    }

    /// The names of the variables that are set and not empty, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name.as_str())
    }

    /// The names of those that may be meant for a key.
    pub(super) fn ours(&self) -> impl Iterator<Item = &str> {
        // In small letters it is a slip.
        let is_ours = |name: &&str| {
            let start = name.get(..PREFIX.len());
            start.is_some_and(|it| it.eq_ignore_ascii_case(PREFIX))
                && !OTHERS.contains(name)
                && !name.starts_with(TESTS)
        };
        self.names().filter(is_ours)
    }
}

/// Names only: a value may be the API token.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

impl<K: Into<String>, V: Into<OsString>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl<K: Into<String>, V: Into<OsString>, const N: usize> From<[(K, V); N]> for Env {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let env = Env::from([("SET", "1"), ("EMPTY", "")]);
        assert_eq!(env.get("SET"), Some(OsStr::new("1")));
        assert_eq!(env.get("EMPTY"), None);
        assert_eq!(env.names().collect::<Vec<_>>(), ["SET"]);
    }

    #[test]
    fn debug_shows_no_values() {
        assert_eq!(
            format!("{:?}", Env::from([("CLOUDFLARE_API_TOKEN", "hush")])),
            r#"{"CLOUDFLARE_API_TOKEN"}"#
        );
    }
}
