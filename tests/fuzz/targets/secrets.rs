//! Files that hold secrets, and the file of trust roots.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use cadence::config::{Env, Recovery, Token, TokenError, load_credentials, load_token, parse};
use cadence::net::tls;

use super::checks::{self, SECRET};
use super::files as folder;

/// The API token and the plug's password, with the secret in the middle of whatever it is.
pub fn files(input: &[u8]) {
    let (start, end) = input.split_at(input.len() / 2);
    let planted = [start, SECRET.as_bytes(), end].concat();
    for content in [input, &planted] {
        let (_folder, path) = folder::holding("secret", content);
        token(load_token(&Env::default(), Some(&path)));
        token(Token::given(content, "your answer"));
        let variable =
            OsString::from_vec(content.iter().copied().filter(|byte| *byte != 0).collect());
        token(load_token(
            &Env::from([("CLOUDFLARE_API_TOKEN", variable.clone())]),
            None,
        ));
        let named = Env::from([("CLOUDFLARE_API_TOKEN_FILE", variable)]);
        token(load_token(&named, None));
        match load_credentials(&Env::default(), &recovery(&path)) {
            Ok(found) => {
                let found = found.unwrap();
                assert!(!found.password.expose().chars().any(char::is_control));
                checks::silent(&format!("{found:?}"));
            }
            Err(error) => told(&error.to_string()),
        }
    }
}

fn token(found: Result<Token, TokenError>) {
    match found {
        Ok(token) => {
            assert!(token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
            checks::silent(&format!("{token:?} {}", token.source()));
        }
        // Its message names the file, which here is the operator's word.
        Err(TokenError::Missing(..) | TokenError::Unreadable(..) | TokenError::Denied(_)) => {}
        Err(error) => told(&error.to_string()),
    }
}

fn told(error: &str) {
    checks::line(error, 400);
    checks::silent(error);
}

fn recovery(password: &Path) -> Recovery {
    let path = password.display();
    let text =
        format!("[[record]]\nname = \"vpn.example.com\"\n[recovery]\npassword_file = \"{path}\"\n");
    parse(&text, Path::new("/a.toml"), &Env::default())
        .unwrap()
        .recovery
}

/// PEM certificates.
pub fn ca_file(input: &[u8]) {
    let (_folder, path) = folder::holding("ca.pem", input);
    if let Err(error) = tls::client_config(Some(&path), &std::sync::Arc::default()) {
        checks::line(&error, 300);
    }
}
