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
    /// The last answer was right, and only its nonce was too old.
    pub is_stale: bool,
}

impl Challenge {
    /// Reads `WWW-Authenticate` (RFC 9110 section 11.6.1), which may offer several; none where it wants anything but digest authentication
    /// with SHA-256 and `qop=auth`.
    pub fn parse(header: &str) -> Option<Self> {
        let mut offers: Vec<(&str, Vec<&str>)> = Vec::new();
        for element in elements(header)? {
            let (word, rest) = element
                .split_once(char::is_whitespace)
                .unwrap_or((element, ""));
            let rest = rest.trim_start();
            if word.contains('=') || rest.starts_with('=') {
                offers.last_mut()?.1.push(element);
            } else {
                offers.push((word, vec![rest]));
            }
        }
        offers
            .iter()
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("digest"))
            .find_map(|(_, parameters)| Self::of(parameters))
    }

    fn of(parameters: &[&str]) -> Option<Self> {
        let value = |name: &str| {
            let pairs = parameters.iter().filter_map(|pair| pair.split_once('='));
            let mut named = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
            named.next().and_then(|(_, value)| unquoted(value.trim()))
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
            is_stale: value("stale").is_some_and(|it| it.eq_ignore_ascii_case("true")),
        })
    }

    /// The `Authorization` of one request.
    #[must_use]
    pub fn answer(&self, credentials: &Credentials, method: &str, target: &str) -> String {
        let random = system::random_up_to(Duration::from_nanos(u64::MAX));
        let cnonce = format!("{:016x}", random.as_nanos());
        self.answer_with(credentials, method, target, &cnonce)
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
            is_stale: _,
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

/// What stands between the commas that are in no quoted text; none where one does not end.
fn elements(list: &str) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped) = (false, false);
    let is_end = |letter| {
        let is_end = letter == ',' && !quoted;
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && !escaped && letter == '\\';
        is_end
    };
    let parts = list.split(is_end).map(str::trim);
    let parts = parts.filter(|part| !part.is_empty()).collect();
    (!quoted).then_some(parts)
}

/// A value without its quotes. None where it is something else, or holds an escape: a plug's does not, and what cannot be repeated as it
/// came is better refused.
fn unquoted(value: &str) -> Option<&str> {
    let text = match value.strip_prefix('"') {
        Some(text) => text.strip_suffix('"')?,
        None => value,
    };
    (!text.contains(['"', '\\'])).then_some(text)
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
    fn the_challenge_that_can_be_answered_is_found_among_others() {
        let ours = "Digest realm=\"a, b=c\", nonce=\"b\", qop=\"auth, auth-int\", algorithm=SHA-256, stale=TRUE";
        let expected = Challenge {
            realm: "a, b=c".to_owned(),
            nonce: "b".to_owned(),
            opaque: None,
            is_stale: true,
        };
        for header in [
            ours.to_owned(),
            format!("Basic realm=\"x \\\"y, Digest\", charset=\"UTF-8\", {ours}"),
            format!("{ours}, Basic realm=\"x\""),
            format!("Negotiate, Basic YWxhZGRpbg==, {ours}"),
            format!("Digest realm=\"a\", nonce=\"c\", qop=\"auth\", algorithm=MD5, {ours}"),
            format!(", ,{ours},"),
            ours.replace("realm=", "realm = "),
        ] {
            assert_eq!(
                Challenge::parse(&header).as_ref(),
                Some(&expected),
                "{header}"
            );
        }
    }

    #[test]
    fn two_answers_to_one_challenge_differ() {
        let challenge = Challenge {
            realm: "a".to_owned(),
            nonce: "b".to_owned(),
            opaque: None,
            is_stale: false,
        };
        let answer = || challenge.answer(&mufasa(), "GET", "/");
        assert_ne!(answer(), answer());
    }
}
