//! The roots that the host trusts, read once, when a server's issuer is unknown to the built-in ones, and where they may count at all.
//!
//! By the bundle alone, which every distribution makes: a crate for that reads folders of hundreds of files as well (`SSL_CERT_DIR`), of any size and kind.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::file;
use crate::logic::trust::Trust;

/// The roots of a whole Linux distribution have a quarter of a MiB.
pub const MAX_CA_FILE: usize = 4 << 20;
/// Where distributions have it: Debian, Alpine, `OpenWrt` and NAS systems; Fedora and its kin; openSUSE; BSD and older Alpine.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The host's roots.
#[derive(Debug, Default)]
pub struct HostRoots {
    trust: Trust,
    /// The file that the environment names, as OpenSSL has it.
    named: Option<PathBuf>,
    read: OnceLock<Option<RootCertStore>>,
    used: AtomicBool,
}

impl HostRoots {
    /// Those of a file, or of where distributions have it.
    #[must_use]
    pub const fn new(trust: Trust, named: Option<PathBuf>) -> Self {
        Self {
            trust,
            named,
            read: OnceLock::new(),
            used: AtomicBool::new(false),
        }
    }

    /// The file that has them, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        let known = || {
            let mut known = BUNDLES.iter().map(Path::new);
            known.find(|it| it.is_file())
        };
        self.named.as_deref().or_else(known)
    }

    /// Where they are, once they vouched for a server.
    #[must_use]
    pub fn used(&self) -> Option<&Path> {
        self.path().filter(|_| self.used.load(Ordering::Relaxed))
    }

    /// Takes up that they vouched for a server.
    pub fn use_them(&self) {
        self.used.store(true, Ordering::Relaxed);
    }

    /// The roots, where they count at this time (seconds since 1970) and can be read. What is no certificate among them is passed over.
    pub fn at(&self, now: u64) -> Option<&RootCertStore> {
        if !self.trust.asks(now) {
            return None;
        }
        self.read.get_or_init(|| self.load(now)).as_ref()
    }

    fn load(&self, now: u64) -> Option<RootCertStore> {
        let path = self.path()?;
        let written = fs::metadata(path).and_then(|meta| meta.modified()).ok();
        let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        if !self.trust.takes(now, written.map(|it| it.as_secs())) {
            return None;
        }
        let pem = file::read(path, MAX_CA_FILE).ok()?.bytes;
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_slice_iter(&pem).flatten();
        roots.add_parsable_certificates(certificates);
        (!roots.is_empty()).then_some(roots)
    }
}
