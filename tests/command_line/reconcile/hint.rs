//! A router that tells its external address keeps a line READY without a provider, and nothing else.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cadence::world::Line;
use serde_json::Value;

use super::support::{Home, gist, readiness, reason};
use super::{FIRST, SECOND};

const MINUTE: Duration = Duration::from_secs(60);
const RECORD: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";

/// A router that speaks NAT-PMP (RFC 6886) and PCP (RFC 6887), as far as they tell an address and an epoch.
struct Router {
    at: Ipv4Addr,
    says: Arc<Mutex<Says>>,
    _socket: UdpSocket,
}

#[derive(Clone, Copy)]
struct Says {
    /// By NAT-PMP; none where it does not speak that.
    address: Option<Ipv4Addr>,
    /// Whether it speaks PCP.
    pcp: bool,
    /// What the epoch was, and when.
    epoch: (u32, Instant),
    /// Time that a test let pass.
    passed: Duration,
    asked: u32,
}

impl Router {
    fn new(address: Option<Ipv4Addr>, pcp: bool) -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let at = Ipv4Addr::new(127, 91, 7, NEXT.fetch_add(1, Ordering::Relaxed));
        let socket = UdpSocket::bind((at, 5351)).unwrap();
        let says = Arc::new(Mutex::new(Says {
            address,
            pcp,
            epoch: (1000, Instant::now()),
            passed: Duration::ZERO,
            asked: 0,
        }));
        let (its, said) = (socket.try_clone().unwrap(), Arc::clone(&says));
        thread::spawn(move || serve(&its, &said));
        Self {
            at,
            says,
            _socket: socket,
        }
    }

    fn tell(&self, edit: impl FnOnce(&mut Says)) {
        edit(&mut self.says.lock().unwrap());
    }

    fn asked(&self) -> u32 {
        self.says.lock().unwrap().asked
    }

    /// It started anew: RFC 6886, 3.6.
    fn restart(&self) {
        self.tell(|says| {
            says.epoch = (0, Instant::now());
            says.passed = Duration::ZERO;
        });
    }

    /// A home behind it, which goes the way of its routes.
    fn home(&self) -> Home {
        self.home_with("")
    }

    fn home_with(&self, network: &str) -> Home {
        let home = Home::with(RECORD);
        home.rewrite(|text| {
            let router = format!("router = \"{}\"\n{network}", self.at);
            text.replace("interface = \"lo\"\nrouter = \"127.0.0.1\"\n", &router)
        });
        for _ in 0..7 {
            home.cycle();
        }
        assert_eq!(readiness(&home.state()), "READY");
        home.world.reset_counts();
        home
    }

    fn pass(&self, home: &Home, time: Duration) {
        self.tell(|says| says.passed += time);
        home.pass(time);
    }
}

fn serve(socket: &UdpSocket, says: &Mutex<Says>) {
    let mut buffer = [0; 1100];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let mut says = says.lock().unwrap();
        says.asked += 1;
        let went = says.epoch.1.elapsed() + says.passed;
        let epoch = says.epoch.0 + u32::try_from(went.as_secs()).unwrap();
        let reply = match (&buffer[..length], says.address) {
            ([0, 0], Some(address)) => {
                [&[0, 128, 0, 0][..], &epoch.to_be_bytes(), &address.octets()].concat()
            }
            ([2, 0, rest @ ..], _) if says.pcp && rest.len() == 22 => [
                &[2, 128, 0, 0, 0, 0, 0, 0][..],
                &epoch.to_be_bytes(),
                &[0; 12],
            ]
            .concat(),
            // RFC 6887, appendix A: whoever speaks another version says which.
            ([0, 0], None) if says.pcp => vec![0, 128, 0, 1, 0, 0, 0, 0],
            _ => continue,
        };
        let _ = socket.send_to(&reply, from);
    }
}

fn first() -> Ipv4Addr {
    FIRST.parse().unwrap()
}

/// How many providers were asked since the counts began.
fn asked(home: &Home) -> u64 {
    home.world.counts().ip.requests
}

fn said(report: &Value) -> &str {
    let signals = report["signals"].as_array().unwrap().iter();
    let mut address = signals.filter(|signal| signal["signal"] == "public_ip");
    address.next().unwrap()["target"].as_str().unwrap()
}

#[test]
fn a_router_that_tells_the_proven_address_spares_the_provider() {
    let router = Router::new(Some(first()), true);
    let home = router.home();
    for _ in 0..3 {
        router.pass(&home, 2 * MINUTE);
        let report = home.cycle();
        assert_eq!(gist(&report), "READY noop/cache", "{report:#}");
        assert_eq!(report["verdict"], "HEALTHY");
        assert_eq!(said(&report), format!("router {} (NAT-PMP)", router.at));
    }
    let counts = home.world.counts();
    assert_eq!(
        (
            counts.ip.connections,
            counts.doh.connections,
            counts.api.connections
        ),
        (0, 0, 0)
    );
    // After ten minutes a provider is asked again.
    router.pass(&home, 5 * MINUTE);
    assert!(said(&home.cycle()).starts_with("https://"));
    assert_eq!(asked(&home), 1);
}

#[test]
fn a_router_whose_clock_merely_goes_on_spares_nothing() {
    // As miniupnpd 2.3.1 by PCP, which lets its epoch go on when the address changes (tests/system/router.sh).
    let router = Router::new(None, true);
    let home = router.home();
    home.world.set_address(Some(SECOND));
    router.pass(&home, 2 * MINUTE);
    let report = home.cycle();
    assert!(said(&report).starts_with("https://"), "{report:#}");
    assert_eq!(gist(&report), "PROBING held", "{report:#}");
}

#[test]
fn an_hour_behind_such_a_router_takes_seven_connections_and_seven_requests_at_most() {
    let router = Router::new(Some(first()), false);
    let home = router.home();
    router.pass(&home, 60 * MINUTE);
    home.cycle();
    home.world.reset_counts();
    for _ in 0..30 {
        router.pass(&home, 2 * MINUTE);
        let report = home.cycle();
        assert_eq!(readiness(&home.state()), "READY", "{report:#}");
    }
    let counts = home.world.counts();
    let of = [counts.ip, counts.doh, counts.api];
    let connections: u64 = of.iter().map(|it| it.connections).sum();
    let requests: u64 = of.iter().map(|it| it.requests).sum();
    println!("an hour of 30 cycles: {connections} TLS connections, {requests} requests");
    assert!(connections <= 7 && requests <= 7, "{counts:?}");
}

#[test]
fn any_doubt_about_the_router_means_the_full_look_in_the_same_cycle() {
    type Doubt = (&'static str, fn(&Router, &Home));
    let doubts: [Doubt; 8] = [
        ("another address", |router, _| {
            router.tell(|says| says.address = Some(SECOND));
        }),
        ("a private address", |router, _| {
            router.tell(|says| says.address = Some(Ipv4Addr::new(192, 168, 1, 2)));
        }),
        ("a shared address", |router, _| {
            router.tell(|says| says.address = Some(Ipv4Addr::new(100, 64, 1, 2)));
        }),
        ("no address", |router, _| {
            router.tell(|says| says.address = Some(Ipv4Addr::UNSPECIFIED));
        }),
        ("a start anew", |router, _| router.restart()),
        ("silence", |router, _| {
            router.tell(|says| says.address = None);
        }),
        ("an epoch that runs away", |router, _| {
            router.tell(|says| says.epoch.0 += 3600);
        }),
        ("time that nobody knows", |_, home| {
            home.pass(30 * 24 * 60 * MINUTE);
        }),
    ];
    for (what, doubt) in doubts {
        let router = Router::new(Some(first()), false);
        let home = router.home();
        router.pass(&home, 2 * MINUTE);
        doubt(&router, &home);
        let report = home.cycle();
        assert!(said(&report).starts_with("https://"), "{what}: {report:#}");
        assert_eq!(readiness(&home.state()), "READY", "{what}");
        assert_eq!(home.published("A").as_deref(), Some(FIRST), "{what}");
    }
}

#[test]
fn two_providers_are_asked_at_once_where_the_router_tells_another_public_address() {
    for (told, count) in [
        (SECOND, 2),
        (Ipv4Addr::new(192, 168, 1, 2), 1),
        (Ipv4Addr::UNSPECIFIED, 1),
    ] {
        let router = Router::new(Some(first()), false);
        let home = router.home();
        router.pass(&home, 2 * MINUTE);
        router.tell(|says| says.address = Some(told));
        let report = home.cycle();
        assert_eq!(gist(&report), "READY noop/cache", "{report:#}");
        // The trusted address, named once, would have been enough.
        assert_eq!(asked(&home), count, "{told}");
    }
}

#[test]
fn by_hand_and_where_there_is_something_to_do_the_router_is_not_enough() {
    for options in [&["--no-cache"][..], &["--trust"]] {
        let router = Router::new(Some(first()), false);
        let home = router.home();
        let (_, report) = home.cycle_with(options);
        assert!(said(&report).starts_with("https://"), "{report:#}");
    }
    // A record whose evidence is old.
    let router = Router::new(Some(first()), false);
    let home = router.home_with("verify_every = \"60m\"\n");
    home.rewrite(|text| format!("{text}[policy]\ncache_max_age = \"30m\"\n"));
    router.pass(&home, 29 * MINUTE);
    assert!(said(&home.cycle()).starts_with("router"));
    router.pass(&home, 2 * MINUTE);
    let report = home.cycle();
    assert!(said(&report).starts_with("https://"), "{report:#}");
    assert_eq!(gist(&report), "READY noop/doh");
}

#[test]
fn a_line_that_goes_down_is_seen_in_the_same_cycle_whatever_the_router_tells() {
    let router = Router::new(Some(first()), false);
    let home = router.home();
    home.world.set_line(Line::Down).unwrap();
    let report = home.cycle();
    assert_eq!(report["verdict"], "WAN_DOWN", "{report:#}");
    assert_eq!(readiness(&home.state()), "NOT_READY");
}

#[test]
fn a_router_that_told_what_was_not_so_is_not_believed_for_thirty_days() {
    let router = Router::new(Some(first()), false);
    let home = router.home();
    home.world.set_address(Some(SECOND));
    router.pass(&home, 2 * MINUTE);
    assert!(
        said(&home.cycle()).starts_with("router"),
        "nobody knows yet"
    );
    router.pass(&home, 10 * MINUTE);
    for _ in 0..2 {
        home.cycle();
        router.pass(&home, MINUTE);
    }
    assert_eq!(home.published("A"), Some(SECOND.to_string()));
    // By then it tells the right one.
    router.tell(|says| says.address = Some(SECOND));
    for _ in 0..4 {
        router.pass(&home, 2 * MINUTE);
        assert!(said(&home.cycle()).starts_with("https://"));
    }
    for _ in 0..30 {
        router.pass(&home, 24 * 60 * MINUTE);
        home.cycle();
    }
    home.cycle();
    assert!(said(&home.cycle()).starts_with("router"));
}

#[test]
fn a_router_without_such_a_word_is_asked_on_a_few_cycles_a_day_and_never_where_that_is_off() {
    let router = Router::new(None, false);
    let home = router.home();
    for _ in 0..20 {
        router.pass(&home, 2 * MINUTE);
        assert!(said(&home.cycle()).starts_with("https://"));
    }
    let asked = router.asked();
    assert!((1..=12).contains(&asked), "{asked}");
    router.pass(&home, 25 * 60 * MINUTE);
    router.tell(|says| says.address = Some(first()));
    for _ in 0..4 {
        home.cycle();
    }
    assert!(
        said(&home.cycle()).starts_with("router"),
        "it learned to speak"
    );

    let router = Router::new(Some(first()), true);
    let home = router.home_with("verify_every = \"0s\"\n");
    assert!(said(&home.cycle()).starts_with("https://"));
    assert_eq!(router.asked(), 0);
}

#[test]
fn the_vpn_guard_holds_the_records_while_the_router_tells_another_public_address() {
    let router = Router::new(Some(first()), false);
    let home = router.home_with("vpn_guard = true\n");
    // A VPN takes the host elsewhere.
    home.world.set_address(Some(SECOND));
    let mut report = Value::Null;
    for _ in 0..3 {
        router.pass(&home, 11 * MINUTE);
        report = home.cycle_with(&[]).1;
    }
    assert_eq!(gist(&report), "READY held", "{report:#}");
    assert!(
        reason(&report, 0).contains("network.vpn_guard"),
        "{report:#}"
    );
    assert_eq!(home.published("A").as_deref(), Some(FIRST));
    // Nor is that over because the router falls silent.
    router.tell(|says| says.address = None);
    for _ in 0..8 {
        router.pass(&home, 2 * MINUTE);
        let (code, report) = home.cycle_with(&[]);
        assert_eq!((code, gist(&report).as_str()), (1, "READY held"));
    }
    assert_eq!(home.published("A").as_deref(), Some(FIRST));
    router.tell(|says| says.address = Some(first()));
    home.world.set_address(Some(first()));
    for _ in 0..3 {
        home.cycle_with(&[]);
    }
    assert_eq!(gist(&home.cycle()), "READY noop/cache");
}
