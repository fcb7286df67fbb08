use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const MADE_AT: &str =
    "create a token with Zone:Read and DNS:Edit at https://dash.cloudflare.com/profile/api-tokens";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn file(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

fn none() -> Env {
    Env::default()
}

#[test]
fn sources_are_asked_in_the_order_of_the_contract() {
    let folder = folder();
    let configured = file(&folder, "configured", b"two\n");
    let named = file(&folder, "named", b"three\n");
    file(&folder, CREDENTIAL, b"one\n");
    let handed = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
    let by_file = ("CLOUDFLARE_API_TOKEN_FILE", named.to_str().unwrap());
    let value = ("CLOUDFLARE_API_TOKEN", "four");
    let with = |pairs: &[(&str, &str)], configured: Option<&Path>| {
        let token = load(&pairs.iter().copied().collect(), configured);
        token.map(|it| it.expose().to_owned())
    };
    let found = |text: &str| Ok(text.to_owned());
    let all = [handed, by_file, value];
    assert_eq!(with(&all, Some(&configured)), found("one"));
    assert_eq!(with(&all[1..], Some(&configured)), found("two"));
    assert_eq!(with(&[by_file], None), found("three"));
    assert_eq!(with(&[value], None), found("four"));
    assert_eq!(with(&[by_file, value], None), Err(TokenError::Twice));
}

#[test]
fn a_credentials_directory_without_the_credential_is_passed_over() {
    let folder = folder();
    let env = Env::from([
        ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap()),
        ("CLOUDFLARE_API_TOKEN", "four"),
    ]);
    assert_eq!(load(&env, None).unwrap().source(), &Source::Variable);
}

#[test]
fn a_blank_credential_stands_for_none() {
    let folder = folder();
    file(&folder, CREDENTIAL, b"\n");
    let env = Env::from([("CREDENTIALS_DIRECTORY", folder.path())]);
    let configured = file(&folder, "configured", b"two\n");
    assert_eq!(load(&env, Some(&configured)).unwrap().expose(), "two");
    assert!(matches!(
        load(&env, Some(Path::new("/nonexistent/cloudflare.token"))),
        Err(TokenError::Missing(Source::Configured(_), _))
    ));
    assert_eq!(load(&env, None).unwrap_err(), TokenError::NotSet);
}

#[test]
fn a_missing_token_file_falls_through_to_a_variable_only() {
    let missing = Path::new("/nonexistent/cloudflare.token");
    let env = Env::from([("CLOUDFLARE_API_TOKEN", "four")]);
    assert_eq!(load(&env, Some(missing)).unwrap().expose(), "four");
    assert_eq!(
        load(&none(), Some(missing)).unwrap_err().to_string(),
        format!(
            "no API token: /nonexistent/cloudflare.token (cloudflare.token_file) does not exist; fix: {MADE_AT}, \
             then run this, paste the token, then press Enter and Ctrl-D: install -D -m 0640 /dev/stdin /nonexistent/cloudflare.token"
        )
    );
}

#[test]
fn a_broken_source_is_an_error_even_where_a_later_one_is_good() {
    let folder = folder();
    let empty = file(&folder, "empty", b" \n");
    let env = Env::from([("CLOUDFLARE_API_TOKEN", "four")]);
    assert_eq!(
        load(&env, Some(&empty)).unwrap_err().to_string(),
        format!(
            "the API token in {} (cloudflare.token_file) is empty; fix: put only the token there, on one line",
            empty.display()
        )
    );
    assert_eq!(
        load(&env, Some(folder.path())).unwrap_err().to_string(),
        format!(
            "cannot read the API token in {} (cloudflare.token_file): it is a directory; \
             fix: use a regular file that holds only the token",
            folder.path().display()
        )
    );
}

#[test]
fn without_any_source_the_error_says_how_to_make_one() {
    assert_eq!(
        load(&none(), None).unwrap_err().to_string(),
        format!(
            "no API token; fix: {MADE_AT}, then set cloudflare.token_file or CLOUDFLARE_API_TOKEN_FILE to a file that holds it, or \
             CLOUDFLARE_API_TOKEN to the token itself"
        )
    );
}

#[test]
fn where_variables_say_all_the_variables_of_the_token_are_named() {
    let missing = Path::new("/nonexistent/t");
    let told = |name: &str, file| {
        load(&Env::from([(name, "hush")]), file)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        told("CADENCE_RECORDS", Some(missing)),
        format!(
            "no API token: /nonexistent/t does not exist; fix: {MADE_AT}, then set CLOUDFLARE_API_TOKEN to it, or \
             CLOUDFLARE_API_TOKEN_FILE to the path of a file that holds it"
        )
    );
    for name in ELSEWHERE {
        let expected = format!(
            "{name} is set, which cadence does not read; fix: name it CLOUDFLARE_API_TOKEN"
        );
        assert_eq!(told(name, None), format!("no API token: {expected}"));
        assert_eq!(
            told(name, Some(missing)),
            format!("no API token: /nonexistent/t does not exist, and {expected}")
        );
    }
    let env = Env::from([("CF_API_TOKEN", "hush"), ("CLOUDFLARE_API_TOKEN", "four")]);
    assert_eq!(load(&env, Some(missing)).unwrap().expose(), "four");
}

#[test]
fn a_link_to_nothing_is_no_file_that_is_missing() {
    let folder = folder();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("/nonexistent/t", &link).unwrap();
    assert_eq!(
        load(&none(), Some(&link)).unwrap_err().to_string(),
        format!(
            "cannot read the API token in {} (cloudflare.token_file): it is a link to /nonexistent/t, which does not exist; \
             fix: use a regular file that holds only the token",
            link.display()
        )
    );
}

#[test]
fn what_is_no_token_is_refused_and_never_shown() {
    let long = "hush".repeat(1025);
    for (content, flaw) in [
        (
            "Bearer hush",
            "starts with \"Bearer \"; fix: remove that word, cadence adds it",
        ),
        (
            "bearer  hush",
            "starts with \"Bearer \"; fix: remove that word, cadence adds it",
        ),
        (
            "hush\nhush",
            "contains white space or control characters; fix: keep only the token, on one line",
        ),
        (
            "hu\u{1}sh",
            "contains white space or control characters; fix: keep only the token, on one line",
        ),
        (
            "“hush”",
            "has non-ASCII characters; fix: copy the token again, without marks around it",
        ),
        (
            &long,
            "is over 4 KiB long; fix: keep only the token in the file",
        ),
    ] {
        let error = load(&Env::from([("CLOUDFLARE_API_TOKEN", content)]), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the API token in $CLOUDFLARE_API_TOKEN {flaw}")
        );
        assert!(!format!("{error:?}").contains("hush"));
    }
}

#[test]
fn what_is_often_taken_for_a_token_is_told_by_its_shape() {
    for (text, told) in [
        (
            "\"0123456789abcdef0123456789abcdef01234567\"",
            "is in quotes",
        ),
        ("'0123456789abcdef0123456789abcdef01234567'", "is in quotes"),
        (
            "CF_API_TOKEN=0123456789abcdef0123456789abcdef01234567",
            "has a name",
        ),
        (
            "0123456789abcdef0123456789abcdef01234567,",
            "has punctuation",
        ),
        ("${CF_API_TOKEN}", "is an unexpanded variable"),
        ("$CF_API_TOKEN", "is an unexpanded variable"),
        (
            "0123456789abcdef0123456789abcdef01234",
            "is the Global API Key",
        ),
        ("me@example.com", "is an e-mail address"),
        ("/etc/cadence/cloudflare.token", "is a path"),
    ] {
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(error.starts_with(told), "{text}: {error}");
    }
    for token in ["0123456789abcdef0123456789abcdef01234567", "cfut_A-b_c.d"] {
        assert_eq!(parse(token.as_bytes()).as_deref(), Ok(token));
    }
}

#[test]
fn white_space_around_the_token_is_no_part_of_it() {
    let folder = folder();
    let path = file(&folder, "token", b"\t abc \r\n\n");
    assert_eq!(load(&none(), Some(&path)).unwrap().expose(), "abc");
}

#[test]
fn the_mode_of_the_file_is_reported() {
    let folder = folder();
    let path = file(&folder, "token", b"abc");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(load(&none(), Some(&path)).unwrap().mode(), Some(0o640));
    assert_eq!(
        load(&Env::from([("CLOUDFLARE_API_TOKEN", "abc")]), None)
            .unwrap()
            .mode(),
        None
    );
}

#[test]
fn a_named_pipe_does_not_block() {
    let folder = folder();
    let path = folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(
        load(&none(), Some(&path)),
        Err(TokenError::Unreadable(..))
    ));
}

#[test]
fn debug_does_not_show_the_token_and_fingerprints_differ() {
    let token = |value| load(&Env::from([("CLOUDFLARE_API_TOKEN", value)]), None).unwrap();
    assert_eq!(format!("{:?}", token("hush")), "Token(..)");
    assert_eq!(token("hush").fingerprint(), token("hush").fingerprint());
    assert_ne!(token("hush").fingerprint(), token("hush2").fingerprint());
}
