//! Host names in the one form in which they are compared: ASCII (punycode), lower case, no dot at the end.

use std::borrow::Cow;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// Turns a record's or a zone's name into its ASCII form: international letters become punycode (UTS #46, RFC 5890).
///
/// A `*` as the first label (RFC 4592), underscores (RFC 8552) and a dot at the end are accepted.
///
/// # Errors
/// Says what is allowed; the caller says what was found and where.
pub fn to_ascii(name: &str) -> Result<String, String> {
    let (wildcard, host) = match name.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", name),
    };
    let ascii = if is_plain(host) {
        Cow::Borrowed(host)
    } else {
        // `EMPTY` refuses no ASCII by itself: which ASCII is allowed is said below, so that the error can name it.
        Uts46::new()
            .to_ascii(
                host.as_bytes(),
                AsciiDenyList::EMPTY,
                Hyphens::CheckFirstLast,
                DnsLength::Ignore,
            )
            .map_err(|_| HYPHENS)?
    };
    let host = ascii.strip_suffix('.').unwrap_or(&ascii);
    check(wildcard, host)?;
    // Not by `concat`, which takes three times as long.
    let mut full = String::with_capacity(wildcard.len() + host.len());
    full.push_str(wildcard);
    full.push_str(host);
    Ok(full)
}

/// Whether all of it is mapped to itself. What is punycode has two hyphens in a row.
fn is_plain(host: &str) -> bool {
    let mut before = b'.';
    host.bytes().all(|byte| {
        let is_first = std::mem::replace(&mut before, byte) != b'-';
        matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_') || byte == b'-' && is_first
    })
}

const HYPHENS: &str =
    "a host name of letters, digits, `-`, `_` and dots, where no label starts or ends with `-`";

/// `host` is the name without its `wildcard` label. Lengths as in RFC 1035 section 2.3.4.
fn check(wildcard: &str, host: &str) -> Result<(), &'static str> {
    if wildcard.len() + host.len() > 253 {
        return Err("a host name of at most 253 characters in its ASCII form");
    }
    if wildcard.is_empty() && host.bytes().all(|byte| byte != b'.') {
        return Err("a full host name such as \"vpn.example.com\"");
    }
    // Bytes of the label so far, and whether they are all digits. In one go, as there may be a thousand names.
    let (mut length, mut is_number, mut last) = (0, true, b'.');
    for byte in host.bytes().chain([b'.']) {
        match byte {
            b'.' if length == 0 => return Err("a host name without empty labels"),
            b'.' if length > 63 => {
                return Err(
                    "a host name whose labels have at most 63 characters each in their ASCII form",
                );
            }
            b'-' if length == 0 => return Err(HYPHENS),
            b'.' if last == b'-' => return Err(HYPHENS),
            b'.' => length = 0,
            _ if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' => {
                is_number = (is_number || length == 0) && byte.is_ascii_digit();
                length += 1;
            }
            _ => {
                return Err(
                    "a host name of letters, digits, `-`, `_` and dots, with `*` only as the whole first label",
                );
            }
        }
        last = byte;
    }
    if is_number {
        return Err("a host name, not an address");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_lower_case_ascii_without_a_dot_at_the_end() {
        for (name, ascii) in [
            ("vpn.example.com", "vpn.example.com"),
            ("VPN.Example.COM.", "vpn.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example。", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("straße.de", "xn--strae-oqa.de"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("💩.la", "xn--ls8h.la"),
            ("*.example.com", "*.example.com"),
            ("*.bücher.example", "*.xn--bcher-kva.example"),
            ("_acme-challenge.example.com", "_acme-challenge.example.com"),
            (
                "r3---sn-4g5e6nez.example.com",
                "r3---sn-4g5e6nez.example.com",
            ),
            ("1.example.com", "1.example.com"),
        ] {
            assert_eq!(to_ascii(name).as_deref(), Ok(ascii), "{name}");
        }
    }

    #[test]
    fn what_is_no_full_host_name_is_refused_with_what_is_allowed() {
        for (name, allowed) in [
            ("", "such as"),
            (".", "such as"),
            ("localhost", "such as"),
            ("*", "such as"),
            ("*.", "without empty labels"),
            ("vpn..example.com", "without empty labels"),
            (".example.com", "without empty labels"),
            ("example.com..", "without empty labels"),
            ("vpn.*.example.com", "first label"),
            ("*vpn.example.com", "first label"),
            ("*.*.example.com", "first label"),
            ("vpn example.com", "letters, digits"),
            ("http://example.com", "letters, digits"),
            ("example.com:443", "letters, digits"),
            ("-vpn.example.com", "starts or ends with"),
            ("vpn-.example.com", "starts or ends with"),
            ("xn--a.example.com", "letters, digits"),
            ("a\u{200d}b.example.com", "letters, digits"),
            ("a\nb.example.com", "letters, digits"),
            ("11.22.33.44", "not an address"),
            ("vpn.example.5", "not an address"),
        ] {
            let error = to_ascii(name).unwrap_err();
            assert!(error.contains(allowed), "{name:?}: {error}");
        }
    }

    #[test]
    fn labels_of_63_and_names_of_253_characters_are_the_longest() {
        let label = |length| "a".repeat(length);
        assert!(to_ascii(&format!("{}.com", label(63))).is_ok());
        assert!(
            to_ascii(&format!("{}.com", label(64)))
                .unwrap_err()
                .contains("63")
        );
        let three = format!("{0}.{0}.{0}", label(63));
        assert!(to_ascii(&format!("{three}.{}", label(61))).is_ok());
        assert!(to_ascii(&format!("{three}.{}.", label(61))).is_ok());
        assert!(
            to_ascii(&format!("{three}.{}", label(62)))
                .unwrap_err()
                .contains("253")
        );
        assert!(
            to_ascii(&format!("*.{three}.{}", label(60)))
                .unwrap_err()
                .contains("253")
        );
        assert!(
            to_ascii(&format!("{}.com", "ü".repeat(63)))
                .unwrap_err()
                .contains("63")
        );
    }

    proptest! {
        #[test]
        fn an_accepted_name_stays_as_it_is(name in r"(\*\.)?\PC{0,12}\.\PC{1,6}\.?") {
            if let Ok(ascii) = to_ascii(&name) {
                prop_assert!(ascii.is_ascii());
                prop_assert_eq!(to_ascii(&ascii), Ok(ascii));
            }
        }
    }
}
