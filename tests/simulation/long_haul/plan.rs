//! What the operator of each home wants: some have one record, some several, of either family; some want the modem recovered.

use cadence::world::PlugModel;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::ledger::Wanted;
use super::support::Home;

/// How many homes there are.
pub const HOMES: usize = 8;
const CUTS_PER_OUTAGE: usize = 1;
const CUTS_PER_DAY: usize = 2;
/// The record that comes and goes, as `[[record]]` writes it and as the state names it.
const GUEST: (&str, &str) = ("A", "www.example.com");

pub struct Plan {
    has_tls: bool,
    /// The `[[record]]`s that stay.
    records: &'static str,
    /// The TTL of the record that comes and goes, while it is there.
    guest: Option<&'static str>,
    pub wanted: Wanted,
}

impl Plan {
    pub fn of(number: usize) -> Self {
        const ONE: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";
        const PROXIED: &str =
            "[[record]]\nname = \"vpn.example.com\"\ncreate = true\nproxied = true\n";
        const WILDCARD: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\nttl = 120\n\
                                [[record]]\nname = \"*.example.com\"\ncreate = true\n";
        const TWO_ZONES: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\nttl = 120\n\
                                 [[record]]\nname = \"vpn.example.net\"\ncreate = true\n";
        const SIX_FIRST: &str = "[[record]]\nname = \"vpn.example.com\"\ntype = \"AAAA\"\ncreate = true\n\
                                 [[record]]\nname = \"vpn.example.com\"\ncreate = true\n";
        const SIX_LAST: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n\
                                [[record]]\nname = \"vpn.example.com\"\ntype = \"AAAA\"\ncreate = true\n";
        let (has_tls, records, writes_per_hour, plug) = match number % HOMES {
            0 => (false, ONE, 60, None),
            1 => (false, PROXIED, 60, None),
            2 => (false, TWO_ZONES, 2, None),
            3 => (false, SIX_FIRST, 60, None),
            4 => (true, ONE, 2, None),
            5 => (true, SIX_LAST, 60, None),
            6 => (false, ONE, 60, Some(PlugModel::Shelly1)),
            _ => (false, WILDCARD, 2, Some(PlugModel::Http)),
        };
        let mut plan = Self {
            has_tls,
            records,
            guest: None,
            wanted: Wanted {
                records: vec![],
                writes_per_hour,
                plug,
                cuts_per_outage: CUTS_PER_OUTAGE,
                cuts_per_day: CUTS_PER_DAY,
            },
        };
        plan.list_records();
        plan
    }

    pub fn home(&self) -> Home {
        let home = if self.has_tls {
            Home::with("")
        } else {
            Home::in_the_clear("")
        };
        assert!(home.world.has_ipv6(), "this host has no ::1");
        home.world.cloudflare().add_zone("example.net");
        self.configure(&home);
        home
    }

    /// Writes the configuration anew.
    pub fn configure(&self, home: &Home) {
        let guest = self.guest.map_or_else(String::new, |ttl| {
            format!("[[record]]\nname = \"{}\"\ncreate = true\n{ttl}\n", GUEST.1)
        });
        home.configure(&format!(
            "{}{guest}[policy]\nmax_updates_per_hour = {}\n{}",
            self.records,
            self.wanted.writes_per_hour,
            self.recovery(home)
        ));
        if self.wanted.plug.is_some() {
            home.rewrite(|text| text.replace("mode = \"production\"", "mode = \"test\""));
        }
    }

    fn recovery(&self, home: &Home) -> String {
        let plugs = home.world.plugs();
        let plug = match self.wanted.plug {
            None => return String::new(),
            Some(PlugModel::Http) => {
                let (off, on) = plugs.urls();
                format!("plug = \"http\"\noff_url = \"{off}\"\non_url = \"{on}\"\n")
            }
            Some(model) => format!(
                "plug = \"shelly1\"\naddress = \"{}\"\nplug_id = \"{}\"\n",
                plugs.address(model),
                plugs.mac(model)
            ),
        };
        format!(
            "[recovery]\nenabled = true\n{plug}off_time = \"1s\"\nexpected_network_recovery = \"30s\"\n\
             escalation_buffer = \"0s\"\nboot_grace = \"0s\"\ncooldown = \"1m\"\n\
             max_attempts_per_outage = {CUTS_PER_OUTAGE}\nmax_attempts_per_day = {CUTS_PER_DAY}\n"
        )
    }

    /// The guest comes, goes, or has another TTL from now on. The key of a record that is gone.
    pub fn edit(&mut self, random: &mut StdRng) -> Option<String> {
        let had = self.guest.take();
        let choices = [
            None,
            Some(""),
            Some("ttl = 60"),
            Some("ttl = 120"),
            Some("ttl = 1"),
        ];
        self.guest = *choices.choose(random).unwrap();
        self.list_records();
        (had.is_some() && self.guest.is_none()).then(|| format!("{} {}", GUEST.0, GUEST.1))
    }

    fn list_records(&mut self) {
        let stay = self.records.split("[[record]]").skip(1).map(|record| {
            let name = record.split('"').nth(1).unwrap_or_default().to_owned();
            let kind = if record.contains("AAAA") { "AAAA" } else { "A" };
            (kind.to_owned(), name)
        });
        let guest = self.guest.map(|_| (GUEST.0.to_owned(), GUEST.1.to_owned()));
        self.wanted.records = stay.chain(guest).collect();
    }

    /// Whether addresses for this type of record are asked for.
    pub fn uses(&self, kind: &str) -> bool {
        self.wanted.records.iter().any(|(used, _)| used == kind)
    }

    /// Two hosts on one plug are more than it is made for.
    pub fn may_have_a_twin(&self) -> bool {
        self.wanted.plug.is_none()
    }

    /// How often a line that is lost comes back.
    pub fn line_comes_back(&self) -> (u32, u32) {
        if self.wanted.plug.is_some() {
            (1, 8)
        } else {
            (1, 2)
        }
    }

    /// The times that pass, in seconds: cycles of an outage that is to ripen are never far apart.
    pub fn pauses(&self) -> &[u64] {
        if self.wanted.plug.is_some() {
            &[30, 60, 60, 130, 200, 4_000]
        } else {
            &[30, 130, 1_900, 4_000, 8_000]
        }
    }
}
