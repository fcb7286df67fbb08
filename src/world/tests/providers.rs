use super::*;

#[test]
fn honest_providers_agree_in_text_and_in_trace_form() {
    let world = World::start().unwrap();
    world.set_address(Some("84.16.1.2".parse().unwrap()));
    let urls = world.ip_provider_urls();
    assert_eq!(urls.len(), 4);
    for (i, url) in urls.iter().enumerate() {
        let answer = get(&world, url).unwrap();
        assert_eq!(answer.status, 200);
        if i == 1 {
            assert!(url.ends_with("/cdn-cgi/trace"), "{url}");
            assert!(
                answer.text().contains("\nip=84.16.1.2\n"),
                "{}",
                answer.text()
            );
            assert!(answer.text().contains("\nh=test\n"), "{}", answer.text());
            assert!(answer.text().contains("\nwarp=off\n"), "{}", answer.text());
        } else {
            assert_eq!(answer.text(), "84.16.1.2\n");
        }
    }
    world.set_address(None);
    assert_eq!(get(&world, &urls[0]).unwrap().status, 503);
}

#[test]
fn ipv6_providers_tell_the_other_address_where_the_host_has_loopback_for_it() {
    let world = World::start().unwrap();
    assert_eq!(world.has_ipv6(), TcpListener::bind("[::1]:0").is_ok());
    for (i, url) in world.ip6_provider_urls().iter().enumerate() {
        let text = get(&world, url).unwrap().text();
        assert_eq!(text.contains("ip=2606:2800:"), i == 1, "{text}");
        assert_eq!(text.starts_with("2606:2800:"), i != 1, "{text}");
    }
}

#[test]
fn providers_misbehave_as_told() {
    let world = World::start().unwrap();
    world.set_address(Some("84.16.1.21".parse().unwrap()));
    let url = &world.ip_provider_urls()[0];
    let told = |mode| {
        world.set_provider(0, mode);
        get(&world, url)
    };
    assert_eq!(
        told(ProviderMode::Lies("10.0.0.1".into())).unwrap().text(),
        "10.0.0.1"
    );
    assert!(
        told(ProviderMode::Html)
            .unwrap()
            .text()
            .contains("84.16.1.21")
    );
    assert_eq!(
        told(ProviderMode::Huge(100_000)).unwrap().body.len(),
        100_000
    );
    assert_eq!(told(ProviderMode::Status(500)).unwrap().status, 500);
    let redirect = told(ProviderMode::Redirect("https://127.0.0.1/x".into())).unwrap();
    assert_eq!(redirect.status, 302);
    assert!(
        redirect.head.contains("Location: https://127.0.0.1/x\r\n"),
        "{}",
        redirect.head
    );
    assert_eq!(
        told(ProviderMode::Truncate).unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
    assert_eq!(
        told(ProviderMode::Reset).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        told(ProviderMode::Hang(Duration::from_millis(50)))
            .unwrap_err()
            .kind(),
        ErrorKind::UnexpectedEof
    );

    world.set_provider(0, ProviderMode::Alternate(vec!["a".into(), "b".into()]));
    let bodies: Vec<String> = (0..3).map(|_| get(&world, url).unwrap().text()).collect();
    assert_eq!(bodies, ["a", "b", "a"]);
    assert_eq!(told(ProviderMode::Alternate(vec![])).unwrap().text(), "");
}

#[test]
fn a_dripping_provider_sends_a_byte_at_a_time() {
    let world = World::start().unwrap();
    world.set_provider(0, ProviderMode::Drip);
    let mut stream = connect(&world, &world.ip_provider_urls()[0]).unwrap();
    stream
        .write_all(b"GET /ip HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    let started = Instant::now();
    let mut four = [0; 4];
    stream.read_exact(&mut four).unwrap();
    assert_eq!(&four, b"HTTP");
    assert!(started.elapsed() >= Duration::from_millis(600));
}
