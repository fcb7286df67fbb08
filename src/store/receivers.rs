//! The file `receivers.json`: what each receiver was told, and what goes wrong with it. It has a lock of its own, as it is written after a
//! cycle, while the next one may run.
//!
//! Where it is lost or damaged, receivers are told what happens from then on.

use std::fs::File;
use std::io::ErrorKind;

use serde::Serialize;
use serde_json::Value;

use super::{StateDir, StoreError, lock};
use crate::file::whole;
use crate::logic::by_name::ByName;
use crate::logic::delivery::Delivery;
use crate::logic::rows::Place;

/// The name of the document in the state folder.
pub const FILE: &str = "receivers.json";
/// The name of its lock.
const LOCK: &str = "receivers.lock";
/// Sixteen receivers, each with the messages of an hour, have some 100 KiB.
const LARGEST: u64 = 1 << 20;

/// What each receiver was told, by its name.
#[derive(Debug, Default, Serialize)]
pub struct Told {
    /// The format.
    pub version: u32,
    /// What is remembered of each.
    pub receivers: ByName<Delivery>,
}

/// The format that this release writes.
const VERSION: u32 = 1;

/// The right to tell receivers, until it is dropped or the process ends; none where another process has it.
///
/// # Errors
/// There can be no lock.
pub fn lock(dir: &StateDir) -> Result<Option<File>, StoreError> {
    let failed = dir.failed("lock", LOCK);
    let file = dir.open_to_write(LOCK).map_err(&failed)?;
    let is_ours = lock::try_lock(&file).map_err(&failed)?;
    if is_ours {
        // What killed writers left only takes up room.
        let _ = dir.tidy([FILE, FILE]);
    }
    Ok(is_ours.then_some(file))
}

/// Reads the document; an empty one where there is none of use, and what is wrong with it.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(dir: &StateDir) -> Result<(Told, Option<String>), StoreError> {
    let failed = |cause| dir.failed("read", FILE)(cause);
    let (file, length) = match dir.open_to_read(FILE) {
        Ok(Some(sized)) => sized,
        Ok(None) => return Ok((Told::default(), None)),
        Err(cause) if cause.kind() == ErrorKind::InvalidData => {
            return Ok((Told::default(), Some("it is no file".to_owned())));
        }
        Err(cause) => return Err(failed(cause)),
    };
    let bytes = whole(file, length, LARGEST).map_err(failed)?;
    let Ok(Value::Object(mut document)) = serde_json::from_slice(&bytes) else {
        return Ok((Told::default(), Some("it is damaged".to_owned())));
    };
    let version = document.get("version").and_then(Value::as_u64);
    if version.is_none_or(|version| version > u64::from(VERSION)) {
        let newer = "a newer release wrote it".to_owned();
        return Ok((Told::default(), Some(newer)));
    }
    let known = document.get_mut("receivers").map(Value::take);
    let Some(Value::Object(known)) = known else {
        return Ok((Told::default(), None));
    };
    let known = known.iter().map(|(name, it)| (name.clone(), delivery(it)));
    let told = Told {
        version: VERSION,
        receivers: known.collect(),
    };
    Ok((told, None))
}

/// What is remembered of one receiver; what is not there, or of another type, is nothing.
fn delivery(it: &Value) -> Delivery {
    let number = |key| it.get(key).and_then(Value::as_u64);
    let text = |key| it.get(key).and_then(Value::as_str).unwrap_or_default();
    let time = |key| text(key).parse().ok();
    Delivery {
        told: number("told").unwrap_or_default(),
        sending: number("sending"),
        at: time("at"),
        pulse: text("pulse").to_owned(),
        run: text("run").to_owned(),
        down: it.get("down").and_then(Value::as_bool).unwrap_or_default(),
        failed: time("failed"),
        wait_s: number("wait_s").unwrap_or_default(),
        why: text("why").to_owned(),
        rows: it.get("rows").and_then(place),
    }
}

/// How far it is in the lines of telemetry; none where that is not known.
fn place(it: &Value) -> Option<Place> {
    Some(Place {
        day: it.get("day")?.as_str()?.parse().ok()?,
        offset: it.get("offset")?.as_u64()?,
        more: it.get("more")?.as_bool()?,
        to: it.get("to")?.as_u64()?.try_into().ok()?,
    })
}

/// Replaces the document. It `lasts` where a power loss must not bring the old one back.
///
/// # Errors
/// It cannot be written; the old one is there still.
pub fn write(dir: &StateDir, told: &mut Told, lasts: bool) -> Result<(), StoreError> {
    told.version = VERSION;
    let bytes = serde_json::to_vec(told).map_err(Into::into);
    bytes
        .and_then(|bytes| dir.replace(FILE, &bytes, lasts))
        .map_err(dir.failed("write", FILE))
}
