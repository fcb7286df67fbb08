//! The internet of the bench: every name and address that the tools ask, on the loopback interface of a namespace of its own.
//!
//! In front of the project's world, which answers, stand a name server and one TLS 1.3 server on port 443 of each host. They alone make
//! the delays, count connections and requests, and are the same for every tool.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
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
use serde_json::Value;

/// Who answers behind a host.
#[derive(Clone, Copy)]
enum Behind {
    Api,
    Provider(usize),
    Resolver(usize),
    Nobody,
}

/// The hosts: those that cadence asks unless it is told otherwise, among which is what the others need.
const HOSTS: [(&str, Ipv4Addr, Behind); 8] = [
    ("api.cloudflare.com", own(1), Behind::Api),
    ("api.ipify.org", own(2), Behind::Provider(0)),
    ("checkip.amazonaws.com", own(3), Behind::Provider(2)),
    ("ifconfig.me", own(4), Behind::Provider(3)),
    ("dns.google", own(5), Behind::Resolver(1)),
    ("1.1.1.1", Ipv4Addr::new(1, 1, 1, 1), Behind::Resolver(0)),
    ("8.8.8.8", Ipv4Addr::new(8, 8, 8, 8), Behind::Nobody),
    ("9.9.9.9", Ipv4Addr::new(9, 9, 9, 9), Behind::Nobody),
];
/// The router of this home.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 1);
/// Whichever host is asked for this, the provider of that index tells it.
const TRACE: (&str, usize) = ("/cdn-cgi/trace", 1);
const NAME_SERVER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 53);
const PATIENCE: Duration = Duration::from_secs(10);

/// An address that looks public.
const fn own(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(93, 184, 215, last)
}

/// Every address that the interface needs.
pub fn addresses() -> impl Iterator<Item = Ipv4Addr> {
    HOSTS.iter().map(|host| host.1).chain([ROUTER])
}

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
        let names = UdpSocket::bind(NAME_SERVER).unwrap();
        let counted = Arc::clone(&meter);
        thread::spawn(move || serve_names(&names, &counted));
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
    while let Some((head, body)) = read_request(&mut client, &mut buffer)? {
        meter.requests.fetch_add(1, Ordering::SeqCst);
        let reply = ask(world, behind, &head, &body)?;
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

/// The next request's head and body; none where the client has closed.
fn read_request(
    client: &mut impl Read,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut chunk = [0; 4096];
    loop {
        if let Some(at) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..at + 4]).into_owned();
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            let mut lengths = lines.filter(|it| it.0.eq_ignore_ascii_case("content-length"));
            let length = lengths.next().map_or(Ok(0), |it| it.1.trim().parse());
            let end = at + 4 + length.map_err(io::Error::other)?;
            if buffer.len() >= end {
                let body = buffer.drain(..end).skip(at + 4).collect();
                return Ok(Some((head, body)));
            }
        }
        match client.read(&mut chunk)? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}

/// What the world answers, asked by a connection of its own.
fn ask(world: &World, behind: Behind, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let (line, fields) = head.split_once("\r\n").unwrap_or_default();
    let target = line.split(' ').nth(1).unwrap_or_default();
    let url = match behind {
        _ if target.starts_with(TRACE.0) => world.ip_provider_urls()[TRACE.1].clone(),
        Behind::Api => world.api_url(),
        Behind::Provider(index) => world.ip_provider_urls()[index].clone(),
        Behind::Resolver(index) => world.doh_urls()[index].clone(),
        Behind::Nobody => return Ok(b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n".to_vec()),
    };
    let address = url.split('/').nth(2).and_then(|host| host.parse().ok());
    let address: SocketAddr = address.ok_or_else(|| io::Error::other("no address"))?;
    let mut upstream = world.connector().connect(address, PATIENCE)?;
    let line = line.replace(" HTTP/1.0", " HTTP/1.1");
    let kept = fields.split_inclusive("\r\n");
    let kept = kept.filter(|field| !field.to_ascii_lowercase().starts_with("connection:"));
    let fields: String = kept.collect();
    write!(upstream, "{line}\r\nConnection: close\r\n{fields}")?;
    upstream.write_all(body)?;
    let mut reply = Vec::new();
    upstream.read_to_end(&mut reply)?;
    if let Behind::Api = behind {
        in_order(&mut reply);
    }
    Ok(reply)
}

/// Writes a JSON body as Cloudflare does: the result first, and of each object its id. Some tools take the first id that they find.
fn in_order(reply: &mut Vec<u8>) {
    let body = reply.windows(4).position(|it| it == b"\r\n\r\n");
    let body = body.map_or(reply.len(), |at| at + 4);
    if let Ok(value) = serde_json::from_slice(&reply[body..]) {
        reply.truncate(body);
        write_in_order(&value, reply);
    }
}

fn write_in_order(value: &Value, to: &mut Vec<u8>) {
    let mut separator = "";
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|it| it.0 != "id" && it.0 != "result");
            to.push(b'{');
            for (key, field) in fields {
                to.extend(format!("{separator}{}:", Value::from(key.as_str())).bytes());
                write_in_order(field, to);
                separator = ",";
            }
            to.push(b'}');
        }
        Value::Array(items) => {
            to.push(b'[');
            for item in items {
                to.extend(separator.bytes());
                write_in_order(item, to);
                separator = ",";
            }
            to.push(b']');
        }
        simple => to.extend(simple.to_string().bytes()),
    }
}

fn serve_names(socket: &UdpSocket, meter: &Arc<Meter>) {
    let mut query = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut query) {
        let Some(reply) = resolve(&query[..length]) else {
            continue;
        };
        let (socket, meter) = (socket.try_clone().unwrap(), Arc::clone(meter));
        thread::spawn(move || {
            Meter::wait(&meter.name);
            socket.send_to(&reply, client)
        });
    }
}

/// The answer to one question (RFC 1035, section 4): an A record of a host, nothing of other types, no such name otherwise.
fn resolve(query: &[u8]) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    while let length @ 1.. = usize::from(*query.get(at)?) {
        labels.push(String::from_utf8_lossy(query.get(at + 1..at + 1 + length)?).to_lowercase());
        at += 1 + length;
    }
    let asks_a = query.get(at + 1..at + 3)? == [0, 1];
    let host = HOSTS.iter().find(|host| host.0 == labels.join("."));
    let mut reply = query.get(..at + 5)?.to_vec();
    // An answer, recursion available; 3: no such name.
    reply[2] = 0x81;
    reply[3] = if host.is_some() { 0x80 } else { 0x83 };
    reply[6..12].copy_from_slice(&[0, u8::from(asks_a && host.is_some()), 0, 0, 0, 0]);
    if let Some((_, address, _)) = host.filter(|_| asks_a) {
        // Of the name in the question, type A, class IN, for 300 s, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
        reply.extend(address.octets());
    }
    Some(reply)
}
