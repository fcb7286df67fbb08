//! The internet of the bench: every name and address that the tools ask, on the loopback interface of a namespace of its own.
//!
//! In front of the project's world, which answers, stand a name server and one TLS 1.3 server on port 443 of each host. They alone make
//! the delays, count connections and requests, and are the same for every tool.

use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use cadence::net::crypto;
use cadence::world::World;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, version};

use crate::names::{self, Behind, HOSTS};
use crate::requests;

const PATIENCE: Duration = Duration::from_secs(10);

/// How long everything takes on its way.
#[derive(Clone, Copy, Default)]
pub struct Delays {
    /// Before a connection's handshake.
    pub connection: Duration,
    /// Before the answer to a request.
    pub request: Duration,
    /// Before the answer of the name server.
    pub name: Duration,
}

/// What is set and counted while it runs.
#[derive(Default)]
struct Meter {
    connection: AtomicU64,
    request: AtomicU64,
    name: AtomicU64,
    connections: AtomicU64,
    requests: AtomicU64,
}

impl Meter {
    fn wait(delay: &AtomicU64) {
        thread::sleep(Duration::from_micros(delay.load(Ordering::SeqCst)));
    }
}

/// The servers, until the process ends.
pub struct Internet {
    pub world: Arc<World>,
    pub ca_pem: String,
    meter: Arc<Meter>,
}

impl Internet {
    /// Opens every server; the interface has the addresses already.
    pub fn open() -> Self {
        let world = Arc::new(World::start_apart().unwrap());
        let meter = Arc::<Meter>::default();
        let (ca_pem, tls) = certified();
        let counted = Arc::clone(&meter);
        names::serve(move || Meter::wait(&counted.name));
        for (_, address, behind) in HOSTS {
            let listener = TcpListener::bind((address, 443)).unwrap();
            let (world, meter, tls) = (Arc::clone(&world), Arc::clone(&meter), Arc::clone(&tls));
            thread::spawn(move || {
                for socket in listener.incoming().flatten() {
                    meter.connections.fetch_add(1, Ordering::SeqCst);
                    let (world, meter) = (Arc::clone(&world), Arc::clone(&meter));
                    let tls = Arc::clone(&tls);
                    // What a client says that is not content is told by how it ends.
                    thread::spawn(move || serve(socket, tls, behind, &world, &meter));
                }
            });
        }
        Self {
            world,
            ca_pem,
            meter,
        }
    }

    /// From now on everything takes this long.
    pub fn set_delays(&self, delays: Delays) {
        let set = |to: &AtomicU64, delay: Duration| {
            to.store(u64::try_from(delay.as_micros()).unwrap(), Ordering::SeqCst);
        };
        set(&self.meter.connection, delays.connection);
        set(&self.meter.request, delays.request);
        set(&self.meter.name, delays.name);
    }

    /// Connections and requests since the start.
    pub fn counts(&self) -> (u64, u64) {
        let count = |of: &AtomicU64| of.load(Ordering::SeqCst);
        (count(&self.meter.connections), count(&self.meter.requests))
    }
}

/// An authority, and TLS 1.3 with a certificate of it for every host.
fn certified() -> (String, Arc<ServerConfig>) {
    let mut root = CertificateParams::default();
    // Whoever has its issuer's name has signed itself.
    root.distinguished_name
        .push(DnType::CommonName, "the authority of the bench");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let names: Vec<String> = HOSTS.iter().map(|host| host.0.to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(names).unwrap();
    let chain = vec![leaf.signed_by(&key, &authority).unwrap().der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(crypto::provider())
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let symbols = BASE64_STANDARD.encode(authority.der());
    let lines = symbols.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let text = lines.collect::<Vec<_>>().join("\n");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    (pem, Arc::new(config))
}

/// One connection, from its handshake to its last word.
fn serve(
    socket: TcpStream,
    tls: Arc<ServerConfig>,
    behind: Behind,
    world: &World,
    meter: &Meter,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Meter::wait(&meter.connection);
    let session = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut client = StreamOwned::new(session, socket);
    let mut buffer = Vec::new();
    while let Some((head, body)) = requests::read(&mut client, &mut buffer)? {
        meter.requests.fetch_add(1, Ordering::SeqCst);
        let reply = requests::ask(world, behind, &head, &body)?;
        Meter::wait(&meter.request);
        client.write_all(&reply)?;
        client.flush()?;
        let head = head.to_ascii_lowercase();
        if head.contains(" http/1.0\r\n") || head.contains("\r\nconnection: close\r\n") {
            break;
        }
    }
    client.conn.send_close_notify();
    client.flush()?;
    client.sock.shutdown(Shutdown::Write)?;
    // Whoever closes with something unread resets the connection.
    io::copy(&mut client.sock, &mut io::sink())?;
    Ok(())
}
