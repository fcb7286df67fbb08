//! Heartbeats: that cadence lives, and how it goes.

use cadence::world::Fault;

use super::service::{Reply, Service};
use super::{NEW, home, pass};

fn targets(service: &Service) -> Vec<String> {
    service.requests().into_iter().map(|it| it.target).collect()
}

#[test]
fn healthchecks_hears_each_period_the_start_of_a_change_and_its_end() {
    let service = Service::start(Reply::status(200));
    let home = home(&format!(
        "[[heartbeat]]\npreset = \"healthchecks\"\nurl = \"{}\"\n",
        service.url("/uuid")
    ));
    service.forget();
    home.cycle();
    assert!(targets(&service).is_empty(), "it was told just now");
    for _ in 0..2 {
        pass(&home);
        home.cycle();
    }
    assert_eq!(targets(&service), ["/uuid/0"]);
    assert!(
        service.requests()[0]
            .body
            .starts_with("READY: vpn.example.com A ")
    );
    service.forget();
    home.world.set_address(Some(NEW.parse().unwrap()));
    for _ in 0..4 {
        home.cycle();
    }
    let told = targets(&service);
    let run = told[0]
        .strip_prefix("/uuid/start?rid=")
        .unwrap_or_else(|| panic!("{told:?}"));
    assert_eq!(run.len(), 36, "a UUID");
    assert_eq!(told[1..], [format!("/uuid/0?rid={run}")], "{told:?}");
}

#[test]
fn a_trouble_is_told_with_the_exit_code_at_once_and_again_when_it_is_over() {
    let (checks, kuma, plain) = (
        Service::start(Reply::status(200)),
        Service::start(Reply::status(200)),
        Service::start(Reply::status(200)),
    );
    let home = home(&format!(
        "[[heartbeat]]\npreset = \"healthchecks\"\nurl = \"{}\"\n[[heartbeat]]\npreset = \"uptime-kuma\"\nurl = \"{}\"\n[[heartbeat]]\nurl = \"{}\"\n",
        checks.url("/c"),
        kuma.url("/api/push/x?status=up&msg=OK&ping="),
        plain.url("/p")
    ));
    let refused = Fault::Status {
        code: 403,
        retry_after: None,
        body: Some(r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[],"result":null}"#.to_owned()),
    };
    home.world.cloudflare().set_fault(Some(refused));
    home.world.set_address(Some(NEW.parse().unwrap()));
    for service in [&checks, &kuma, &plain] {
        service.forget();
    }
    for _ in 0..3 {
        assert_eq!(home.cycle_with(&["--trust"]).0, 1);
        pass(&home);
    }
    let told = targets(&checks);
    assert!(
        told[0].starts_with("/c/start?rid="),
        "it may come right: {told:?}"
    );
    assert!(
        told[1..].iter().any(|it| it.starts_with("/c/1")),
        "{told:?}"
    );
    let told = targets(&kuma);
    let down = told.iter().find(|it| it.contains("status=down"));
    let down = down.unwrap_or_else(|| panic!("{told:?}"));
    assert!(down.starts_with("/api/push/x?status=down&msg="), "{down}");
    assert!(
        !down.contains("status=up") && !down.contains("msg=OK"),
        "{down}"
    );
    let silent = plain.requests().len();
    pass(&home);
    pass(&home);
    home.cycle_with(&["--trust"]);
    assert_eq!(plain.requests().len(), silent, "silence is what it notices");
    plain.forget();
    home.world.cloudflare().set_fault(None);
    for _ in 0..3 {
        pass(&home);
        home.cycle_with(&["--trust"]);
    }
    assert_eq!(targets(&plain).first().map(String::as_str), Some("/p"));
    assert!(targets(&checks).last().unwrap().starts_with("/c/0"));
    assert!(targets(&kuma).last().unwrap().contains("status=up"));
}
