//! A folder for an input that the program reads from disk.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A file of that content, and the folder in which it is until that is dropped.
pub fn holding(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}
