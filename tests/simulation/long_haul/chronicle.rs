//! The history as a reader sees it who looks after every process: each event once, in order, whole, and never over its bound.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Value, json};

use super::support::Home;

/// A file of the history never grows beyond this.
const LARGEST_FILE: u64 = 1 << 20;
/// So much of it is there when a home's story begins, so that its files are turned soon.
const LONG_AGO: usize = (1 << 20) - (8 << 10);

#[derive(Debug, Default)]
pub struct Chronicle {
    inode: u64,
    offset: u64,
    /// The number of the last event.
    pub seq: u64,
    pub rotations: u64,
    /// The most bytes of both files together.
    pub largest: u64,
}

impl Chronicle {
    /// The history of a home in which much has happened, and whose state was lost since.
    pub fn begin(home: &Home) -> Self {
        let mut chronicle = Self::default();
        let mut text = String::new();
        while text.len() < LONG_AGO {
            chronicle.seq += 1;
            let seq = chronicle.seq;
            let event = json!({
                "at": "2026-01-01T00:00:00Z", "seq": seq, "cycle": seq, "kind": "gap", "seconds": 400,
            });
            text += &(event.to_string() + "\n");
        }
        fs::create_dir_all(home.path("state")).unwrap();
        let path = home.state_file("history.jsonl");
        fs::write(&path, &text).unwrap();
        chronicle.inode = fs::metadata(path).unwrap().ino();
        chronicle.offset = text.len() as u64;
        chronicle
    }

    /// The events that are new since the last look, from both files where they were turned.
    pub fn news(&mut self, home: &Home) -> Vec<Value> {
        let mut news = vec![];
        let (path, older) = (
            home.state_file("history.jsonl"),
            home.state_file("history.jsonl.1"),
        );
        let older_size = fs::metadata(&older).map_or(0, |meta| meta.len());
        let mut file = match File::open(&path) {
            Ok(file) => file,
            // Killed between the renaming of the one and the making of the other.
            Err(_) if older_size > 0 => return self.turned(&older),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let meta = file.metadata().unwrap();
        if meta.ino() != self.inode {
            news.extend(self.turned(&older));
            (self.inode, self.offset) = (meta.ino(), 0);
        }
        news.extend(self.read(&mut file));
        assert!(
            meta.len().max(older_size) <= LARGEST_FILE,
            "{} and {older_size} bytes of history",
            meta.len()
        );
        self.largest = self.largest.max(meta.len() + older_size);
        news
    }

    /// What was added to the file before it became the older one.
    fn turned(&mut self, older: &Path) -> Vec<Value> {
        let mut file = File::open(older).unwrap();
        if file.metadata().unwrap().ino() != self.inode {
            assert_eq!((self.inode, self.offset), (0, 0), "events are lost");
            return vec![];
        }
        let news = self.read(&mut file);
        (self.inode, self.offset) = (0, 0);
        self.rotations += 1;
        news
    }

    fn read(&mut self, file: &mut File) -> Vec<Value> {
        file.seek(SeekFrom::Start(self.offset)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let mut news = vec![];
        // A piece without its end is being written, or was torn by a kill: the next process fixes that.
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            let event: Value =
                serde_json::from_str(line).unwrap_or_else(|_| panic!("torn: {line}"));
            assert_eq!(
                event["seq"],
                self.seq + 1,
                "lost, repeated or made up: {line}"
            );
            self.seq += 1;
            self.offset += line.len() as u64;
            news.push(event);
        }
        news
    }
}
