//! The files below a folder at one moment, to be kept, compared and put back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

/// A file's content and permission bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// Shared: most of it is the same on many disks.
    pub bytes: Arc<Vec<u8>>,
    pub mode: u32,
}

/// Paths relative to a folder; none is a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tree(pub BTreeMap<String, Option<File>>);

impl Tree {
    /// What is below `top` in those of its entries that `only` names.
    pub fn read(top: &Path, only: &[&str]) -> Self {
        let mut tree = Self::default();
        for name in only {
            tree.add(top, name);
        }
        tree
    }

    fn add(&mut self, top: &Path, path: &str) {
        let full = top.join(path);
        let Ok(meta) = fs::symlink_metadata(&full) else {
            return;
        };
        if meta.is_dir() {
            self.0.insert(path.to_owned(), None);
            for entry in fs::read_dir(&full).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                self.add(top, &format!("{path}/{name}"));
            }
        } else {
            let file = File {
                bytes: Arc::new(fs::read(&full).unwrap()),
                mode: meta.permissions().mode() & 0o777,
            };
            self.0.insert(path.to_owned(), Some(file));
        }
    }

    /// Puts it below `top`, in place of what those entries held.
    pub fn write(&self, top: &Path, only: &[&str]) {
        for name in only {
            if top.join(name).exists() {
                fs::remove_dir_all(top.join(name)).unwrap();
            }
        }
        for (path, file) in &self.0 {
            let full = top.join(path);
            match file {
                None => fs::create_dir(&full).unwrap(),
                Some(file) => {
                    fs::write(&full, &*file.bytes).unwrap();
                    fs::set_permissions(&full, fs::Permissions::from_mode(file.mode)).unwrap();
                }
            }
        }
    }

    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path)?.as_ref().map(|file| file.bytes.as_slice())
    }

    /// The same files on the next boot: what `old` was called is called something else.
    pub fn on_another_boot(mut self, old: &str) -> Self {
        let new = "another boot"
            .chars()
            .cycle()
            .take(old.len())
            .collect::<String>();
        let states = self
            .0
            .iter_mut()
            .filter(|(path, _)| path.contains("state.json"));
        for file in states.filter_map(|(_, file)| file.as_mut()) {
            // Not to be taken for text: it may be torn anywhere.
            let bytes = Arc::make_mut(&mut file.bytes);
            let mut from = 0;
            while let Some(at) = find(&bytes[from..], old.as_bytes()) {
                bytes[from + at..from + at + old.len()].copy_from_slice(new.as_bytes());
                from += at + old.len();
            }
        }
        self
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|part| part == what)
}
