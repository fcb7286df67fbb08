//! What is asked of the router when, and what is told.

use super::*;
use crate::logic::fixtures::{at, ip};
use crate::logic::units::Transport;

const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const OWN: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const UPNP: &str = "http://192.168.1.1:5000/ctl urn:schemas-upnp-org:service:WANIPConnection:1";
const HOUR: u64 = 60 * 60;

fn vpn() -> Forward {
    Forward {
        transport: Transport::Udp,
        internal: 51820,
        external: 51820,
        host: None,
        lifetime: Duration::from_secs(2 * HOUR),
    }
}

fn place() -> Place {
    Place {
        router: ROUTER,
        mac: Some("02:00:00:00:00:01".to_owned()),
        own: OWN,
    }
}

/// A home, cycle by cycle.
struct Home {
    known: Option<Forwards>,
    wanted: Vec<Forward>,
    place: Place,
    /// How the router speaks, and since which second it runs, where it ran for so many before the first.
    speaks: Option<(&'static str, u64)>,
    ran: u64,
    /// How it speaks besides.
    also: Vec<&'static str>,
    /// What it tells of its address when it is greeted.
    external: Option<IpAddr>,
    in_doubt: bool,
    told: Vec<String>,
}

impl Home {
    fn new(way: &'static str) -> Self {
        Self {
            known: None,
            wanted: vec![vpn()],
            place: place(),
            speaks: Some((way, 0)),
            ran: 1000,
            also: vec![],
            external: None,
            in_doubt: false,
            told: vec![],
        }
    }

    fn tell(&mut self, events: Vec<EventKind>) {
        for event in events {
            let EventKind::Forward { phase, reason, .. } = event else {
                panic!("{event:?}");
            };
            let reason = reason.map_or_else(String::new, |it| format!(": {it}"));
            self.told.push(format!("{}{reason}", phase.as_str()));
        }
    }

    /// A cycle in which the router answers each question so: what it was asked, in words.
    fn cycle(&mut self, s: u64, answer: &dyn Fn(Deed) -> Result<Granted, Refusal>) -> Vec<Deed> {
        let now = at(s);
        let ways = Forwards::ways(
            self.known.as_ref(),
            &self.wanted,
            &self.place,
            self.in_doubt,
            &now,
        );
        let spoken = |greeted: &String| {
            let also = self.also.iter().map(|way| (*way, 0));
            let mut all = self.speaks.into_iter().chain(also);
            all.find(|(way, _)| Protocol::of(way) == Protocol::of(greeted))
        };
        let heard = ways.iter().find_map(spoken).map(|(way, since)| Heard {
            way: way.to_owned(),
            epoch: (way != UPNP).then(|| u32::try_from(s + self.ran - since).unwrap()),
            external: self.external,
        });
        let (deeds, told) = Forwards::take_up(
            &mut self.known,
            &self.wanted,
            &self.place,
            (!ways.is_empty(), heard.as_ref()),
            self.in_doubt,
            &|| "000102030405060708090a0b".to_owned(),
            &now,
        );
        self.tell(told);
        for deed in &deeds {
            let known = self.known.as_mut().unwrap();
            let told = known.settle(*deed, answer(*deed), &now);
            self.tell(told);
        }
        Forwards::tidy(&mut self.known);
        // What is remembered survives the disk.
        let text = serde_json::to_string(&self.known).unwrap();
        assert_eq!(
            serde_json::from_str::<Option<Forwards>>(&text).unwrap(),
            self.known
        );
        deeds
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    fn standing(&self) -> Standing {
        self.known.as_ref().unwrap().mappings[0].standing
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as an answer is")]
fn grant(deed: Deed) -> Result<Granted, Refusal> {
    let renew = matches!(deed, Deed::Keep { renew: true, .. });
    Ok(Granted {
        lifetime_s: renew.then_some(2 * 3600),
        was_gone: false,
        is_foreign: false,
        external: None,
    })
}

fn refuse(refusal: &Refusal) -> impl Fn(Deed) -> Result<Granted, Refusal> {
    let refusal = refusal.clone();
    move |_| Err(refusal.clone())
}

const KEEP: [Deed; 1] = [Deed::Keep { at: 0, renew: true }];
const LOOK: [Deed; 1] = [Deed::Keep {
    at: 0,
    renew: false,
}];

#[test]
fn it_is_opened_at_once_and_renewed_at_half_of_its_time() {
    for way in ["PCP", "NAT-PMP"] {
        let mut home = Home::new(way);
        assert_eq!(home.cycle(0, &grant), KEEP, "{way}");
        assert_eq!(home.told(), ["opened"]);
        for s in (120..HOUR).step_by(120) {
            assert_eq!(home.cycle(s, &grant), [], "{way} {s}");
        }
        assert_eq!(home.cycle(HOUR, &grant), KEEP, "{way}");
        assert_eq!(home.cycle(HOUR + 120, &grant), []);
        assert_eq!(home.told(), [""; 0]);
    }
}

#[test]
fn a_router_that_began_anew_is_asked_in_the_very_cycle_in_which_that_is_seen() {
    for way in ["PCP", "NAT-PMP"] {
        let mut home = Home::new(way);
        home.cycle(1000, &grant);
        home.cycle(1120, &grant);
        home.speaks = Some((way, 2200));
        assert_eq!(home.cycle(1240, &grant), KEEP, "{way}");
        let told = ["opened", "lost: the router started anew", "opened"];
        assert_eq!(home.told(), told);
        // One that is silent for a while first, whatever it rests.
        home.speaks = None;
        for s in [1360, 1480, 1600] {
            assert_eq!(home.cycle(s, &grant), []);
        }
        home.speaks = Some((way, 2700));
        home.in_doubt = true;
        assert_eq!(home.cycle(1720, &grant), KEEP, "{way}");
        assert!(home.told()[0].starts_with("lost: the router started anew again"));
    }
}

#[test]
fn one_that_had_just_started_may_have_started_again_and_is_asked_in_any_case() {
    let mut home = Home::new("PCP");
    home.ran = 10;
    home.cycle(0, &grant);
    home.told();
    // Another start right after that, which no clock tells.
    home.speaks = Some(("PCP", 1));
    for s in [120, 240] {
        assert_eq!(home.cycle(s, &grant), KEEP);
    }
    home.cycle(360, &grant);
    assert_eq!(home.cycle(480, &grant), []);
    assert_eq!(home.told(), [""; 0]);
}

#[test]
fn a_router_whose_clock_is_wrong_is_told_of_once_and_asked_quietly_from_then_on() {
    let mut home = Home::new("PCP");
    let mut s = 0;
    for cycle in 0..40 {
        s = 1000 + cycle * 120;
        home.speaks = Some(("PCP", cycle * 7919 % 1000));
        assert_eq!(home.cycle(s, &grant), KEEP, "{cycle}");
        assert_eq!(home.standing(), Standing::Open);
    }
    let told = home.told();
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(told[1], "lost: the router started anew");
    assert!(
        told[3].starts_with("lost: the router started anew again, or"),
        "{told:?}"
    );
    // Once it went on for a day, another start is told again.
    home.speaks = Some(("PCP", 0));
    home.cycle(s + 120, &grant);
    for later in (s + 240..s + 26 * HOUR).step_by(600) {
        home.cycle(later, &grant);
    }
    assert_eq!(home.told(), [""; 0]);
    home.speaks = Some(("PCP", s + 26 * HOUR));
    home.cycle(s + 26 * HOUR + 60, &grant);
    assert_eq!(home.told(), ["lost: the router started anew", "opened"]);
}

#[test]
fn a_router_that_the_internet_does_not_reach_has_forwards_that_lead_nowhere() {
    for (external, word) in [
        ("10.1.2.3", "double NAT"),
        ("100.64.0.9", "CGNAT"),
        ("11.22.33.44", ""),
        ("0.0.0.0", ""),
    ] {
        let mut home = Home::new("PCP");
        let granted = |deed| {
            grant(deed).map(|it| Granted {
                external: Some(ip(external)),
                ..it
            })
        };
        home.cycle(0, &granted);
        // It stays known while nothing is asked.
        home.cycle(120, &granted);
        let mut known = home.known.unwrap();
        let told = |known: &Forwards| {
            let all = crate::logic::forwarded::forwarded(&[vpn()], Some(known));
            (all[0].leads_nowhere, all[0].told())
        };
        let (nowhere, sentence) = told(&known);
        assert_eq!(nowhere, !word.is_empty(), "{sentence}");
        assert!(sentence.contains(word) && sentence.starts_with("open at router"));
        if nowhere {
            let why = format!(": leads nowhere: the router's external address is {external}, ");
            assert!(
                sentence.contains(&why) && sentence.contains("; fix: "),
                "{sentence}"
            );
        }
        known.take_up_external(None);
        assert_eq!(told(&known).0, nowhere);
        known.take_up_external(Some(ip("11.22.33.44")));
        assert!(!told(&known).0);
    }
}

#[test]
fn of_upnp_it_is_looked_at_every_five_minutes_and_after_an_outage() {
    let mut home = Home::new(UPNP);
    assert_eq!(home.cycle(0, &grant), KEEP);
    assert_eq!(home.cycle(120, &grant), []);
    assert_eq!(home.cycle(300, &grant), LOOK);
    assert_eq!(home.cycle(420, &grant), []);
    home.in_doubt = true;
    assert_eq!(home.cycle(540, &grant), LOOK);
    home.in_doubt = false;
    home.told();
    let gone = |_| {
        Ok(Granted {
            lifetime_s: Some(7200),
            was_gone: true,
            is_foreign: false,
            external: None,
        })
    };
    assert_eq!(home.cycle(840, &gone), LOOK);
    assert_eq!(home.told(), ["lost: the router had it no more", "opened"]);
    // One for good is looked at, and never renewed.
    let forever = |_| {
        Ok(Granted {
            lifetime_s: Some(0),
            was_gone: true,
            is_foreign: false,
            external: None,
        })
    };
    home.cycle(1140, &forever);
    assert_eq!(home.cycle(100_000, &grant), LOOK);
}

#[test]
fn another_router_is_asked_at_once_whatever_tells_that_it_is_another() {
    type Change = (&'static str, fn(&mut Home));
    let changes: [Change; 4] = [
        ("its address", |home| {
            home.place.router = Ipv4Addr::new(192, 168, 1, 254);
        }),
        ("its hardware", |home| {
            home.place.mac = Some("02:00:00:00:00:99".to_owned());
        }),
        ("its way", |home| home.speaks = Some((UPNP, 0))),
        ("its clock", |home| home.speaks = Some(("PCP", 2190))),
    ];
    for (what, change) in changes {
        let mut home = Home::new("PCP");
        home.cycle(1000, &grant);
        home.told();
        change(&mut home);
        assert_eq!(home.cycle(1200, &grant), KEEP, "{what}");
        let told = home.told();
        assert!(
            told[0].starts_with("lost: the router ") && told[1] == "opened",
            "{what}: {told:?}"
        );
    }
    // One whose hardware address is not known for once is the same.
    let mut home = Home::new("PCP");
    home.cycle(1000, &grant);
    home.place.mac = None;
    assert_eq!(home.cycle(1120, &grant), []);
}

#[test]
fn what_is_refused_is_told_once_with_a_fix_and_asked_for_ever_more_seldom() {
    let holder = Holder {
        host: "192.168.1.77".to_owned(),
        port: 51820,
        description: "Xbox".to_owned(),
        is_enabled: true,
    };
    let taken = |by: Option<&Holder>, offered| Refusal::Taken {
        by: by.cloned(),
        offered,
    };
    for (refusal, standing, told) in [
        (
            taken(Some(&holder), None),
            Standing::Taken,
            "taken: router 192.168.1.1 does not forward udp 51820: 192.168.1.77:51820 (\"Xbox\") has it; fix: take it",
        ),
        (
            taken(None, Some(51821)),
            Standing::Taken,
            "taken: router 192.168.1.1 does not forward udp 51820: another host has it, or the router itself; port 51821, which was offered in its place, was given back; fix: take it",
        ),
        (
            Refusal::Forbidden("not authorized".to_owned()),
            Standing::Refused,
            "failed: router 192.168.1.1 refuses to forward udp 51820 (PCP: not authorized); fix: switch on UPnP or NAT-PMP/PCP on the router",
        ),
        (
            Refusal::OtherHost,
            Standing::Refused,
            "failed: router 192.168.1.1 lets a host forward ports to itself alone (PCP), and udp 51820 is to lead to 192.168.1.10; fix: run cadence on that host",
        ),
        (
            Refusal::Other("it can keep no more".to_owned()),
            Standing::Failed,
            "failed: router 192.168.1.1 does not forward udp 51820 (PCP: it can keep no more)",
        ),
        (
            Refusal::Silent,
            Standing::Failed,
            "failed: router 192.168.1.1 did not answer by PCP about udp 51820; fix: if that goes on, let the router's UPnP",
        ),
    ] {
        let mut home = Home::new("PCP");
        let mut tries = vec![];
        for s in (0..6 * HOUR).step_by(60) {
            if !home.cycle(s, &refuse(&refusal)).is_empty() {
                tries.push(s / 60);
            }
        }
        assert_eq!(home.standing(), standing);
        assert_eq!(
            tries,
            [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303],
            "{refusal:?}"
        );
        let all = home.told();
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].starts_with(told), "{}", all[0]);
        assert_eq!(home.cycle(7 * HOUR, &grant), KEEP);
        assert_eq!(home.told(), ["opened"]);
    }
}

#[test]
fn what_one_protocol_refuses_is_asked_for_by_the_next_and_stays_with_whoever_does_it() {
    for refusal in [
        Refusal::Forbidden("not authorized".to_owned()),
        Refusal::OtherHost,
        Refusal::Other("it has no address itself".to_owned()),
        Refusal::Silent,
    ] {
        let mut home = Home::new("PCP");
        home.also = vec!["NAT-PMP", UPNP];
        assert_eq!(home.cycle(0, &refuse(&refusal)), KEEP);
        assert_eq!(home.cycle(120, &refuse(&refusal)), KEEP);
        assert_eq!(home.known.as_ref().unwrap().refused, ["PCP", "NAT-PMP"]);
        assert_eq!(home.cycle(300, &grant), KEEP, "{refusal:?}");
        let spoken = home.known.as_ref().unwrap().spoken();
        assert_eq!(spoken, "UPnP", "{refusal:?}");
        let told = home.told();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[1].contains("NAT-PMP"), "{told:?}");
        assert_eq!(told[2], "opened");
        for s in (420..24 * HOUR).step_by(120) {
            home.cycle(s, &grant);
            assert_eq!(home.known.as_ref().unwrap().spoken(), "UPnP");
        }
        assert_eq!(home.told(), [""; 0]);
    }
}

#[test]
fn where_each_protocol_refuses_each_is_told_of_once_and_one_is_asked_ever_more_seldom() {
    let mut home = Home::new("PCP");
    home.also = vec!["NAT-PMP", UPNP];
    let mut tries = 0;
    for s in (0..24 * HOUR).step_by(120) {
        let refusal = Refusal::Forbidden("no".to_owned());
        tries += home.cycle(s, &refuse(&refusal)).len();
    }
    assert!(tries < 32, "{tries}");
    // Each of them, and the first once more.
    let told = home.told();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(home.known.as_ref().unwrap().spoken(), "PCP");
    // Set up anew, it starts anew, and each has its turn again.
    home.speaks = Some(("PCP", 24 * HOUR + 900));
    home.cycle(24 * HOUR, &grant);
    assert_eq!(home.told(), ["opened"]);
    assert_eq!(home.known.as_ref().unwrap().refused, [""; 0]);
}

#[test]
fn what_the_router_tells_of_its_address_when_it_is_greeted_counts_at_once() {
    for way in ["NAT-PMP", UPNP] {
        let mut home = Home::new(way);
        let told = |home: &Home| {
            let all = crate::logic::forwarded::forwarded(&[vpn()], home.known.as_ref());
            (all[0].leads_nowhere, all[0].problem.clone())
        };
        home.external = Some(ip("100.64.7.7"));
        home.cycle(0, &grant);
        assert!(told(&home).0, "{way}");
        // It may not be connected, or by another one of its connections.
        home.external = Some(ip("0.0.0.0"));
        home.cycle(400, &grant);
        let (is_nowhere, problem) = told(&home);
        let problem = problem.unwrap();
        assert!(!is_nowhere && problem.contains("0.0.0.0, which is no public one; fix: "));
        home.external = Some(ip("11.22.33.44"));
        home.cycle(800, &grant);
        assert_eq!(told(&home), (false, None));
    }
}

#[test]
fn of_a_router_that_has_fallen_silent_it_is_not_known_whether_what_is_open_still_is() {
    let mut home = Home::new("NAT-PMP");
    home.cycle(0, &grant);
    home.speaks = None;
    let told = |home: &Home| {
        let all = crate::logic::forwarded::forwarded(&[vpn()], home.known.as_ref());
        (all[0].standing, all[0].problem.is_some())
    };
    // One answer may be lost.
    home.cycle(120, &grant);
    assert_eq!(told(&home), (Standing::Open, false));
    home.cycle(240, &grant);
    assert_eq!(told(&home), (Standing::Open, true));
    home.speaks = Some(("NAT-PMP", 0));
    home.cycle(600, &grant);
    assert_eq!(told(&home), (Standing::Open, false));
}

#[test]
fn a_router_that_forgets_its_forwards_is_told_of_twice_and_asked_quietly_from_then_on() {
    let mut home = Home::new(UPNP);
    home.cycle(0, &grant);
    assert_eq!(home.told(), ["opened"]);
    let forgot = |deed| {
        grant(deed).map(|it| Granted {
            was_gone: true,
            lifetime_s: Some(7200),
            ..it
        })
    };
    for s in (400..6 * HOUR).step_by(400) {
        home.cycle(s, &forgot);
        assert_eq!(home.standing(), Standing::Open);
        // From the second time on nobody knows whether it is open between.
        let why = home.known.as_ref().unwrap().mappings[0].why.as_ref();
        let is_told = why.is_some_and(|it| it.contains("forgets it") && it.contains("; fix: "));
        assert_eq!(is_told, s > 400, "{s} {why:?}");
    }
    let told = home.told();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(
        told[2].ends_with("from now on it is asked for again quietly"),
        "{told:?}"
    );
}

#[test]
fn a_connection_that_refuses_is_remembered_and_one_that_is_slow_is_not() {
    for (refusal, is_kept) in [
        (Refusal::Other("501, action failed".to_owned()), true),
        (Refusal::Silent, false),
    ] {
        let mut home = Home::new(UPNP);
        home.cycle(0, &refuse(&refusal));
        let known = home.known.as_ref().unwrap();
        assert_eq!(known.way, None);
        assert_eq!(known.refused.contains(&UPNP.to_owned()), is_kept);
        home.cycle(70, &grant);
        assert_eq!(home.known.as_ref().unwrap().refused, [""; 0]);
    }
}

#[test]
fn one_that_forgets_is_believed_again_once_it_has_not_forgotten() {
    let mut home = Home::new(UPNP);
    home.cycle(0, &grant);
    let forgot = |deed| {
        grant(deed).map(|it| Granted {
            was_gone: true,
            lifetime_s: Some(7200),
            ..it
        })
    };
    home.cycle(400, &forgot);
    home.cycle(800, &forgot);
    let why = |home: &Home| home.known.as_ref().unwrap().mappings[0].why.clone();
    assert!(why(&home).is_some());
    home.cycle(1200, &grant);
    assert_eq!(why(&home), None);
}

#[test]
fn by_pcp_an_address_that_is_not_the_public_one_is_asked_for_again_every_five_minutes() {
    let told = |address: &'static str| {
        move |deed| {
            grant(deed).map(|it| Granted {
                external: Some(ip(address)),
                ..it
            })
        }
    };
    let mut home = Home::new("PCP");
    home.cycle(0, &told("11.0.0.1"));
    let again = |home: &Home, public: &str, s| {
        let known = home.known.as_ref().unwrap();
        known.ask_again(Some(ip(public)), &at(s))
    };
    assert_eq!(again(&home, "11.0.0.1", 400), None);
    assert_eq!(again(&home, "11.0.0.2", 290), None);
    assert_eq!(again(&home, "11.0.0.2", 310), Some(KEEP[0]));
    assert_eq!(home.known.as_ref().unwrap().ask_again(None, &at(310)), None);
    // Others tell it when they are greeted.
    let mut home = Home::new("NAT-PMP");
    home.external = Some(ip("11.0.0.1"));
    home.cycle(0, &grant);
    assert_eq!(again(&home, "11.0.0.2", 310), None);
}

#[test]
fn what_it_says_that_it_does_and_does_not_is_open_no_more() {
    let mut home = Home::new(UPNP);
    home.cycle(0, &grant);
    assert_eq!(home.told(), ["opened"]);
    let refusal = Refusal::NotKept("it says that it does, and does not".to_owned());
    home.cycle(400, &refuse(&refusal));
    assert_eq!(home.standing(), Standing::Failed);
    let told = home.told();
    assert!(
        told[0].starts_with("failed: router 192.168.1.1 does not forward udp 51820 (UPnP: it says"),
        "{told:?}"
    );
    assert!(told[0].contains("; fix: restart the router"), "{told:?}");
}

#[test]
fn what_was_never_granted_by_a_datagram_need_not_be_given_back_and_a_refusal_to_end_has_a_fix_of_its_own()
 {
    let refusal = Refusal::Other("it can keep no more".to_owned());
    let mut home = Home::new("PCP");
    home.cycle(0, &refuse(&refusal));
    home.told();
    home.wanted.clear();
    home.cycle(120, &refuse(&refusal));
    home.cycle(240, &refuse(&refusal));
    assert_eq!((home.known.is_none(), home.told()), (true, vec![]));

    let mut home = Home::new("PCP");
    home.cycle(0, &grant);
    home.told();
    home.wanted.clear();
    home.cycle(120, &refuse(&refusal));
    assert_eq!(
        home.told(),
        [
            "failed: router 192.168.1.1 does not end the forward of udp 51820 (PCP: it can keep no more); fix: delete it on the router, or wait until its time is over"
        ]
    );
}

#[test]
fn what_was_refused_to_one_forward_leaves_those_that_are_open_with_their_protocol() {
    let mut home = Home::new("PCP");
    home.also = vec!["NAT-PMP"];
    let web = Forward {
        internal: 443,
        external: 443,
        ..vpn()
    };
    home.wanted.push(web);
    let first_alone = |deed| match deed {
        Deed::Keep { at: 0, .. } => grant(deed),
        _ => Err(Refusal::Forbidden("no".to_owned())),
    };
    for s in (0..6 * HOUR).step_by(120) {
        home.cycle(s, &first_alone);
        assert_eq!(home.known.as_ref().unwrap().spoken(), "PCP");
        assert_eq!(home.standing(), Standing::Open);
    }
    assert_eq!(home.told().len(), 2);
}

#[test]
fn a_renewal_that_gets_no_answer_is_tried_again_and_it_is_lost_when_its_time_is_over() {
    let mut home = Home::new("PCP");
    home.cycle(0, &grant);
    home.told();
    let mut tries = 0;
    for s in (HOUR..2 * HOUR).step_by(120) {
        tries += home.cycle(s, &refuse(&Refusal::Silent)).len();
        assert_eq!(home.standing(), Standing::Open);
    }
    assert!((4..=7).contains(&tries), "{tries}");
    home.cycle(2 * HOUR, &refuse(&Refusal::Silent));
    let told = home.told();
    assert_eq!(
        told[0],
        "lost: its time was over before the router renewed it"
    );
    assert_ne!(home.standing(), Standing::Open);
}

#[test]
fn a_router_that_speaks_no_protocol_is_asked_ever_more_seldom_and_that_is_told() {
    let mut home = Home::new("PCP");
    home.speaks = None;
    let mut asked = vec![];
    for s in (0..4 * HOUR).step_by(60) {
        let ways = Forwards::ways(
            home.known.as_ref(),
            &home.wanted,
            &home.place,
            false,
            &at(s),
        );
        if !ways.is_empty() {
            assert_eq!(ways, ["PCP", "NAT-PMP", "UPnP"]);
            asked.push(s / 60);
        }
        home.cycle(s, &grant);
    }
    assert_eq!(asked, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    let silence = home.known.unwrap().silence().unwrap();
    assert!(silence.contains("none of PCP, NAT-PMP and UPnP; fix: "));
}

#[test]
fn what_is_not_wanted_any_more_is_given_back_and_forgotten() {
    for way in ["PCP", "NAT-PMP", UPNP] {
        let mut home = Home::new(way);
        home.cycle(0, &grant);
        home.wanted = vec![];
        assert_eq!(home.cycle(120, &grant), [Deed::Close { at: 0 }], "{way}");
        assert_eq!(home.told(), ["opened", "closed"]);
        assert_eq!(home.known, None);
        assert!(Forwards::ways(None, &[], &home.place, true, &at(240)).is_empty());
    }
    // One that cannot be given back is tried a few times.
    let mut home = Home::new("PCP");
    home.cycle(0, &grant);
    home.wanted = vec![];
    let mut tries = 0;
    for s in (120..HOUR).step_by(60) {
        tries += home.cycle(s, &refuse(&Refusal::Silent)).len();
    }
    assert_eq!((tries, home.known), (5, None));
    // What the router never had, and what somebody else made, is not given back.
    let foreign = |_| {
        Ok(Granted {
            lifetime_s: None,
            was_gone: false,
            is_foreign: true,
            external: None,
        })
    };
    for answer in [&refuse(&Refusal::OtherHost) as &dyn Fn(Deed) -> _, &foreign] {
        let mut home = Home::new(UPNP);
        home.cycle(0, answer);
        home.wanted = vec![];
        assert_eq!(home.cycle(120, &grant), []);
        assert_eq!(home.known, None);
    }
}

#[test]
fn a_host_that_moved_has_its_forward_follow_it() {
    let mut home = Home::new(UPNP);
    home.cycle(0, &grant);
    home.told();
    home.place.own = Ipv4Addr::new(192, 168, 1, 11);
    assert_eq!(home.cycle(120, &grant), KEEP);
    let told = home.told();
    assert_eq!(
        told[0],
        "lost: this host is 192.168.1.11 now, and was 192.168.1.10"
    );
    let mapping = &home.known.unwrap().mappings[0];
    assert_eq!((mapping.to, mapping.was), (ip("192.168.1.11"), None));
}

#[test]
fn what_still_leads_to_the_address_of_before_is_asked_for_until_it_ends_and_told_as_what_it_is() {
    let mut home = Home::new("PCP");
    home.cycle(0, &grant);
    home.place.own = Ipv4Addr::new(192, 168, 1, 11);
    home.told();
    let refusal = Refusal::Left(ip("192.168.1.10"));
    let left = refuse(&refusal);
    let mut tries = 0;
    for s in (60..2 * HOUR).step_by(60) {
        tries += home.cycle(s, &left).len();
    }
    assert!(tries > 25, "{tries}");
    let told = home.told();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[1].starts_with(
            "failed: router 192.168.1.1 still forwards udp 51820 to 192.168.1.10, which this host was before, and lets no other address end that; fix: wait"
        ),
        "{told:?}"
    );
    // Whoever moves on, it is the first one to which it leads.
    home.place.own = Ipv4Addr::new(192, 168, 1, 12);
    let mapping = |home: &Home| home.known.as_ref().unwrap().mappings[0].clone();
    let mut moved = Home::new("PCP");
    moved.cycle(0, &grant);
    for last in [11, 12] {
        moved.place.own = Ipv4Addr::new(192, 168, 1, last);
        moved.cycle(60 * u64::from(last), &left);
        assert_eq!(mapping(&moved).was, Some(ip("192.168.1.10")));
    }
    // Nobody wants it: it is there, and is not taken for given back.
    moved.wanted = vec![];
    let deeds = moved.cycle(1200, &left);
    assert_eq!(deeds, [Deed::Close { at: 0 }]);
    assert_eq!(moved.standing(), Standing::Closing);
    // Back where it was, or once its time is over, it leads there no more.
    moved.place.own = OWN;
    moved.wanted = vec![vpn()];
    moved.cycle(1260, &left);
    assert_eq!(mapping(&moved).was, None);
    home.cycle(2 * HOUR, &grant);
    assert_eq!(
        (mapping(&home).was, home.standing()),
        (None, Standing::Open)
    );
    // One that another host had leads to no address of before.
    let mut taken = Home::new("PCP");
    let refusal = Refusal::Taken {
        by: None,
        offered: None,
    };
    taken.cycle(0, &refuse(&refusal));
    taken.place.own = Ipv4Addr::new(192, 168, 1, 11);
    taken.cycle(120, &refuse(&refusal));
    assert_eq!(mapping(&taken).was, None);
}

#[test]
fn whatever_kills_it_what_may_be_open_is_remembered_and_asked_for_again() {
    // The state is saved once the intention stands in it; nothing after that was.
    let mut home = Home::new("PCP");
    let now = at(0);
    let heard = Heard {
        way: "PCP".to_owned(),
        epoch: Some(1000),
        external: None,
    };
    let (deeds, _) = Forwards::take_up(
        &mut home.known,
        &home.wanted,
        &home.place,
        (true, Some(&heard)),
        false,
        &|| "00".to_owned(),
        &now,
    );
    assert_eq!(deeds, KEEP);
    assert_eq!(home.standing(), Standing::Intended);
    home.speaks = Some(("PCP", 0));
    let mut later = Home {
        known: home.known.clone(),
        wanted: vec![],
        ..Home::new("PCP")
    };
    assert_eq!(later.cycle(120, &grant), [Deed::Close { at: 0 }]);
    let mut later = Home {
        known: home.known,
        ..Home::new("PCP")
    };
    assert_eq!(later.cycle(120, &grant), KEEP);
}

#[test]
fn to_another_host_it_is_upnp_that_is_spoken_first() {
    let elsewhere = Forward {
        host: Some(Ipv4Addr::new(192, 168, 1, 20)),
        ..vpn()
    };
    let own = Forward {
        host: Some(OWN),
        ..vpn()
    };
    let first =
        |wanted: Forward| Forwards::ways(None, &[wanted], &place(), false, &at(0)).remove(0);
    assert_eq!(first(elsewhere.clone()), "UPnP");
    assert_eq!(first(own), "PCP");
    // Where the way of before does not allow it, the others are tried.
    let mut home = Home::new("PCP");
    home.wanted = vec![elsewhere];
    home.cycle(0, &refuse(&Refusal::OtherHost));
    assert_eq!(home.known.as_ref().unwrap().way, None);
    home.speaks = Some((UPNP, 0));
    assert_eq!(home.cycle(120, &grant), KEEP);
    assert_eq!(home.standing(), Standing::Open);
}
