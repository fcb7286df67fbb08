use super::*;

const A: &str = "93.184.216.34";
const B: &str = "93.184.216.35";

fn answers(said: &[&str]) -> Vec<Answer> {
    said.iter()
        .enumerate()
        .map(|(i, said)| Answer {
            provider: format!("https://p{i}"),
            authority: format!("p{i}:443"),
            address: said.parse().map_err(|_| (*said).to_owned()),
        })
        .collect()
}

fn signal<T>(target: Option<&str>, result: Result<T, &str>) -> Signal<T> {
    Signal {
        target: target.map(str::to_owned),
        elapsed: Duration::from_millis(12),
        result: result.map_err(str::to_owned),
    }
}

#[test]
fn providers_that_all_agree_are_fine() {
    assert_eq!(
        public_ip(Family::V4, &answers(&[A, A, A]), None),
        (
            Finding::ok("public_ip", format!("{A}: 3 of 3 providers agree")),
            Some(A.parse().unwrap())
        )
    );
}

#[test]
fn a_provider_that_fails_or_lies_is_named() {
    let (found, counted) = public_ip(Family::V4, &answers(&[A, A, B, "timed out"]), None);
    assert_eq!(
        found,
        Finding::warn(
            "public_ip",
            format!("{A}: 2 of 4 providers agree; p2:443 says {B}; p3:443: timed out")
        )
        .fix("replace it in network.ip_providers if this persists")
    );
    assert_eq!(counted, Some(A.parse().unwrap()));
}

#[test]
fn no_address_is_confirmed_by_one_host_or_by_a_tie() {
    let mut same_host = answers(&[A, A]);
    same_host[1].authority = same_host[0].authority.clone();
    assert_eq!(
        public_ip(Family::V6, &same_host, None),
        (
            Finding::fail(
                "public_ip",
                "network.ip6_providers names 1 host, but two must agree on an address"
            )
            .fix("add another host to network.ip6_providers"),
            None
        )
    );
    for said in [
        &[A, "timed out", "status 503"][..],
        &[A, B],
        &["a", "b"],
        &[A, A, B, B],
    ] {
        let (found, counted) = public_ip(Family::V4, &answers(said), None);
        assert_eq!((found.level, counted), (Level::Fail, None), "{said:?}");
    }
}

#[test]
fn a_silent_router_matters_only_while_the_line_is_down() {
    let silent = signal::<RouterMethod>(Some("192.168.0.1"), Err("no ICMP reply"));
    let found = router(&silent, true);
    assert_eq!(
        (found.level, &*found.message),
        (Level::Warn, "192.168.0.1 does not answer: no ICMP reply")
    );
    assert_eq!(router(&silent, false).level, Level::Fail);
    assert_eq!(
        router(&signal(Some("192.168.0.1"), Ok(RouterMethod::Tcp)), true),
        Finding::ok("router", "192.168.0.1 answers (TCP, 12.0 ms)")
    );
}

#[test]
fn one_dead_target_is_a_warning_and_no_living_one_a_failure() {
    let dead = signal::<()>(Some("1.1.1.1:443"), Err("1.1.1.1:443: timed out"));
    let (up, down) = (Heard::Verified, Heard::Silent);
    let dead = |heard| Wan {
        is_unnamed: false,
        signal: dead.clone(),
        over: None,
        heard: vec![heard],
    };
    assert_eq!(
        wan(&dead(down), true, false, None),
        Finding::warn("wan", "1.1.1.1:443: timed out").fix("replace it in network.wan_targets")
    );
    assert_eq!(wan(&dead(down), false, false, None).level, Level::Fail);
    assert_eq!(
        wan(
            &Wan {
                is_unnamed: false,
                signal: signal(Some("1.1.1.1:443"), Ok(())),
                over: None,
                heard: vec![up]
            },
            true,
            false,
            None
        ),
        Finding::ok("wan", "1.1.1.1:443 answers (12.0 ms)")
    );
    // A name that does not resolve is a fault; an address of a family that this host has not is none.
    assert_eq!(
        wan(&dead(Heard::NotAsked), true, false, None).level,
        Level::Ok
    );
    assert_eq!(
        wan(&dead(Heard::NotAsked), false, false, None).level,
        Level::Fail
    );
    let named = Wan {
        is_unnamed: false,
        signal: signal(
            Some("one.example:443"),
            Err("could not resolve one.example"),
        ),
        over: None,
        heard: vec![Heard::NotAsked],
    };
    assert_eq!(wan(&named, true, false, None).level, Level::Warn);
}

#[test]
fn of_a_family_over_which_nobody_answers_no_target_is_to_be_replaced() {
    let target = |target: &str, ok: bool| Wan {
        is_unnamed: false,
        signal: signal(Some(target), if ok { Ok(()) } else { Err("timed out") }),
        over: None,
        heard: vec![if ok { Heard::Verified } else { Heard::Silent }],
    };
    let (four, six) = (
        target("1.1.1.1:443", true),
        target("[2606:4700:4700::1111]:443", false),
    );
    let more = target("[2620:fe::fe]:443", false);
    let dead = dead_family(&[four.clone(), six.clone(), more.clone()]);
    assert_eq!(dead, Some(Family::V6));
    let fix = wan(&more, true, false, dead).fix.unwrap();
    assert_eq!(
        fix,
        "no target answers over IPv6: check IPv6 on the router, or ask the ISP for it"
    );
    // One alone may be the target's own fault, and where nothing answers it is the line's.
    assert_eq!(dead_family(&[four, six.clone()]), None);
    assert_eq!(dead_family(&[six, more]), None);
}
