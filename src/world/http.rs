//! As much of HTTP/1.1 (RFC 9112) as the world's clients speak, and the ways to speak it badly.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::gate::Gate;

/// A head longer than this is refused.
const MAX_HEAD: usize = 16 * 1024;
/// A request body longer than this is refused.
const MAX_BODY: usize = 64 * 1024;
/// Between two bytes of a reply that drips.
const DRIP: Duration = Duration::from_millis(200);

/// A request, read to its end.
pub struct Request {
    /// `GET`, `PATCH`, ..
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// The body, empty where there was none.
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The next request on a connection; none where the client has closed it. What was read beyond the request stays
    /// in `buffer`.
    ///
    /// # Errors
    ///
    /// Where the client is gone, silent for too long, or speaks something else.
    pub fn read(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<Self>> {
        let (mut request, head) = loop {
            if let Some(parsed) = Self::parse_head(buffer)? {
                break parsed;
            }
            if buffer.len() > MAX_HEAD {
                return Err(io::Error::from(io::ErrorKind::InvalidData));
            }
            if !fill(stream, buffer)? {
                return Ok(None);
            }
        };
        let length = match request.header("content-length") {
            None => 0,
            Some(length) => length.parse().map_err(|_| io::ErrorKind::InvalidData)?,
        };
        if length > MAX_BODY || request.header("transfer-encoding").is_some() {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        while buffer.len() < head + length {
            if !fill(stream, buffer)? {
                return Ok(None);
            }
        }
        request.body = buffer.drain(..head + length).skip(head).collect();
        Ok(Some(request))
    }

    fn parse_head(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut headers);
        let header = |it: &httparse::Header<'_>| {
            let value = String::from_utf8_lossy(it.value).into_owned();
            (it.name.to_ascii_lowercase(), value)
        };
        match parsed.parse(bytes) {
            Ok(httparse::Status::Partial) => Ok(None),
            Ok(httparse::Status::Complete(head)) => {
                let request = Self {
                    method: parsed.method.unwrap_or_default().to_owned(),
                    target: parsed.path.unwrap_or_default().to_owned(),
                    body: Vec::new(),
                    headers: parsed.headers.iter().map(header).collect(),
                };
                Ok(Some((request, head)))
            }
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// The target up to its question mark.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The first value of a query parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, v)| decode(v))
    }

    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim())
    }

    /// Whether the client asked for the connection to be closed after the reply.
    pub fn wants_close(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Reads some more; false at the end of the stream.
fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 4096];
    let length = stream.read(&mut chunk)?;
    buffer.extend_from_slice(chunk.get(..length).unwrap_or_default());
    Ok(length > 0)
}

/// Undoes percent-encoding (RFC 3986) and the plus signs of a form.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// How a reply goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Whole,
    /// The last two bytes of the announced body never come, and the connection closes.
    Truncated,
    /// One byte, head and all, every 200 ms.
    Drip,
    /// Nothing for that long, then the connection closes.
    Hang(Duration),
    /// The connection is reset without a word.
    Reset,
}

/// What becomes of the connection after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It may carry another request.
    KeepAlive,
    /// It ends in good order.
    Close,
    /// It ends as if the server had died.
    Drop,
    /// It ends with a TCP reset.
    Reset,
}

/// A reply to one request.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How it goes out.
    pub manner: Manner,
}

impl Reply {
    /// A whole reply with a body of that type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", content_type.to_owned())],
            body: body.into(),
            manner: Manner::Whole,
        }
    }

    /// A whole reply in JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A whole reply in plain text.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// The same reply, sent in another manner.
    pub fn sent(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// Sends it.
    ///
    /// # Errors
    ///
    /// Where the client is gone or does not read.
    pub fn send(&self, stream: &mut impl Write, gate: &Gate) -> io::Result<Next> {
        let mut bytes = self.bytes();
        match self.manner {
            Manner::Whole => {
                stream.write_all(&bytes)?;
                stream.flush()?;
                Ok(Next::KeepAlive)
            }
            Manner::Truncated => {
                bytes.truncate(bytes.len().saturating_sub(self.body.len().min(2)));
                stream.write_all(&bytes)?;
                stream.flush()?;
                Ok(Next::Drop)
            }
            Manner::Drip => {
                for byte in bytes.chunks(1) {
                    stream.write_all(byte)?;
                    stream.flush()?;
                    if !gate.wait(DRIP) {
                        return Ok(Next::Drop);
                    }
                }
                Ok(Next::Close)
            }
            Manner::Hang(duration) => {
                gate.wait(duration);
                Ok(Next::Drop)
            }
            Manner::Reset => Ok(Next::Reset),
        }
    }

    /// Head and body, as they would go out whole.
    pub fn bytes(&self) -> Vec<u8> {
        // The reason phrase may be empty (RFC 9112, section 4).
        let mut head = format!(
            "HTTP/1.1 {} \r\nContent-Length: {}\r\n",
            self.status,
            self.body.len()
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}
