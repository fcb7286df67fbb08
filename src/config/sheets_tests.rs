use std::path::Path;

use super::*;
use crate::config::{Settings, parse};

const KEY: &str = include_str!("../../tests/support/service_account.json");
const HOST: &str = "oauth2.googleapis.com";
const SECTION: &str =
    "[[record]]\nname = \"vpn.example.com\"\n[sheets]\nspreadsheet = \"1aB_c-9\"\n";

/// The key with one of its values in another's place; none takes it out.
fn with(key: &str, value: Option<&str>) -> String {
    let mut document: Json = serde_json::from_str(KEY).unwrap();
    let fields = document.as_object_mut().unwrap();
    match value {
        Some(value) => drop(fields.insert(key.to_owned(), value.into())),
        None => drop(fields.remove(key)),
    }
    document.to_string()
}

fn settings(text: &str) -> Settings {
    parse(text, Path::new("c"), &Env::default()).unwrap()
}

fn problems(text: &str) -> String {
    let error = parse(text, Path::new("c"), &Env::default()).unwrap_err();
    error.problems().join("\n")
}

fn refused(text: &str) -> String {
    ServiceKey::parse(text.as_bytes(), HOST).unwrap_err()
}

#[test]
fn the_file_of_a_key_is_read_as_google_makes_it() {
    for text in [KEY.to_owned(), format!("\u{feff}{KEY}")] {
        let key = ServiceKey::parse(text.as_bytes(), HOST).unwrap();
        assert_eq!(key.email, "cadence@made-for-tests.iam.gserviceaccount.com");
        assert_eq!(key.id.len(), 40);
        assert_eq!(format!("{key:?}"), "ServiceKey(..)");
    }
}

#[test]
fn what_is_no_such_key_is_refused_with_what_to_do_and_nothing_of_it_is_told() {
    const EC: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgT+IgNw9G7jQ8v/mm\n9WTpglao8DXvmgnWesxrqFZNBGmhRANCAASDKBEXApM1oZrJvTI7zyim7swmOMoV\nvYk83xF0xrBWvYtZmMBJnMD0TaRA/QoqRoUHf2Bdhudq3iv4xKatODDs\n-----END PRIVATE KEY-----\n";
    let cut = with("private_key", Some(""));
    let long = format!("{KEY}{}", " ".repeat(MAX_KEY));
    for (text, says) in [
        ("", "no whole JSON"),
        (&KEY[..1000], "no whole JSON"),
        ("[]", "`type` is not"),
        ("{\"installed\":{\"client_id\":\"x\"}}", "`type` is not"),
        (&with("type", Some("authorized_user")), "`type` is not"),
        (&with("client_email", None), "`client_email` is missing"),
        (
            &with("client_email", Some("a b@c")),
            "`client_email` is missing or odd",
        ),
        (
            &with("client_email", Some("a\"@c")),
            "`client_email` is missing or odd",
        ),
        (&with("private_key_id", None), "`private_key_id` is missing"),
        (&with("private_key", None), "no RSA key"),
        (&cut, "no RSA key"),
        (&with("private_key", Some("MIIE")), "no RSA key"),
        (&with("private_key", Some(EC)), "no RSA key"),
        (&long, "over 16 KiB"),
    ] {
        let told = refused(text);
        assert!(
            told.contains(says) && told.contains("; fix: put the whole file"),
            "{told}"
        );
    }
    let short = KEY.replacen("MIIE", "MIIF", 1);
    let told = refused(&short);
    assert!(
        told.contains("no RSA key") && !told.contains("MII"),
        "{told}"
    );
}

#[test]
fn a_key_leads_nobody_but_to_google_or_whom_the_configuration_names() {
    for uri in [
        "https://oauth2.googleapis.com/token",
        "https://accounts.google.com/o/oauth2/token",
        "https://www.googleapis.com/oauth2/v4/token",
    ] {
        assert!(ServiceKey::parse(with("token_uri", Some(uri)).as_bytes(), HOST).is_ok());
    }
    assert!(ServiceKey::parse(with("token_uri", None).as_bytes(), HOST).is_ok());
    for uri in [
        "https://evil.example/token",
        "https://oauth2.googleapis.com.evil.example/token",
        "https://oauth2.googleapis.com@evil.example/token",
        "http://oauth2.googleapis.com/token",
        "http://127.0.0.1/token",
        "",
    ] {
        let text = with("token_uri", Some(uri));
        let told = ServiceKey::parse(text.as_bytes(), HOST).unwrap_err();
        assert!(
            told.contains("`token_uri` is none of Google's"),
            "{uri}: {told}"
        );
    }
    let own = with("token_uri", Some("http://127.0.0.1:8080/token"));
    assert!(ServiceKey::parse(own.as_bytes(), "127.0.0.1").is_ok());
}

#[test]
fn a_spreadsheet_is_all_that_has_to_be_named() {
    let sheets = settings(SECTION).receivers.sheets.unwrap();
    assert_eq!(
        (sheets.spreadsheet.as_str(), sheets.sheet.as_str()),
        ("1aB_c-9", "cadence")
    );
    assert_eq!(sheets.every, Duration::from_secs(900));
    assert_eq!(sheets.api_url.url, API_URL);
    assert_eq!(sheets.token_url.url, TOKEN_URL);
    let other = Sheets {
        sheet: "other".to_owned(),
        ..sheets.clone()
    };
    assert_ne!(other.fingerprint(), sheets.fingerprint());
    assert!(
        settings("[[record]]\nname = \"a.example.com\"\n")
            .receivers
            .sheets
            .is_none()
    );
}

#[test]
fn what_is_wrong_with_the_section_is_told_with_what_is_allowed() {
    for (more, says) in [
        (
            "key_file = \"sheets.json\"\n",
            "sheets.key_file (not shown): expected an absolute path",
        ),
        ("every = \"10s\"\n", "\"1m\" to \"1d\""),
        (
            "api_url = \"http://example.com\"\n",
            "sheets.api_url = \"http://example.com\": expected an https:// URL",
        ),
        ("sheet = \"a\\nb\"\n", "at most 100 characters"),
        ("private_key = \"x\"\n", "the path of that into key_file"),
        (
            "[telemetry]\nkeep = \"0s\"\n",
            "telemetry.keep is \"0s\", and [sheets] sends what is kept; fix: ",
        ),
        (
            "[[notify]]\nname = \"sheets\"\n",
            "\"sheets\" is there twice",
        ),
    ] {
        let told = problems(&format!("{SECTION}{more}"));
        assert!(told.contains(says), "{told}");
    }
    let unset = SECTION.replace("spreadsheet = \"1aB_c-9\"\n", "");
    let told = problems(&unset);
    assert!(
        told.contains(":3: sheets.spreadsheet is not set: expected the id"),
        "{told}"
    );
    let url = SECTION.replace("1aB_c-9", "https://docs.google.com/spreadsheets/d/1aB/edit");
    assert!(problems(&url).contains("between /d/ and /edit"));
}
