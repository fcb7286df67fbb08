//! Why a connection failed, in plain words.

use std::io;

use rustls::{CertificateError, Error as TlsError};

use crate::error::plain;

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
        io::ErrorKind::NetworkUnreachable => "network is unreachable",
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
        TlsError::InvalidMessage(_) => "server does not speak TLS",
        TlsError::PeerIncompatible(_) => "server offers no secure TLS 1.2 or 1.3",
        _ => "server violates the TLS protocol",
    }
}

fn of_certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate has expired (if it should not have: is this host's clock right?)"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate is not valid yet: is this host's clock right?"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificate is for another name: is a login page or a proxy in the way?"
        }
        CertificateError::UnknownIssuer => {
            "certificate is from an unknown authority: is a login page or a proxy in the way?"
        }
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
