//! What is taken of a file that is not as its sample: which record, by whose token, and what is told of the rest.

use cadence::import::{self, Source};

use super::{KEY, OTHER_TOKEN, TOKEN, told};

/// The lines of what was told that begin so, without that.
fn lines<'a>(told: &'a str, head: &str) -> Vec<&'a str> {
    told.lines()
        .filter_map(|line| line.strip_prefix(head))
        .map(str::trim_start)
        .collect()
}

fn records(told: &str) -> Vec<&str> {
    lines(told, "record ")
}

const BY_NO_TOKEN: &str = "its entry has no API token, and that of another entry may not see its zone; fix: create one with Zone:Read and DNS:Edit for all the zones of the file, and add --token-file FILE";

/// An entry with a token, and one with a Global API Key, of each tool that has either.
fn by_token_and_by_key() -> [String; 3] {
    [
        format!(
            "{{\"settings\": [{{\"provider\": \"cloudflare\", \"domain\": \"old.example.org\", \"ip_version\": \"ipv4\", \"email\": \"ada@example.org\", \"key\": \"{KEY}\"}}, {{\"provider\": \"cloudflare\", \"domain\": \"vpn.example.com\", \"ip_version\": \"ipv4\", \"token\": \"{TOKEN}\"}}]}}"
        ),
        format!(
            "{{\"aaaa\": false, \"cloudflare\": [{{\"authentication\": {{\"api_key\": {{\"api_key\": \"{KEY}\", \"account_email\": \"ada@example.org\"}}}}, \"zone_id\": \"1234567890abcdef1234567890abcdef\", \"subdomains\": [\"old\"]}}, {{\"authentication\": {{\"api_token\": \"{TOKEN}\"}}, \"zone_id\": \"abcdef1234567890abcdef1234567890\", \"subdomains\": [\"vpn\"]}}]}}"
        ),
        format!(
            "protocol=cloudflare, login=ada@example.org, password={KEY} old.example.org\nprotocol=cloudflare, login=token, password={TOKEN} vpn.example.com\n"
        ),
    ]
}

#[test]
fn a_record_that_a_global_api_key_kept_does_not_ride_on_the_token_of_another_entry() {
    for text in by_token_and_by_key() {
        let found = told(&text);
        let kept = records(&found);
        assert!(
            kept.len() == 1 && kept[0].starts_with("vpn"),
            "{found}\n{text}"
        );
        let left = lines(&found, "left out !");
        let lost: Vec<&&str> = left.iter().filter(|it| it.starts_with("old")).collect();
        assert!(
            lost.len() == 1 && lost[0].ends_with(BY_NO_TOKEN),
            "{found}\n{text}"
        );
        assert!(!found.contains("; create one, and add"), "{found}\n{text}");
        assert!(
            found.contains("a Global API Key is not taken"),
            "{found}\n{text}"
        );
        // One that is given is for all of them.
        let (_, imported) = import::read(&Source {
            text: &text,
            has_token: true,
            beside: &|_| None,
        })
        .unwrap();
        assert_eq!(imported.records.len(), 2, "{imported:?}");
        assert!(
            !imported.left_out.iter().any(|it| it.matters),
            "{imported:?}"
        );
        // And where none has a token, all are kept, in their order, and one is asked for.
        let password = format!("password={TOKEN} ");
        let found = told(&text.replace(&password, "").replace(TOKEN, ""));
        let kept = records(&found);
        assert!(
            kept.len() == 2 && kept[0].starts_with("old"),
            "{found}\n{text}"
        );
        assert!(found.contains("; create one, and add --token-file FILE"));
    }
}

#[test]
fn a_record_without_a_token_of_its_own_is_left_out_as_well_unless_another_entry_keeps_it() {
    let entry = |name: &str, token: &str| {
        format!("provider cloudflare.com {{\nhostname = {name}\n{token}\n}}\n")
    };
    let ours = entry("vpn.example.com", &format!("password = {TOKEN}"));
    let found = told(&(entry("nas.example.com", "") + &entry("vpn.example.com", "") + &ours));
    assert_eq!(records(&found), ["vpn.example.com A"], "{found}");
    let told_of = [format!("nas.example.com A: {BY_NO_TOKEN}")];
    assert_eq!(lines(&found, "left out !"), told_of);
    // By another token: the same.
    let theirs = entry("vpn.example.com", &format!("password = {OTHER_TOKEN}"));
    let found = told(&(ours + &theirs));
    assert_eq!(lines(&found, "left out !"), [""; 0], "{found}");
}

#[test]
fn a_token_that_stands_in_a_variable_is_none() {
    for text in [
        "provider cloudflare.com {\n  password = ${CF_TOKEN}\n  hostname = vpn.example.com\n}\n",
        "provider cloudflare.com {\n  password = \"${CF_TOKEN}\"\n  hostname = vpn.example.com\n}\n",
        "protocol=cloudflare, zone=example.com, password_env=CF_TOKEN vpn.example.com\n",
        "{\"aaaa\": false, \"cloudflare\": [{\"authentication\": {\"api_token\": \"${CF_DDNS_API_TOKEN}\"}, \"zone_id\": \"1234567890abcdef1234567890abcdef\", \"subdomains\": [\"vpn\"]}]}",
    ] {
        let found = told(text);
        assert!(found.contains("token     none"), "{found}\n{text}");
        assert_eq!(records(&found).len(), 1, "{found}\n{text}");
        let why = "it is in a variable of the environment; fix: add --token-file FILE";
        assert!(found.contains(why), "{found}\n{text}");
    }
}

#[test]
fn a_file_that_ends_too_soon_names_no_provider_rather_than_another_one() {
    for text in [
        "dnsconf:\n  - name: \"\"\n    ipv4:\n      enable: true\n      domains:\n        - vpn.example.com\n",
        "{\"settings\": [{\"domain\": \"vpn.example.com\"}]}",
        "login=token\nvpn.example.com\n",
    ] {
        let found = told(text);
        assert!(!found.contains("another one"), "{found}");
        assert!(
            found.contains("vpn.example.com") && found.contains(": it names no "),
            "{found}"
        );
    }
}

#[test]
fn each_name_of_a_family_that_is_off_is_told() {
    let text = format!(
        "CF_API_TOKEN={TOKEN}\nIP4_PROVIDER=none\nIP4_DOMAINS=a.example.com, d.example.com,c.example.com\nDOMAINS=c.example.com\n"
    );
    let found = told(&text);
    assert_eq!(records(&found), ["c.example.com AAAA"], "{found}");
    let why = "that family is off there (IP4_PROVIDER)";
    let off = |name: &str| format!("{name}.example.com A: {why}");
    let family = "IP4_PROVIDER: that family is off there".to_owned();
    assert_eq!(
        lines(&found, "left out  "),
        [family, off("a"), off("d")],
        "{found}"
    );
    let text = format!(
        "dnsconf:\n  - dns: {{name: cloudflare, secret: {TOKEN}}}\n    ipv6:\n      enable: false\n      domains: [a.example.com, b.example.com]\n    ipv4:\n      enable: true\n      domains: [a.example.com]\n"
    );
    let found = told(&text);
    let off = |name: &str| format!("{name}.example.com AAAA: that family is off there (ipv6)");
    let left = lines(&found, "left out  ");
    assert!(
        left.contains(&off("a").as_str()) && left.contains(&off("b").as_str()),
        "{found}"
    );
}

#[test]
fn a_family_that_is_off_is_told_where_no_name_is_of_it_alone() {
    let zone = format!(
        "\"cloudflare\": [{{\"authentication\": {{\"api_token\": \"{TOKEN}\"}}, \"zone_id\": \"1234567890abcdef1234567890abcdef\", \"subdomains\": [\"vpn\"]}}]"
    );
    for (text, keys) in [
        (format!("{{\"a\": false, {zone}}}"), &["a"][..]),
        (
            format!("{{\"ip4_provider\": \"none\", \"aaaa\": false, {zone}}}"),
            &["ip4_provider", "aaaa"],
        ),
        (
            format!(
                "CF_API_TOKEN={TOKEN}\nIP4_POLICY=unmanaged\nIP6_PROVIDER=none\nDOMAINS=a.example.com\n"
            ),
            &["IP4_POLICY", "IP6_PROVIDER"],
        ),
    ] {
        let found = told(&text);
        let off = keys
            .iter()
            .map(|key| format!("{key}: that family is off there"));
        assert_eq!(lines(&found, "left out  "), off.collect::<Vec<_>>());
        assert_eq!(records(&found).len(), 2 - keys.len(), "{found}");
    }
}

#[test]
fn a_record_that_is_there_twice_with_other_settings_is_told() {
    let entry = |name: &str, more: &str| {
        format!(
            "{{\"provider\": \"cloudflare\", \"domain\": \"{name}.example.com\", \"token\": \"{TOKEN}\", \"ip_version\": \"ipv4\", {more}}}"
        )
    };
    let first = entry("a", "\"proxied\": true");
    let file = |second: &str| told(&format!("{{\"settings\": [{first}, {second}]}}"));
    let found = file(&first);
    assert_eq!(lines(&found, "left out"), [""; 0], "{found}");
    for (name, more) in [("a", "\"proxied\": false"), ("A", "\"ttl\": 60")] {
        let found = file(&entry(name, more));
        assert_eq!(records(&found), ["a.example.com A, proxied true"]);
        let why = "another entry for it, with other settings, is taken";
        let left = format!("{name}.example.com A: {why}");
        assert_eq!(lines(&found, "left out !"), [left], "{found}");
    }
}

#[test]
fn a_token_on_several_lines_is_an_error_with_its_line() {
    let text = "dnsconf:\n  - dns:\n      name: cloudflare\n      secret: |\n        multi\n    ipv4:\n      enable: true\n      domains: [a.example.com]\n";
    let compose = "services:\n  ddns:\n    image: favonia/cloudflare-ddns\n    environment:\n      CLOUDFLARE_API_TOKEN: >-\n        multi\n";
    for (text, line) in [(text, 4), (compose, 5)] {
        let found = told(text);
        let error = format!("error     line {line} has a token on several lines");
        assert!(found.starts_with(&error), "{found}");
    }
    // A message to somebody else may be.
    let text = text.replace("secret: |\n        multi", &format!("secret: {TOKEN}"));
    let found = told(&(text + "webhook:\n  webhookrequestbody: |-\n    {\n    }\n"));
    assert_eq!(records(&found), ["a.example.com A"], "{found}");
}

#[test]
fn an_image_of_another_name_is_taken_for_the_tool_and_is_not_of_it() {
    for (image, is_guess) in [
        ("favonia/cloudflare-ddns:1", false),
        ("docker.io/favonia/cloudflare-ddns@sha256:0", false),
        ("registry.example:5000/favonia/cloudflare-ddns", false),
        ("timothyjmiller/cloudflare-ddns:latest", false),
        ("registry.local/my-cloudflare-ddns:3", true),
        ("not-favonia/cloudflare-ddns", true),
        ("example/other", true),
        ("${IMG:-timothyjmiller/cloudflare-ddns:latest}", false),
        (
            "\"${MIRROR:-docker.io}/favonia/cloudflare-ddns:${V}\"",
            false,
        ),
        (
            "\"${MIRROR:-docker.io}/favonia/cloudflare-ddns:${V:-1}\"",
            false,
        ),
    ] {
        let text = format!(
            "services:\n  ddns:\n    image: {image}\n    environment: [DOMAINS=a.example.com]\n"
        );
        let (tool, imported) = super::read(&text).unwrap();
        assert_eq!(imported.records.len(), 2, "{image}");
        assert_eq!(imported.is_guess, is_guess, "{image}");
        assert!(tool.contains("/cloudflare-ddns"), "{tool}");
        assert_eq!(tool.contains("timothy"), image.contains("timothy"));
    }
}

#[test]
fn a_file_of_variables_that_is_none_is_told_in_a_line_with_its_name() {
    let text = "services:\n  ddns:\n    image: favonia/cloudflare-ddns:1\n    env_file: [shadow, nowhere]\n    environment: [DOMAINS=a.example.com]\n";
    let beside = |name: &str| (name == "shadow").then(|| "root:*:1\nA=1\nada:*:2\n:\n".to_owned());
    let (_, imported) = import::read(&Source {
        text,
        has_token: true,
        beside: &beside,
    })
    .unwrap();
    let left: Vec<String> = imported
        .left_out
        .iter()
        .filter(|it| it.matters)
        .map(|it| format!("{}: {}", it.what, it.why))
        .collect();
    assert_eq!(
        left,
        [
            "line 1 of shadow: it and others are not NAME=value",
            "env_file nowhere: it cannot be read",
            "A: unknown to cadence",
        ]
    );
}

#[test]
fn names_without_a_comma_between_them_are_names_too() {
    let text = format!(
        "CF_API_TOKEN={TOKEN}\nIP4_PROVIDER=none\nDOMAINS=a.example.com b.example.com{{}},  c.example.com{{hostid6=[::1, ::2]}}\n"
    );
    let found = told(&text);
    assert_eq!(
        records(&found),
        ["a.example.com AAAA", "b.example.com AAAA"],
        "{found}"
    );
    assert!(
        found.contains("left out !c.example.com AAAA: it has the address"),
        "{found}"
    );
}

#[test]
fn what_is_commented_out_in_inadyn_conf_is_no_record() {
    let text = format!(
        "// provider cloudflare.com {{\n/* provider cloudflare.com {{\n hostname = old.example.com\n}} */\nprovider cloudflare.com {{\n  // hostname = older.example.com\n  /* hostname = oldest.example.com */\n  checkip-server = http://x//y\n  password = {TOKEN}\n  alias = vpn.example.com\n}}\n"
    );
    let found = told(&text);
    assert_eq!(records(&found), ["vpn.example.com A"], "{found}");
    assert!(!found.contains("old"), "{found}");
    assert!(found.contains("token     taken"), "{found}");
}

#[test]
fn a_password_of_ddclient_goes_on_to_the_next_white_space() {
    for password in [
        "p.w,hush.x",
        "p\\,hush.x",
        "'p hush.x'",
        "'p,hush.x'",
        "\"p,hush.x",
    ] {
        let text = format!(
            "protocol=dyndns2, login=me, password={password} host.example.org\nprotocol=cloudflare, password={TOKEN}, zone=example.com, vpn.example.com\n"
        );
        let found = told(&text);
        assert!(!found.contains("hush"), "{found}");
        assert!(
            found.contains("left out !host.example.org: its provider is another"),
            "{found}"
        );
        let ours = "vpn.example.com A, zone example.com";
        assert_eq!(records(&found), [ours], "{found}");
    }
}

#[test]
fn a_password_of_ddclient_may_have_what_begins_a_comment_elsewhere() {
    for (password, rest) in [
        ("password=pa#ss", ""),
        ("password = pa#ss", " # hush"),
        ("password=a=b#password", ""),
        ("password=pa\\,word\\#hash", "# hush"),
        ("password='pa#s s'", " # hush"),
        (
            "zone=example.com#hush \\\npassword='pas'#hush \\\n",
            "#hush",
        ),
        ("password=abc=", ""),
    ] {
        let found = told(&format!(
            "protocol=cloudflare, zone=example.com, {password} vpn.example.com{rest}\n"
        ));
        let ours = "vpn.example.com A, zone example.com";
        assert_eq!(records(&found), [ours], "{found}");
        assert!(!found.contains("hush"), "{found}");
    }
    let found = told(&format!(
        "password=abc= # hush\nprotocol=cloudflare\npassword={TOKEN} # hush hush\nvpn.example.com\n"
    ));
    assert_eq!(records(&found), ["vpn.example.com A"], "{found}");
    assert_eq!(lines(&found, "left out"), [""; 0], "{found}");
}

#[test]
fn a_name_that_a_comma_makes_a_part_of_the_password_of_ddclient_is_told() {
    let text = format!("protocol=cloudflare, zone=example.com, password={TOKEN},vpn.example.com");
    let found = told(&text);
    assert_eq!(records(&found), [""; 0], "{found}");
    assert_eq!(
        lines(&found, "left out !"),
        ["password: it goes on to the next white space; fix: put one before a name"]
    );
}

#[test]
fn of_a_file_of_inadyn_that_is_broken_no_piece_of_a_password_is_told() {
    let ours = format!(
        "provider cloudflare.com {{\n username = example.com\n password = {TOKEN}\n hostname = vpn.example.com\n}}\n"
    );
    for theirs in [
        "provider no-ip.com { username=u password = p hush2 hostname = a.org }\n",
        "provider freedns { username=u password = 'a\\'hush3' hush hostname = b.org }\n",
        "provider x { username=u password=\"a\nhush4 c\" hostname = c.org }\n",
        "provider no-ip.com {\n username u\n password hush2\n hostname = a.org\n}\n",
        "password hush\n",
        "hush(\"hush\")\n",
    ] {
        let found = told(&[ours.as_str(), theirs].concat());
        assert!(!found.contains("hush"), "{found}");
        let left = "left out !a word without \"=\" (not shown): unknown to cadence";
        assert!(found.contains(left), "{found}");
    }
}

#[test]
fn an_address_with_a_password_in_it_is_no_name_and_not_told() {
    for name in [
        "https://u:hush@vpn.example.com/x",
        "u:hush@vpn.example.com",
        "https://vpn.example.com/hush",
    ] {
        for text in [
            format!("DOMAINS={name}\n"),
            format!("{{\"settings\": [{{\"provider\": \"x\", \"domain\": \"{name}\"}}]}}"),
            format!("protocol=x\n{name}\n"),
        ] {
            let found = told(&text);
            assert!(!found.contains("hush"), "{found}");
            assert!(found.contains("(not shown)"), "{found}");
        }
    }
}

#[test]
fn a_record_of_ddns_go_is_proxied_where_it_says_true_and_nothing_else() {
    for (flag, proxied) in [("true", "true"), ("1", "false"), ("yes", "false")] {
        let text = format!(
            "dnsconf:\n  - dns: {{name: cloudflare, secret: {TOKEN}}}\n    ipv4:\n      enable: true\n      domains: [a.example.com?proxied={flag}]\n"
        );
        let kept = format!("a.example.com A, proxied {proxied}");
        assert_eq!(records(&told(&text)), [kept]);
    }
}
