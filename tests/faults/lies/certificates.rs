//! Servers that are not who they say: nothing that they answer is believed, and they are told nothing.

use cadence::world::{Certificate, Kind};

use super::support::{Home, gist, reason, signal};
use super::{MOVED, RIGHT, home_with_old_record, written};

const BAD: [Certificate; 4] = [
    Certificate::Expired,
    Certificate::NotYetValid,
    Certificate::WrongName,
    Certificate::UnknownAuthority,
];

fn show(home: &Home, kind: Kind, certificate: Certificate) {
    for index in 0..4 {
        home.world
            .set_certificate(kind, index, certificate)
            .unwrap();
    }
}

#[test]
fn providers_that_cannot_prove_who_they_are_are_not_believed() {
    for certificate in BAD {
        let home = home_with_old_record();
        show(&home, Kind::Ip, certificate);
        for options in [&[][..], &["--trust"]] {
            let (code, report) = home.cycle_with(options);
            assert_eq!(
                (code, gist(&report).as_str()),
                (0, "PROBING held"),
                "{certificate:?}"
            );
            assert_eq!(report["verdict"], "DEGRADED");
        }
        assert_eq!(
            home.world.counts().ip.requests,
            0,
            "they are not even asked"
        );
        assert!(written(&home).is_empty());
    }
}

#[test]
fn one_of_them_among_honest_ones_does_no_harm() {
    for (certificate, index) in BAD.into_iter().zip(0..) {
        let home = home_with_old_record();
        home.world
            .set_certificate(Kind::Ip, index, certificate)
            .unwrap();
        home.settle();
        assert_eq!(written(&home), [RIGHT], "{certificate:?}");
    }
}

#[test]
fn resolvers_that_cannot_prove_who_they_are_are_passed_over() {
    for certificate in BAD {
        let home = Home::new();
        home.settle();
        home.world.reset_counts();
        show(&home, Kind::Doh, certificate);
        assert_eq!(
            gist(&home.cycle_with(&["--no-cache"]).1),
            "READY noop/api",
            "{certificate:?}"
        );
        assert_eq!(home.world.counts().doh.requests, 0);
        assert_eq!(written(&home), [RIGHT]);
    }
}

#[test]
fn an_api_that_cannot_prove_who_it_is_never_sees_the_token() {
    for certificate in BAD {
        let home = Home::new();
        show(&home, Kind::Api, certificate);
        home.cycle();
        let (code, report) = home.cycle_with(&[]);
        assert_eq!(
            (code, gist(&report).as_str()),
            (1, "READY failed"),
            "{certificate:?}"
        );
        assert!(
            reason(&report, 0)
                .starts_with("vpn.example.com A: looking up the zone vpn.example.com: "),
            "{report:#}"
        );
        assert_eq!(home.world.counts().api.requests, 0);
        assert!(home.world.cloudflare().journal().is_empty());
    }
}

#[test]
fn a_line_behind_a_portal_is_not_believed_and_nothing_is_written() {
    let home = Home::new();
    home.settle();
    // The third target is plain TCP, which any portal answers.
    home.rewrite(|text| {
        let plain = format!(",\"{}\"", home.world.wan_targets()[2]);
        assert!(text.contains(&plain));
        text.replace(&plain, "")
    });
    home.world.set_address(Some(MOVED));
    for certificate in BAD {
        show(&home, Kind::Wan, certificate);
        show(&home, Kind::Ip, certificate);
        let report = home.cycle();
        assert_eq!(gist(&report), "NOT_READY held", "{certificate:?}");
        assert_eq!(report["verdict"], "UNVERIFIED", "{report:#}");
        assert_eq!(signal(&report, "wan")["ok"], false);
    }
    assert_eq!(written(&home), [RIGHT]);
    show(&home, Kind::Wan, Certificate::Good);
    show(&home, Kind::Ip, Certificate::Good);
    home.settle();
    assert_eq!(written(&home), [RIGHT.to_owned(), MOVED.to_string()]);
}
