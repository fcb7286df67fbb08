//! What was asked of the API, and what came of it.

use serde_json::Value;

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it had been read.
    pub at: jiff::Timestamp,
    /// `GET`, `PATCH`, ..
    pub method: String,
    /// Path and query, as they came.
    pub path: String,
    /// Whether it bore a token that the account knows.
    pub authorised: bool,
    /// The HTTP status of the answer; none where no whole answer was sent.
    pub status: Option<u16>,
    /// The request's body, where it is JSON.
    pub body: Option<Value>,
    /// What it did to records.
    pub writes: Vec<Write>,
}

/// A change of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The record as it was; none where it was made.
    pub before: Option<Value>,
    /// The record as it became; none where it was deleted.
    pub after: Option<Value>,
}

impl Write {
    /// The attributes that differ, in alphabetical order, but for the time stamps that any write changes.
    #[must_use]
    pub fn changed(&self) -> Vec<String> {
        let attributes = |side: &Option<Value>| {
            side.as_ref()
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let (before, after) = (attributes(&self.before), attributes(&self.after));
        let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| before.get(name) != after.get(name) && !name.ends_with("modified_on"));
        names
    }
}
