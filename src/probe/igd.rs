//! An Internet Gateway Device of UPnP: where it is spoken to (UPnP Device Architecture 1.1), and how (`WANIPConnection:1` and `:2`,
//! `WANPPPConnection:1`).

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::datagram::unbound;
use crate::logic::address::publishable;
use crate::net::Deadline;
use crate::net::http::{Http, Method, Request};

/// Simple Service Discovery Protocol (UPnP Device Architecture 1.1, 1.3).
const SSDP: u16 = 1900;
const SSDP_GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
/// For so long its address is waited for.
const ADDRESS_LIMIT: Duration = Duration::from_millis(300);
/// So many of its connections are looked at.
const MOST_SERVICES: usize = 4;
/// The device's description, and its answer.
const MAX_BODY: usize = 64 * 1024;

/// Calls an action of the service at `control`, with these arguments in their order; gives the answer's XML.
///
/// # Errors
/// The number of the error that the device told (UPnP Device Architecture 1.1, 3.2.2); none where it gave no answer of use.
pub fn call(
    control: &str,
    action: &str,
    arguments: &[(&str, &str)],
    http: &Http,
    end: Deadline,
) -> Result<String, Option<u16>> {
    let (url, kind) = control.split_once(' ').ok_or(None)?;
    let named = format!("\"{kind}#{action}\"");
    let mut body = format!(
        "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\
         <u:{action} xmlns:u=\"{kind}\">"
    );
    for (name, value) in arguments {
        // Writing to a string cannot fail.
        let _ = write!(body, "<{name}>{value}</{name}>");
    }
    let _ = write!(body, "</u:{action}></s:Body></s:Envelope>");
    let request = Request {
        method: Method::Post,
        headers: &[
            ("Content-Type", "text/xml; charset=\"utf-8\""),
            ("SOAPAction", &named),
        ],
        body: Some(body.as_bytes()),
        max_body: MAX_BODY,
        ..Request::get(url)
    };
    let reply = http.send(&request, end).map_err(|_| None)?;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    match reply.status {
        200 => Ok(text),
        _ => Err(within(&text, "errorCode").and_then(|code| code.parse().ok())),
    }
}

/// Where the device takes calls about its connection, and its external address there, where it tells one. Only the router's own address is
/// believed: anybody at home may answer. Many a device has several connections, of which one is in use: of equal ones it is none of `refused`, where
/// there is another.
#[must_use]
pub fn find_control(
    router: Ipv4Addr,
    refused: &[String],
    http: &Http,
    end: Deadline,
) -> Option<(String, Option<Ipv4Addr>)> {
    located(router, end, &mut |location| {
        let root = url_of(router, location)?;
        let description = text(http, Request::get(location), end)?;
        let services = description.split("<service>").skip(1);
        let controls = services.filter_map(|service| control_of(service, router, &root));
        let mut best = None;
        for control in controls.take(MOST_SERVICES) {
            let address = external_address(&control, http, end).ok().flatten();
            let rank = match address {
                Some(address) if publishable(address.into()).is_ok() => 0,
                Some(address) if !address.is_unspecified() => 1,
                Some(_) => 2,
                None => 3,
            };
            let rank = (rank, refused.contains(&control));
            if best.as_ref().is_none_or(|(known, _, _)| rank < *known) {
                best = Some((rank, control, address));
            }
            if rank == (0, false) {
                break;
            }
        }
        best.map(|(_, control, address)| (control, address))
    })
}

/// What is called, behind where, if a service is of a connection.
fn control_of(service: &str, router: Ipv4Addr, root: &str) -> Option<String> {
    let kind = within(service, "serviceType")?;
    if !(kind.contains(":WANIPConnection:") || kind.contains(":WANPPPConnection:")) {
        return None;
    }
    let control = within(service, "controlURL")?;
    let url = if control.starts_with("http://") {
        url_of(router, control).map(|_| control.to_owned())?
    } else {
        format!("{root}/{}", control.trim_start_matches('/'))
    };
    Some(format!("{url} {kind}"))
}

/// `GetExternalIPAddress` (UPnP `WANIPConnection:1`, 2.4.18); none where the device answers something else.
///
/// # Errors
/// It does not answer.
pub(super) fn external_address(
    control: &str,
    http: &Http,
    end: Deadline,
) -> Result<Option<Ipv4Addr>, ()> {
    // Nothing else is to wait for it.
    let end = Deadline::after(end.within(ADDRESS_LIMIT));
    match call(control, "GetExternalIPAddress", &[], http, end) {
        Ok(said) => Ok(within(&said, "NewExternalIPAddress").and_then(|it| it.parse().ok())),
        Err(Some(_)) => Ok(None),
        Err(None) => Err(()),
    }
}

/// What SSDP says of where descriptions are, one after the other, until one is of use.
fn located<T>(
    router: Ipv4Addr,
    end: Deadline,
    of_use: &mut dyn FnMut(&str) -> Option<T>,
) -> Option<T> {
    let socket = unbound()?;
    let request = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\
                   ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n";
    let mut sent = socket.send_to(request.as_bytes(), (router, SSDP)).is_ok();
    if !router.is_loopback() {
        sent |= socket
            .send_to(request.as_bytes(), (SSDP_GROUP, SSDP))
            .is_ok();
    }
    let (mut buffer, mut tried) = ([0; 1500], vec![]);
    while sent && !end.remaining().is_zero() {
        socket.set_read_timeout(Some(end.remaining())).ok()?;
        let (length, from) = socket.recv_from(&mut buffer).ok()?;
        let said = std::str::from_utf8(buffer.get(..length)?).unwrap_or_default();
        let headers = said.lines().filter_map(|line| line.split_once(':'));
        let mut found = headers.filter(|(name, _)| name.eq_ignore_ascii_case("location"));
        let location = found.next().map(|(_, value)| value.trim().to_owned());
        let is_of_router = from.ip() == router && said.contains("InternetGatewayDevice");
        // It answers each question, and each by several ways.
        let is_new = |it: &String| !tried.contains(it) && url_of(router, it).is_some();
        if let Some(location) = location.filter(|it| is_of_router && is_new(it)) {
            if let Some(found) = of_use(&location) {
                return Some(found);
            }
            tried.push(location);
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

fn text(http: &Http, request: Request<'_>, end: Deadline) -> Option<String> {
    let request = Request {
        max_body: MAX_BODY,
        ..request
    };
    let reply = http.send(&request, end).ok()?;
    (reply.status == 200).then(|| String::from_utf8_lossy(&reply.body).into_owned())
}

/// The text of the first element of that name.
#[must_use]
pub fn within<'t>(xml: &'t str, element: &str) -> Option<&'t str> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    rest.split_once('<').map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests;
