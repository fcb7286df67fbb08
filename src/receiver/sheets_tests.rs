use std::fs;

use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::*;
use crate::config::sheets::load_key;
use crate::config::{Env, parse};

const KEY: &str = include_str!("../../tests/support/service_account.json");
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";

fn key() -> ServiceKey {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    fs::write(&path, KEY).unwrap();
    load_key(&Env::default(), &sheets(&path.display().to_string())).unwrap()
}

fn sheets(key_file: &str) -> Sheets {
    let text = format!(
        "[[record]]\nname = \"vpn.example.com\"\n[sheets]\nspreadsheet = \"id\"\nsheet = \"it's\"\nkey_file = \"{key_file}\"\n"
    );
    let settings = parse(&text, "cadence.toml".as_ref(), &Env::default()).unwrap();
    settings.receivers.sheets.unwrap()
}

#[test]
fn an_assertion_says_whose_key_it_is_for_whom_and_for_no_longer_than_an_hour() {
    let now: Timestamp = "2026-11-28T12:00:00.9Z".parse().unwrap();
    let token = assertion(&key(), AUDIENCE, now).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        panic!("three parts: {token}")
    };
    let bytes = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: &str| -> Value { serde_json::from_slice(&bytes(part)).unwrap() };
    let document: Value = serde_json::from_str(KEY).unwrap();
    assert_eq!(
        json(header),
        serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": document["private_key_id"]})
    );
    assert_eq!(
        json(claims),
        serde_json::json!({
            "iss": document["client_email"],
            "scope": "https://www.googleapis.com/auth/spreadsheets",
            "aud": AUDIENCE,
            "iat": now.as_second(),
            "exp": now.as_second() + 3600,
        })
    );
    let pem = document["private_key"].as_str().unwrap();
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    let signed = format!("{header}.{claims}");
    public.verify(signed.as_bytes(), &bytes(signature)).unwrap();
    assert!(public.verify(b"something else", &bytes(signature)).is_err());
}

#[test]
fn what_google_says_leads_to_what_to_do() {
    let (sheets, key) = (sheets("/k"), key());
    for (status, body, does) in [
        (
            400,
            r#"{"error":{"code":400,"message":"Unable to parse range: 'it''s'!A1","status":"INVALID_ARGUMENT"}}"#,
            "add a sheet (a tab) named \"it's\"",
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"This action would increase the number of cells in the workbook above the limit of 10000000 cells.","status":"INVALID_ARGUMENT"}}"#,
            "begin a new spreadsheet",
        ),
        (
            401,
            r#"{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}"#,
            "each try gets a token of its own",
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}"#,
            "share the spreadsheet with cadence@made-for-tests.iam.gserviceaccount.com",
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"Google Sheets API has not been used in project 1 before or it is disabled.","status":"PERMISSION_DENIED"}}"#,
            "enable the Google Sheets API",
        ),
        (
            404,
            r#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}"#,
            "set `sheets.spreadsheet`",
        ),
    ] {
        let document: Value = serde_json::from_str(body).unwrap();
        let fix = fix(status, said(&document), &sheets, &key);
        assert!(fix.contains(does), "{status}: {fix}");
    }
    let oauth: Value =
        serde_json::from_str(r#"{"error":"invalid_grant","error_description":"Invalid JWT"}"#)
            .unwrap();
    assert_eq!(said(&oauth), "Invalid JWT");
    assert_eq!(
        said(&serde_json::json!({"error": "invalid_scope"})),
        "invalid_scope"
    );
    assert_eq!(said(&Value::Null), "");
}
