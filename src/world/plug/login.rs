//! Who may switch: the ways in which plugs ask for a password. No code of ours here is shared with the client, so that both must be right.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::digest::{SHA256, digest};

use super::super::http::{Reply, Request};

const USER: &str = "admin";
const REALM: &str = "shellyplus1-a8032abe54dc";

/// The user is always `admin`; without a password everybody passes.
#[derive(Default)]
pub struct Login {
    pub password: Option<String>,
    nonces: u32,
    /// The challenges that were not answered yet.
    open: Vec<String>,
    /// How many right answers to a challenge come too late from now on (RFC 7616 section 3.3).
    pub stale: u32,
}

impl Login {
    /// Basic authentication (RFC 7617).
    pub fn passes_basic(&self, request: &Request) -> bool {
        self.password.as_ref().is_none_or(|password| {
            request
                .header("authorization")
                .and_then(|header| header.strip_prefix("Basic "))
                .and_then(|pair| BASE64_STANDARD.decode(pair).ok())
                .is_some_and(|pair| pair == format!("{USER}:{password}").into_bytes())
        })
    }

    pub fn basic_refusal() -> Reply {
        let mut reply = Reply::text(401, "401 Unauthorized");
        reply.headers.push((
            "WWW-Authenticate",
            "Basic realm=\"Login Required\"".to_owned(),
        ));
        reply
    }

    /// `user` and `password` in the query, as Tasmota has it.
    pub fn passes_query(&self, request: &Request) -> bool {
        self.password.is_none()
            || (request.parameter("user").as_deref() == Some(USER)
                && request.parameter("password") == self.password)
    }

    /// Digest authentication with SHA-256 (RFC 7616), or the refusal. Each challenge may be answered once.
    pub fn digest(&mut self, request: &Request) -> Result<(), Reply> {
        if self.password.is_none() {
            return Ok(());
        }
        if self.is_right(request) != Some(true) {
            return Err(self.digest_refusal(false));
        }
        if self.stale > 0 {
            self.stale -= 1;
            return Err(self.digest_refusal(true));
        }
        Ok(())
    }

    /// Whether it answers an open challenge rightly; none where it answers none.
    fn is_right(&mut self, request: &Request) -> Option<bool> {
        let password = self.password.as_ref()?;
        let header = request.header("authorization")?.strip_prefix("Digest ")?;
        let value = |name: &str| {
            let pairs = header.split(',').filter_map(|pair| pair.split_once('='));
            pairs
                .map(|(key, value)| (key.trim(), value.trim().trim_matches('"')))
                .find(|(key, _)| *key == name)
                .map_or("", |(_, value)| value)
        };
        let nonce = value("nonce");
        let open = self.open.iter().position(|other| other == nonce)?;
        self.open.swap_remove(open);
        let secret = sha256(&[USER, REALM, password]);
        let asked = sha256(&[&request.method, &request.target]);
        let [count, own, qop] = ["nc", "cnonce", "qop"].map(value);
        let expected = sha256(&[&secret, nonce, count, own, qop, &asked]);
        let is_right = value("username") == USER
            && value("realm") == REALM
            && value("uri") == request.target
            && value("algorithm") == "SHA-256"
            && qop == "auth"
            && value("response") == expected;
        Some(is_right)
    }

    pub fn digest_refusal(&mut self, is_stale: bool) -> Reply {
        self.nonces += 1;
        let nonce = format!("{:08x}", 0x6000_0000 + self.nonces);
        let stale = if is_stale { ", stale=true" } else { "" };
        let challenge = format!(
            "Digest qop=\"auth\", realm=\"{REALM}\", nonce=\"{nonce}\", algorithm=SHA-256{stale}"
        );
        self.open.push(nonce);
        let mut reply = Reply::text(401, "");
        reply.headers.push(("WWW-Authenticate", challenge));
        reply
    }
}

/// SHA-256 of the parts with colons between them, in hexadecimal.
fn sha256(parts: &[&str]) -> String {
    let hash = digest(&SHA256, parts.join(":").as_bytes());
    let bytes: Vec<_> = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    bytes.concat()
}
