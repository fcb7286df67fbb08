use super::*;

#[test]
fn a_lost_line_cuts_connections_and_refuses_new_ones_at_once() {
    let world = World::start().unwrap();
    let url = &world.ip_provider_urls()[0];
    let mut open = connect(&world, url).unwrap();
    world.set_line(Line::Down).unwrap();

    assert!(ask(&mut open, "GET", url, "", "").is_err());
    let mut urls = world.ip_provider_urls();
    urls.extend(world.ip6_provider_urls());
    urls.extend(world.doh_urls());
    urls.push(world.api_url());
    for url in &urls {
        assert_eq!(
            connect(&world, url).unwrap_err().kind(),
            ErrorKind::ConnectionRefused,
            "{url}"
        );
    }
    for target in world.wan_targets() {
        let address = target.split("//").nth(1).unwrap();
        assert_eq!(
            TcpStream::connect(address).unwrap_err().kind(),
            ErrorKind::ConnectionRefused,
            "{target}"
        );
    }

    world.set_line(Line::Up).unwrap();
    assert_eq!(get(&world, url).unwrap().status, 200);
}

#[test]
fn the_ports_of_a_lost_line_are_given_to_nobody_else() {
    let world = World::start_in_the_clear().unwrap();
    world.set_line(Line::Down).unwrap();
    let targets = world.wan_targets();
    for target in &targets {
        let address = target.split("//").nth(1).unwrap();
        // As the servers of another world do, it allows for others that are closed.
        let taken = std::net::TcpListener::bind(address).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse, "{target}");
    }
    world.set_line(Line::Up).unwrap();
    TcpStream::connect(targets[0].split("//").nth(1).unwrap()).unwrap();
}

#[test]
fn wan_targets_finish_a_handshake_that_verifies() {
    let world = World::start().unwrap();
    let targets = world.wan_targets();
    assert_eq!(targets.len(), 3);
    for target in targets.iter().filter(|target| target.starts_with("tls://")) {
        connect(&world, target).unwrap();
    }
    TcpStream::connect(targets[2].strip_prefix("tcp://").unwrap()).unwrap();
}

#[test]
fn bad_certificates_are_refused_for_the_right_reason() {
    let world = World::start().unwrap();
    let url = world.api_url();
    for (certificate, reason) in [
        (Certificate::Expired, "expired"),
        (Certificate::NotYetValid, "not valid yet"),
        (Certificate::WrongName, "not valid for name"),
        (Certificate::UnknownAuthority, "UnknownIssuer"),
    ] {
        world.set_certificate(Kind::Api, 0, certificate).unwrap();
        let error = connect(&world, &url).unwrap_err().to_string();
        assert!(error.contains(reason), "{certificate:?}: {error}");
    }
    world
        .set_certificate(Kind::Api, 0, Certificate::Good)
        .unwrap();
    connect(&world, &url).unwrap();
}

#[test]
fn connections_and_requests_are_counted_by_kind() {
    let world = World::start().unwrap();
    let url = &world.doh_urls()[0];
    let mut stream = connect(&world, url).unwrap();
    for _ in 0..3 {
        ask(&mut stream, "GET", url, "", "").unwrap();
    }
    get(&world, &world.ip_provider_urls()[3]).unwrap();
    let one = |requests| Tally {
        connections: 1,
        requests,
    };
    assert_eq!(
        world.counts(),
        Counts {
            doh: one(3),
            ip: one(1),
            ..Counts::default()
        }
    );
    world.reset_counts();
    assert_eq!(world.counts(), Counts::default());
}

#[test]
fn dropping_the_world_is_prompt_and_frees_its_ports_while_clients_hang() {
    let world = World::start().unwrap();
    world.set_provider(0, ProviderMode::Hang(Duration::from_secs(10 * 60)));
    let url = world.ip_provider_urls()[0].clone();
    let mut hanging = connect(&world, &url).unwrap();
    hanging
        .write_all(b"GET /ip HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    let idle = connect(&world, &world.api_url()).unwrap();
    let address = hanging.sock.peer_addr().unwrap();

    let started = Instant::now();
    drop(world);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert!(hanging.read(&mut [0]).is_err());
    TcpListener::bind(address).unwrap();
    drop(idle);
}

#[test]
fn clients_that_vanish_or_talk_nonsense_harm_nobody() {
    let world = World::start().unwrap();
    let url = &world.ip_provider_urls()[0];
    let address = url.split('/').nth(2).unwrap();
    drop(TcpStream::connect(address).unwrap());
    TcpStream::connect(address)
        .unwrap()
        .write_all(b"\x16\x03\x01\x02\x00garbage")
        .unwrap();
    let mut stream = connect(&world, url).unwrap();
    stream.write_all(b"\0\0\0\r\n\r\n").unwrap();
    assert!(stream.read_exact(&mut [0]).is_err());
    let mut stream = connect(&world, url).unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
        .unwrap();
    assert!(stream.read_exact(&mut [0]).is_err());
    assert_eq!(get(&world, url).unwrap().status, 200);
}

#[test]
fn the_configuration_is_toml_and_points_at_the_world() {
    let world = World::start().unwrap();
    let files = Files {
        token: Path::new("/tmp/a \"b\"/token"),
        ca: Some(Path::new("/tmp/ca.pem")),
    };
    let text = world.config_toml(files, "[[record]]\nname = \"vpn.example.com\"\n");
    let document = toml::de::DeTable::parse(&text).unwrap();
    let value = |section, key| {
        document
            .get_ref()
            .get(section)
            .unwrap()
            .get_ref()
            .get(key)
            .unwrap()
            .get_ref()
    };
    assert_eq!(
        value("cloudflare", "api_url").as_str(),
        Some(world.api_url().as_str())
    );
    assert_eq!(
        value("cloudflare", "token_file").as_str(),
        Some("/tmp/a \"b\"/token")
    );
    assert_eq!(
        value("network", "ip_providers").as_array().unwrap().len(),
        4
    );
    assert!(
        !value("network", "ip6_providers")
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(text.ends_with("[[record]]\nname = \"vpn.example.com\"\n"));
}

#[test]
fn a_world_in_the_clear_speaks_no_tls_and_names_no_certificate() {
    let world = World::start_in_the_clear().unwrap();
    let files = Files {
        token: Path::new("/tmp/token"),
        ca: None,
    };
    let text = world.config_toml(files, "");
    assert!(!text.contains("tls://"), "{text}");
    assert!(!text.contains("ca_file"), "{text}");
    let url = &world.ip_provider_urls()[0];
    let authority = url
        .strip_prefix("http://")
        .unwrap()
        .strip_suffix("/ip")
        .unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    stream
        .write_all(b"GET /ip HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\n93.184.216.34\n"), "{answer}");
}

#[test]
fn what_a_client_sent_that_is_no_more_is_answered_before_the_api_has_finished() {
    let world = World::start_in_the_clear().unwrap();
    let address = world.internet.of(Kind::Api)[0].address();
    for sent in 1..=50 {
        let mut client = TcpStream::connect(address).unwrap();
        write!(client, "GET /client/v4/zones HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        drop(client);
        world.finish_api();
        assert_eq!(world.counts().api.requests, sent);
    }
}

#[test]
fn into_a_world_apart_only_its_own_connector_leads() {
    let [world, other] = [(); 2].map(|()| World::start_apart().unwrap());
    let address = world.internet.of(Kind::Ip)[0].address();
    let limit = Duration::from_secs(5);
    let refused = |connector: &dyn Connector| {
        let error = connector.connect(address, limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    };
    let mut stream = world.connector().connect(address, limit).unwrap();
    stream
        .write_all(b"GET /ip HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\n93.184.216.34\n"), "{answer}");

    other.set_line(Line::Down).unwrap();
    refused(&*other.connector());
    other.set_line(Line::Up).unwrap();
    world.set_line(Line::Down).unwrap();
    refused(&*world.connector());
    world.set_line(Line::Up).unwrap();
    assert!(world.connector().connect(address, limit).is_ok());
}
