//! Messages: what happened is told once, in order, and merged; whatever the receiver does, no cycle fails.

use std::fs;
use std::time::Instant;

use cadence::world::Line;
use serde_json::Value;

use super::service::{Reply, Service};
use super::support::{Home, RECORD, joined, schema};
use super::{NEW, home, pass, program, renumber, told_at_once};

/// The documents that a service was told.
fn documents(service: &Service) -> Vec<Value> {
    let requests = service.requests();
    let parsed = requests.iter().map(|it| {
        let document: Value = serde_json::from_str(&it.body).unwrap();
        // Not that of a template.
        if document.get("schema").is_some() {
            assert_eq!(schema::check(&document), Ok(()), "{document:#}");
        }
        document
    });
    parsed.collect()
}

/// The numbers of the events that they hold, in order.
fn numbers(documents: &[Value]) -> Vec<u64> {
    let events = documents
        .iter()
        .flat_map(|it| it["events"].as_array().unwrap());
    events.map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_change_of_the_address_is_told_once_and_with_dns_in_one_message() {
    let (service, home) = told_at_once();
    renumber(&home, NEW);
    let told = documents(&service);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(
        told[0]["title"],
        format!("vpn.example.com: the IPv4 address is {NEW}")
    );
    let kinds: Vec<&str> = told[0]["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["address", "record", "converged"]);
    let request = &service.requests()[0];
    assert_eq!(request.method, "POST");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("idempotency-key"), told[0]["id"].as_str());
    for _ in 0..3 {
        pass(&home);
        home.cycle();
    }
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn a_new_receiver_is_told_what_happens_in_the_very_cycle_that_sees_it_first() {
    let service = Service::start(Reply::status(200));
    let home = home("");
    home.world.set_address(Some(NEW.parse().unwrap()));
    let receiver = format!(
        "[[notify]]\nurl = \"{}\"\nevery = \"0s\"\n",
        service.url("/hook")
    );
    home.configure(&format!("{RECORD}{receiver}"));
    home.cycle_with(&["--trust"]);
    home.cycle();
    pass(&home);
    home.cycle();
    let told = documents(&service);
    let events = told.iter().flat_map(|it| it["events"].as_array().unwrap());
    let kinds: Vec<&str> = events.map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["address", "record", "converged"]);
}

#[test]
fn an_outage_is_told_when_the_line_is_back_and_not_before() {
    let (service, home) = told_at_once();
    home.world.set_line(Line::Down).unwrap();
    for _ in 0..3 {
        home.cycle_with(&[]);
        pass(&home);
    }
    assert_eq!(service.requests().len(), 0, "the line is down");
    home.world.set_line(Line::Up).unwrap();
    for _ in 0..4 {
        home.cycle_with(&[]);
        pass(&home);
    }
    let told = documents(&service);
    assert_eq!(told.len(), 1, "{told:#?}");
    let title = told[0]["title"].as_str().unwrap();
    assert!(
        title.starts_with("vpn.example.com: the line was down for "),
        "{title}"
    );
}

#[test]
fn a_receiver_that_fails_in_any_way_costs_a_warning_and_is_told_all_of_it_later() {
    let (service, home) = told_at_once();
    let addresses: Vec<String> = (40..)
        .map(|last| format!("93.184.216.{last}"))
        .take(6)
        .collect();
    let mut replies = vec![
        Reply::status(404),
        Reply::with(302, "Location: http://127.0.0.1:1/\r\n", ""),
        Reply::Close,
        Reply::Flood,
        Reply::Bytes(b"nonsense\r\n\r\n".to_vec(), std::time::Duration::ZERO),
        Reply::with(503, "Retry-After: 120\r\n", "down"),
    ]
    .into_iter();
    for address in &addresses {
        service.answers(replies.next().unwrap());
        home.world.set_address(Some(address.parse().unwrap()));
        let mut told = String::new();
        for options in [&["--trust"][..], &[], &[]] {
            let out = home.run(&[&["reconcile", "--json"], options].concat());
            told += &joined(&String::from_utf8(out.stderr).unwrap());
            assert_eq!(out.status.code(), Some(0), "{told}");
            pass(&home);
        }
        assert!(told.contains("json was not told: 127.0.0.1"), "{told}");
        assert!(told.contains("; fix: "), "{told}");
        // As long as it may ask to be left alone.
        for _ in 0..16 {
            pass(&home);
        }
    }
    let tried = service.requests().len();
    assert!(tried >= addresses.len(), "{tried}");
    service.forget();
    service.answers(Reply::status(204));
    home.cycle();
    pass(&home);
    home.cycle();
    let told = documents(&service);
    let expected: Vec<u64> = home
        .history()
        .iter()
        .filter(|event| event["kind"] != "readiness")
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    let numbers = numbers(&told);
    assert_eq!(
        numbers,
        expected[expected.len() - numbers.len()..],
        "none is lost, and the order is kept"
    );
    assert!(numbers.len() >= 3 * addresses.len(), "{numbers:?}");
}

#[test]
fn receivers_that_hang_take_eight_seconds_together_and_no_lock() {
    let (first, second) = (Service::start(Reply::Hang), Service::start(Reply::Hang));
    let home = home(&format!(
        "[[notify]]\nname = \"a\"\nurl = \"{}\"\nevery = \"0s\"\n[[notify]]\nname = \"b\"\nurl = \"{}\"\nevery = \"0s\"\n",
        first.url("/"),
        second.url("/")
    ));
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    pass(&home);
    let begun = Instant::now();
    let mut slow = home.command(&["reconcile"]).spawn().unwrap();
    while first.requests().is_empty() || second.requests().is_empty() {
        assert!(begun.elapsed().as_secs() < 30);
        std::thread::yield_now();
    }
    // The lock of cycles is free, and that of receivers is not: this one tells nobody, and waits for nobody.
    let beside = Instant::now();
    assert_eq!(home.cycle_with(&[]).0, 0);
    assert!(beside.elapsed().as_secs() < 6, "{:?}", beside.elapsed());
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert!(slow.wait().unwrap().success());
    let took = begun.elapsed().as_secs();
    assert!((7..14).contains(&took), "{took}");
}

#[test]
fn a_program_reads_the_event_from_stdin_and_its_failure_is_told_in_its_own_words() {
    let home = Home::with(RECORD);
    let kept = home.path("kept");
    let script = format!(
        "[ -e {0}.fail ] && {{ echo 'mail: no such user'; exit 3; }}\ncat >> {0}; env | grep -c CLOUDFLARE_API_TOKEN >> {0}.env; true",
        kept.display()
    );
    let path = program(&home, "tell", &script);
    home.configure(&format!(
        "{RECORD}[[notify]]\nkind = \"program\"\nprogram = \"{path}\"\nevery = \"0s\"\non = [\"address\"]\n"
    ));
    home.settle();
    pass(&home);
    home.cycle();
    fs::remove_file(&kept).unwrap();
    fs::write(home.path("kept.fail"), "").unwrap();
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    home.cycle();
    pass(&home);
    home.run(&["reconcile"]);
    let listed = String::from_utf8(home.run(&["notify"]).stdout).unwrap();
    let listed = listed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        listed.contains("failed (exit code 3)") && listed.contains("1 event waits"),
        "{listed}"
    );
    let tested = String::from_utf8(home.run(&["notify", "--test"]).stdout).unwrap();
    assert!(tested.contains("mail: no such user"), "{tested}");
    let kept_of_it = fs::read_to_string(home.state_file("receivers.json")).unwrap();
    assert!(
        !kept_of_it.contains("no such user"),
        "what it says is not kept"
    );
    fs::remove_file(home.path("kept.fail")).unwrap();
    for _ in 0..3 {
        pass(&home);
        home.cycle();
    }
    let text = fs::read_to_string(&kept).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(schema::check(&document), Ok(()));
    assert_eq!(
        document["events"].as_array().unwrap().len(),
        1,
        "of the address alone"
    );
    let counted = fs::read_to_string(home.path("kept.env")).unwrap();
    assert!(counted.lines().all(|line| line == "0"), "{counted}");
}

#[test]
fn a_template_of_ones_own_is_sent_as_it_is_filled() {
    let service = Service::start(Reply::status(200));
    let home = home(&format!(
        "[[notify]]\nurl = \"{}\"\nevery = \"0s\"\nto = \"me\"\ntemplate = '{{\"who\":\"{{to}}\",\"what\":\"{{title}}\"}}'\n",
        service.url("/")
    ));
    renumber(&home, NEW);
    let told = documents(&service);
    assert_eq!(told[0]["who"], "me");
    assert_eq!(
        told[0]["what"],
        format!("vpn.example.com: the IPv4 address is {NEW}")
    );
}

#[test]
fn a_rejected_token_is_told_at_once_also_in_quiet_hours() {
    let service = Service::start(Reply::status(200));
    let home = home(&format!(
        "[[notify]]\nurl = \"{}\"\nquiet = \"00:00-23:59\"\n",
        service.url("/")
    ));
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    pass(&home);
    home.cycle();
    assert_eq!(service.requests().len(), 0, "quiet hours");
    let fault = cadence::world::Fault::Status {
        code: 403,
        retry_after: None,
        body: Some(r#"{"success":false,"errors":[{"code":9109,"message":"Invalid access token"}],"messages":[],"result":null}"#.to_owned()),
    };
    home.world.cloudflare().set_fault(Some(fault));
    home.world
        .set_address(Some("93.184.216.77".parse().unwrap()));
    assert_eq!(home.cycle_with(&["--trust"]).0, 77);
    let told = documents(&service);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["urgent"], true);
    assert!(
        told[0]["message"]
            .as_str()
            .unwrap()
            .contains("rejects the API token"),
        "{told:#?}"
    );
}

#[test]
fn a_damaged_file_of_what_was_told_is_told_and_costs_no_cycle() {
    let (service, home) = told_at_once();
    for damage in [
        "",
        "{",
        "[]",
        "{\"version\":99}",
        "{\"version\":1,\"receivers\":{\"json\":7}}",
    ] {
        fs::write(home.state_file("receivers.json"), damage).unwrap();
        let out = home.run(&["reconcile"]);
        assert_eq!(out.status.code(), Some(0), "{damage}");
    }
    service.forget();
    renumber(&home, NEW);
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn what_a_long_dead_receiver_was_being_told_when_it_left_the_history_hides_nothing() {
    let (service, home) = told_at_once();
    service.answers(Reply::status(500));
    renumber(&home, NEW);
    let path = home.state_file("receivers.json");
    let mut known: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(known["receivers"]["json"]["sending"].is_u64(), "{known}");
    // As after two rotations: what was on its way is gone.
    known["receivers"]["json"]["told"] = 1.into();
    known["receivers"]["json"]["sending"] = 2.into();
    fs::write(&path, known.to_string()).unwrap();
    let history = fs::read_to_string(home.state_file("history.jsonl")).unwrap();
    let newest: Vec<&str> = history.lines().skip(3).collect();
    fs::write(home.state_file("history.jsonl"), newest.join("\n") + "\n").unwrap();
    service.answers(Reply::status(200));
    service.forget();
    for _ in 0..3 {
        pass(&home);
        home.cycle();
    }
    let told = documents(&service);
    assert_eq!(told.len(), 1, "{told:#?}");
    let lines = told[0]["message"].as_str().unwrap();
    assert!(
        lines.starts_with("Events before these left the history untold."),
        "{lines}"
    );
    assert!(lines.contains(NEW), "{lines}");
}
