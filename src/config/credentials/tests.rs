use std::fs;

use super::*;
use crate::config::parse;

fn recovery(lines: &str) -> Recovery {
    let text = format!("[[record]]\nname = \"vpn.example.com\"\n[recovery]\n{lines}");
    parse(&text, Path::new("/cadence.toml"), &Env::default())
        .unwrap()
        .recovery
}

fn file(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

fn load_from(path: &str) -> Result<String, String> {
    let recovery = recovery(&format!("password_file = \"{path}\""));
    load(&Env::default(), &recovery)
        .map(|found| found.unwrap().password.expose().to_owned())
        .map_err(|error| error.to_string())
}

#[test]
fn a_plug_without_a_password_has_no_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::from([("CREDENTIALS_DIRECTORY", folder.path())]);
    assert!(load(&env, &recovery("")).unwrap().is_none());
}

#[test]
fn the_credential_of_the_service_goes_before_the_file_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, CREDENTIAL, b"one\n");
    let configured = file(&folder, "configured", b"two\n");
    let recovery = recovery(&format!("user = \"me\"\npassword_file = \"{configured}\""));
    let found = |env: &Env| {
        let credentials = load(env, &recovery).unwrap().unwrap();
        (credentials.user, credentials.password.expose().to_owned())
    };
    let env = Env::from([("CREDENTIALS_DIRECTORY", folder.path())]);
    assert_eq!(found(&env), ("me".to_owned(), "one".to_owned()));
    assert_eq!(found(&Env::default()), ("me".to_owned(), "two".to_owned()));
}

#[test]
fn a_blank_credential_stands_for_none() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder, CREDENTIAL, b"\n");
    let configured = file(&folder, "configured", b"two\n");
    let env = Env::from([("CREDENTIALS_DIRECTORY", folder.path())]);
    assert!(load(&env, &recovery("")).unwrap().is_none());
    let recovery = recovery(&format!("password_file = \"{configured}\""));
    let credentials = load(&env, &recovery).unwrap().unwrap();
    assert_eq!(credentials.password.expose(), "two");
}

#[test]
fn the_end_of_the_line_is_no_part_of_the_password_and_spaces_are() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        load_from(&file(&folder, "a", " pä ss \r\n".as_bytes())),
        Ok(" pä ss ".to_owned())
    );
}

#[test]
fn what_is_no_password_is_refused_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let long = "hush".repeat(300);
    for (content, flaw) in [
        (
            "\n".as_bytes(),
            "is empty; fix: put only the password there, on one line, or remove recovery.password_file",
        ),
        (
            b"hush\nhush",
            "contains control characters; fix: keep only the password, on one line",
        ),
        (
            b"hush\xff",
            "is not UTF-8 text; fix: save the file as UTF-8",
        ),
        (
            long.as_bytes(),
            "is over 1 KiB long; fix: keep only the password in the file",
        ),
    ] {
        let path = file(&folder, "password", content);
        assert_eq!(
            load_from(&path),
            Err(format!(
                "the plug's password in {path} (recovery.password_file) {flaw}"
            ))
        );
    }
}

#[test]
fn a_file_that_is_missing_or_none_is_named_with_the_mend() {
    assert_eq!(
        load_from("/nonexistent/plug"),
        Err(
            "no password for the plug: /nonexistent/plug (recovery.password_file) does not exist; fix: run this, paste the password, \
             then press Enter and Ctrl-D: install -D -m 0640 /dev/stdin /nonexistent/plug"
                .to_owned()
        )
    );
    assert_eq!(
        load_from("/dev/null"),
        Err(
            "cannot read the plug's password in /dev/null (recovery.password_file): it is not a regular file; \
             fix: use a regular file that holds only the password"
                .to_owned()
        )
    );
}

#[test]
fn debug_does_not_show_the_password() {
    let credentials = Credentials {
        user: "admin".to_owned(),
        password: Password::new("hush"),
    };
    assert_eq!(
        format!("{credentials:?}"),
        "Credentials { user: \"admin\", password: Password(..) }"
    );
}
