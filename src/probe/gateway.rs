//! What the router tells of its external address: NAT-PMP (RFC 6886), PCP (RFC 6887), and an Internet Gateway Device of UPnP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::logic::gateway::{Protocol, Said};
use crate::net::Deadline;
use crate::net::http::{Http, Method, Request};

/// NAT-PMP and PCP.
const PORT: u16 = 5351;
/// Simple Service Discovery Protocol (UPnP Device Architecture 1.1, 1.3).
const SSDP: u16 = 1900;
const SSDP_GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
/// A lost datagram is sent once more after this (RFC 6886, 3.1).
const AGAIN: Duration = Duration::from_millis(250);
/// The device's description, and its answer.
const MAX_BODY: usize = 64 * 1024;

/// Asks the router this way; none where it says nothing of use within `limit`.
#[must_use]
pub fn ask(router: Ipv4Addr, way: String, http: &Http, limit: Duration) -> Option<Said> {
    let end = Deadline::after(limit);
    let begun = Instant::now();
    let (way, address, epoch) = match Protocol::of(&way) {
        Protocol::NatPmp => {
            let (epoch, address) = nat_pmp(router, end)?;
            (way, Some(address), Some(epoch))
        }
        Protocol::Pcp => (way, None, Some(pcp(router, end)?)),
        Protocol::Upnp => {
            let control = if way == Protocol::Upnp.name() {
                find_control(router, http, end)?
            } else {
                way
            };
            let address = external_address(&control, http, end)?;
            (control, Some(address), None)
        }
    };
    Some(Said {
        way,
        address,
        epoch,
        took: begun.elapsed(),
    })
}

/// RFC 6886, 3.2: the external address, and the seconds since the mappings began.
fn nat_pmp(router: Ipv4Addr, end: Deadline) -> Option<(u32, Ipv4Addr)> {
    let socket = connected((router, PORT).into())?;
    answer(&socket, &[0, 0], end, |said| {
        let [0, 128, 0, 0, epoch @ .., a, b, c, d] = <&[u8; 12]>::try_from(said).ok()? else {
            return None;
        };
        let epoch = u32::from_be_bytes(*epoch);
        Some((epoch, Ipv4Addr::new(*a, *b, *c, *d)))
    })
}

/// RFC 6887, 14.1: an ANNOUNCE request, and the epoch in its answer.
fn pcp(router: Ipv4Addr, end: Deadline) -> Option<u32> {
    let socket = connected((router, PORT).into())?;
    let IpAddr::V4(own) = socket.local_addr().ok()?.ip() else {
        return None;
    };
    let mut request = vec![2, 0, 0, 0, 0, 0, 0, 0];
    request.extend(own.to_ipv6_mapped().octets());
    answer(&socket, &request, end, |said| {
        let [2, 128, _, 0, _, _, _, _, a, b, c, d, ..] = said else {
            return None;
        };
        Some(u32::from_be_bytes([*a, *b, *c, *d]))
    })
}

fn connected(to: SocketAddr) -> Option<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(to).ok()?;
    Some(socket)
}

/// What is read in an answer to a datagram, which is sent a second time where none comes.
fn answer<T>(
    socket: &UdpSocket,
    request: &[u8],
    end: Deadline,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Option<T> {
    let mut buffer = [0; 1100];
    for wait in [AGAIN, end.remaining()] {
        socket.send(request).ok()?;
        let until = Deadline::after(end.within(wait));
        loop {
            let left = until.remaining();
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left)).ok()?;
            match socket.recv(&mut buffer) {
                Ok(length) => {
                    if let Some(read) = buffer.get(..length).and_then(&read) {
                        return Some(read);
                    }
                }
                // Nobody listens there.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => return None,
                Err(_) => break,
            }
        }
    }
    None
}

/// Where the device takes calls about its connection. Only the router's own address is believed: anybody at home may answer.
fn find_control(router: Ipv4Addr, http: &Http, end: Deadline) -> Option<String> {
    let location = location(router, end)?;
    let root = url_of(router, &location)?;
    let description = text(http, Request::get(&location), end)?;
    let services = description.split("<service>").skip(1);
    let mut services = services.filter(|service| {
        let kind = within(service, "serviceType").unwrap_or_default();
        kind.contains(":WANIPConnection:") || kind.contains(":WANPPPConnection:")
    });
    let service = services.next()?;
    let control = within(service, "controlURL")?;
    let kind = within(service, "serviceType")?;
    let url = if control.starts_with("http://") {
        url_of(router, control).map(|_| control.to_owned())?
    } else {
        format!("{root}/{}", control.trim_start_matches('/'))
    };
    // What is called, behind where.
    Some(format!("{url} {kind}"))
}

/// What SSDP says of where the description is.
fn location(router: Ipv4Addr, end: Deadline) -> Option<String> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    let request = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\
                   ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n";
    let mut sent = socket.send_to(request.as_bytes(), (router, SSDP)).is_ok();
    if !router.is_loopback() {
        sent |= socket
            .send_to(request.as_bytes(), (SSDP_GROUP, SSDP))
            .is_ok();
    }
    let mut buffer = [0; 1500];
    while sent && !end.remaining().is_zero() {
        socket.set_read_timeout(Some(end.remaining())).ok()?;
        let (length, from) = socket.recv_from(&mut buffer).ok()?;
        let said = std::str::from_utf8(buffer.get(..length)?).unwrap_or_default();
        let headers = said.lines().filter_map(|line| line.split_once(':'));
        let mut found = headers.filter(|(name, _)| name.eq_ignore_ascii_case("location"));
        let location = found.next().map(|(_, value)| value.trim());
        if let Some(location) = location.filter(|it| url_of(router, it).is_some()) {
            if from.ip() == router && said.contains("InternetGatewayDevice") {
                return Some(location.to_owned());
            }
        }
    }
    None
}

/// Scheme, host and port of a URL, where that is plain HTTP to the router.
fn url_of(router: Ipv4Addr, url: &str) -> Option<String> {
    let rest = url.strip_prefix("http://")?;
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority
        .split_once(':')
        .map_or(authority, |(host, _)| host);
    (host.parse() == Ok(router)).then(|| format!("http://{authority}"))
}

/// `GetExternalIPAddress` (UPnP `WANIPConnection:1`, 2.4.18).
fn external_address(control: &str, http: &Http, end: Deadline) -> Option<Ipv4Addr> {
    let (url, kind) = control.split_once(' ')?;
    let action = format!("\"{kind}#GetExternalIPAddress\"");
    let body = format!(
        "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\
         <u:GetExternalIPAddress xmlns:u=\"{kind}\"/></s:Body></s:Envelope>"
    );
    let request = Request {
        method: Method::Post,
        headers: &[
            ("Content-Type", "text/xml; charset=\"utf-8\""),
            ("SOAPAction", &action),
        ],
        body: Some(body.as_bytes()),
        ..Request::get(url)
    };
    within(&text(http, request, end)?, "NewExternalIPAddress")?
        .parse()
        .ok()
}

fn text(http: &Http, request: Request<'_>, end: Deadline) -> Option<String> {
    let request = Request {
        max_body: MAX_BODY,
        ..request
    };
    let reply = http.send(&request, end).ok()?;
    (reply.status == 200).then(|| String::from_utf8_lossy(&reply.body).into_owned())
}

/// The text of the first element of that name.
fn within<'t>(xml: &'t str, element: &str) -> Option<&'t str> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    rest.split_once('<').map(|(text, _)| text.trim())
}
