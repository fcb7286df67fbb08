use std::fs;

use super::*;

const HEADER: &str = "time,cycle\n";

/// A state folder with these files of days.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, StateDir) {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join(FOLDER)).unwrap();
    for (day, text) in files {
        fs::write(top.path().join(format!("{FOLDER}/{day}.csv")), text).unwrap();
    }
    let dir = StateDir::open(top.path()).unwrap();
    (top, dir)
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

type Read = (Vec<String>, Option<(Date, u64)>);

/// The lines after a place, at most so many, and the place behind them.
fn lines(dir: &StateDir, after: Option<(Date, u64)>, last: &str, most: usize) -> Option<Read> {
    let (mut lines, mut place) = (vec![], None);
    let is_place = read_after(dir, after, day(last), &mut |line, day, end| {
        lines.push(line.to_owned());
        place = Some((day, end));
        lines.len() < most
    });
    is_place.unwrap().then_some((lines, place))
}

#[test]
fn lines_are_read_on_from_a_place_over_days_and_each_once() {
    let (_top, dir) = folder(&[
        ("2026-11-26", &format!("{HEADER}a,1\nb,2\n")),
        ("2026-11-28", &format!("{HEADER}c,3\nd,4\n")),
    ]);
    let (first, _) = lines(&dir, None, "2026-11-28", 9).unwrap();
    assert_eq!(first, ["c,3\n", "d,4\n"], "of the last day alone");
    let mut place = Some((day("2026-11-26"), 0));
    let mut all = vec![];
    for _ in 0..5 {
        let (read, end) = lines(&dir, place, "2026-11-28", 1).unwrap();
        all.extend(read);
        place = end.or(place);
    }
    assert_eq!(all, ["a,1\n", "b,2\n", "c,3\n", "d,4\n"]);
    let (none, _) = lines(&dir, place, "2026-11-27", 9).unwrap();
    assert!(none.is_empty(), "a place that is still to come");
}

#[test]
fn what_has_no_end_yet_waits_and_what_is_no_text_is_passed_over() {
    let (top, dir) = folder(&[("2026-11-28", &format!("{HEADER}a,1\nb,"))]);
    let (read, place) = lines(&dir, None, "2026-11-28", 9).unwrap();
    assert_eq!(read, ["a,1\n"]);
    let path = top.path().join(format!("{FOLDER}/2026-11-28.csv"));
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"2\n\xff\xfe\nc,3\n");
    fs::write(&path, bytes).unwrap();
    let (read, _) = lines(&dir, place, "2026-11-28", 9).unwrap();
    assert_eq!(read, ["b,2\n", "", "c,3\n"]);
}

#[test]
fn a_place_that_a_power_loss_took_is_told_to_be_none() {
    let text = format!("{HEADER}a,1\nb,2\n");
    let (_top, dir) = folder(&[("2026-11-28", &text)]);
    let end = text.len() as u64;
    let at = |offset| lines(&dir, Some((day("2026-11-28"), offset)), "2026-11-28", 9);
    assert_eq!(at(end).unwrap().0.len(), 0);
    for offset in [end - 1, end + 1, end + 1000, 3] {
        assert_eq!(at(offset), None, "{offset}");
    }
    let (read, _) = at(HEADER.len() as u64).unwrap();
    assert_eq!(read, ["a,1\n", "b,2\n"]);
}

#[test]
fn a_line_begins_anew_behind_what_a_power_loss_left_of_the_last_one() {
    let today = "2026-11-28";
    for (left, whole) in [
        ("", format!("{HEADER}b,2\n")),
        ("time,cycle\na,1\n", format!("{HEADER}a,1\nb,2\n")),
        ("time,cycle\na,", format!("{HEADER}a,\nb,2\n")),
        ("time,cycle\na,1\n\0\0", format!("{HEADER}a,1\n\0\0\nb,2\n")),
    ] {
        let (top, dir) = folder(&[(today, left)]);
        append(&dir, [HEADER, "b,2\n"], day(today), day(today)).unwrap();
        let file = top.path().join(format!("{FOLDER}/{today}.csv"));
        assert_eq!(fs::read_to_string(file).unwrap(), whole);
    }
}
