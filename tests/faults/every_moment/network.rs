//! Names, connections, TLS and captive portals, at every exchange with a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cadence::world::{Certificate, DohMode, Kind, Tamper};

use super::matrix::Fault;
use super::stage::{Moment, Server, Stage};
use super::wire::{Adapters, Cut, End, Nobody, Way};

/// Longer than anything waits.
const FOR_EVER: Duration = Duration::from_secs(2 * 60);
/// An address that could be somebody's home, and never is this one's.
const WRONG: &str = "81.2.69.142";

pub fn faults() -> Vec<Fault> {
    let mut faults = vec![];
    for (name, certificate) in [
        ("certificate expired", Certificate::Expired),
        ("certificate not yet valid", Certificate::NotYetValid),
        ("certificate of another", Certificate::WrongName),
        ("unknown authority", Certificate::UnknownAuthority),
    ] {
        faults.extend(one_and_all(name, move |stage, server| {
            let Server::Of(kind, index) = server else {
                return false;
            };
            let world = &stage.home.world;
            world.set_certificate(kind, index, certificate).unwrap();
            stage.lift_by(move |home| {
                home.world
                    .set_certificate(kind, index, Certificate::Good)
                    .unwrap();
            });
            true
        }));
    }
    faults.extend(one_and_all("refused", |stage, server| {
        let nobody = Nobody::refusing(stage.address(server));
        stage.reroute(server, nobody.address, nobody);
        true
    }));
    faults.extend(
        one_and_all("dropped", |stage, server| {
            let nobody = Nobody::dropping(stage.address(server));
            stage.reroute(server, nobody.address, nobody);
            true
        })
        .map(Fault::slow),
    );
    let cuts: [(&str, usize, End); 7] = [
        ("reset at once", 0, End::Reset),
        ("closed at once", 0, End::Close),
        ("half handshake, reset", 500, End::Reset),
        ("half handshake, closed", 500, End::Close),
        (
            "garbage for a handshake",
            0,
            End::Say(b"220 mail ESMTP\r\n"),
        ),
        ("TLS alert", 0, End::Say(b"\x15\x03\x03\x00\x02\x02\x28")),
        (
            "HTTP for a handshake",
            0,
            End::Say(b"HTTP/1.1 400 \r\n\r\n"),
        ),
    ];
    for (name, after, end) in cuts {
        faults.extend(one_and_all(name, cut(after, end)));
    }
    faults.extend(one_and_all("half handshake, silence", cut(500, End::Silence)).map(Fault::slow));
    faults.extend(one_and_all("silence", cut(0, End::Silence)).map(Fault::slow));
    faults.extend([
        portal("portal, 302", REDIRECT),
        portal("portal, page", PAGE),
    ]);
    faults.extend(resolvers());
    faults
}

/// A fault of one server among several, and the same of all of them.
pub fn one_and_all(
    name: &str,
    strike: impl Fn(&mut Stage, Server) -> bool + Clone + Send + Sync + 'static,
) -> [Fault; 2] {
    [true, false].map(|is_one| {
        let strike = strike.clone();
        let scope = if is_one { "one" } else { "all" };
        Fault::new(format!("{name}, {scope}"), move |stage, moment| {
            // A connection to the API is there already when the write is due.
            if moment == Moment::Write {
                return false;
            }
            if moment == Moment::Line && !is_one {
                stage.leave_out_the_target_without_tls();
            }
            let mut has_struck = moment.plug().is_some() && !is_one && strike(stage, Server::Plug);
            for (kind, count) in moment.servers() {
                let struck = match (is_one, count) {
                    (true, 1) => 0..0,
                    (true, _) => 0..1,
                    (false, _) if *kind == Kind::Wan => 0..2,
                    (false, count) => 0..*count,
                };
                for index in struck {
                    has_struck |= strike(stage, Server::Of(*kind, index));
                }
            }
            has_struck
        })
    })
}

fn cut(after: usize, end: End) -> impl Fn(&mut Stage, Server) -> bool + Clone + Send + Sync {
    move |stage, server| {
        let cut = Cut {
            way: Way::Down,
            after,
            end: end.clone(),
        };
        let wire = Adapters::to(stage.address(server));
        wire.cut(Some(cut));
        stage.reroute(server, wire.address, wire);
        // A plug speaks no TLS, and says too little to be cut so late.
        after == 0 || server != Server::Plug
    }
}

const REDIRECT: &str =
    "HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\nContent-Length: 0\r\n\r\n";
const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 65\r\n\r\n\
                    <html><body>Welcome, 81.2.69.142! Please <a>log in</a></body></html>";

/// Whoever is asked from that moment on, a portal answers: with its own certificate where it came up before the cycle, and with
/// its page where it got hold of a certificate that is trusted here.
fn portal(name: &'static str, page: &'static str) -> Fault {
    Fault::new(name, move |stage, moment| {
        let world = &stage.home.world;
        let from: &[Kind] = match moment {
            Moment::Line => &[Kind::Wan, Kind::Ip, Kind::Doh, Kind::Api],
            Moment::Address | Moment::All => &[Kind::Ip, Kind::Doh, Kind::Api],
            Moment::Doh => &[Kind::Doh, Kind::Api],
            Moment::Read | Moment::Write => &[Kind::Api],
            Moment::Load | Moment::Intent | Moment::Save | Moment::Plug | Moment::TwoUrls => {
                return false;
            }
        };
        let tamper: Tamper = Arc::new(move |line, reply, out| {
            if moment == Moment::Write && line.starts_with("GET") {
                out.write_all(reply)?;
            } else {
                out.write_all(page.as_bytes())?;
            }
            Ok(true)
        });
        for (kind, index) in from.iter().flat_map(|kind| (0..4).map(move |i| (*kind, i))) {
            if moment == Moment::Line {
                let foreign = Certificate::UnknownAuthority;
                world.set_certificate(kind, index, foreign).unwrap();
            }
            world.tamper(kind, index, Some(Arc::clone(&tamper)));
        }
        let from = from.to_vec();
        stage.lift_by(move |home| {
            for (kind, index) in from.iter().flat_map(|kind| (0..4).map(move |i| (*kind, i))) {
                home.world.tamper(kind, index, None);
                let good = Certificate::Good;
                home.world.set_certificate(kind, index, good).unwrap();
            }
        });
        true
    })
}

/// What public DNS may say.
fn resolvers() -> Vec<Fault> {
    let mut faults = vec![];
    for (name, mode) in [
        ("DNS lies", DohMode::Lies(WRONG.parse().unwrap())),
        ("DNS says SERVFAIL", DohMode::Servfail),
        ("DNS says NXDOMAIN", DohMode::NxDomain),
        ("DNS says garbage", DohMode::Garbage),
        ("DNS is slow", DohMode::Hang(FOR_EVER)),
    ] {
        for (scope, servers) in [("one", 1), ("all", 2)] {
            let fault = Fault::new(format!("{name}, {scope}"), move |stage, moment| {
                if !matches!(moment, Moment::Doh | Moment::All) {
                    return false;
                }
                for index in 0..servers {
                    stage.home.world.set_doh_server(index, mode);
                }
                stage.lift_by(|home| {
                    let lag = Duration::ZERO;
                    home.world.set_doh(DohMode::Honest { lag });
                });
                true
            });
            faults.push(if matches!(mode, DohMode::Hang(_)) {
                fault.slow()
            } else {
                fault
            });
        }
    }
    faults
}

impl Stage {
    /// Where a server is.
    pub fn address(&self, server: Server) -> SocketAddr {
        let world = &self.home.world;
        let Server::Of(kind, index) = server else {
            let model = self.moment.plug().unwrap();
            return world.plugs().address(model).parse().unwrap();
        };
        let urls = match kind {
            Kind::Wan => world.wan_targets(),
            Kind::Ip => world.ip_provider_urls(),
            Kind::Ip6 => world.ip6_provider_urls(),
            Kind::Doh => world.doh_urls(),
            Kind::Api => vec![world.api_url()],
        };
        let (_, rest) = urls[index].split_once("://").unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// Cadence finds that server elsewhere while the fault is there; `keep` is kept as long.
    pub fn reroute<T: Send + 'static>(&mut self, server: Server, to: SocketAddr, keep: T) {
        let from = self.address(server);
        self.rewrite(|text| {
            let text = text.replace(&format!("{from}\""), &format!("{to}\""));
            text.replace(&format!("{from}/"), &format!("{to}/"))
        });
        self.lift_by(move |_| drop(keep));
        if !matches!(server, Server::Of(..)) {
            // A cut is ended at the plug that was cut: that this one is the same at another address only its owner knows.
            self.lift_by(|home| drop(home.run(&["recover", "--forget", "--yes"])));
        }
    }

    /// For the third target a connection is enough.
    pub fn leave_out_the_target_without_tls(&mut self) {
        let third = self.home.world.wan_targets().swap_remove(2);
        self.rewrite(|text| text.replace(&format!(",\"{third}\""), ""));
    }

    /// Edits the configuration while the fault is there.
    pub fn rewrite(&mut self, edit: impl FnOnce(&str) -> String) {
        let path = self.home.path("cadence.toml");
        let before = std::fs::read_to_string(&path).unwrap();
        self.home.rewrite(edit);
        assert_ne!(std::fs::read_to_string(&path).unwrap(), before);
        self.lift_by(move |_| std::fs::write(path, before).unwrap());
    }
}
