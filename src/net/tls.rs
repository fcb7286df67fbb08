//! TLS: one set of trust roots and one way to shake hands, for HTTP and for probing.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
};
use socket2::Socket;

use super::host_roots::{HostRoots, MAX_CA_FILE};
use super::stream::TimedStream;
use super::{Deadline, bare, crypto};
use crate::error::plain;
use crate::file;

/// A verified TLS connection.
pub type TlsStream = StreamOwned<ClientConnection, TimedStream>;

/// TLS 1.2 and 1.3, trusting the built-in roots and the certificates of `ca_file` (PEM), and those of the host where they count.
///
/// # Errors
/// Names the file and what is wrong with it: missing, unreadable, without a certificate, or with one that cannot be read.
pub fn client_config(
    ca_file: Option<&Path>,
    host: &Arc<HostRoots>,
) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = ca_file {
        add_roots(&mut roots, path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let verifier = InItsTime {
        roots,
        host: Arc::clone(host),
        algorithms: crypto::provider().signature_verification_algorithms,
    };
    let mut config = ClientConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot set up TLS: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // One short process a cycle: there is nothing to resume.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The verification by the library, and in what it tells of a certificate that is not valid now: the dates alone are to blame only where it
/// would be accepted at another time. Otherwise a router's own page with an old certificate would pass for a wrong clock.
struct InItsTime {
    roots: RootCertStore,
    /// Asked where those do not know the issuer.
    host: Arc<HostRoots>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for InItsTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InItsTime")
    }
}

impl InItsTime {
    fn verify_by(
        &self,
        roots: &RootCertStore,
        (own, others): (&ParsedCertificate<'_>, &[CertificateDer<'_>]),
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let algorithms = self.algorithms.all;
        let verify = |at| {
            verify_server_cert_signed_by_trust_anchor(own, roots, others, at, algorithms)?;
            verify_server_name(own, name)
        };
        verify(now).map_err(|error| {
            let in_its_time = match &error {
                Error::InvalidCertificate(
                    CertificateError::ExpiredContext { not_after: at, .. }
                    | CertificateError::NotValidYetContext { not_before: at, .. },
                ) => verify(*at).err(),
                _ => None,
            };
            in_its_time.unwrap_or(error)
        })
    }
}

impl ServerCertVerifier for InItsTime {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let own = ParsedCertificate::try_from(own)?;
        let by = |roots| self.verify_by(roots, (&own, others), name, now);
        match by(&self.roots) {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                let unknown = || Error::from(CertificateError::UnknownIssuer);
                let host = self.host.at(now.as_secs()).ok_or_else(unknown)?;
                by(host)?;
                self.host.use_them();
            }
            verified => verified?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let pem = file::read(path, MAX_CA_FILE)
        .map_err(|error| plain(&error))?
        .bytes;
    if pem.len() > MAX_CA_FILE {
        return Err(format!(
            "it is over {} MiB: expected PEM certificates",
            MAX_CA_FILE >> 20
        ));
    }
    let before = roots.len();
    for (certificate, number) in CertificateDer::pem_slice_iter(&pem).zip(1..) {
        certificate
            .ok()
            .and_then(|certificate| roots.add(certificate).ok())
            .ok_or_else(|| {
                format!("certificate {number} is malformed: expected PEM certificates")
            })?;
    }
    if roots.len() == before {
        return Err(
            "no certificate in it: expected PEM certificates (\"BEGIN CERTIFICATE\")".to_owned(),
        );
    }
    Ok(())
}

/// Shakes hands over `socket` and verifies the certificate for `host`, a name or an IP address with or without brackets.
///
/// # Errors
/// As [`super::reason::of`] puts it: the host is no name, the certificate is not acceptable, the server speaks no TLS or is too slow.
pub fn handshake(
    config: &Arc<ClientConfig>,
    host: &str,
    socket: Socket,
    end: Deadline,
) -> io::Result<TlsStream> {
    let bare = bare(host);
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
        let text = format!("{bare} is not a host name");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })?;
    let connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, TimedStream::new(socket, end));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

#[cfg(test)]
mod tests;
