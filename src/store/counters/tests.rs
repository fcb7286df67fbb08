use std::fs;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;
use crate::logic::fixtures::at;
use crate::logic::record_state::RecordState;
use crate::logic::state::{State, VERSION};
use crate::logic::units::RecordType;
use crate::store::state::{FILE as STATE, read, save};
use crate::store::tests::folder;

/// One of so many records that no two are alike.
fn state(cycle: u64) -> State {
    let mut state = State::cold(&at(0));
    for number in 0..200 {
        let record = RecordState {
            failed: Some(at(number)),
            ..RecordState::default()
        };
        let name = format!("h{number}.example.com");
        state.records.insert((RecordType::A, &name), record);
    }
    state.cycle = cycle;
    state
}

fn found(dir: &StateDir) -> u64 {
    let found: State = read(dir, VERSION.into()).unwrap().unwrap();
    assert_eq!(found, state(found.cycle));
    found.cycle
}

/// A folder in which the state was written whole once, and then counted on to this cycle; and the document.
fn counted(cycles: u64) -> (tempfile::TempDir, StateDir, Vec<u8>) {
    let (temp, dir) = folder();
    save(&dir, &state(1)).unwrap();
    let document = fs::read(dir.file(STATE)).unwrap();
    for cycle in 2..=cycles {
        save(&dir, &state(cycle)).unwrap();
        assert_eq!(found(&dir), cycle);
    }
    (temp, dir, document)
}

#[test]
fn a_cycle_that_changes_only_what_every_cycle_changes_leaves_a_large_document_alone() {
    let (_temp, dir, document) = counted(9);
    assert_eq!(fs::read(dir.file(STATE)).unwrap(), document);
    assert_eq!(fs::metadata(dir.file(FILE)).unwrap().len(), 8192);
}

#[test]
fn what_else_changes_is_written_whole_and_the_slots_before_count_no_more() {
    let (_temp, dir, document) = counted(5);
    let mut changed = state(6);
    changed.seq = 1;
    save(&dir, &changed).unwrap();
    assert_ne!(fs::read(dir.file(STATE)).unwrap(), document);
    assert_eq!(read(&dir, VERSION.into()).unwrap(), Some(changed.clone()));
    // And on.
    changed.cycle = 7;
    save(&dir, &changed).unwrap();
    assert_eq!(read(&dir, VERSION.into()).unwrap(), Some(changed));
}

#[test]
fn a_small_document_has_no_slots() {
    let (_temp, dir) = folder();
    for cycle in 1..4 {
        let mut state = State::cold(&at(0));
        state.cycle = cycle;
        save(&dir, &state).unwrap();
        assert_eq!(read(&dir, VERSION.into()).unwrap(), Some(state));
    }
    assert!(!dir.file(FILE).exists());
}

#[test]
fn of_a_slot_that_was_torn_at_any_byte_the_one_before_counts() {
    let (_temp, dir, _) = counted(4);
    let before = fs::read(dir.file(FILE)).unwrap();
    save(&dir, &state(5)).unwrap();
    let after = fs::read(dir.file(FILE)).unwrap();
    let changed: Vec<usize> = (0..after.len())
        .filter(|at| after[*at] != before[*at])
        .collect();
    for end in &changed {
        let torn = [&after[..*end], &before[*end..]].concat();
        fs::write(dir.file(FILE), torn).unwrap();
        assert_eq!(found(&dir), 4, "{end}");
    }
    let [first, .., last] = changed[..] else {
        panic!("{changed:?}")
    };
    // Nor if the disk wrote it from its end.
    let torn = [&before[..=first], &after[first + 1..]].concat();
    fs::write(dir.file(FILE), torn).unwrap();
    assert_eq!(found(&dir), 4, "{last}");
    // The next one goes where it was torn.
    save(&dir, &state(6)).unwrap();
    assert_eq!(found(&dir), 6);
}

#[test]
fn slots_of_another_document_and_what_is_no_slots_are_passed_over() {
    let (_temp, dir, _) = counted(4);
    let slots = fs::read(dir.file(FILE)).unwrap();
    for (name, bytes) in [
        ("empty", vec![]),
        ("short", slots[..100].to_vec()),
        ("zeros", vec![0; 8192]),
        ("blanks", vec![b' '; 8192]),
        ("letters", vec![b'x'; 100_000]),
    ] {
        fs::write(dir.file(FILE), bytes).unwrap();
        assert_eq!(found(&dir), 1, "{name}");
        save(&dir, &state(3)).unwrap();
        assert_eq!(found(&dir), 3, "{name}");
    }
    // A document that was brought back from a copy: its own counters, not those of what came after it.
    let document = fs::read_to_string(dir.file(STATE)).unwrap();
    let older = document.replace("\"cycle\":1,", "\"cycle\":0,");
    assert_ne!(older, document);
    fs::write(dir.file(STATE), older).unwrap();
    assert_eq!(found(&dir), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_in_the_file_the_document_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..9000)) {
        let (_temp, dir) = folder();
        save(&dir, &state(1)).unwrap();
        fs::write(dir.file(FILE), bytes).unwrap();
        prop_assert_eq!(found(&dir), 1);
        save(&dir, &state(2)).unwrap();
        prop_assert_eq!(found(&dir), 2);
    }
}

#[test]
fn where_the_slots_cannot_be_written_the_document_is_written_whole() {
    let (temp, dir, document) = counted(2);
    let elsewhere = temp.path().join("precious");
    fs::write(&elsewhere, "precious").unwrap();
    for how in ["folder", "link", "second name"] {
        let _ = fs::remove_file(dir.file(FILE));
        match how {
            "folder" => fs::create_dir(dir.file(FILE)).unwrap(),
            "link" => symlink(&elsewhere, dir.file(FILE)).unwrap(),
            _ => fs::hard_link(&elsewhere, dir.file(FILE)).unwrap(),
        }
        save(&dir, &state(3)).unwrap();
        assert_eq!(found(&dir), 3, "{how}");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious", "{how}");
        assert_ne!(fs::read(dir.file(STATE)).unwrap(), document, "{how}");
        let _ = fs::remove_dir(dir.file(FILE));
        fs::write(dir.file(STATE), &document).unwrap();
    }
}
