use super::*;

#[test]
fn resolvers_answer_from_the_zones() {
    let world = World::start().unwrap();
    let cloudflare = world.cloudflare();
    let zone = cloudflare.add_zone("example.com");
    for record in [
        json!({"name": "vpn", "type": "A", "content": "84.16.1.2", "ttl": 60}),
        json!({"name": "*.dyn", "type": "A", "content": "84.16.1.3"}),
        json!({"name": "www", "type": "A", "content": "84.16.1.4", "proxied": true}),
        json!({"name": "alias", "type": "CNAME", "content": "vpn.example.com"}),
    ] {
        cloudflare.add_record(&zone, &record).unwrap();
    }
    let asked = |name: &str, kind: &str| {
        get(
            &world,
            &format!("{}?name={name}&type={kind}", world.doh_urls()[1]),
        )
        .unwrap()
        .json()
    };
    let data = |answer: &Value| -> Vec<String> {
        let answers = answer["Answer"].as_array().cloned().unwrap_or_default();
        answers
            .iter()
            .map(|a| a["data"].as_str().unwrap().to_owned())
            .collect()
    };
    let vpn = asked("vpn.example.com", "A");
    assert_eq!(
        vpn["Answer"],
        json!([{"name": "vpn.example.com", "type": 1, "TTL": 60, "data": "84.16.1.2"}])
    );
    assert_eq!(data(&asked("%2A.dyn.example.com", "A")), ["84.16.1.3"]);
    assert_eq!(data(&asked("any.dyn.example.com", "A")), ["84.16.1.3"]);
    assert_eq!(
        data(&asked("www.example.com", "A")),
        ["104.16.132.229", "104.16.133.229"]
    );
    assert_eq!(
        data(&asked("alias.example.com", "A")),
        ["vpn.example.com", "84.16.1.2"]
    );
    let (empty, missing) = (
        asked("vpn.example.com", "AAAA"),
        asked("gone.example.com", "A"),
    );
    assert_eq!((&empty["Status"], empty.get("Answer")), (&json!(0), None));
    assert_eq!(
        (&missing["Status"], missing.get("Answer")),
        (&json!(3), None)
    );
    assert_eq!(get(&world, &world.doh_urls()[0]).unwrap().status, 400);

    world.set_doh(DohMode::Servfail);
    assert_eq!(asked("vpn.example.com", "A")["Status"], 2);
    world.set_doh(DohMode::Lies("9.9.9.9".parse().unwrap()));
    assert_eq!(data(&asked("vpn.example.com", "A")), ["9.9.9.9"]);
    assert!(data(&asked("vpn.example.com", "AAAA")).is_empty());
    world.set_doh_server(1, DohMode::CnameFirst);
    assert_eq!(
        data(&asked("vpn.example.com", "A")),
        ["edge.vpn.example.com", "84.16.1.2"]
    );
}

#[test]
fn a_lagging_resolver_shows_what_was_there_before_a_write() {
    let world = World::start().unwrap();
    let cloudflare = world.cloudflare();
    let zone = cloudflare.add_zone("example.com");
    let record = json!({"name": "vpn", "type": "A", "content": "84.16.1.2"});
    let id = cloudflare.add_record(&zone, &record).unwrap();
    world.set_doh_server(
        0,
        DohMode::Honest {
            lag: Duration::from_secs(10 * 60),
        },
    );
    let path = format!("/zones/{zone}/dns_records/{id}");
    api(&world, "PATCH", &path, &json!({"content": "84.16.9.9"})).unwrap();

    let seen: Vec<Value> = world
        .doh_urls()
        .iter()
        .map(|url| {
            get(&world, &format!("{url}?name=vpn.example.com"))
                .unwrap()
                .json()["Answer"][0]["data"]
                .clone()
        })
        .collect();
    assert_eq!(seen, ["84.16.1.2", "84.16.9.9"]);
}
