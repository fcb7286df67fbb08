use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::logic::fixtures;
use crate::logic::record_state::RecordState;
use crate::logic::state::{State, VERSION};
use crate::logic::units::RecordType;
use crate::store::tests::{folder, names};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    version: u64,
    cycle: u64,
    #[serde(default)]
    padding: String,
}

fn document(cycle: u64) -> Document {
    Document {
        version: 1,
        cycle,
        padding: String::new(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_769_616_524 + second).unwrap()
}

fn load_at(dir: &StateDir, now: Timestamp) -> Loaded<Document> {
    load(dir, 1, now).unwrap()
}

#[test]
fn the_state_of_a_thousand_records_that_were_all_written_as_often_as_an_hour_allows_can_be_read() {
    let (_temp, dir) = folder();
    let mut state = State::cold(&fixtures::at(0));
    for number in 0..1000 {
        let record = RecordState {
            writes: (0..60).map(fixtures::at).collect(),
            failed: Some(fixtures::at(number)),
            ..RecordState::default()
        };
        let name = format!("h{number}.example.com");
        state.records.insert((RecordType::A, &name), record);
    }
    save(&dir, &state).unwrap();
    assert_eq!(read::<State>(&dir, VERSION.into()).unwrap(), Some(state));
}

#[test]
fn what_was_saved_is_found() {
    let (_temp, dir) = folder();
    assert_eq!(load_at(&dir, at(0)), Loaded::Missing);
    assert_eq!(read::<Document>(&dir, 1).unwrap(), None);
    for cycle in [7, 8] {
        save(&dir, &document(cycle)).unwrap();
        assert_eq!(load_at(&dir, at(0)), Loaded::Found(document(cycle)));
        assert_eq!(read(&dir, 1).unwrap(), Some(document(cycle)));
    }
    assert_eq!(names(&dir), ["reserve", FILE]);
    assert!(fs::read_to_string(dir.file(FILE)).unwrap().ends_with("}\n"));
}

#[test]
fn a_reader_beside_five_hundred_saves_always_sees_a_whole_document() {
    let (_temp, dir) = folder();
    let padded = |cycle: u64| Document {
        padding: "x".repeat(usize::try_from(cycle * 40).unwrap()),
        ..document(cycle)
    };
    save(&dir, &padded(0)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let found: Document = read(&dir, 1).unwrap().unwrap();
                assert!(found.cycle >= last);
                last = found.cycle;
                assert_eq!(found, padded(last));
            }
        });
        for cycle in 1..=500 {
            save(&dir, &padded(cycle)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}

/// A way to put something in place of the document, and what is said about it.
type Case = (&'static str, fn(&Path), &'static str);

const CASES: [Case; 10] = [
    (
        "corrupt",
        |path| fs::write(path, "").unwrap(),
        "it is empty",
    ),
    (
        "corrupt",
        |path| fs::write(path, "\0\0").unwrap(),
        "it is not JSON: expected value at line 1 column 1",
    ),
    (
        "corrupt",
        |path| fs::write(path, br#"{"version":1,"cy"#).unwrap(),
        "it is not JSON: EOF while parsing a string at line 1 column 16",
    ),
    (
        "corrupt",
        |path| fs::write(path, r#"{"cycle":1}"#).unwrap(),
        "it has no version",
    ),
    (
        "corrupt",
        |path| fs::write(path, r#"{"version":0}"#).unwrap(),
        "its version is 0, which no release has written",
    ),
    (
        "corrupt",
        |path| fs::write(path, r#"{"version":1}"#).unwrap(),
        "it is not a state document of its version: missing field `cycle` at line 1 column 13",
    ),
    (
        "corrupt",
        |path| fs::create_dir(path).unwrap(),
        "it is not a regular file",
    ),
    (
        "corrupt",
        |path| symlink("/dev/zero", path).unwrap(),
        "it is not a regular file",
    ),
    (
        "corrupt",
        |path| fs::write(path, vec![b' '; 17 << 20]).unwrap(),
        "it is larger than 8 MiB",
    ),
    (
        "newer",
        |path| fs::write(path, r#"{"version":2,"new":"shape"}"#).unwrap(),
        "its version is 2, but this release reads up to 1",
    ),
];

#[test]
fn a_document_that_cannot_be_used_is_set_aside_by_a_writer() {
    for (label, put, reason) in CASES {
        let (_temp, dir) = folder();
        put(&dir.file(FILE));
        let to = dir.file(&format!("state.json.{label}-20260128T160844Z"));
        assert_eq!(
            load_at(&dir, at(0)),
            Loaded::SetAside {
                to: to.clone(),
                why: reason.to_owned()
            }
        );
        assert!(fs::symlink_metadata(&to).is_ok());
        assert_eq!(load_at(&dir, at(0)), Loaded::Missing, "a cold start");
        save(&dir, &document(1)).unwrap();
    }
}

#[test]
fn a_document_that_cannot_be_used_is_left_in_place_by_a_reader() {
    for (_, put, reason) in CASES {
        let (_temp, dir) = folder();
        put(&dir.file(FILE));
        let error = read::<Document>(&dir, 1).unwrap_err();
        let reason = reason.to_owned();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot use {}: {reason}; fix: none needed, the next cycle sets it aside and starts a new one",
                dir.file(FILE).display()
            )
        );
        assert_eq!(names(&dir), [FILE]);
    }
}

#[test]
fn a_reason_is_one_short_line_whatever_the_damaged_file_holds() {
    let (_temp, dir) = folder();
    let hostile = json!({"version": 1, "cycle": format!("\u{1b}[31m\n{}", "x".repeat(100_000))});
    fs::write(dir.file(FILE), hostile.to_string()).unwrap();
    let Loaded::SetAside { why, .. } = load_at(&dir, at(0)) else {
        panic!("not set aside")
    };
    assert!(
        why.chars().count() < 300 && !why.contains(char::is_control),
        "{why}"
    );
}

#[test]
fn the_five_newest_set_aside_documents_are_kept_even_where_the_clock_stands_still_or_goes_back() {
    let (_temp, dir) = folder();
    let set_aside = |now| {
        fs::write(dir.file(FILE), "").unwrap();
        assert!(matches!(load_at(&dir, now), Loaded::SetAside { .. }));
    };
    for second in 0..7 {
        set_aside(at(second));
    }
    let kept = |dir: &StateDir| {
        names(dir)
            .iter()
            .map(|name| name.trim_start_matches("state.json.corrupt-").to_owned())
            .collect::<Vec<_>>()
    };
    let expected = [
        "20260128T160846Z",
        "20260128T160847Z",
        "20260128T160848Z",
        "20260128T160849Z",
        "20260128T160850Z",
    ];
    assert_eq!(kept(&dir), expected);
    set_aside(Timestamp::UNIX_EPOCH);
    assert_eq!(kept(&dir)[0], "19700101T000000Z", "the one just made stays");
    for _ in 0..20 {
        set_aside(at(9));
    }
    assert_eq!(kept(&dir).len(), 5);
}

#[test]
fn a_temporary_file_left_by_a_process_of_the_same_id_is_no_obstacle() {
    let (_temp, dir) = folder();
    fs::write(
        dir.file(&format!("{FILE}.tmp-{}", std::process::id())),
        "half a docu",
    )
    .unwrap();
    save(&dir, &document(1)).unwrap();
    assert_eq!(load_at(&dir, at(0)), Loaded::Found(document(1)));
    assert_eq!(names(&dir), ["reserve", FILE]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn arbitrary_bytes_are_set_aside_or_a_document(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (_temp, dir) = folder();
        fs::write(dir.file(FILE), &bytes).unwrap();
        let _ = read::<Document>(&dir, 1);
        prop_assert_ne!(load_at(&dir, at(0)), Loaded::Missing);
    }

    #[test]
    fn a_document_cut_or_changed_anywhere_never_panics(cut in 0_usize..60, place in 0_usize..60, byte: u8) {
        let (_temp, dir) = folder();
        save(&dir, &document(12_345)).unwrap();
        let mut bytes = fs::read(dir.file(FILE)).unwrap();
        if let Some(old) = bytes.get_mut(place) { *old = byte; }
        bytes.truncate(cut);
        fs::write(dir.file(FILE), &bytes).unwrap();
        prop_assert_ne!(load_at(&dir, at(0)), Loaded::Missing);
    }
}
