//! The file `history.jsonl`: events, one a line, each exactly once.
//!
//! Events wait in the state document until they are here: a cycle saves them with the state, appends them, and drops them
//! from the state with the next save. Killed between any two of these, it appends them again, so every event carries a
//! number, `seq`, which grows from event to event, and those already here are known by it.
//!
//! A state that starts cold has lost the count, and has to take it up after [`last_seq`]; otherwise its events would pass
//! for old ones. A power loss may tear what was appended last, at its end or in its midst; the next append drops the torn piece
//! and what follows it, whose events still wait.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{StateDir, StoreError};
use crate::file::whole;

/// The name of the newer events in the state folder.
pub const FILE: &str = "history.jsonl";
/// The name of the older events in the state folder.
pub const OLDER_FILE: &str = "history.jsonl.1";

/// A file that would grow beyond this becomes the older one: years of a good line, weeks of a bad one.
const ROTATE_AT: u64 = 1 << 20;
/// The end of a file in which its last whole event is looked for first; an event has a few hundred bytes.
const TAIL: u64 = 64 << 10;
/// At most this much of a file, from its end, is ever read: someone may have put a larger one there.
const READ_AT_MOST: u64 = ROTATE_AT + TAIL;

/// More events than any host ever has, and than a number in JSON can count for every reader (RFC 8259).
const LARGEST_SEQ: u64 = 1 << 53;

/// What the history holds, oldest first.
#[derive(Debug, PartialEq, Eq)]
pub struct History<E> {
    /// The events that are wanted.
    pub events: Vec<E>,
    /// How many events were looked at.
    pub stored: usize,
    /// How many lines were not an event. A last line without its end does not count: it is being written, or was torn.
    pub skipped: usize,
}

/// Whether the state that holds the events is durable: they must not outlive it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saved {
    /// This process saved it.
    Surely,
    /// Another one did, and may have been killed meanwhile.
    Maybe,
}

/// Appends those of `events` whose `seq` is greater than [`last_seq`], in one durable write, and says how many they were.
///
/// The events are in the order of their `seq`, a number that each serialises with. None are a no-op that touches no file.
///
/// # Errors
///
/// The history cannot be read or written. A part of the events may then be in it; the next call adds the rest.
pub fn append_missing<E: Serialize>(dir: &StateDir, events: &[E]) -> Result<usize, StoreError> {
    append(dir, events, Saved::Maybe)
}

/// The same where this process has just [saved](super::state::save) the state that holds them.
///
/// # Errors
///
/// As [`append_missing`].
pub fn append_saved<E: Serialize>(dir: &StateDir, events: &[E]) -> Result<usize, StoreError> {
    append(dir, events, Saved::Surely)
}

fn append<E: Serialize>(dir: &StateDir, events: &[E], state: Saved) -> Result<usize, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    append_some(dir, events, state).map_err(dir.failed("write", FILE))
}

/// The `seq` of the last event in the history; none where it has no event.
///
/// # Errors
///
/// The history cannot be read.
pub fn last_seq(dir: &StateDir) -> Result<Option<u64>, StoreError> {
    for name in [FILE, OLDER_FILE] {
        let seq = seq_in(dir, name).map_err(dir.failed("read", name))?;
        if seq.is_some() {
            return Ok(seq);
        }
    }
    Ok(None)
}

/// Reads the whole history for a reader, which takes no lock: both files as they were at one moment.
///
/// # Errors
///
/// A file of it is there but cannot be read. Lines that are no event are no error.
pub fn read<E: DeserializeOwned>(dir: &StateDir) -> Result<History<E>, StoreError> {
    last(dir, usize::MAX, &|_| true)
}

/// The same for the last `most` events that are `wanted`, and no further back than it takes to find them.
///
/// # Errors
///
/// As [`read`].
pub fn last<E: DeserializeOwned>(
    dir: &StateDir,
    most: usize,
    wanted: &dyn Fn(&E) -> bool,
) -> Result<History<E>, StoreError> {
    let open = |name| dir.open_to_read(name).map_err(dir.failed("read", name));
    // The newer one first: where a writer turns it into the older one in between, it is opened twice rather than never.
    let newer = open(FILE)?;
    let older = open(OLDER_FILE)?.filter(|(older, _)| {
        newer
            .as_ref()
            .is_none_or(|(newer, _)| !same_file(older, newer))
    });
    let mut history = History::default();
    for (name, file) in [(FILE, newer), (OLDER_FILE, older)] {
        let Some((mut file, length)) = file.filter(|_| history.events.len() < most) else {
            continue;
        };
        let end = end_of(&mut file, length, READ_AT_MOST).map_err(dir.failed("read", name))?;
        for line in end.whole_lines().rev() {
            if history.events.len() == most {
                break;
            }
            match serde_json::from_slice(line) {
                Ok(event) => {
                    history.stored += 1;
                    if wanted(&event) {
                        history.events.push(event);
                    }
                }
                Err(_) if line.ends_with(b"\n") => history.skipped += 1,
                Err(_) => {}
            }
        }
    }
    history.events.reverse();
    Ok(history)
}

impl<E> Default for History<E> {
    fn default() -> Self {
        Self {
            events: vec![],
            stored: 0,
            skipped: 0,
        }
    }
}

fn append_some<E: Serialize>(dir: &StateDir, events: &[E], state: Saved) -> io::Result<usize> {
    let lines = numbered_lines(events)?;
    let mut file = dir.open_to_write(FILE)?;
    let mut there = file.metadata()?;
    if there.nlink() > 1 {
        // What its other name is for is not known (a backup, a trap): from here on this one has a content of its own.
        let end = end_of(&mut file, there.len(), READ_AT_MOST)?;
        dir.replace(FILE, &end.bytes, true)?;
        file = dir.open_to_write(FILE)?;
        there = file.metadata()?;
    }
    let mut end = numbered_end_of(&mut file, there.len())?;
    let is_torn = end.drop_torn(|seq| lines.iter().any(|(waiting, _)| *waiting == seq));
    let last = match end.last_seq() {
        Some(seq) => Some(seq),
        None => seq_in(dir, OLDER_FILE)?,
    };
    let missing = lines
        .iter()
        .filter(|(seq, _)| last.is_none_or(|last| *seq > last));
    let count = missing.clone().count();
    let mut text: Vec<u8> = missing.flat_map(|(_, line)| line).copied().collect();
    let mut at = end.start + end.bytes.len() as u64;
    if count > 0 {
        if state == Saved::Maybe {
            dir.folder.sync()?;
        }
        if is_torn {
            file.set_len(at)?;
        }
        if at > 0 && at + text.len() as u64 > ROTATE_AT {
            file.sync_all()?;
            dir.folder.rename(FILE.as_ref(), OLDER_FILE.as_ref())?;
            // Or a power loss could keep the new file and not the rename, and the events of a MiB would be gone.
            dir.folder.sync()?;
            file = dir.open_to_write(FILE)?;
            at = 0;
        } else if end.bytes.last().is_some_and(|byte| *byte != b'\n') {
            text.insert(0, b'\n');
        }
        file.seek(SeekFrom::Start(at))?;
        if let Err(cause) = file.write_all(&text) {
            // A full disk takes a part of it.
            let _ = file.set_len(at);
            return Err(cause);
        }
    }
    // Also where nothing was missing: the process that wrote it may have been killed before it came to this.
    file.sync_all()?;
    if at == 0 {
        // It may have been made just now. Otherwise its name is as durable as the next state, which takes these events for told.
        dir.folder.sync()?;
    }
    Ok(count)
}

/// Each event's number and line.
fn numbered_lines<E: Serialize>(events: &[E]) -> io::Result<Vec<(u64, Vec<u8>)>> {
    let numbered = |event| {
        let mut line = serde_json::to_vec(event)?;
        let seq = seq_of(&line).ok_or(io::ErrorKind::InvalidData)?;
        line.push(b'\n');
        Ok((seq, line))
    };
    events.iter().map(numbered).collect()
}

fn seq_in(dir: &StateDir, name: &str) -> io::Result<Option<u64>> {
    let Some((mut file, length)) = dir.open_to_read(name)? else {
        return Ok(None);
    };
    Ok(numbered_end_of(&mut file, length)?.last_seq())
}

fn same_file(one: &File, other: &File) -> bool {
    let id = |file: &File| file.metadata().map(|meta| (meta.dev(), meta.ino())).ok();
    id(one) == id(other)
}

/// The end of a file.
struct End {
    /// Where in the file it starts; above zero, its first line may be cut off.
    start: u64,
    bytes: Vec<u8>,
}

fn end_of(file: &mut File, length: u64, at_most: u64) -> io::Result<End> {
    let start = length.saturating_sub(at_most);
    file.seek(SeekFrom::Start(start))?;
    let bytes = whole(file, length - start, at_most)?;
    Ok(End { start, bytes })
}

/// As much of the end of a file as it takes to find its last event.
fn numbered_end_of(file: &mut File, length: u64) -> io::Result<End> {
    let end = end_of(file, length, TAIL)?;
    if end.start > 0 && end.last_seq().is_none() {
        return end_of(file, length, READ_AT_MOST);
    }
    Ok(end)
}

impl End {
    /// Its lines, but for one that is cut off at its start.
    fn whole_lines(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        let cut = self.bytes.iter().position(|byte| *byte == b'\n');
        let cut = cut.filter(|_| self.start > 0).map_or(0, |at| at + 1);
        let whole = self.bytes.get(cut..).unwrap_or_default();
        whole.split_inclusive(|byte| *byte == b'\n')
    }

    fn last_seq(&self) -> Option<u64> {
        // A line that is cut off at its start cannot pass for an event: it closes more brackets than it opens.
        self.bytes.rsplit(|byte| *byte == b'\n').find_map(seq_of)
    }

    /// Drops what a power loss left of the last append: lines that are no event or lack their end, and what comes after them,
    /// unless that is an event which does not wait any more. Says whether there was anything.
    fn drop_torn(&mut self, waits: impl Fn(u64) -> bool) -> bool {
        let mut kept = self.bytes.len();
        let mut at = kept;
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n').rev() {
            at -= line.len();
            match seq_of(line) {
                // Its start is not known.
                _ if at == 0 && self.start > 0 => break,
                Some(seq) if waits(seq) && line.ends_with(b"\n") => {}
                Some(seq) if waits(seq) => kept = at,
                Some(_) => break,
                None => kept = at,
            }
        }
        let is_torn = kept < self.bytes.len();
        self.bytes.truncate(kept);
        is_torn
    }
}

/// The number of an event. One that leaves none for those to come is not ours.
fn seq_of(line: &[u8]) -> Option<u64> {
    let event: Value = serde_json::from_slice(line).ok()?;
    let seq = event.get("seq")?.as_u64()?;
    (seq <= LARGEST_SEQ).then_some(seq)
}

#[cfg(test)]
mod tests;
