//! Requests on their way from a tool to the world, and answers on theirs back.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use cadence::world::World;
use serde_json::Value;

use crate::names::Behind;

/// Whichever host is asked for this, the provider of that index tells it.
const TRACE: (&str, usize) = ("/cdn-cgi/trace", 1);
const PATIENCE: Duration = Duration::from_secs(10);

/// The next request's head and body; none where the client has closed.
pub fn read(client: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<(String, Vec<u8>)>> {
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
pub fn ask(world: &World, behind: Behind, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
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
