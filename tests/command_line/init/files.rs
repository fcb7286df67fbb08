//! What is written, and what is left alone.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::support::{advised, program};
use crate::{Host, stderr};

const NAME: [&str; 3] = ["--record", "vpn.example.com", "--create"];
const SAMPLE: &str = include_str!("../../../packaging/cadence.toml");
const NOBODY: u32 = 65_534;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn folder_and_files_are_made_with_their_modes_whatever_the_umask() {
    for umask in ["077", "000"] {
        let host = Host::new();
        let token = host.home.path("token");
        let init = host.command(&["--token-file", token.to_str().unwrap()]);
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"])
            .arg(init.get_program())
            .args(init.get_args())
            .args(NAME)
            .env_clear();
        for (name, value) in init.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let out = shell.output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
        let folder = host.home.path("etc");
        assert_eq!(names(&folder), ["cadence.toml", "cloudflare.token"]);
        assert_eq!(mode(&folder), if is_root() { 0o755 } else { 0o700 });
        assert_eq!(mode(&host.config()), 0o644);
        let groups = fs::read_to_string("/etc/group").unwrap();
        let shared = is_root() && groups.lines().any(|line| line.starts_with("cadence:"));
        let expected = if shared { 0o640 } else { 0o600 };
        assert_eq!(mode(&host.stored_token()), expected);
    }
}

#[test]
fn a_configuration_that_is_there_is_never_touched() {
    let host = Host::new();
    fs::create_dir(host.home.path("etc")).unwrap();
    let elsewhere = host.home.path("elsewhere.toml");
    let older_sample = format!("{SAMPLE}#");
    for content in ["", "mode = \"test\"\n", older_sample.as_str()] {
        fs::write(host.config(), content).unwrap();
        let out = host.init(&NAME);
        assert_eq!(out.status.code(), Some(1));
        assert_eq!(
            stderr(&out),
            format!(
                "error: {0} is there already, and is never overwritten; fix: move it away, name another file with --config, \
                 or edit it and then: {1}\n",
                host.config().display(),
                advised(
                    host.config().to_str().unwrap(),
                    host.home.path("state").to_str().unwrap(),
                    "check"
                )
            )
        );
        assert_eq!(host.written(), content);
    }
    for target in [SAMPLE, "nothing"] {
        fs::remove_file(host.config()).unwrap();
        if target == SAMPLE {
            fs::write(&elsewhere, SAMPLE).unwrap();
        } else {
            fs::remove_file(&elsewhere).unwrap();
        }
        symlink(&elsewhere, host.config()).unwrap();
        let said = stderr(&host.init(&NAME));
        assert!(said.contains("is there already"), "{said}");
    }
    assert_eq!(names(&host.home.path("etc")), ["cadence.toml"]);
    assert!(!elsewhere.exists());
}

#[test]
fn the_untouched_sample_of_the_package_gives_way() {
    let host = Host::new();
    fs::create_dir(host.home.path("etc")).unwrap();
    fs::write(host.config(), SAMPLE).unwrap();
    host.done(&NAME);
    assert!(
        host.written()
            .contains("\n[[record]]\nname = \"vpn.example.com\"\n")
    );
    assert_eq!(
        names(&host.home.path("etc")),
        ["cadence.toml", "cloudflare.token"]
    );
}

#[test]
fn a_token_that_is_stored_is_used_and_stays() {
    let host = Host::new();
    fs::create_dir(host.home.path("etc")).unwrap();
    let stored = host.stored_token();
    fs::write(&stored, host.home.world.token()).unwrap();
    fs::set_permissions(&stored, fs::Permissions::from_mode(0o400)).unwrap();
    let out = host.run(&[&NAME[..], &["--json"]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let document: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(document["kept"], stored.to_str().unwrap());
    assert_eq!(document["written"].as_array().unwrap().len(), 1);
    assert_eq!(mode(&stored), 0o400);
    assert_eq!(
        fs::read_to_string(&stored).unwrap(),
        host.home.world.token()
    );
}

#[test]
fn another_token_never_takes_the_place_of_the_stored_one() {
    let host = Host::new();
    fs::create_dir(host.home.path("etc")).unwrap();
    fs::write(host.stored_token(), "the-token-of-another-account").unwrap();
    let out = host.init(&NAME);
    assert_eq!(out.status.code(), Some(1));
    let said = stderr(&out);
    assert!(
        said.contains("is there already with another token, and is never overwritten"),
        "{said}"
    );
    assert!(!said.contains("the-token-of-another-account"), "{said}");
    assert!(!host.config().exists());
    assert_eq!(
        fs::read_to_string(host.stored_token()).unwrap(),
        "the-token-of-another-account"
    );
}

#[test]
fn a_stored_token_that_everybody_may_read_stops_it_by_the_policy() {
    let host = Host::new();
    fs::create_dir(host.home.path("etc")).unwrap();
    fs::write(host.stored_token(), host.home.world.token()).unwrap();
    fs::set_permissions(host.stored_token(), fs::Permissions::from_mode(0o644)).unwrap();
    let out = host.run(&NAME);
    assert_eq!(out.status.code(), Some(78));
    assert!(stderr(&out).contains(": chmod 0640 /"));
    assert!(!host.config().exists());
}

#[test]
fn what_was_written_is_taken_back_where_the_rest_cannot_be() {
    let host = Host::new();
    let token = host.home.path("token");
    let init = host.command(&["--token-file", token.to_str().unwrap()]);
    let mut shell = std::process::Command::new("sh");
    // A token fits into a file of one block, and a configuration does not.
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
        .arg(init.get_program())
        .args(init.get_args())
        .args(NAME)
        .env_clear();
    for (name, value) in init.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    let out = shell.output().unwrap();
    host.keeps_the_token(&out);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(
        stderr(&out),
        format!(
            "error: cannot write {}: file too large; nothing was written\n",
            host.config().display()
        )
    );
    assert!(!host.home.path("etc").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_is_asked() {
    let host = Host::new();
    let locked = host.home.path("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = host.command(&NAME);
    command.env("CADENCE_CONFIG", locked.join("new/cadence.toml"));
    if is_root() {
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(host.home.folder.path(), open).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    // Whose own it is opens it.
    let fix = if is_root() {
        "run as root (sudo), or name another file with --config".to_owned()
    } else {
        format!("chmod u+rwX {}", locked.display())
    };
    assert_eq!(
        stderr(&out),
        format!(
            "error: cannot write in {}: permission denied; fix: {fix}\n",
            locked.display()
        )
    );
    fs::write(host.home.path("file"), "").unwrap();
    let mut command = host.command(&NAME);
    command.env("CADENCE_CONFIG", host.home.path("file/cadence.toml"));
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("not a directory"), "{}", stderr(&out));
    assert_eq!(host.home.world.counts().api.connections, 0);
}

#[test]
fn somebody_who_is_not_root_gets_a_configuration_of_their_own() {
    let host = Host::new();
    let home = host.home.path("ada");
    fs::create_dir(&home).unwrap();
    let token = host.home.path("token");
    let mut command = host.command(&["--token-file", token.to_str().unwrap(), "--json"]);
    command
        .env_remove("CADENCE_CONFIG")
        .env("HOME", &home)
        .args(NAME);
    if is_root() {
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(host.home.folder.path(), open).unwrap();
        for path in [&home, &token] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    let out = command.output().unwrap();
    host.keeps_the_token(&out);
    assert_eq!(out.status.code(), Some(0), "{}", stderr(&out));
    let folder = home.join(".config/cadence");
    assert_eq!(names(&folder), ["cadence.toml", "cloudflare.token"]);
    assert_eq!(mode(&home.join(".config")), 0o700);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("cloudflare.token")), 0o600);
    let text = fs::read_to_string(folder.join("cadence.toml")).unwrap();
    let token_file = folder.join("cloudflare.token");
    assert!(text.contains(&format!("\ntoken_file = \"{}\"\n", token_file.display())));
    let document: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let check = document["next"][0]["command"].as_str().unwrap();
    assert!(
        check.starts_with(&format!("{} --config ", program())),
        "{check}"
    );
}
