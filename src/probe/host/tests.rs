use super::*;

const HEADER: &str =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

/// As the kernel prints an address on this machine.
fn printed(address: [u8; 4]) -> String {
    format!("{:08X}", u32::from_ne_bytes(address))
}

fn line(interface: &str, gateway: [u8; 4], flags: u32, metric: u32) -> String {
    format!(
        "{interface}\t00000000\t{}\t{flags:04X}\t0\t0\t{metric}\t00000000\t0\t0\t0   \n",
        printed(gateway)
    )
}

#[test]
fn the_default_route_of_the_lowest_metric_goes_first() {
    let text = [
        HEADER.to_owned(),
        line("wlan0", [192, 168, 7, 1], 3, 600),
        line("eth0", [192, 168, 0, 1], 3, 100),
        format!(
            "eth0\t{}\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n",
            printed([192, 168, 0, 0])
        ),
    ]
    .concat();
    let routes = parse_route(&text);
    assert_eq!(
        routes,
        [
            DefaultRoute {
                interface: "eth0".to_owned(),
                gateway: Some(Ipv4Addr::new(192, 168, 0, 1).into()),
                metric: 100
            },
            DefaultRoute {
                interface: "wlan0".to_owned(),
                gateway: Some(Ipv4Addr::new(192, 168, 7, 1).into()),
                metric: 600
            },
        ]
    );
}

#[test]
fn a_route_that_is_down_or_rejects_or_loops_is_none() {
    for (interface, flags) in [("eth0", 0x0002), ("eth0", 0x0203), ("lo", 0x0003)] {
        assert_eq!(
            parse_route(&line(interface, [192, 0, 2, 1], flags, 0)),
            [],
            "{interface} {flags:#x}"
        );
    }
}

#[test]
fn a_point_to_point_link_has_a_route_without_a_router() {
    let routes = parse_route(&line("ppp0", [0; 4], 1, 0));
    assert_eq!(
        routes,
        [DefaultRoute {
            interface: "ppp0".to_owned(),
            gateway: None,
            metric: 0
        }]
    );
}

#[test]
fn the_router_is_that_of_the_best_route_alone() {
    let text = [
        line("wg0", [0, 0, 0, 0], 0x0001, 1),
        line("eth0", [192, 168, 0, 1], 0x0003, 100),
    ]
    .concat();
    let routes = || parse_route(&text);
    assert_eq!(router_of(&routes(), None), None, "the VPN has none");
    let bound = router_of(&routes(), Some("eth0")).unwrap();
    assert_eq!(bound.address, Ipv4Addr::new(192, 168, 0, 1));
    assert_eq!(router_of(&[], None), None);
}

#[test]
fn the_other_router_is_that_of_ipv6_where_the_best_route_is_one_of_ipv4() {
    let route = |interface: &str, gateway: Option<&str>| DefaultRoute {
        interface: interface.to_owned(),
        gateway: gateway.map(|address| address.parse().unwrap()),
        metric: 0,
    };
    let (four, six) = (
        route("eth0", Some("192.168.0.1")),
        route("eth0", Some("fe80::1")),
    );
    let spare = route("eth1", Some("192.168.1.1"));
    let both = vec![four.clone(), spare.clone(), six.clone()];
    let found = other_router_of(&both, None).unwrap();
    assert_eq!(found.address, "fe80::1".parse::<IpAddr>().unwrap());
    assert_eq!(found.scope.as_deref(), Some("eth0"));
    assert_eq!(other_router_of(&both, Some("eth1")), None);
    assert_eq!(other_router_of(&[four, spare], None), None);
    assert_eq!(other_router_of(std::slice::from_ref(&six), None), None);
    // The router of a route that is not the best proves nothing of a VPN.
    assert_eq!(other_router_of(&[route("wg0", None), six], None), None);
}

#[test]
fn the_ipv6_default_route_is_found_among_the_others() {
    let zero = "0".repeat(32);
    let router = "fe80000000000000021132fffe112233";
    let text = format!(
        "fd000000000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001     eth0\n\
         {zero} 00 {zero} 00 {router} 00000400 00000002 00000000 00000003     eth0\n\
         {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
    );
    let gateway: Ipv6Addr = "fe80::211:32ff:fe11:2233".parse().unwrap();
    assert_eq!(
        parse_ipv6_route(&text),
        [DefaultRoute {
            interface: "eth0".to_owned(),
            gateway: Some(gateway.into()),
            metric: 0x400
        }]
    );
}

#[test]
fn garbage_holds_no_routes() {
    for text in [
        "",
        "\n\n",
        "eth0",
        "eth0 0 0 0",
        "eth0 zz zz zz 0 0 0 zz 0 0 0",
        "eth0 00000000 010200C0 0003 0 0 -1 00000000",
        "eth0 00000000 FFFFFFFFFF 0003 0 0 0 00000000",
        "é 00 é 00 é é é é é é",
        "0 0 0 0 1 0 0 0 3 eth0",
    ] {
        assert_eq!(parse_route(text), [], "{text:?}");
        assert_eq!(parse_ipv6_route(text), [], "{text:?}");
    }
}

#[test]
fn a_link_is_told_by_its_state_or_by_carrier_and_flags() {
    assert!(has_link("up\n", "", ""));
    assert!(has_link("unknown\n", "1\n", ""));
    assert!(has_link("unknown\n", "0\n", "0x1091\n"));
    assert!(!has_link("unknown\n", "", "0x1090\n"));
    assert!(!has_link("unknown", "", "garbage"));
    for state in ["down", "dormant", "lowerlayerdown", "notpresent", ""] {
        assert!(!has_link(state, "1", "0x1"), "{state}");
    }
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    for name in ["nowhere0", "../../lo", "..", "lo/../lo"] {
        let signal = probe(Some(name), &|| None);
        assert_eq!(signal.target.as_deref(), Some(name));
        assert_eq!(
            signal.result,
            Err(format!("interface {name} does not exist"))
        );
    }
}

#[test]
fn the_loopback_has_a_link() {
    assert_eq!(probe(Some("lo"), &|| None).result, Ok(()));
    assert_eq!(router_of(&default_routes(), Some("lo")), None);
}

#[test]
fn a_default_route_is_a_way_out() {
    let all = parse_route(&line("eth0", [192, 168, 0, 1], 3, 100));
    let signal = probe(None, &|| all.first());
    assert_eq!(
        (signal.target.as_deref(), signal.result),
        (Some("eth0"), Ok(()))
    );
    let signal = probe(None, &|| None);
    assert_eq!(
        (signal.target, signal.result),
        (None, Err("no default route".to_owned()))
    );
}

#[test]
fn what_is_near_is_told_by_the_longest_prefix_and_a_default_route_leads_away() {
    let network = |address: [u8; 4], gateway: [u8; 4], flags: u32, metric: u32, mask: [u8; 4]| {
        let [address, gateway, mask] = [address, gateway, mask].map(printed);
        format!("eth0\t{address}\t{gateway}\t{flags:04X}\t0\t0\t{metric}\t{mask}\t0\t0\t0\n")
    };
    let near = |text: &str, address: [u8; 4]| is_near_by_route(text, address.into());
    let lan = network([192, 168, 0, 0], [0; 4], 1, 100, [255, 255, 255, 0]);
    let away = line("eth0", [192, 168, 0, 1], 3, 100);
    let text = [HEADER, &away, &lan].concat();
    assert!(near(&text, [192, 168, 0, 150]));
    assert!(!near(&text, [192, 168, 1, 150]), "behind the gateway");
    assert!(near(&text, [127, 0, 0, 11]), "this host itself");
    assert!(!near(HEADER, [192, 168, 0, 150]), "no route is known");
    let host = network([192, 168, 0, 150], [192, 168, 0, 1], 7, 0, [255; 4]);
    assert!(
        !near(&(text.clone() + &host), [192, 168, 0, 150]),
        "a route for it alone"
    );
    let cheaper = network(
        [192, 168, 0, 0],
        [192, 168, 0, 9],
        3,
        50,
        [255, 255, 255, 0],
    );
    assert!(
        !near(&(text + &cheaper), [192, 168, 0, 150]),
        "the lower metric"
    );
    assert!(
        !near(&line("ppp0", [0; 4], 1, 0), [192, 168, 0, 150]),
        "point to point"
    );
}

#[test]
fn what_is_near_over_ipv6_is_told_the_same_way() {
    let line = |destination: &str, prefix: &str, gateway: &str, flags: &str| {
        let zero = "0".repeat(32);
        format!(
            "{destination} {prefix} {zero} 00 {gateway} 00000400 00000001 00000000 {flags} eth0\n"
        )
    };
    let lan = "fd000000000000000000000000000000";
    let text = line(
        &"0".repeat(32),
        "00",
        "fe800000000000000000000000000001",
        "00000003",
    ) + &line(lan, "40", &"0".repeat(32), "00000001");
    let near = |address: &str| is_near_by_ipv6_route(&text, address.parse().unwrap());
    assert!(near("fd00::150") && near("::1"));
    assert!(!near("fd01::150") && !near("2001:db8::1"));
}

#[test]
fn only_loopback_and_what_is_behind_the_router_answer_over_the_line() {
    let is_beyond = |address: &str| is_beyond_router(address.parse().unwrap(), address);
    for address in ["127.0.0.1", "::1"] {
        assert!(is_beyond(address), "{address}");
        // Its name leads to this host, as in a list of what is blocked.
        let of = |name| is_beyond_router(address.parse().unwrap(), name);
        assert!(!of("ifconfig.me") && of("localhost") && of("[::1]"));
    }
    for address in [
        "192.168.1.1",
        "10.0.0.1",
        "172.16.0.1",
        "169.254.1.1",
        "0.0.0.0",
        "fd00::1",
        "fe80::1",
        "::",
    ] {
        assert!(!is_beyond(address), "{address}");
    }
}
