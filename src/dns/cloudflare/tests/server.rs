//! A server that says what it is told to say, and tells what it saw.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

/// What a server saw: the request line, the Authorization header, the body.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub line: String,
    pub authorization: String,
    pub body: String,
}

/// How the server treats one connection.
#[derive(Clone)]
pub enum Answer {
    /// Status and body.
    Says(u16, String),
    /// Closes it without a word.
    HangsUp,
}

/// A server that gives these answers, one a connection; its URL. What it saw comes through the channel.
pub fn start(script: Vec<Answer>) -> (String, mpsc::Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/client/v4", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for answer in script {
            let mut stream = listener.accept().unwrap().0;
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                match line.trim_end() {
                    "" => break,
                    line => lines.push(line.to_owned()),
                }
            }
            let header = |name: &str| {
                lines.iter().find_map(|line| {
                    let (key, value) = line.split_once(": ")?;
                    key.eq_ignore_ascii_case(name).then(|| value.to_owned())
                })
            };
            let length = header("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let seen = Seen {
                line: lines[0].clone(),
                authorization: header("authorization").unwrap_or_default(),
                body: String::from_utf8(body).unwrap(),
            };
            // Not every test looks at it.
            let _ = sender.send(seen);
            if let Answer::Says(status, body) = answer {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nRetry-After: 17\r\nConnection: close\r\n\r\n"
                );
                // A client that has read enough hangs up.
                let _ = stream.write_all((head + &body).as_bytes());
            }
        }
    });
    (url, receiver)
}
