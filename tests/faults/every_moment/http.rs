//! HTTP spoken badly, by every server that speaks it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use cadence::world::{Kind, Tamper};

use super::matrix::Fault;
use super::stage::Moment;

/// What a bomb becomes.
const BOMB: usize = 10_000_000;
/// Longer than any request may take.
const TOO_LONG: Duration = Duration::from_millis(8_500);

/// Sends something else in place of an honest reply; whether the connection goes on.
type Spoil = fn(&Reply<'_>, &mut dyn Write) -> io::Result<bool>;

/// An honest reply.
struct Reply<'a> {
    bytes: &'a [u8],
    /// After the status line.
    head: &'a str,
    body: &'a [u8],
}

impl<'a> Reply<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        let (head, body) = bytes.split_at(end);
        let head = std::str::from_utf8(head).unwrap();
        Self {
            bytes,
            head: head.split_once("\r\n").unwrap().1,
            body,
        }
    }

    /// The body under another head, which ends here.
    fn under(&self, head: &str, out: &mut dyn Write) -> io::Result<bool> {
        with(head, self.body, out)
    }
}

fn with(head: &str, body: &[u8], out: &mut dyn Write) -> io::Result<bool> {
    out.write_all(&[head.as_bytes(), b"\r\n\r\n", body].concat())?;
    Ok(false)
}

/// Another body, announced as it should be.
fn saying(headers: &str, body: &[u8], out: &mut dyn Write) -> io::Result<bool> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}{headers}",
        body.len()
    );
    with(&head, body, out)
}

pub fn faults() -> Vec<Fault> {
    let quick = lengths().into_iter().chain(bodies()).chain(heads());
    let quick = quick.map(|(name, spoil)| spoilt(name, spoil));
    let slow = slow().into_iter();
    let slow = slow.map(|(name, spoil)| spoilt(name, spoil).slow());
    quick.chain(slow).collect()
}

/// Where an answer ends.
fn lengths() -> [(&'static str, Spoil); 13] {
    [
        ("no answer", |_, _| Ok(false)),
        ("half a head", |reply, out| {
            out.write_all(&reply.bytes[..30])?;
            Ok(false)
        }),
        ("half a body", |reply, out| {
            out.write_all(&reply.bytes[..reply.bytes.len() - 2])?;
            Ok(false)
        }),
        ("no length, whole body", |reply, out| {
            reply.under("HTTP/1.1 200 OK", out)
        }),
        ("no length, half a body", |reply, out| {
            let half = &reply.body[..reply.body.len() - 2];
            with("HTTP/1.1 200 OK", half, out)
        }),
        ("chunks for ever", |_, out| {
            out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for_ever(out, b"400\r\n", b'1', b"\r\n")
        }),
        ("body for ever", |_, out| {
            out.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            for_ever(out, b"", b' ', b"")
        }),
        ("chunk of 2^64 bytes", |reply, out| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000";
            reply.under(head, out)
        }),
        ("chunk of no number", |reply, out| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1";
            reply.under(head, out)
        }),
        ("head for ever", |_, out| {
            out.write_all(b"HTTP/1.1 200 OK\r\n")?;
            for_ever(out, b"X-Fill: ", b'x', b"\r\n")
        }),
        ("10,000 headers", |reply, out| {
            let head = format!("HTTP/1.1 200 OK{}", "\r\nA: b".repeat(10_000));
            reply.under(&head, out)
        }),
        ("200 headers", |reply, out| {
            let head = format!("HTTP/1.1 200 OK{}", "\r\nA: b".repeat(200));
            reply.under(&head, out)
        }),
        ("header of 1 MB", |reply, out| {
            let head = format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(1_000_000));
            reply.under(&head, out)
        }),
    ]
}

/// What is in it.
fn bodies() -> [(&'static str, Spoil); 13] {
    [
        ("gzip bomb", |_, out| {
            saying("\r\nContent-Encoding: gzip", &GZIP, out)
        }),
        ("deflate bomb", |_, out| {
            let deflate = &GZIP[10..GZIP.len() - 8];
            saying("\r\nContent-Encoding: deflate", deflate, out)
        }),
        ("says br", |reply, out| {
            saying("\r\nContent-Encoding: br", reply.body, out)
        }),
        ("says an unknown encoding", |reply, out| {
            saying("\r\nContent-Encoding: x-rot13", reply.body, out)
        }),
        ("body of 10 MB", |_, out| saying("", &vec![b' '; BOMB], out)),
        ("body of 1 MB of brackets", |_, out| {
            saying("", &b"[".repeat(1_000_000), out)
        }),
        ("body of 350,000 lists", |_, out| {
            let body = format!("[{}[]]", "[],".repeat(340_000));
            saying("", body.as_bytes(), out)
        }),
        ("body of 150,000 objects", |_, out| {
            let body = format!("[{}{{}}]", "{\"\":0},".repeat(130_000));
            saying("", body.as_bytes(), out)
        }),
        ("type text/html", |reply, out| {
            saying("\r\nContent-Type: text/html", reply.body, out)
        }),
        ("UTF-16", |reply, out| {
            let text = String::from_utf8_lossy(reply.body).into_owned();
            let body: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            saying("", &[b"\xff\xfe", &body[..]].concat(), out)
        }),
        ("Latin-1", |reply, out| {
            saying("", &[reply.body, b"\xe9"].concat(), out)
        }),
        ("byte order mark", |reply, out| {
            saying("", &[b"\xef\xbb\xbf", reply.body].concat(), out)
        }),
        ("NUL at the end", |reply, out| {
            saying("", &[reply.body, b"\0"].concat(), out)
        }),
    ]
}

/// How it begins.
fn heads() -> [(&'static str, Spoil); 16] {
    [
        ("status line without number", |reply, out| {
            reply.under("HTTP/1.1 OK", out)
        }),
        ("status 99999", |reply, out| {
            reply.under("HTTP/1.1 99999 OK", out)
        }),
        ("status 0", |reply, out| reply.under("HTTP/1.1 000 OK", out)),
        ("HTTP/9.9", |reply, out| reply.under("HTTP/9.9 200 OK", out)),
        ("HTTP/0.9", |reply, out| {
            out.write_all(reply.body)?;
            Ok(false)
        }),
        ("103, then the reply", |reply, out| {
            out.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")?;
            out.write_all(reply.bytes)?;
            Ok(true)
        }),
        ("two lengths that differ", |reply, out| {
            let length = reply.body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Length: {}",
                length - 2
            );
            reply.under(&head, out)
        }),
        ("length and chunks", |reply, out| {
            let length = reply.body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}"
            );
            out.write_all(&[head.as_bytes(), b"\r\n", reply.body, b"\r\n0\r\n\r\n"].concat())?;
            Ok(false)
        }),
        ("length -1", |reply, out| {
            reply.under("HTTP/1.1 200 OK\r\nContent-Length: -1", out)
        }),
        ("length 2^70", |reply, out| {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 1180591620717411303424";
            reply.under(head, out)
        }),
        ("length 2^62", |reply, out| {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 4611686018427387904";
            reply.under(head, out)
        }),
        ("204 with a body", |reply, out| {
            let length = reply.body.len();
            let head = format!("HTTP/1.1 204 No Content\r\nContent-Length: {length}");
            reply.under(&head, out)
        }),
        ("redirect to itself", |_, out| {
            with(
                "HTTP/1.1 301 \r\nLocation: /\r\nContent-Length: 0",
                b"",
                out,
            )
        }),
        ("redirect to http", |_, out| {
            let head = "HTTP/1.1 307 \r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0";
            with(head, b"", out)
        }),
        ("a second reply at once", |reply, out| {
            out.write_all(&[reply.bytes, LIE.as_bytes()].concat())?;
            Ok(true)
        }),
        ("headers of control letters", |reply, out| {
            let head = format!(
                "HTTP/1.1 200 OK\r\nA: \x07\x1b[31m\r\n{}",
                reply.head.trim_end()
            );
            reply.under(&head, out)
        }),
    ]
}

/// What takes its time.
fn slow() -> [(&'static str, Spoil); 4] {
    [
        ("100 for ever", |_, out| {
            loop {
                out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
                out.flush()?;
                thread::sleep(Duration::from_millis(1));
            }
        }),
        ("says nothing", |_, _| {
            thread::sleep(TOO_LONG);
            Ok(false)
        }),
        ("drips a head", |reply, out| drip(reply.bytes, out)),
        ("drips a body", |reply, out| {
            let head = reply.bytes.len() - reply.body.len();
            out.write_all(&reply.bytes[..head])?;
            out.flush()?;
            drip(&reply.body.repeat(40), out)
        }),
    ]
}

/// A reply to the request that comes next, which is none.
const LIE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 88\r\n\r\n\
                   {\"success\":true,\"result\":{\"content\":\"93.184.216.35\"},\"errors\":[],\"result_info\":{\"a\":12345}}";

/// Every server of that moment answers like this; where there are several, all of them. A plug does so from the off on: before,
/// nothing would be switched.
fn spoilt(name: &'static str, spoil: Spoil) -> Fault {
    Fault::new(name, move |stage, moment| {
        let is_off = AtomicBool::new(false);
        let tamper: Tamper = Arc::new(move |line, bytes, out| {
            is_off.fetch_or(
                line.contains("turn=off") || line.ends_with("/off"),
                Ordering::SeqCst,
            );
            let is_early = match moment {
                Moment::Write => line.starts_with("GET"),
                Moment::Plug | Moment::TwoUrls => !is_off.load(Ordering::SeqCst),
                _ => false,
            };
            if is_early {
                out.write_all(bytes)?;
                return Ok(true);
            }
            spoil(&Reply::of(bytes), out)
        });
        if stage.has_others() {
            stage.tamper_api(tamper);
            return matches!(moment, Moment::Read | Moment::Write | Moment::All);
        }
        if let Some(model) = moment.plug() {
            let plugs = stage.home.world.plugs();
            plugs.tamper(model, Some(tamper));
            stage.lift_by(move |home| home.world.plugs().tamper(model, None));
            return true;
        }
        for (kind, index) in speaking(moment) {
            stage
                .home
                .world
                .tamper(kind, index, Some(Arc::clone(&tamper)));
            stage.lift_by(move |home| home.world.tamper(kind, index, None));
        }
        speaking(moment).next().is_some()
    })
}

/// The servers of a moment that speak HTTP.
fn speaking(moment: Moment) -> impl Iterator<Item = (Kind, usize)> {
    let http = moment
        .servers()
        .iter()
        .filter(|(kind, _)| *kind != Kind::Wan);
    http.flat_map(|(kind, count)| (0..*count).map(|index| (*kind, index)))
}

/// Until the client has enough.
fn for_ever(out: &mut dyn Write, before: &[u8], fill: u8, after: &[u8]) -> io::Result<bool> {
    let piece = [before, &[fill; 1024], after].concat();
    loop {
        out.write_all(&piece)?;
    }
}

fn drip(bytes: &[u8], out: &mut dyn Write) -> io::Result<bool> {
    for byte in bytes.chunks(1) {
        out.write_all(byte)?;
        out.flush()?;
        thread::sleep(Duration::from_millis(200));
    }
    Ok(false)
}

/// Ten million zeros in one block of fixed Huffman codes (RFC 1951), as a gzip file (RFC 1952). Its checksum is wrong: whoever
/// comes to look at that has all of it in memory already.
static GZIP: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bits: Vec<bool> = vec![];
    let mut code = |value: u32, length: u32| {
        bits.extend((0..length).rev().map(|bit| value >> bit & 1 == 1));
    };
    // The last block, of this kind; one zero; then copies of the 258 bytes before, one byte back; the end.
    code(0b110, 3);
    code(0b0011_0000, 8);
    for _ in 0..BOMB / 258 {
        code(0b1100_0101, 8);
        code(0, 5);
    }
    code(0, 7);
    let mut file = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    file.extend(bits.chunks(8).map(|byte| {
        let bits = byte.iter().enumerate();
        bits.fold(0_u8, |byte, (place, bit)| byte | u8::from(*bit) << place)
    }));
    file.extend([0; 8]);
    file
});
