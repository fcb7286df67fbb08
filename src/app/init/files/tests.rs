use std::fs;
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
    let (path, open) = (
        folder.path().join("a"),
        Folder::open(folder.path()).unwrap(),
    );
    create(&open, "a".as_ref(), b"text", 0o640, None, false).unwrap();
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
    let open = Folder::open(folder.path()).unwrap();
    for name in ["file", "link"] {
        let error = create(&open, name.as_ref(), b"text", 0o600, None, false).unwrap_err();
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
    assert!(finds_sample(&path).unwrap());
    let open = Folder::open(folder.path()).unwrap();
    create(&open, "a".as_ref(), b"text", 0o644, None, true).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"text");
    assert!(finds_sample(&path).is_err());
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn a_sample_that_was_touched_or_linked_to_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("a"), folder.path().join("link"));
    fs::write(&path, format!("{SAMPLE}\n")).unwrap();
    assert!(finds_sample(&path).is_err());
    fs::write(&path, SAMPLE).unwrap();
    symlink(&path, &link).unwrap();
    assert!(finds_sample(&link).is_err());
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
    let open = Folder::open(folder.path()).unwrap();
    create(&open, "a".as_ref(), b"text", 0o640, Some(gid), false).unwrap();
    let meta = fs::metadata(&path).unwrap();
    assert_eq!((meta.gid(), meta.mode() & 0o7777), (gid, 0o640));
}

#[test]
fn what_was_made_is_taken_back_but_not_what_somebody_else_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("one/two");
    let mut made = Made::default();
    let opened = Folder::make(&deep, 0o755, &mut made.folders).unwrap();
    assert_eq!(fs::metadata(&deep).unwrap().mode() & 0o7777, 0o755);
    fs::write(deep.join("file"), "ours").unwrap();
    made.within = Some(opened);
    made.files.push("file".into());
    assert_eq!(made.undo(), [] as [PathBuf; 0]);
    assert_eq!(names(folder.path()), [] as [&str; 0]);

    let mut made = Made::default();
    Folder::make(&deep, 0o700, &mut made.folders).unwrap();
    fs::write(deep.join("file"), "somebody's").unwrap();
    assert_eq!(made.undo(), [deep.clone(), folder.path().join("one")]);
}

#[test]
fn a_folder_that_became_a_link_meanwhile_leads_nowhere() {
    let top = tempfile::tempdir().unwrap();
    let (ours, theirs) = (top.path().join("ours"), top.path().join("theirs"));
    fs::create_dir(&theirs).unwrap();
    let mut made = Made::default();
    let folder = Folder::make(&ours, 0o755, &mut made.folders).unwrap();
    fs::rename(&ours, top.path().join("moved")).unwrap();
    symlink(&theirs, &ours).unwrap();
    fs::write(theirs.join(format!("{TOKEN_FILE}{NEW}1")), "kept").unwrap();
    tidy(&folder);
    create(&folder, "a".as_ref(), b"text", 0o644, None, false).unwrap();
    assert_eq!(names(&top.path().join("moved")), ["a"]);
    made.within = Some(folder);
    made.files.push("a".into());
    assert_eq!(made.undo(), [ours], "a link is no folder");
    assert_eq!(names(&theirs), [format!("{TOKEN_FILE}{NEW}1")]);
    assert_eq!(names(&top.path().join("moved")), [] as [&str; 0]);
}
