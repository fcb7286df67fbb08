//! Ports that a router forwards: asked for, kept, and given back by whole cycles of the program.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::support::Home;

const RECORD: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";
const FORWARD: &str = "[[forward]]\ninternal = 51820\n";

/// A router that speaks NAT-PMP (RFC 6886): what it was asked for, each `internal external lifetime`.
struct Router {
    at: Ipv4Addr,
    asked: Arc<Mutex<Vec<(u16, u16, u32)>>>,
    /// What it answers a request for a forward with, and which port it gives.
    says: Arc<Mutex<(u8, u16)>>,
}

impl Router {
    fn new() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let at = Ipv4Addr::new(127, 93, 7, NEXT.fetch_add(1, Ordering::Relaxed));
        let socket = UdpSocket::bind((at, 5351)).unwrap();
        let asked = Arc::new(Mutex::new(vec![]));
        let says = Arc::new(Mutex::new((0, 51820)));
        let router = Self {
            at,
            asked: Arc::clone(&asked),
            says: Arc::clone(&says),
        };
        thread::spawn(move || {
            let mut buffer = [0; 1100];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let two = |at: usize| u16::from_be_bytes([buffer[at], buffer[at + 1]]);
                let reply = match &buffer[..length] {
                    [0, 0] => vec![0, 128, 0, 0, 0, 0, 9, 9, 11, 22, 33, 44],
                    [0, 1, ..] if length == 12 => {
                        let lifetime = u32::from(two(8)) << 16 | u32::from(two(10));
                        asked.lock().unwrap().push((two(4), two(6), lifetime));
                        let (result, external) = *says.lock().unwrap();
                        let mut reply = vec![0, 129, 0, result, 0, 0, 9, 9];
                        reply.extend(two(4).to_be_bytes());
                        reply.extend(external.to_be_bytes());
                        reply.extend(lifetime.to_be_bytes());
                        reply
                    }
                    _ => continue,
                };
                let _ = socket.send_to(&reply, from);
            }
        });
        router
    }

    fn home(&self, forward: &str) -> Home {
        let home = Home::with(&format!("{RECORD}{forward}"));
        home.rewrite(|text| {
            let router = format!("router = \"{}\"\nverify_every = \"0s\"\n", self.at);
            text.replace("interface = \"lo\"\nrouter = \"127.0.0.1\"\n", &router)
        });
        home
    }

    fn asked(&self) -> Vec<(u16, u16, u32)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn standing(report: &Value) -> &str {
    report["forwards"][0]["standing"].as_str().unwrap_or("none")
}

#[test]
fn it_is_asked_for_once_kept_and_given_back_when_nobody_wants_it() {
    let router = Router::new();
    let home = router.home(FORWARD);
    let (_, dry) = home.cycle_with(&["--dry-run"]);
    assert_eq!((standing(&dry), router.asked()), ("intended", vec![]));
    let report = home.cycle();
    assert_eq!(standing(&report), "open", "{report:#}");
    assert_eq!(report["forwards"][0]["by"], "NAT-PMP");
    assert_eq!(router.asked(), [(51820, 51820, 7200)]);
    home.cycle();
    assert_eq!(router.asked(), []);
    home.rewrite(|text| text.replace(FORWARD, ""));
    let report = home.cycle();
    assert_eq!(router.asked(), [(51820, 0, 0)]);
    assert_eq!(report.get("forwards"), None);
    assert_eq!(home.state().get("forwards"), None);
}

#[test]
fn who_wants_none_asks_no_router_and_keeps_no_key() {
    let router = Router::new();
    let home = router.home("");
    let report = home.cycle();
    assert_eq!((router.asked(), report.get("forwards")), (vec![], None));
    assert_eq!(home.state().get("forwards"), None);
}

#[test]
fn what_a_router_refuses_is_told_and_no_cycle_fails_by_it() {
    for (says, standing_is, told) in [
        ((2, 51820), "refused", "not authorized"),
        ((0, 51821), "taken", "port 51821, which was offered"),
    ] {
        let router = Router::new();
        *router.says.lock().unwrap() = says;
        let home = router.home(FORWARD);
        let (code, report) = home.cycle_with(&[]);
        assert_eq!((code, standing(&report)), (0, standing_is), "{report:#}");
        let it = &report["forwards"][0];
        assert!(it["problem"].as_str().unwrap().contains(told), "{it:#}");
        assert!(it["fix"].is_string(), "{it:#}");
        // Another port is given back, and nothing is asked for again soon.
        let asked = router.asked();
        assert_eq!(asked.len(), if says.1 == 51820 { 1 } else { 2 });
        home.cycle();
        assert_eq!(router.asked(), []);
        home.pass(Duration::from_secs(90));
        home.cycle();
        assert_eq!(router.asked(), asked);
    }
}
