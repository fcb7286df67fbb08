//! What the history tells, against what was so.

use serde_json::Value;

use crate::scene::FOLDER;
use crate::tree::Tree;

/// The lines of both files, oldest first. One that lacks no more than its end gets it with the next event.
pub fn lines(files: &Tree) -> Result<Vec<String>, String> {
    let mut lines = vec![];
    for name in ["history.jsonl.1", "history.jsonl"] {
        let bytes = files.bytes(&format!("{FOLDER}/{name}")).unwrap_or_default();
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| format!("{name} is not text"))?;
        lines.extend(text.lines().map(str::to_owned));
    }
    Ok(lines)
}

/// The lines that were whole before the cycle.
fn whole_lines(files: &Tree, name: &str) -> Vec<String> {
    let bytes = files.bytes(&format!("{FOLDER}/{name}")).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole.map(|line| line.trim_end().to_owned()).collect()
}

/// The events since `before`: every line is whole, and numbered once and in order up to `last`; what was there, is there.
pub fn events_since(before: &Tree, after: &Tree, last: u64) -> Result<Vec<Value>, String> {
    let lines = lines(after)?;
    let mut kept = whole_lines(before, "history.jsonl");
    let mut older = whole_lines(before, "history.jsonl.1");
    older.append(&mut kept.clone());
    if lines.starts_with(&older) {
        kept = older;
    } else if !lines.starts_with(&kept) {
        return Err("an event that was in the history is not there any more".to_owned());
    }
    let number = |line: &str| -> Result<(u64, Value), String> {
        let event: Value =
            serde_json::from_str(line).map_err(|_| format!("a line is torn: {line:?}"))?;
        let seq = event["seq"].as_u64().ok_or("an event has no number")?;
        Ok((seq, event))
    };
    // A history that was lost begins anew, where the count is.
    let first = kept.last().or(lines.first());
    let mut seq = first.map_or(Ok(0), |line| Ok::<_, String>(number(line)?.0))?;
    seq = seq.saturating_sub(u64::from(kept.is_empty()));
    let mut events = vec![];
    for line in &lines[kept.len()..] {
        let (this, event) = number(line)?;
        if this != seq + 1 {
            return Err(format!("event {this} follows {seq}: {line}"));
        }
        seq = this;
        events.push(event);
    }
    if seq != last {
        return Err(format!(
            "the state has told {last} events, and the history ends with {seq}"
        ));
    }
    Ok(events)
}

/// An event without its time and number.
pub fn gist(event: &Value) -> String {
    let word = |key: &str| match &event[key] {
        Value::Null => String::new(),
        Value::String(text) => format!(" {text}"),
        other => format!(" {other}"),
    };
    let keys = [
        "kind", "name", "outcome", "phase", "attempt", "from", "to", "address", "reason",
    ];
    keys.map(word).concat().trim_start().to_owned()
}

/// No event is told that did not happen, and none is missing, but for those that `may_be_lost`.
pub fn judge(
    told: &[String],
    expected: &[String],
    may_be_lost: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let mut left = expected.iter();
    let mut missing = vec![];
    for event in told {
        loop {
            match left.next() {
                Some(next) if next == event => break,
                Some(next) => missing.push(next),
                None => {
                    return Err(format!(
                        "told, and not so, or not then: {event}; of {expected:#?}"
                    ));
                }
            }
        }
    }
    missing.extend(left);
    match missing
        .iter()
        .find(|event| !may_be_lost(event.split(' ').next().unwrap()))
    {
        None => Ok(()),
        Some(event) => Err(format!(
            "never told: {event}; of {expected:#?}, told was {told:#?}"
        )),
    }
}
