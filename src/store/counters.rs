//! The file `counters`: what every cycle changes of a large state, so that a cycle that changes nothing else does not write all of it.
//!
//! Two slots of a page, written in turn and in place, so that the room is always there. A slot is a line: a checksum, a number that grows, and
//! what takes the place of the beginning of `state.json`. The checksum covers the beginning that is there as well, with its times and counters: a
//! slot counts for this document alone, and one that a power loss tore does not count at all, and the one before it does.

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
    let (beginning, rest) = parted(document)?;
    let (file, _) = dir.open_to_read(FILE).ok()??;
    let newest = newest(&file, beginning)?;
    Some([&newest.beginning, rest].concat())
}

/// Writes what changed of the document into a slot. False where more of it changed than its beginning, or it is small: nothing was written.
///
/// # Errors
/// The slot cannot be written. The newest one is still there.
pub(super) fn write(dir: &StateDir, before: &[u8], after: &[u8]) -> io::Result<bool> {
    let (Some((before, old_rest)), Some((after, rest))) = (parted(before), parted(after)) else {
        return Ok(false);
    };
    if old_rest != rest {
        return Ok(false);
    }
    let file = dir.open_to_write(FILE)?;
    let there = file.metadata()?;
    if there.nlink() > 1 {
        return Err(io::Error::other("it has a second hard link"));
    }
    let newest = newest(&file, before);
    let number = newest.as_ref().map_or(0, |slot| slot.number) + 1;
    let place = newest.map_or(0, |slot| 1 - slot.place);
    let said = [number.to_string().as_bytes(), b" ", after].concat();
    let mut line = [checksum(before, &said).as_bytes(), &said, b"\n"].concat();
    if line.len() > SLOT {
        return Ok(false);
    }
    line.resize(SLOT, b' ');
    file.write_all_at(&line, (place * SLOT) as u64)?;
    if there.len() == 0 {
        file.sync_all()?;
        dir.folder.sync()?;
    } else {
        file.sync_data()?;
    }
    Ok(true)
}

/// What every cycle changes of a large document, and the rest.
fn parted(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = document.windows(REST.len());
    let at = parts.position(|part| part == REST)?;
    is_large(document).then(|| document.split_at(at))
}

/// The newest slot that counts for the document that begins like this.
fn newest(file: &File, before: &[u8]) -> Option<Slot> {
    let slots = (0..2).filter_map(|place| {
        let mut bytes = vec![0; SLOT];
        file.read_exact_at(&mut bytes, (place * SLOT) as u64).ok()?;
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let (claimed, said) = line.split_at_checked(CHECKSUM)?;
        if claimed != checksum(before, said).as_bytes() {
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

/// Of the SHA-256 (FIPS 180-4) of both the first 12 bytes, in Base64 (RFC 4648).
fn checksum(before: &[u8], line: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(line);
    let digest = context.finish();
    BASE64_STANDARD.encode(digest.as_ref().split_at(12).0)
}

#[cfg(test)]
mod tests;
