//! A plain client of the world, and what is tested through it.

mod cloudflare;
mod modem;
mod plugs;
mod providers;
mod resolvers;
mod servers;

use std::io::{self, ErrorKind, Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use super::*;

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answered {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

pub fn connect(world: &World, url: &str) -> io::Result<Tls> {
    let authority = url
        .strip_prefix("https://")
        .or(url.strip_prefix("tls://"))
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let address: SocketAddr = authority.parse().unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(world.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let mut session =
        ClientConnection::new(Arc::new(config), ServerName::from(address.ip())).unwrap();
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    session.complete_io(&mut socket)?;
    Ok(StreamOwned::new(session, socket))
}

/// Asks on an open connection; reads the head and as much of a body as it announces.
fn ask(
    stream: &mut Tls,
    method: &str,
    url: &str,
    headers: &str,
    body: &str,
) -> io::Result<Answered> {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    };
    let head = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let announced = head
        .split("Content-Length: ")
        .nth(1)
        .unwrap()
        .split("\r\n")
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut body = vec![0; announced];
    stream.read_exact(&mut body)?;
    Ok(Answered {
        status: head[9..12].parse().unwrap(),
        head,
        body,
    })
}

pub fn get(world: &World, url: &str) -> io::Result<Answered> {
    ask(&mut connect(world, url)?, "GET", url, "", "")
}

/// Asks the API with a token.
pub fn api(world: &World, method: &str, path: &str, body: &Value) -> io::Result<Answered> {
    api_as(
        world,
        Some(&format!("Bearer {}", world.token())),
        method,
        path,
        body,
    )
}

pub fn api_as(
    world: &World,
    authorization: Option<&str>,
    method: &str,
    path: &str,
    body: &Value,
) -> io::Result<Answered> {
    let url = format!("{}{path}", world.api_url());
    let headers =
        authorization.map_or(String::new(), |value| format!("Authorization: {value}\r\n"));
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    ask(&mut connect(world, &url)?, method, &url, &headers, &body)
}
