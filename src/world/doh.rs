//! DNS over HTTPS in JSON, as `https://cloudflare-dns.com/dns-query` and `https://dns.google/resolve` speak it.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::cloudflare::{Cloudflare, text};
use super::http::{Manner, Reply, Request};

const NO_ERROR: u16 = 0;
const SERVFAIL: u16 = 2;
const NXDOMAIN: u16 = 3;
/// What Cloudflare serves for an automatic TTL and for proxied names, in seconds.
const AUTOMATIC_TTL: u64 = 300;
/// Longer chains of CNAMEs are followed no further.
const MAX_CHAIN: usize = 8;

/// How a resolver behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DohMode {
    /// Answers from the zones; a write through the API shows after `lag`.
    Honest {
        /// What a cache on the way would take.
        lag: Duration,
    },
    /// Answers every question of this family with this address.
    Lies(IpAddr),
    /// Answers that it could not find out (RCODE 2).
    Servfail,
    /// Answers that there is no such name (RCODE 3).
    NxDomain,
    /// Answers 200 with something that is not JSON.
    Garbage,
    /// Says nothing for that long, then hangs up.
    Hang(Duration),
    /// The honest answer behind a CNAME, which comes first.
    CnameFirst,
}

/// The reply to one question.
pub fn answer(mode: DohMode, cloudflare: &Cloudflare, request: &Request) -> Reply {
    let name = request
        .parameter("name")
        .map(|name| name.trim_end_matches('.').to_ascii_lowercase());
    let kind = request
        .parameter("type")
        .map_or(Some(Kind::A), |kind| Kind::parse(&kind));
    let (Some(name), Some(kind)) = (name.filter(|name| !name.is_empty()), kind) else {
        return reply(400, &json!({"error": "Invalid query"}));
    };
    let (status, answers) = match mode {
        DohMode::Honest { lag } => resolve(&name, kind, cloudflare, lag),
        DohMode::Lies(address) if kind == Kind::of(address) => (
            NO_ERROR,
            vec![entry(&name, kind, AUTOMATIC_TTL, &address.to_string())],
        ),
        DohMode::Lies(_) => (NO_ERROR, Vec::new()),
        DohMode::Servfail => (SERVFAIL, Vec::new()),
        DohMode::NxDomain => (NXDOMAIN, Vec::new()),
        DohMode::Garbage => return Reply::new(200, "application/dns-json", "<<< not JSON >>>"),
        DohMode::Hang(duration) => return Reply::text(504, "").sent(Manner::Hang(duration)),
        DohMode::CnameFirst => {
            let (status, mut answers) = resolve(&name, kind, cloudflare, Duration::ZERO);
            let target = format!("edge.{name}");
            for answer in &mut answers {
                answer["name"] = Value::from(target.as_str());
            }
            answers.insert(0, entry(&name, Kind::Cname, AUTOMATIC_TTL, &target));
            (status, answers)
        }
    };
    let mut body = json!({
        "Status": status, "TC": false, "RD": true, "RA": true, "AD": false, "CD": false,
        "Question": [{"name": name, "type": kind as u16}],
    });
    if !answers.is_empty() {
        body["Answer"] = Value::from(answers);
    }
    reply(200, &body)
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply::new(status, "application/dns-json", body.to_string())
}

/// The record types that are told, by their numbers (IANA DNS parameters).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    A = 1,
    Cname = 5,
    Aaaa = 28,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "A" | "1" => Some(Self::A),
            "CNAME" | "5" => Some(Self::Cname),
            "AAAA" | "28" => Some(Self::Aaaa),
            _ => None,
        }
    }

    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::A,
            IpAddr::V6(_) => Self::Aaaa,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Cname => "CNAME",
            Self::Aaaa => "AAAA",
        }
    }
}

fn entry(name: &str, kind: Kind, ttl: u64, data: &str) -> Value {
    json!({"name": name, "type": kind as u16, "TTL": ttl, "data": data})
}

fn resolve(name: &str, kind: Kind, cloudflare: &Cloudflare, lag: Duration) -> (u16, Vec<Value>) {
    let records = cloudflare.published(lag);
    let mut answers = Vec::new();
    let mut name = name.to_owned();
    for _ in 0..MAX_CHAIN {
        let found = named(&records, &name);
        if found.is_empty() {
            break;
        }
        answers.extend(
            found
                .iter()
                .filter(|r| text(r, "type") == kind.as_str())
                .flat_map(|r| told(&name, kind, r)),
        );
        let alias = found
            .iter()
            .find(|r| kind != Kind::Cname && text(r, "type") == "CNAME");
        let Some(target) = alias.map(|r| text(r, "content").to_owned()) else {
            return (NO_ERROR, answers);
        };
        answers.push(entry(&name, Kind::Cname, AUTOMATIC_TTL, &target));
        name = target;
    }
    (NXDOMAIN, answers)
}

/// The records of that name, or of the wildcard that stands for it (RFC 4592).
fn named<'a>(records: &'a [Value], name: &str) -> Vec<&'a Value> {
    let exact = |name: &str| {
        records
            .iter()
            .filter(|record| text(record, "name") == name)
            .collect::<Vec<_>>()
    };
    let mut found = exact(name);
    let mut rest = name;
    while let (true, Some((_, parent))) = (found.is_empty(), rest.split_once('.')) {
        found = exact(&format!("*.{parent}"));
        rest = parent;
    }
    found
}

fn told(name: &str, kind: Kind, record: &Value) -> Vec<Value> {
    if record["proxied"] == true {
        let edge = match kind {
            Kind::A => ["104.16.132.229", "104.16.133.229"],
            Kind::Aaaa => ["2606:4700::6810:84e5", "2606:4700::6810:85e5"],
            Kind::Cname => return Vec::new(),
        };
        return edge
            .iter()
            .map(|data| entry(name, kind, AUTOMATIC_TTL, data))
            .collect();
    }
    let ttl = record["ttl"]
        .as_u64()
        .filter(|ttl| *ttl > 1)
        .unwrap_or(AUTOMATIC_TTL);
    vec![entry(name, kind, ttl, text(record, "content"))]
}
