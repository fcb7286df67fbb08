//! The services that tell a client which public address it has, honest or not.

use std::net::IpAddr;
use std::time::Duration;

use super::http::{Manner, Reply, Request};

/// How one address provider behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderMode {
    /// Tells the world's address, as text or as a trace document.
    Honest,
    /// Answers 200 with this body, byte for byte.
    Lies(String),
    /// Answers 200 with these bodies, one after the other and over again.
    Alternate(Vec<String>),
    /// Answers 200 with a page for people, such as a captive portal's, with an address in it.
    Html,
    /// Sends the client to this location (302).
    Redirect(String),
    /// Answers 200 with a body of that many bytes.
    Huge(usize),
    /// Tells the honest body under this status.
    Status(u16),
    /// Says nothing for that long, then hangs up.
    Hang(Duration),
    /// The honest body, cut short of what was announced so that it may read as another address.
    Truncate,
    /// The honest reply, one byte every 200 ms.
    Drip,
    /// Resets the connection when it has read the request.
    Reset,
}

/// The provider that tells a trace document; the others tell plain text.
pub const TRACING: usize = 1;

/// Providers that agree on an address, unless told otherwise.
pub struct AddressService {
    /// What the honest ones tell; with none they answer 503.
    pub address: Option<IpAddr>,
    providers: Vec<Provider>,
}

#[derive(Clone)]
struct Provider {
    mode: ProviderMode,
    /// How many of [`ProviderMode::Alternate`]'s bodies were told.
    turn: usize,
}

impl AddressService {
    /// So many honest providers.
    pub fn new(address: IpAddr, count: usize) -> Self {
        let mode = ProviderMode::Honest;
        Self {
            address: Some(address),
            providers: vec![Provider { mode, turn: 0 }; count],
        }
    }

    /// From now on that provider behaves like this.
    pub fn set_mode(&mut self, index: usize, mode: ProviderMode) {
        if let Some(provider) = self.providers.get_mut(index) {
            *provider = Provider { mode, turn: 0 };
        }
    }

    /// What that provider answers.
    pub fn answer(&mut self, index: usize, request: &Request) -> Reply {
        let honest = match self.address {
            None => Reply::text(503, "no address\n"),
            Some(address) if index == TRACING => Reply::text(200, trace(request, address)),
            Some(address) => Reply::text(200, format!("{address}\n")),
        };
        match self.providers.get_mut(index) {
            Some(provider) => provider.answer(honest),
            None => honest,
        }
    }
}

impl Provider {
    fn answer(&mut self, honest: Reply) -> Reply {
        match &self.mode {
            ProviderMode::Honest => honest,
            ProviderMode::Lies(body) => Reply::text(200, body.as_str()),
            ProviderMode::Alternate(bodies) => {
                let body = bodies.get(self.turn.checked_rem(bodies.len()).unwrap_or(0));
                self.turn = self.turn.wrapping_add(1);
                Reply::text(200, body.map_or("", String::as_str))
            }
            ProviderMode::Html => Reply::new(
                200,
                "text/html",
                [PAGE.0.as_bytes(), &honest.body, PAGE.1.as_bytes()].concat(),
            ),
            ProviderMode::Redirect(location) => {
                let mut reply = Reply::text(302, "");
                reply.headers.push(("Location", location.clone()));
                reply
            }
            ProviderMode::Huge(bytes) => Reply::text(200, vec![b'1'; *bytes]),
            ProviderMode::Status(status) => Reply {
                status: *status,
                ..honest
            },
            ProviderMode::Hang(duration) => honest.sent(Manner::Hang(*duration)),
            ProviderMode::Truncate => honest.sent(Manner::Truncated),
            ProviderMode::Drip => honest.sent(Manner::Drip),
            ProviderMode::Reset => honest.sent(Manner::Reset),
        }
    }
}

/// A page that a portal might show, around what it says of its visitor.
const PAGE: (&str, &str) = (
    "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><p>",
    "</p></body></html>\n",
);

/// The lines of `https://www.cloudflare.com/cdn-cgi/trace`, as observed: the format is not specified.
fn trace(request: &Request, address: IpAddr) -> String {
    let host = request.header("host").unwrap_or_default();
    let host = match host.rsplit_once(':') {
        // Colons inside brackets are the address's own.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    let agent = request.header("user-agent").unwrap_or_default();
    let now = jiff::Timestamp::now().as_millisecond();
    format!(
        "fl=29f101\nh={host}\nip={address}\nts={}.{:03}\nvisit_scheme=https\nuag={agent}\ncolo=AMS\nsliver=none\n\
         http=http/1.1\nloc=NL\ntls=TLSv1.3\nsni=off\nwarp=off\ngateway=off\nrbi=off\nkex=X25519\n",
        now / 1000,
        now % 1000
    )
}
