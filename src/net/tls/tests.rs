//! Certificates that must not pass, on loopback. The certificates come from the demonstration's generator.
#![cfg(feature = "demo")]

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::time_provider::TimeProvider;

use super::*;
use crate::logic::trust::{self, Trust};
use crate::net::reason;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A TLS server for one connection, with a certificate for `name` that is changed by `change`.
fn server(
    authority: &Authority,
    name: &str,
    change: impl FnOnce(&mut CertificateParams),
) -> SocketAddr {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut tcp = listener.accept().unwrap().0;
        let mut connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let _ = connection.complete_io(&mut tcp);
    });
    address
}

/// PEM (RFC 7468); the certificate generator is built without it.
fn pem(der: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

fn trusting(authority: &Authority) -> Arc<ClientConfig> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem(authority.der()).as_bytes()).unwrap();
    client_config(Some(file.path()), &Arc::default()).unwrap()
}

fn outcome(config: &Arc<ClientConfig>, host: &str, address: SocketAddr) -> Result<(), String> {
    let tcp = TcpStream::connect(address).unwrap();
    let end = Deadline::after(Duration::from_secs(10));
    handshake(config, host, tcp.into(), end)
        .map(drop)
        .map_err(|error| reason::of(&error))
}

#[test]
fn a_certificate_for_the_name_or_the_address_passes() {
    let authority = authority();
    let config = trusting(&authority);
    assert_eq!(
        outcome(
            &config,
            "home.example",
            server(&authority, "home.example", |_| {})
        ),
        Ok(())
    );
    assert_eq!(
        outcome(
            &config,
            "127.0.0.1",
            server(&authority, "127.0.0.1", |_| {})
        ),
        Ok(())
    );
    assert_eq!(
        outcome(&config, "[::1]", server(&authority, "::1", |_| {})),
        Ok(())
    );
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_plainly() {
    let authority = authority();
    let config = trusting(&authority);
    let expired = server(&authority, "127.0.0.1", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    });
    let error = outcome(&config, "127.0.0.1", expired).unwrap_err();
    assert!(error.starts_with("certificate has expired"), "{error}");
    let early = server(&authority, "127.0.0.1", |params| {
        params.not_before = date_time_ymd(2999, 1, 1);
    });
    let error = outcome(&config, "127.0.0.1", early).unwrap_err();
    assert_eq!(
        error,
        "certificate is not valid yet: is this host's clock right?"
    );
    let other = server(&authority, "other.example", |_| {});
    assert_eq!(
        outcome(&config, "127.0.0.1", other),
        Err("certificate is for another name: is a login page or a proxy in the way?".to_owned())
    );
    let stranger = server(&authority, "127.0.0.1", |_| {});
    let error = outcome(
        &client_config(None, &Arc::default()).unwrap(),
        "127.0.0.1",
        stranger,
    )
    .unwrap_err();
    assert_eq!(
        error,
        "certificate is from an unknown authority: is a login page or a proxy in the way?"
    );
    // That they are old as well, as on a router's own page, says nothing of this host's clock.
    let of_2020 = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    };
    let other = server(&authority, "other.example", of_2020);
    let error = outcome(&config, "127.0.0.1", other).unwrap_err();
    assert!(
        error.starts_with("certificate is for another name"),
        "{error}"
    );
    let stranger = server(&authority, "127.0.0.1", of_2020);
    let error = outcome(
        &client_config(None, &Arc::default()).unwrap(),
        "127.0.0.1",
        stranger,
    )
    .unwrap_err();
    assert!(
        error.starts_with("certificate is from an unknown authority"),
        "{error}"
    );
}

#[test]
fn a_handshake_that_drips_ends_in_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    thread::spawn(move || {
        let mut tcp = listener.accept().unwrap().0;
        // The start of a long handshake record, one byte at a time.
        for byte in [0x16, 3, 3, 0x40, 0]
            .into_iter()
            .chain(std::iter::repeat(0))
        {
            if tcp.write_all(&[byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
    });
    let started = Instant::now();
    let end = Deadline::after(Duration::from_millis(100));
    let error = handshake(
        &client_config(None, &Arc::default()).unwrap(),
        "127.0.0.1",
        tcp.into(),
        end,
    )
    .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_file_of_roots_that_cannot_be_used_is_named_with_its_fault() {
    let error = client_config(Some(Path::new("/nonexistent/ca.pem")), &Arc::default()).unwrap_err();
    assert_eq!(error, "/nonexistent/ca.pem: no such file or directory");
    for (pem, fault) in [
        ("", "no certificate in it"),
        ("not PEM at all", "no certificate in it"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "certificate 1 is malformed",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
            "certificate 1 is malformed",
        ),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(pem.as_bytes()).unwrap();
        let error = client_config(Some(file.path()), &Arc::default()).unwrap_err();
        assert!(
            error.starts_with(&format!("{}: {fault}", file.path().display())),
            "{error}"
        );
    }
}

#[test]
fn a_host_that_is_no_name_is_refused() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let error = outcome(
        &client_config(None, &Arc::default()).unwrap(),
        "no name",
        listener.local_addr().unwrap(),
    );
    assert_eq!(error, Err("no name is not a host name".to_owned()));
}

/// Two years and a day, and more.
const LONG: u64 = trust::ROOTS_AT + trust::OLD + 24 * 60 * 60;

#[derive(Debug)]
struct At(u64);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// What comes of a server whose authority is in the host's file alone, by a clock that shows `now` and with a file that was `written` then;
/// and whether the host's roots vouched for it.
fn by_the_host(trust: Trust, now: u64, written: u64, content: &[u8]) -> (Result<(), String>, bool) {
    let authority = authority();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file.write_all(pem(authority.der()).as_bytes()).unwrap();
    let at = std::time::UNIX_EPOCH + Duration::from_secs(written);
    file.as_file().set_modified(at).unwrap();
    let host = Arc::new(HostRoots::new(trust, Some(file.path().to_owned())));
    let mut config = ClientConfig::clone(&client_config(None, &host).unwrap());
    config.time_provider = Arc::new(At(now));
    let server = server(&authority, "127.0.0.1", |_| {});
    let outcome = outcome(&Arc::new(config), "127.0.0.1", server);
    (outcome, host.used().is_some())
}

#[test]
fn the_hosts_roots_vouch_where_they_are_asked_for_or_the_built_in_ones_are_old() {
    const UNKNOWN: &str =
        "certificate is from an unknown authority: is a login page or a proxy in the way?";
    let fresh = trust::ROOTS_AT;
    for (trust, now, written, vouch) in [
        (Trust::Builtin, LONG, LONG, false),
        (Trust::Auto, fresh, fresh, false),
        (Trust::Auto, trust::ROOTS_AT + trust::OLD, fresh, false),
        (Trust::Auto, LONG, fresh, false),
        (Trust::Auto, LONG, LONG, true),
        (Trust::Auto, fresh, LONG, false),
        (Trust::System, fresh, 0, true),
    ] {
        let expected = (
            if vouch {
                Ok(())
            } else {
                Err(UNKNOWN.to_owned())
            },
            vouch,
        );
        let case = format!("{trust:?} {now} {written}");
        assert_eq!(by_the_host(trust, now, written, b""), expected, "{case}");
    }
}

#[test]
fn what_is_no_certificate_among_the_hosts_roots_is_passed_over() {
    let broken =
        b"# made by hand\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\xff\n";
    let found = by_the_host(Trust::System, trust::ROOTS_AT, 0, broken);
    assert_eq!(found, (Ok(()), true));
    let huge = vec![b'\n'; MAX_CA_FILE + 1];
    let (outcome, vouched) = by_the_host(Trust::System, trust::ROOTS_AT, 0, &huge);
    assert!(
        outcome.is_err() && !vouched,
        "what is beyond the limit is not read"
    );
}

#[test]
fn the_hosts_roots_excuse_nothing_else() {
    let authority = authority();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem(authority.der()).as_bytes()).unwrap();
    let host = Arc::new(HostRoots::new(Trust::System, Some(file.path().to_owned())));
    let config = client_config(None, &host).unwrap();
    let expired = server(&authority, "127.0.0.1", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    });
    let error = outcome(&config, "127.0.0.1", expired).unwrap_err();
    assert!(error.starts_with("certificate has expired"), "{error}");
    let other = server(&authority, "other.example", |_| {});
    let error = outcome(&config, "127.0.0.1", other).unwrap_err();
    assert!(
        error.starts_with("certificate is for another name"),
        "{error}"
    );
    assert_eq!(host.used(), None);
}
