//! A process that is killed between what it sends and what it remembers: at least once, and never lost.

use std::time::{Duration, Instant};

use super::service::Reply;
use super::{NEW, pass, told_at_once};

#[test]
fn a_message_of_which_a_killed_cycle_saw_no_answer_goes_out_again_under_the_same_key() {
    let (service, home) = told_at_once();
    home.world.set_address(Some(NEW.parse().unwrap()));
    home.cycle_with(&["--trust"]);
    pass(&home);
    let late = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    service.answers(Reply::Bytes(late, Duration::from_secs(5)));
    let mut cycle = home.command(&["reconcile"]).spawn().unwrap();
    let begun = Instant::now();
    while service.requests().is_empty() {
        assert!(begun.elapsed().as_secs() < 30);
        std::thread::yield_now();
    }
    cycle.kill().unwrap();
    cycle.wait().unwrap();
    service.answers(Reply::status(200));
    // What happens meanwhile is another message.
    home.world
        .set_address(Some("93.184.216.77".parse().unwrap()));
    home.cycle_with(&["--trust"]);
    let keys = || -> Vec<String> {
        let requests = service.requests();
        let key = |it: &super::service::Request| it.header("idempotency-key").unwrap().to_owned();
        requests.iter().map(key).collect()
    };
    let sent = keys();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0], sent[1]);
    let bodies = service.requests();
    let message =
        |at: usize| -> serde_json::Value { serde_json::from_str(&bodies[at].body).unwrap() };
    assert_eq!(message(0)["events"], message(1)["events"]);
    for _ in 0..3 {
        pass(&home);
        home.cycle();
    }
    let sent = keys();
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert_ne!(sent[2], sent[0]);
}
