use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};

use super::*;

/// A user that owns nothing.
const USER: u32 = 12_345;

/// A folder that a user has swapped for a link to root's own since it was opened; in both there is a file `lock`.
fn swapped() -> (tempfile::TempDir, Folder) {
    let top = tempfile::tempdir().unwrap();
    for name in ["theirs", "roots"] {
        fs::create_dir(top.path().join(name)).unwrap();
        fs::write(top.path().join(name).join("lock"), name).unwrap();
    }
    let folder = Folder::open(&top.path().join("theirs")).unwrap();
    fs::rename(top.path().join("theirs"), top.path().join("moved")).unwrap();
    symlink("roots", top.path().join("theirs")).unwrap();
    (top, folder)
}

#[test]
fn nothing_that_is_done_in_a_swapped_folder_reaches_where_its_path_leads_now() {
    let (top, folder) = swapped();
    let roots = top.path().join("roots");
    let open = folder.open_file("lock".as_ref(), OFlags::RDONLY).unwrap();
    assert_eq!(io::read_to_string(open).unwrap(), "theirs");
    folder.create("new".as_ref(), 0o644).unwrap();
    folder.link("new".as_ref(), "second".as_ref()).unwrap();
    folder.rename("second".as_ref(), "third".as_ref()).unwrap();
    folder.remove("lock".as_ref()).unwrap();
    assert!(folder.look("lock".as_ref()).is_err());
    let mut names: Vec<String> = folder.names().unwrap().collect();
    names.sort();
    assert_eq!(names, ["new", "third"]);
    folder.sync().unwrap();
    folder.settle();
    let names: Vec<_> = fs::read_dir(&roots).unwrap().collect();
    assert_eq!(names.len(), 1);
    assert_eq!(fs::read_to_string(roots.join("lock")).unwrap(), "roots");
}

#[test]
fn a_link_in_place_of_a_file_or_of_a_folder_to_make_is_not_followed() {
    let top = tempfile::tempdir().unwrap();
    let precious = top.path().join("precious");
    fs::write(&precious, "kept").unwrap();
    symlink(&precious, top.path().join("file")).unwrap();
    symlink("nowhere", top.path().join("folder")).unwrap();
    let folder = Folder::open(top.path()).unwrap();
    let error = folder.open_file("file".as_ref(), OFlags::RDWR).unwrap_err();
    assert_eq!(error.to_string(), "it is not a regular file");
    let error = folder.create("file".as_ref(), 0o644).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let mut made = vec![];
    Folder::make(&top.path().join("folder/deeper"), 0o755, &mut made).unwrap_err();
    assert!(made.is_empty() && !top.path().join("nowhere").exists());
    assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
}

#[test]
fn what_was_made_is_told_as_a_place_and_a_name() {
    let top = tempfile::tempdir().unwrap();
    let mut made = vec![];
    let deep = top.path().join("one/two");
    let folder = Folder::make(&deep, 0o700, &mut made).unwrap();
    assert_eq!(folder.metadata().unwrap().mode() & 0o7777, 0o700);
    let told: Vec<PathBuf> = made.iter().map(|(above, name)| above.file(name)).collect();
    assert_eq!(told, [top.path().join("one"), deep.clone()]);
    made.clear();
    Folder::make(&deep, 0o700, &mut made).unwrap();
    assert!(made.is_empty(), "it is there");
}

#[test]
fn root_follows_its_own_links_and_that_of_a_user_to_a_folder_of_theirs_alone() {
    if !system::is_root() {
        return;
    }
    let top = tempfile::tempdir().unwrap();
    let at = |name: &str| top.path().join(name);
    for (name, owner) in [("roots", 0), ("users", USER), ("others", USER + 1)] {
        fs::create_dir(at(name)).unwrap();
        fs::create_dir(at(name).join("in")).unwrap();
        lchown(at(name), Some(owner), None).unwrap();
        lchown(at(name).join("in"), Some(owner), None).unwrap();
    }
    let open = |link: &str, target: &str, owner| {
        let _ = fs::remove_file(at(link));
        symlink(target, at(link)).unwrap();
        lchown(at(link), Some(owner), None).unwrap();
        Folder::open(&at(link).join("in")).map(|folder| folder.metadata().unwrap().ino())
    };
    let inode = |name: &str| fs::metadata(at(name).join("in")).unwrap().ino();
    for name in ["roots", "users", "others"] {
        assert_eq!(open("link", name, 0).unwrap(), inode(name), "root's link");
    }
    let absolute = at("users");
    let absolute = absolute.to_str().unwrap();
    assert_eq!(open("link", absolute, USER).unwrap(), inode("users"));
    assert_eq!(
        open("link", "roots/../users", USER).unwrap(),
        inode("users")
    );
    for name in ["roots", "others", "users/../roots"] {
        let error = open("link", name, USER).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a link of the user with uid 12345 leads to a folder of another",
            "{name}"
        );
    }
    open("root", "roots", 0).unwrap();
    open("link", "root", USER).unwrap_err();
    assert_eq!(
        open("link", "link", 0).unwrap_err().raw_os_error(),
        Some(libc::ELOOP)
    );
    let error = Folder::open(&at("missing/in")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    fs::set_permissions(at("users"), fs::Permissions::from_mode(0o000)).unwrap();
    Folder::open(&at("users")).unwrap();
}
