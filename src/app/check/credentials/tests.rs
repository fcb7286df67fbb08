use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::app::check::Level;
use crate::app::check::identity::Identity;
use crate::app::check::runner::Handover;
use crate::config::{self, Env};

/// A folder that everybody may enter, with a token and a password that nobody but their owner may read.
fn secrets() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    mode(folder.path(), 0o755);
    for name in ["token", "password"] {
        fs::write(folder.path().join(name), "secret\n").unwrap();
        mode(&folder.path().join(name), 0o600);
    }
    folder
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn settings(folder: &Path, recovery: bool) -> Settings {
    let text = format!(
        "[[record]]\nname = \"vpn.example.com\"\n[cloudflare]\ntoken_file = \"{0}/token\"\n\
         [recovery]\nenabled = {recovery}\naddress = \"127.0.0.1\"\npassword_file = \"{0}/password\"",
        folder.display()
    );
    config::parse(&text, Path::new("/c.toml"), &Env::default()).unwrap()
}

/// Debian's nobody, who owns nothing; with these credentials where a service runs the cycles.
fn nobody(credentials: Option<&[(&str, PathBuf)]>) -> Runner {
    let owned = |(name, path): &(&str, PathBuf)| ((*name).to_owned(), path.clone());
    Runner {
        user: "nobody".to_owned(),
        identity: Identity::of_user("nobody", "", ""),
        config: config::CONFIG_FILE.into(),
        state_dir: config::STATE_DIR.into(),
        service: credentials.map(|credentials| Handover {
            credentials: credentials.iter().map(owned).collect(),
            hides_homes: true,
        }),
    }
}

fn messages(found: &[Finding]) -> Vec<(Level, &str)> {
    found
        .iter()
        .map(|found| (found.level, found.message.as_str()))
        .collect()
}

#[test]
fn secrets_that_systemd_hands_over_may_be_closed_to_everybody() {
    let folder = secrets();
    let (token, password) = (folder.path().join("token"), folder.path().join("password"));
    let runner = nobody(Some(&[
        ("cloudflare-token", token),
        ("plug-password", password),
    ]));
    assert_eq!(
        messages(&look(&settings(folder.path(), true), &runner)),
        [(
            Level::Ok,
            "systemd passes the API token and the plug's password"
        )]
    );
    assert_eq!(
        messages(&look(&settings(folder.path(), false), &runner)),
        [(Level::Ok, "systemd passes the API token")]
    );
}

#[test]
fn secrets_that_the_user_can_read_need_no_handing_over() {
    let folder = secrets();
    mode(&folder.path().join("token"), 0o644);
    for runner in [nobody(None), nobody(Some(&[]))] {
        assert_eq!(
            messages(&look(&settings(folder.path(), false), &runner)),
            [(Level::Ok, "the user nobody can read the API token")]
        );
    }
}

#[test]
fn a_secret_that_the_user_cannot_read_fails_with_the_drop_in_that_hands_it_over() {
    let folder = secrets();
    let token = folder.path().join("token");
    let meta = fs::metadata(&token).unwrap();
    let shown = token.display();
    let message = format!(
        "the user nobody, who runs the cycles, cannot read the API token in {shown} (cloudflare.token_file): {} has mode 0600, \
         uid {} and gid {}",
        fs::canonicalize(&token).unwrap().display(),
        meta.uid(),
        meta.gid()
    );
    // The credential of another file that is not there does not help.
    let elsewhere = [("cloudflare-token", folder.path().join("missing"))];
    for runner in [nobody(Some(&[])), nobody(Some(&elsewhere))] {
        let found = look(&settings(folder.path(), false), &runner);
        assert_eq!(
            found,
            [Finding::fail("credential", message.clone()).fix(format!(
                "add these lines: sudo systemctl edit cadence.service\n[Service]\nLoadCredential=cloudflare-token:{shown}"
            ))]
        );
    }
    let by_cron = look(&settings(folder.path(), false), &nobody(None));
    assert_eq!(by_cron[0].message, message);
    assert_eq!(
        by_cron[0].fix.as_deref().unwrap(),
        format!("let nobody read it: sudo chgrp nobody {shown} && sudo chmod 0640 {shown}")
    );
}

#[test]
fn a_file_that_a_credential_hides_is_told() {
    let folder = secrets();
    let other = folder.path().join("password");
    let runner = nobody(Some(&[("cloudflare-token", other.clone())]));
    let found = look(&settings(folder.path(), false), &runner);
    assert_eq!(
        messages(&found),
        [(
            Level::Warn,
            &*format!(
                "cadence.service gets the API token from {} and never reads {} (cloudflare.token_file)",
                other.display(),
                folder.path().join("token").display()
            )
        )]
    );
}

#[test]
fn a_secret_that_is_not_there_is_not_told_twice() {
    let folder = secrets();
    let runner = nobody(Some(&[]));
    fs::remove_file(folder.path().join("token")).unwrap();
    assert_eq!(look(&settings(folder.path(), false), &runner), []);
    // The one that is there still is.
    let found = look(&settings(folder.path(), true), &runner);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].message.contains("the plug's password"),
        "{found:?}"
    );
}

#[test]
fn what_a_user_that_is_nowhere_may_read_is_not_known() {
    let folder = secrets();
    let runner = Runner {
        identity: None,
        ..nobody(Some(&[]))
    };
    let found = look(&settings(folder.path(), false), &runner);
    let message = format!(
        "cannot tell whether cycles can read the API token in {}: its user is not in /etc/passwd",
        folder.path().join("token").display()
    );
    assert_eq!(messages(&found), [(Level::Warn, message.as_str())]);
}

#[test]
fn home_folders_are_hidden_from_the_service() {
    let secret = |path| Secret {
        what: "the API token".to_owned(),
        credential: TOKEN_CREDENTIAL.to_owned(),
        key: "cloudflare.token_file",
        path,
    };
    for (path, hidden) in [
        ("/home/ada/token", true),
        ("/root/token", true),
        ("/homes/token", false),
        ("/etc/cadence/cloudflare.token", false),
    ] {
        let secret = secret(Path::new(path));
        assert_eq!(secret.is_hidden(&nobody(Some(&[]))), hidden, "{path}");
        assert!(!secret.is_hidden(&nobody(None)));
    }
}
