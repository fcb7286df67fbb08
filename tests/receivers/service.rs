//! A service that is told, on loopback: it keeps what it gets, and answers as it is told to.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What it answers.
#[derive(Clone)]
pub enum Reply {
    /// These bytes, after so long.
    Bytes(Vec<u8>, Duration),
    /// Nothing, for as long as anybody waits.
    Hang,
    /// It closes the connection once it has the request.
    Close,
    /// A body without end.
    Flood,
    /// An answer of which a byte comes now and then, without end.
    Drip,
}

impl Reply {
    pub fn status(code: u16) -> Self {
        Self::new(code, "")
    }

    pub fn new(code: u16, body: &str) -> Self {
        Self::with(code, "", body)
    }

    pub fn with(code: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!("HTTP/1.1 {code} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        Self::Bytes(text.into_bytes(), Duration::ZERO)
    }

    /// Whether it says that the request was taken.
    fn takes(&self) -> bool {
        matches!(self, Self::Bytes(bytes, _) if bytes.starts_with(b"HTTP/1.1 2"))
    }
}

/// A request, as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub head: String,
    pub body: String,
    /// It is answered that this was taken.
    pub taken: bool,
}

impl Request {
    /// A header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.to_ascii_lowercase() == name).then_some(value.trim())
        })
    }
}

/// What it answers to a request.
type Answer = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

pub struct Service {
    port: u16,
    reply: Arc<Mutex<Answer>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Service {
    pub fn start(reply: Reply) -> Self {
        Self::by(move |_| reply.clone())
    }

    /// One that answers each request by what is in it.
    pub fn by(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let reply: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Arc::new(answer)));
        let requests = Arc::new(Mutex::new(vec![]));
        let (its_reply, its_requests) = (Arc::clone(&reply), Arc::clone(&requests));
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, requests) = (Arc::clone(&its_reply), Arc::clone(&its_requests));
                thread::spawn(move || {
                    let _ = serve(stream, &reply, &requests);
                });
            }
        });
        Self {
            port,
            reply,
            requests,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn answers(&self, reply: Reply) {
        *self.reply.lock().unwrap() = Arc::new(move |_: &Request| reply.clone());
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn forget(&self) {
        self.requests.lock().unwrap().clear();
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &Mutex<Answer>,
    requests: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    loop {
        let mut bytes = vec![];
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte)? == 0 {
                return Ok(());
            }
            bytes.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&bytes).into_owned();
        let first: Vec<&str> = head.lines().next().unwrap_or_default().split(' ').collect();
        let mut request = Request {
            method: first[0].to_owned(),
            target: first[1].to_owned(),
            head: head.clone(),
            body: String::new(),
            taken: false,
        };
        let length = request
            .header("content-length")
            .map_or(0, |it| it.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        request.body = String::from_utf8_lossy(&body).into_owned();
        let answer = answer.lock().unwrap().clone();
        let reply = answer(&request);
        request.taken = reply.takes();
        requests.lock().unwrap().push(request);
        match reply {
            Reply::Bytes(bytes, after) => {
                thread::sleep(after);
                stream.write_all(&bytes)?;
            }
            Reply::Drip => {
                for byte in b"HTTP/1.1 200 OK\r\nX: ".iter().chain([&b'x'; 60]) {
                    stream.write_all(&[*byte])?;
                    thread::sleep(Duration::from_millis(400));
                }
            }
            Reply::Hang => thread::sleep(Duration::from_secs(60)),
            Reply::Close => return Ok(()),
            Reply::Flood => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                loop {
                    stream.write_all(&[b'x'; 4096])?;
                }
            }
        }
    }
}
