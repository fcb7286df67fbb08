//! Public DNS that lies. It can keep cadence from looking, never make it write what is wrong.

use std::time::Duration;

use cadence::world::DohMode;

use super::support::{Home, gist};
use super::{MOVED, OLD, RIGHT, WRONG, home_with_old_record, written};

fn lies(address: &str) -> DohMode {
    DohMode::Lies(address.parse().unwrap())
}

#[test]
fn a_resolver_that_says_what_is_wanted_causes_no_write() {
    let home = home_with_old_record();
    home.world.set_doh(lies(RIGHT));
    home.cycle();
    assert_eq!(gist(&home.cycle()), "READY noop/doh");
    assert!(home.world.cloudflare().journal().is_empty());

    // The lie does not outlast the cache.
    home.world.set_doh(DohMode::Honest {
        lag: Duration::ZERO,
    });
    home.pass(Duration::from_secs(3700));
    assert_eq!(gist(&home.cycle()), "READY updated/api");
    assert_eq!(written(&home), [RIGHT]);
}

#[test]
fn a_resolver_that_says_something_else_causes_no_write_where_the_record_is_right() {
    let home = Home::new();
    home.settle();
    let modes = [
        lies(WRONG),
        lies(OLD),
        lies("104.18.0.1"),
        lies("2606:2800:220:1::1"),
        DohMode::NxDomain,
        DohMode::Servfail,
        DohMode::Garbage,
        DohMode::Hang(Duration::from_millis(50)),
    ];
    for mode in modes {
        home.world.set_doh(mode);
        let (code, report) = home.cycle_with(&["--no-cache"]);
        assert_eq!(
            (code, gist(&report).as_str()),
            (0, "READY noop/api"),
            "{mode:?}"
        );
    }
    home.world.set_doh(DohMode::CnameFirst);
    assert_eq!(
        gist(&home.cycle_with(&["--no-cache"]).1),
        "READY noop/doh",
        "an alias in front of the right answer"
    );
    assert_eq!(written(&home), [RIGHT]);
}

#[test]
fn a_resolver_cannot_keep_a_new_address_from_being_published() {
    for mode in [
        lies(&MOVED.to_string()),
        lies(RIGHT),
        DohMode::NxDomain,
        DohMode::Garbage,
    ] {
        let home = Home::new();
        home.settle();
        home.world.set_address(Some(MOVED));
        home.world.set_doh(mode);
        home.settle();
        assert_eq!(
            written(&home),
            [RIGHT.to_owned(), MOVED.to_string()],
            "{mode:?}"
        );
    }
}

#[test]
fn an_answer_from_before_an_address_came_back_proves_nothing() {
    let home = Home::new();
    home.settle();
    home.world.set_address(Some(MOVED));
    home.settle();
    // The resolvers still hold the first address when the line gets it back.
    home.world.set_doh(lies(RIGHT));
    home.world.set_address(Some(RIGHT.parse().unwrap()));
    home.settle();
    assert_eq!(home.published("A").as_deref(), Some(RIGHT));
}

#[test]
fn the_second_resolver_is_asked_where_the_first_one_fails() {
    let home = Home::new();
    home.settle();
    home.world.cloudflare().clear_journal();
    home.world.set_doh_server(0, DohMode::Servfail);
    assert_eq!(gist(&home.cycle_with(&["--no-cache"]).1), "READY noop/doh");
    assert!(home.world.cloudflare().journal().is_empty());
}
