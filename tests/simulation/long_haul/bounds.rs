//! What must stay bounded: the files of a home, and the words of a process.

use std::fs;

use super::figures::Figures;
use super::support::Home;

/// `state.json`, `history.jsonl` and the older one, `lock`, `unsettled`, `reserve`, `telemetry`, and five documents that were set aside.
const MOST_FILES: u64 = 12;
const LARGEST_STATE: u64 = 64 << 10;
/// Room for two states, and some.
const LARGEST_RESERVE: u64 = 2 * LARGEST_STATE + (32 << 10);
const MOST_LINES_OF_LOG: usize = 16;
const LARGEST_REPORT: usize = 32 << 10;

/// No file but those that belong there, none that grows, none left by a killed process once another one has ended.
pub fn judge_folder(home: &Home, ended: bool, figures: &mut Figures) {
    let mut files = 0_u64;
    for entry in fs::read_dir(home.path("state")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let (is_known, largest) = match name.as_str() {
            "state.json" => (true, LARGEST_STATE),
            "history.jsonl" | "history.jsonl.1" => (true, 1 << 20),
            "lock" => (true, 16),
            "unsettled" => (true, 0),
            "cut-url" => (true, 4 << 10),
            "reserve" => (true, LARGEST_RESERVE),
            "telemetry" => (entry.path().is_dir(), 1 << 20),
            aside if aside.contains(".corrupt-") || aside.contains(".newer-") => {
                (true, LARGEST_STATE)
            }
            leftover => (!ended && leftover.contains(".tmp-"), LARGEST_STATE),
        };
        let size = entry.metadata().unwrap().len();
        assert!(is_known && size <= largest, "{name} of {size} bytes");
        files += 1;
        if name == "state.json" {
            figures.largest_state = figures.largest_state.max(size);
        }
    }
    if ended {
        assert!(files <= MOST_FILES, "{files} files");
        figures.most_files = figures.most_files.max(files);
    }
}

/// What a cycle says.
pub fn judge_words(stdout: &str, stderr: &str) {
    assert!(
        stderr.lines().count() <= MOST_LINES_OF_LOG && stdout.len() <= LARGEST_REPORT,
        "too many words: {stdout}{stderr}"
    );
}
