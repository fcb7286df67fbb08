//! Why a connection failed, in plain words.

use std::io;

use rustls::{CertificateError, Error as TlsError};

use crate::error::plain;

/// No route of this host leads there.
pub const NO_ROUTE: &str = "network is unreachable";

const EXPIRED: &str =
    "certificate has expired (if it should not have: is this host's clock right?)";
const NOT_YET: &str = "certificate is not valid yet: is this host's clock right?";
const OTHER_NAME: &str = "certificate is for another name: is a login page or a proxy in the way?";
const UNKNOWN_AUTHORITY: &str =
    "certificate is from an unknown authority: is a login page or a proxy in the way?";
const NO_TLS: &str = "server does not speak TLS";

const SET_CLOCK: &str = "set this host's clock, or wait for NTP";
const LOG_IN: &str = "log in where a browser on this network asks for it, or try again later";
const TRUST: &str = "log in where a browser on this network asks for it, set network.ca_file to your proxy's authority, update cadence, or see network.trust";

/// What to do about those that a server's own operator does not have to fix.
const FIXES: [(&str, &str); 5] = [
    (EXPIRED, SET_CLOCK),
    (NOT_YET, SET_CLOCK),
    (OTHER_NAME, LOG_IN),
    (UNKNOWN_AUTHORITY, TRUST),
    (NO_TLS, LOG_IN),
];

/// What to do about the first that such a line tells of, where it is one of them.
#[must_use]
pub fn fix(line: &str) -> Option<&'static str> {
    let told = FIXES
        .iter()
        .filter_map(|(why, fix)| Some((line.find(why)?, *fix)));
    told.min().map(|(_, fix)| fix)
}

/// What went wrong, in one line without a full stop: `connection refused`, `certificate has expired`.
#[must_use]
pub fn of(error: &io::Error) -> String {
    if let Some(tls) = tls(error) {
        return of_tls(tls).to_owned();
    }
    let known = match error.kind() {
        io::ErrorKind::TimedOut if error.get_ref().is_none() => "timed out",
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection reset",
        io::ErrorKind::HostUnreachable => "no route to host",
        io::ErrorKind::NetworkUnreachable => NO_ROUTE,
        io::ErrorKind::UnexpectedEof => "connection closed too early",
        _ => return plain(error),
    };
    known.to_owned()
}

/// The TLS error inside, where it is one.
#[must_use]
pub fn tls(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

/// What went wrong with TLS, in one line without a full stop.
#[must_use]
pub fn of_tls(error: &TlsError) -> &'static str {
    match error {
        TlsError::InvalidCertificate(certificate) => of_certificate(certificate),
        TlsError::NoCertificatesPresented => "server shows no certificate",
        TlsError::AlertReceived(_) => "server refused the TLS connection",
        TlsError::InvalidMessage(_) => NO_TLS,
        TlsError::PeerIncompatible(_) => "server offers no secure TLS 1.2 or 1.3",
        _ => "server violates the TLS protocol",
    }
}

fn of_certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => EXPIRED,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => NOT_YET,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            OTHER_NAME
        }
        CertificateError::UnknownIssuer => UNKNOWN_AUTHORITY,
        CertificateError::BadSignature => "certificate has a wrong signature",
        CertificateError::Revoked => "certificate has been revoked",
        _ => "certificate is not acceptable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_lose_their_number_and_their_capital() {
        for (number, text) in [
            (111, "connection refused"),
            (113, "no route to host"),
            (101, "network is unreachable"),
            (110, "timed out"),
            (104, "connection reset"),
            (19, "no such device"),
        ] {
            assert_eq!(of(&io::Error::from_raw_os_error(number)), text);
        }
    }

    #[test]
    fn a_text_of_our_own_stays_as_it_is() {
        let error = io::Error::new(
            io::ErrorKind::TimedOut,
            "could not resolve a.example: timed out",
        );
        assert_eq!(of(&error), "could not resolve a.example: timed out");
        assert_eq!(of(&io::Error::other("TLS it is")), "TLS it is");
    }

    #[test]
    fn of_what_stands_in_the_way_the_first_that_is_told_has_its_fix() {
        let line = format!("a: timed out; b: {UNKNOWN_AUTHORITY}; c: {NO_TLS}");
        assert_eq!(fix(&line), Some(TRUST));
        assert_eq!(fix("a: timed out; b: connection refused"), None);
    }

    #[test]
    fn certificate_errors_are_plain() {
        for (error, text) in [
            (
                CertificateError::Expired,
                "certificate has expired (if it should not have: is this host's clock right?)",
            ),
            (
                CertificateError::NotValidYet,
                "certificate is not valid yet: is this host's clock right?",
            ),
            (
                CertificateError::NotValidForName,
                "certificate is for another name: is a login page or a proxy in the way?",
            ),
            (
                CertificateError::UnknownIssuer,
                "certificate is from an unknown authority: is a login page or a proxy in the way?",
            ),
        ] {
            let error = io::Error::new(
                io::ErrorKind::InvalidData,
                TlsError::InvalidCertificate(error),
            );
            assert_eq!(of(&error), text);
        }
    }
}
