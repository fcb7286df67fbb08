//! HTTP digest authentication with SHA-256 and `qop=auth` (RFC 7616), the only one that Shelly's second generation speaks.

use std::fmt::Write as _;
use std::time::Duration;

use ring::digest::{SHA256, digest};

use crate::config::Credentials;
use crate::system;

/// Each challenge is answered once.
const COUNT: &str = "00000001";

/// What a server wants to be answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
}

impl Challenge {
    /// Reads `WWW-Authenticate`; none where it wants anything but digest authentication with SHA-256 and `qop=auth`.
    pub fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let parameters = parameters(rest)?;
        let value = |name: &str| {
            parameters
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| *value)
        };
        let speaks_sha256 = value("algorithm")?.eq_ignore_ascii_case("SHA-256");
        let offers_auth = value("qop")?.split(',').any(|qop| qop.trim() == "auth");
        if !speaks_sha256 || !offers_auth {
            return None;
        }
        Some(Self {
            realm: value("realm")?.to_owned(),
            nonce: value("nonce")?.to_owned(),
            opaque: value("opaque").map(str::to_owned),
        })
    }

    /// The `Authorization` of one request.
    #[must_use]
    pub fn answer(&self, credentials: &Credentials, method: &str, target: &str) -> String {
        let random = system::random_up_to(Duration::from_nanos(u64::MAX));
        self.answer_with(
            credentials,
            method,
            target,
            &format!("{:016x}", random.as_nanos()),
        )
    }

    fn answer_with(
        &self,
        credentials: &Credentials,
        method: &str,
        target: &str,
        cnonce: &str,
    ) -> String {
        let Self {
            realm,
            nonce,
            opaque,
        } = self;
        let user = &credentials.user;
        let secret = hex_digest(&format!("{user}:{realm}:{}", credentials.password.expose()));
        let request = hex_digest(&format!("{method}:{target}"));
        let response = hex_digest(&format!("{secret}:{nonce}:{COUNT}:{cnonce}:auth:{request}"));
        let mut header = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{target}\", algorithm=SHA-256, \
             response=\"{response}\", qop=auth, nc={COUNT}, cnonce=\"{cnonce}\""
        );
        if let Some(opaque) = opaque {
            let _ = write!(header, ", opaque=\"{opaque}\"");
        }
        header
    }
}

/// Reads `name=token, name="text"` (RFC 9110 section 11.2). None where it is something else, or where a text holds an escape:
/// a plug's does not, and what cannot be repeated as it came is better refused.
fn parameters(mut text: &str) -> Option<Vec<(&str, &str)>> {
    let mut parameters = Vec::new();
    loop {
        let (name, rest) = text.split_once('=')?;
        let (value, rest) = if let Some(text) = rest.strip_prefix('"') {
            let (value, rest) = text.split_once('"')?;
            if value.contains('\\') {
                return None;
            }
            (value, rest.trim_start())
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let (value, rest) = rest.split_at_checked(end)?;
            (value.trim_end(), rest)
        };
        parameters.push((name.trim(), value));
        if rest.is_empty() {
            return Some(parameters);
        }
        text = rest.strip_prefix(',')?;
    }
}

/// SHA-256 in lower-case hexadecimal.
fn hex_digest(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Password;

    fn mufasa() -> Credentials {
        Credentials {
            user: "Mufasa".to_owned(),
            password: Password::new("Circle of Life"),
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_answered() {
        // RFC 7616 section 3.9.1.
        let challenge = Challenge::parse(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        )
        .unwrap();
        let answer = challenge.answer_with(
            &mufasa(),
            "GET",
            "/dir/index.html",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        );
        assert_eq!(
            answer,
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", algorithm=SHA-256, \
             response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", qop=auth, nc=00000001, \
             cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
    }

    #[test]
    fn a_challenge_of_another_kind_is_refused() {
        for header in [
            "",
            "Digest",
            "Digest ",
            "Basic realm=\"a\"",
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth\"",
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth\", algorithm=MD5",
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\", algorithm=SHA-256",
            "Digest realm=\"a\", nonce=\"b\", algorithm=SHA-256",
            "Digest realm=\"a\", qop=\"auth\", algorithm=SHA-256",
            "Digest realm=\"a\\\"\", nonce=\"b\", qop=\"auth\", algorithm=SHA-256",
            "Digest realm=\"a, nonce=b",
            "Digest realm=\"a\" nonce=\"b\", qop=\"auth\", algorithm=SHA-256",
        ] {
            assert_eq!(Challenge::parse(header), None, "{header}");
        }
        assert!(
            Challenge::parse("digest qop=auth,REALM=\"a\" , nonce=\"b\",algorithm=sha-256 ")
                .is_some()
        );
    }

    #[test]
    fn two_answers_to_one_challenge_differ() {
        let challenge = Challenge {
            realm: "a".to_owned(),
            nonce: "b".to_owned(),
            opaque: None,
        };
        let answer = || challenge.answer(&mufasa(), "GET", "/");
        assert_ne!(answer(), answer());
    }
}
