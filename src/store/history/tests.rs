use std::fs;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::store::tests::folder;

/// All that is asked of an event here.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
struct Numbered {
    seq: u64,
}

fn event(seq: u64) -> Value {
    json!({"seq": seq, "kind": "address", "text": "a\nb é"})
}

fn events(seqs: impl IntoIterator<Item = u64>) -> Vec<Value> {
    seqs.into_iter().map(event).collect()
}

fn append(dir: &StateDir, seqs: impl IntoIterator<Item = u64>) -> usize {
    append_missing(dir, &events(seqs)).unwrap()
}

fn seqs(dir: &StateDir) -> Vec<u64> {
    read(dir)
        .unwrap()
        .events
        .into_iter()
        .map(|Numbered { seq }| seq)
        .collect()
}

fn up_to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

/// A file of whole lines, the last of which has this number, and of about this size.
fn fill(dir: &StateDir, name: &str, last: u64, size: usize) {
    let text = "x".repeat(size / 10);
    let lines: Vec<_> = (last - 9..=last)
        .map(|seq| format!("{}\n", json!({"seq": seq, "text": text})))
        .collect();
    fs::write(dir.file(name), lines.concat()).unwrap();
}

#[test]
fn a_quiet_cycle_touches_nothing() {
    let (_temp, dir) = folder();
    assert_eq!(append(&dir, []), 0);
    assert!(!dir.file(FILE).exists());
    assert_eq!(last_seq(&dir).unwrap(), None);
    assert_eq!(
        read::<Value>(&dir).unwrap(),
        History {
            events: Vec::new(),
            stored: 0,
            skipped: 0
        }
    );
}

#[test]
fn events_are_appended_once_however_often_they_are_offered() {
    let (_temp, dir) = folder();
    assert_eq!(append(&dir, [1, 2]), 2);
    assert_eq!(append(&dir, [1, 2]), 0);
    assert_eq!(append(&dir, [2, 3, 4]), 2);
    assert_eq!(last_seq(&dir).unwrap(), Some(4));
    assert_eq!(
        read(&dir).unwrap(),
        History {
            events: events(1..=4),
            stored: 4,
            skipped: 0
        }
    );
}

#[test]
fn a_last_line_torn_at_any_byte_is_made_good() {
    let (_temp, dir) = folder();
    append(&dir, [1, 2, 3]);
    let whole = fs::read(dir.file(FILE)).unwrap();
    let last_line = whole.len() / 3;
    for torn in 0..=last_line {
        fs::write(dir.file(FILE), &whole[..whole.len() - torn]).unwrap();
        // All is there with the newline or only without it, and the third event is missing otherwise.
        let expected = if torn <= 1 { 3 } else { 2 };
        assert_eq!(
            last_seq(&dir).unwrap(),
            Some(expected),
            "{torn} bytes are missing"
        );
        let before: History<Value> = read(&dir).unwrap();
        assert_eq!((before.events.len() as u64, before.skipped), (expected, 0));
        // A line without its end is written again.
        let appended = 4 - expected + u64::from(torn == 1);
        assert_eq!(append(&dir, [3, 4]) as u64, appended);
        let after: History<Value> = read(&dir).unwrap();
        assert_eq!(
            after,
            History {
                events: events(1..=4),
                stored: 4,
                skipped: 0
            }
        );
        assert!(
            fs::read(dir.file(FILE)).unwrap().starts_with(&whole),
            "every event is on its own line"
        );
    }
}

#[test]
fn the_last_events_are_looked_for_no_further_back_than_it_takes() {
    let (_temp, dir) = folder();
    append(&dir, [1, 2, 3]);
    fs::rename(dir.file(FILE), dir.file(OLDER_FILE)).unwrap();
    append(&dir, [4, 5, 6, 7]);
    let seq = |event: &Value| event["seq"].as_u64().unwrap();
    let found = |most, is_wanted: fn(u64) -> bool| {
        let history = last::<Value>(&dir, most, &|event| is_wanted(seq(event))).unwrap();
        let seqs: Vec<u64> = history.events.iter().map(seq).collect();
        (seqs, history.stored)
    };
    assert_eq!(found(2, |_| true), (vec![6, 7], 2));
    assert_eq!(found(5, |_| true), (vec![3, 4, 5, 6, 7], 5));
    assert_eq!(found(2, |seq| seq % 2 == 1), (vec![5, 7], 3));
    assert_eq!(found(2, |seq| seq < 3), (vec![1, 2], 7));
    assert_eq!(found(9, |_| true).1, 7);
}

#[test]
fn a_first_line_torn_at_any_byte_is_made_good() {
    let (_temp, dir) = folder();
    append(&dir, [1]);
    let whole = fs::read(dir.file(FILE)).unwrap();
    for length in 0..=whole.len() {
        fs::write(dir.file(FILE), &whole[..length]).unwrap();
        append(&dir, [1, 2]);
        assert_eq!(seqs(&dir), [1, 2], "{length} bytes were there");
    }
}

#[test]
fn a_block_of_zeros_after_a_power_loss_is_dropped() {
    let (_temp, dir) = folder();
    append(&dir, [1]);
    let mut bytes = fs::read(dir.file(FILE)).unwrap();
    bytes.resize(bytes.len() + 100_000, 0);
    fs::write(dir.file(FILE), bytes).unwrap();
    append(&dir, [1, 2]);
    assert_eq!(
        read(&dir).unwrap(),
        History {
            events: events([1, 2]),
            stored: 2,
            skipped: 0
        }
    );
}

#[test]
fn lines_that_are_no_event_are_skipped_and_counted() {
    let (_temp, dir) = folder();
    append(&dir, [1]);
    let mut bytes = fs::read(dir.file(FILE)).unwrap();
    bytes.extend(b"not JSON\n\xff\xfe\n{\"seq\":\"x\"}\n{\"seq\":2}\n");
    fs::write(dir.file(FILE), &bytes).unwrap();
    assert_eq!(append(&dir, [3]), 1, "no event before it waits");
    let history: History<Numbered> = read(&dir).unwrap();
    assert_eq!(history.skipped, 3);
    assert_eq!(seqs(&dir), [1, 2, 3]);
}

#[test]
fn a_last_line_that_lacks_only_its_end_gets_it() {
    let (_temp, dir) = folder();
    append(&dir, [1, 2]);
    let whole = fs::read(dir.file(FILE)).unwrap();
    fs::write(dir.file(FILE), &whole[..whole.len() - 1]).unwrap();
    append(&dir, [1, 2]);
    assert_eq!(fs::read(dir.file(FILE)).unwrap(), whole);
}

#[test]
fn an_append_of_which_a_part_is_missing_is_written_anew() {
    let (_temp, dir) = folder();
    append(&dir, [1]);
    let first = fs::read(dir.file(FILE)).unwrap().len();
    append(&dir, [2, 3, 4]);
    let whole = fs::read(dir.file(FILE)).unwrap();
    for from in first..whole.len() {
        for to in [from + 1, from + 60, whole.len()] {
            let mut holed = whole.clone();
            holed[from..to.min(whole.len())].fill(0);
            fs::write(dir.file(FILE), holed).unwrap();
            append(&dir, [2, 3, 4]);
            assert_eq!(fs::read(dir.file(FILE)).unwrap(), whole, "{from} to {to}");
        }
    }
}

#[test]
fn events_that_wait_no_more_are_kept_whatever_is_before_them() {
    let (_temp, dir) = folder();
    append(&dir, [1]);
    let mut bytes = fs::read(dir.file(FILE)).unwrap();
    // Such as of a `state.json` that was put back from a copy: this event is not among those that wait.
    bytes.extend(b"not JSON\n{\"seq\":5}\n");
    fs::write(dir.file(FILE), &bytes).unwrap();
    assert_eq!(append(&dir, [2, 3]), 0);
    assert_eq!(fs::read(dir.file(FILE)).unwrap(), bytes);
}

#[test]
fn a_full_file_becomes_the_older_one_and_the_count_goes_on() {
    let (_temp, dir) = folder();
    fill(&dir, FILE, 10, 1 << 20);
    assert_eq!(append(&dir, [10, 11]), 1);
    assert_eq!(seqs(&dir), up_to(11));
    assert!(fs::metadata(dir.file(OLDER_FILE)).unwrap().len() >= 1 << 20);
    assert_eq!(
        fs::read_to_string(dir.file(FILE)).unwrap().lines().count(),
        1
    );

    fill(&dir, FILE, 20, 1 << 20);
    append(&dir, [21]);
    assert_eq!(
        seqs(&dir),
        (11..=21).collect::<Vec<_>>(),
        "one older file is kept"
    );
}

#[test]
fn a_full_file_with_a_torn_end_is_made_good_before_it_becomes_the_older_one() {
    let (_temp, dir) = folder();
    fill(&dir, FILE, 10, 1 << 20);
    let mut bytes = fs::read(dir.file(FILE)).unwrap();
    bytes.extend(br#"{"seq":11,"te"#);
    fs::write(dir.file(FILE), bytes).unwrap();
    append(&dir, [11]);
    assert_eq!(seqs(&dir), up_to(11));
    assert!(fs::read(dir.file(OLDER_FILE)).unwrap().ends_with(b"\n"));
}

#[test]
fn a_crash_right_after_the_rotation_forgets_no_number() {
    let (_temp, dir) = folder();
    fill(&dir, OLDER_FILE, 10, 1000);
    assert_eq!(last_seq(&dir).unwrap(), Some(10));
    assert_eq!(append(&dir, [9, 10]), 0);
    fs::write(dir.file(FILE), r#"{"seq":"#).unwrap();
    assert_eq!(last_seq(&dir).unwrap(), Some(10));
    assert_eq!(append(&dir, [9, 10, 11]), 1);
    assert_eq!(seqs(&dir), up_to(11));
}

#[test]
fn an_event_longer_than_the_tail_is_still_the_last_one() {
    let (_temp, dir) = folder();
    let long = json!({"seq": 7, "text": "x".repeat(200_000)});
    assert_eq!(append_missing(&dir, &[long]).unwrap(), 1);
    assert_eq!(last_seq(&dir).unwrap(), Some(7));
    assert_eq!(append(&dir, [7, 8]), 1);
    assert_eq!(seqs(&dir), [7, 8]);
}

#[test]
fn a_file_larger_than_what_is_read_gives_its_end_and_is_rotated() {
    let (_temp, dir) = folder();
    fill(&dir, FILE, 10, 6 << 20);
    assert_eq!(seqs(&dir), [10]);
    assert_eq!(append(&dir, [10, 11]), 1);
    assert_eq!(
        fs::read_to_string(dir.file(FILE)).unwrap().lines().count(),
        1
    );

    let (_temp, dir) = folder();
    fs::write(dir.file(FILE), vec![b'x'; 6 << 20]).unwrap();
    assert_eq!(append(&dir, [10, 11]), 2, "no number is left to go by");
    assert_eq!(seqs(&dir), [10, 11]);
}

#[test]
fn an_event_without_a_number_is_refused() {
    let (_temp, dir) = folder();
    assert!(append_missing(&dir, &[json!({"kind": "gap"})]).is_err());
    assert!(seqs(&dir).is_empty());
}

#[test]
fn a_reader_never_follows_a_link() {
    let (_temp, dir) = folder();
    symlink("/etc/hostname", dir.file(OLDER_FILE)).unwrap();
    let error = read::<Value>(&dir).unwrap_err().to_string();
    let path = dir.file(OLDER_FILE);
    let expected = "it is not a regular file; fix: move it away, and a new one is started";
    assert_eq!(error, format!("cannot read {}: {expected}", path.display()));
}

#[test]
fn a_reader_beside_a_writer_sees_every_event_that_was_there() {
    let (_temp, dir) = folder();
    let text = "x".repeat(20_000);
    let wide = |seq: u64| json!({"seq": seq, "text": text});
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for seq in 1..=150 {
                append_missing(&dir, &[wide(seq)]).unwrap();
            }
        });
        while !writer.is_finished() {
            let found: History<Numbered> = read(&dir).unwrap();
            assert_eq!(found.skipped, 0);
            let seqs: Vec<_> = found.events.iter().map(|event| event.seq).collect();
            assert!(
                seqs.windows(2).all(|pair| pair[1] == pair[0] + 1),
                "{seqs:?}"
            );
        }
        writer.join().unwrap();
    });
    assert_eq!(last_seq(&dir).unwrap(), Some(150));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn after_arbitrary_bytes_the_next_events_are_on_their_own_lines(
        newer in proptest::collection::vec(any::<u8>(), 0..200),
        older in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let (_temp, dir) = folder();
        fs::write(dir.file(FILE), newer).unwrap();
        fs::write(dir.file(OLDER_FILE), older).unwrap();
        append(&dir, [1, 2]);
        prop_assert_eq!(append(&dir, [1, 2, 3]), 1);
        let found = read::<Numbered>(&dir).unwrap().events;
        let appended = [1, 2, 3].map(|seq| Numbered { seq });
        prop_assert!(found.ends_with(&appended));
    }
}

#[test]
fn a_history_with_a_second_name_goes_on_alone_and_leaves_the_other_as_it_is() {
    let (temp, dir) = folder();
    append(&dir, [1, 2]);
    let other = temp.path().join("other");
    fs::hard_link(dir.file(FILE), &other).unwrap();
    let before = fs::read(&other).unwrap();
    assert_eq!(append(&dir, [2, 3]), 1);
    assert_eq!(seqs(&dir), [1, 2, 3]);
    assert_eq!(fs::read(&other).unwrap(), before);
}

#[test]
fn a_number_that_leaves_none_for_the_next_event_is_no_number() {
    let (_temp, dir) = folder();
    append(&dir, [1]);
    let mut text = fs::read_to_string(dir.file(FILE)).unwrap();
    text.push_str("{\"seq\":18446744073709551615}\n");
    fs::write(dir.file(FILE), text).unwrap();
    assert_eq!(last_seq(&dir).unwrap(), Some(1));
    assert_eq!(append(&dir, [1, 2]), 1);
}
