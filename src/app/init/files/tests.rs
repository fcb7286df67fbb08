use std::os::unix::fs::{MetadataExt as _, symlink};

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_whole_has_its_mode_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    create(&path, b"text", 0o640, None, false).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"text");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn neither_a_file_nor_a_link_to_nothing_gives_way() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "kept").unwrap();
    symlink(folder.path().join("elsewhere"), &link).unwrap();
    for path in [&file, &link] {
        let error = create(path, b"text", 0o600, None, false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
    assert_eq!(fs::read(&file).unwrap(), b"kept");
    assert_eq!(names(folder.path()), ["file", "link"]);
}

#[test]
fn a_file_to_replace_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, SAMPLE).unwrap();
    assert!(is_sample(&path).unwrap());
    create(&path, b"text", 0o644, None, true).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"text");
    assert!(is_sample(&path).is_err());
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn a_sample_that_was_touched_or_linked_to_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("a"), folder.path().join("link"));
    fs::write(&path, format!("{SAMPLE}\n")).unwrap();
    assert!(is_sample(&path).is_err());
    fs::write(&path, SAMPLE).unwrap();
    symlink(&path, &link).unwrap();
    assert!(is_sample(&link).is_err());
}

#[test]
fn a_group_is_given_where_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let own = fs::metadata(folder.path()).unwrap().gid();
    // Root may give any group, others their own alone.
    let gid = if crate::system::is_root() {
        12_345
    } else {
        own
    };
    create(&path, b"text", 0o640, Some(gid), false).unwrap();
    let meta = fs::metadata(&path).unwrap();
    assert_eq!((meta.gid(), meta.mode() & 0o7777), (gid, 0o640));
}

#[test]
fn what_was_made_is_taken_back_but_not_what_somebody_else_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("one/two");
    let mut made = Made::default();
    made.folders(&deep, 0o755).unwrap();
    assert_eq!(fs::metadata(&deep).unwrap().mode() & 0o7777, 0o755);
    fs::write(deep.join("file"), "ours").unwrap();
    made.paths.push(deep.join("file"));
    assert_eq!(made.undo(), [] as [&Path; 0]);
    assert_eq!(names(folder.path()), [] as [&str; 0]);

    let mut made = Made::default();
    made.folders(&deep, 0o700).unwrap();
    fs::write(deep.join("file"), "somebody's").unwrap();
    assert_eq!(made.undo(), [deep.as_path(), deep.parent().unwrap()]);
}
