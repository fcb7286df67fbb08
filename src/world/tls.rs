//! The world's certificate authority, and the good and bad certificates that its servers show.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use socket2::Socket;

use super::error::WorldError;
use super::gate::Gate;
use super::http::Next;
use super::server::{Site, Transport};
use crate::net::crypto;

/// What a server shows a client that connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// Valid for every address of the world.
    Good,
    /// Right in all but its dates, which are past.
    Expired,
    /// Right in all but its dates, which are to come.
    NotYetValid,
    /// Issued to somebody else.
    WrongName,
    /// Signed by an authority that nobody has heard of.
    UnknownAuthority,
}

/// A certificate authority, ECDSA on P-256, that lives as long as its world.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    addresses: Vec<String>,
    /// The root certificate, for the client's trust store (RFC 7468).
    pub pem: String,
}

impl Authority {
    /// Makes the key and the root certificate; `addresses` are those of the servers to come.
    ///
    /// # Errors
    ///
    /// Where the system gives no randomness.
    pub fn new(addresses: &[IpAddr]) -> Result<Self, WorldError> {
        let mut addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
        addresses.push("localhost".to_owned());
        let issuer = root("cadence demo authority")?;
        let symbols = BASE64_STANDARD.encode(issuer.der());
        let lines = symbols.as_bytes().chunks(64).map(String::from_utf8_lossy);
        let text = lines.collect::<Vec<_>>().join("\n");
        Ok(Self {
            issuer,
            addresses,
            pem: format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"),
        })
    }

    /// TLS that shows such a certificate.
    ///
    /// # Errors
    ///
    /// Where the system gives no randomness.
    pub fn tls(&self, certificate: Certificate) -> Result<Arc<Tls>, WorldError> {
        let stranger;
        let mut names = self.addresses.clone();
        let mut dates = None;
        let mut issuer = &self.issuer;
        match certificate {
            Certificate::Good => {}
            Certificate::Expired => dates = Some((2001, 2002)),
            Certificate::NotYetValid => dates = Some((3001, 3002)),
            Certificate::WrongName => names = vec!["elsewhere.example".to_owned()],
            Certificate::UnknownAuthority => {
                stranger = root("an authority unknown to all")?;
                issuer = &stranger;
            }
        }
        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name = common_name("cadence demo server");
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if let Some((first, last)) = dates {
            leaf.not_before = date_time_ymd(first, 1, 1);
            leaf.not_after = date_time_ymd(last, 1, 1);
        }
        let key = KeyPair::generate()?;
        let chain = vec![leaf.signed_by(&key, issuer)?.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(crypto::provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Arc::new(Tls(Arc::new(config))))
    }
}

/// TLS with one of the authority's certificates.
pub struct Tls(Arc<ServerConfig>);

impl Transport for Tls {
    fn is_tls(&self) -> bool {
        true
    }

    fn serve(&self, site: &Site, mut socket: &Socket, gate: &Gate) -> io::Result<Next> {
        let mut session = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        let next = site.converse(&mut rustls::Stream::new(&mut session, &mut socket), gate)?;
        if next == Next::Close {
            session.send_close_notify();
            session.write_tls(&mut socket)?;
        }
        Ok(next)
    }
}

fn root(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, WorldError> {
    let mut root = CertificateParams::default();
    root.distinguished_name = common_name(name);
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(CertifiedIssuer::self_signed(root, KeyPair::generate()?)?)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

#[cfg(test)]
mod tests {
    use super::Authority;

    #[test]
    fn the_root_certificate_has_lines_as_long_as_the_rfc_has_them() {
        let pem = Authority::new(&[]).unwrap().pem;
        let lengths: Vec<usize> = pem.lines().map(str::len).collect();
        let [27, full @ .., 1..=64, 25] = lengths.as_slice() else {
            panic!("{pem}")
        };
        assert!(full.iter().all(|length| *length == 64), "{pem}");
    }
}
