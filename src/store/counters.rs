//! The file `counters`: what every cycle changes of a large state, so that a cycle that changes nothing else does not write all of it.
//!
//! Two slots of a page, written in turn and in place, so that the room is always there. A slot is a line: a checksum, a number that grows, and
//! what takes the place of the beginning of `state.json`. The checksum covers `state.json` as well: a slot counts for this very document, and one
//! that a power loss tore does not count at all, and the one before it does.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::digest::{Context, SHA256};

use super::StateDir;

/// The name of the file in the state folder.
pub(super) const FILE: &str = "counters";
/// Smaller documents are written whole: that is no more than a page or two.
const SMALL: usize = 8 << 10;
/// Where the part that not every cycle changes begins.
const REST: &[u8] = b",\"machines\":";
/// A page, and the block of most file systems.
const SLOT: usize = 4096;
/// The length of a checksum.
const CHECKSUM: usize = 16;

/// What a slot that counts says.
struct Slot {
    place: usize,
    number: u64,
    beginning: Vec<u8>,
}

/// Whether slots are worth their while.
pub(super) const fn is_large(document: &[u8]) -> bool {
    document.len() > SMALL
}

/// The document as the newest slot has it; none where no slot counts for it.
pub(super) fn apply(dir: &StateDir, document: &[u8]) -> Option<Vec<u8>> {
    let length = beginning(document)?;
    let file = dir.open_to_read(FILE).ok()??;
    let newest = newest(&file, &seen(document))?;
    let (_, rest) = document.split_at_checked(length)?;
    Some([&newest.beginning, rest].concat())
}

/// Writes what changed of the document into a slot. False where more of it changed than its beginning, or it is small: nothing was written.
///
/// # Errors
/// The slot cannot be written. The newest one is still there.
pub(super) fn write(dir: &StateDir, before: &[u8], after: &[u8]) -> io::Result<bool> {
    let (Some(length), Some(new_length)) = (beginning(before), beginning(after)) else {
        return Ok(false);
    };
    if before.get(length..) != after.get(new_length..) {
        return Ok(false);
    }
    let file = dir.open_to_write(FILE)?;
    if file.metadata()?.nlink() > 1 {
        return Err(io::Error::other("it has a second name"));
    }
    let seen = seen(before);
    let newest = newest(&file, &seen);
    let number = newest.as_ref().map_or(0, |slot| slot.number) + 1;
    let place = newest.map_or(0, |slot| 1 - slot.place);
    let mut line = number.to_string().into_bytes();
    line.push(b' ');
    line.extend(after.get(..new_length).unwrap_or_default());
    line = [checksum(seen, &line).as_bytes(), &line, b"\n"].concat();
    if line.len() > SLOT {
        return Ok(false);
    }
    line.resize(SLOT, b' ');
    let is_new = file.metadata()?.len() == 0;
    file.write_all_at(&line, (place * SLOT) as u64)?;
    if is_new {
        file.sync_all()?;
        dir.folder.sync()?;
    } else {
        file.sync_data()?;
    }
    Ok(true)
}

/// The length of what every cycle changes of a large document.
fn beginning(document: &[u8]) -> Option<usize> {
    let mut parts = document.windows(REST.len());
    parts
        .position(|part| part == REST)
        .filter(|_| is_large(document))
}

/// The newest slot that counts for the document that was `seen`.
fn newest(file: &File, seen: &Context) -> Option<Slot> {
    let slots = (0..2).filter_map(|place| {
        let mut bytes = vec![0; SLOT];
        file.read_exact_at(&mut bytes, (place * SLOT) as u64).ok()?;
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let (claimed, said) = line.split_at_checked(CHECKSUM)?;
        if claimed != checksum(seen.clone(), said).as_bytes() {
            return None;
        }
        let said = std::str::from_utf8(said).ok()?;
        let (number, beginning) = said.split_once(' ')?;
        Some(Slot {
            place,
            number: number.parse().ok()?,
            beginning: beginning.as_bytes().to_vec(),
        })
    });
    slots.max_by_key(|slot| slot.number)
}

fn seen(document: &[u8]) -> Context {
    let mut context = Context::new(&SHA256);
    context.update(document);
    context
}

/// Of the SHA-256 (FIPS 180-4) of what was seen and the line the first 12 bytes, in Base64 (RFC 4648).
fn checksum(mut seen: Context, line: &[u8]) -> String {
    seen.update(line);
    let digest = seen.finish();
    BASE64_STANDARD.encode(digest.as_ref().split_at(12).0)
}

#[cfg(test)]
mod tests;
