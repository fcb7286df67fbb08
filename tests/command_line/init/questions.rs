//! On a terminal: what is asked, shown and not shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;

use cadence::world::{Fault, PlugModel};
use serde_json::json;

use crate::Host;
use crate::support::terminal::Terminal;

const NAME: &str = "Name to keep up to date, such as vpn.example.com: ";
const TOKEN: &str = "API token (not shown): ";
const MORE: &str = "Another name (Enter: no more): ";
const PLUG: &str = "Smart plug (shelly1, shelly2 or tasmota; Enter: none): ";
const ADDRESS: &str = "Address of the plug (Enter: another kind, or none): ";
pub const TOLD: &str = "Notifications (ntfy or healthchecks; Enter: none): ";

pub fn sit_down(host: &Host, arguments: &[&str]) -> Terminal {
    let mut command = host.command(arguments);
    command.env("NO_COLOR", "1");
    Terminal::run(&command)
}

/// Waits for the end. The token was never shown.
pub fn leave(host: &Host, terminal: Terminal) -> (Option<i32>, String) {
    let (status, shown) = terminal.end();
    assert!(!shown.contains(host.home.world.token()), "{shown}");
    (status.code(), shown)
}

#[test]
fn all_that_is_needed_is_asked_and_the_token_is_never_shown() {
    let host = Host::new();
    let plug = host.home.world.plugs().address(PlugModel::Shelly1);
    let mut terminal = sit_down(&host, &[]);
    terminal.expect("ok   router     127.0.0.1 (network.router)");
    terminal.expect("permissions Zone:Read and DNS:Edit");
    terminal.expect(TOKEN);
    assert!(!terminal.echoes());
    terminal.answer(host.home.world.token());
    terminal.expect("ok   token      accepted; it sees example.com");
    terminal.expect(NAME);
    assert!(terminal.echoes());
    terminal.answer("vpn.example.com");
    terminal.expect("vpn.example.com A does not exist. May cadence create it? [y/N] ");
    terminal.answer("y");
    terminal.expect("ok   record     vpn.example.com A does not exist yet: cadence creates it");
    terminal.expect(MORE);
    terminal.answer("");
    terminal.expect(PLUG);
    terminal.answer("shelly1");
    terminal.expect(ADDRESS);
    terminal.answer(&plug);
    terminal.expect("answers and is on");
    terminal.expect(TOLD);
    terminal.answer("");
    terminal.expect("Written");
    terminal.expect("cloudflare.token (mode 06");
    terminal.expect("Next");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(host.written().contains("\nname = \"vpn.example.com\"\n"));
    assert!(host.written().contains("\ncreate = true\n"));
    assert!(
        host.written()
            .contains(&format!("\naddress = \"{plug}\"\n"))
    );
    assert_eq!(
        fs::read_to_string(host.stored_token()).unwrap().trim_end(),
        host.home.world.token()
    );
}

#[test]
fn a_wrong_answer_is_explained_and_asked_again() {
    let host = Host::new();
    let mut terminal = sit_down(&host, &[]);
    terminal.expect(TOKEN);
    terminal.answer("some-token-that-nobody-knows");
    terminal.expect("fail token      Cloudflare rejects the API token");
    terminal.expect(TOKEN);
    assert!(!terminal.echoes());
    terminal.answer(host.home.world.token());
    terminal.expect(NAME);
    terminal.answer("vpn");
    terminal.expect("\"vpn\" is not a record's name\r\n");
    terminal.expect("fix: use a full host name such as \"vpn.example.com\"");
    terminal.expect(NAME);
    terminal.answer("vpn.example.org");
    terminal.expect("the token sees no zone vpn.example.org or example.org; it sees example.com");
    terminal.expect(NAME);
    terminal.answer("vpn.example.com");
    terminal.expect("create it? [y/N] ");
    terminal.answer("yes");
    terminal.expect(MORE);
    terminal.answer("vpn.example.com");
    terminal.expect("vpn.example.com A is on the list already");
    terminal.expect(MORE);
    terminal.answer("");
    terminal.expect(PLUG);
    terminal.answer("toaster");
    terminal.expect("\"toaster\" is not a kind of plug\r\n");
    terminal.expect("fix: use shelly1, shelly2 or tasmota");
    terminal.expect(PLUG);
    terminal.answer("");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("some-token-that-nobody-knows"), "{shown}");
    assert!(host.written().contains("\n#plug = \"shelly1\"\n"));
}

#[test]
fn after_a_few_empty_answers_or_none_at_all_nothing_is_written() {
    let host = Host::new();
    let mut terminal = sit_down(&host, &[]);
    for _ in 0..3 {
        terminal.expect(TOKEN);
        terminal.answer("");
        terminal.expect("the API token in your answer is empty");
    }
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(1));
    assert!(
        shown.contains("error: gave up after 3 invalid answers; nothing was written"),
        "{shown}"
    );
    assert!(shown.contains("fix: start again: "), "{shown}");
    assert!(shown.ends_with(" init\r\n"), "{shown}");

    let mut terminal = sit_down(&host, &[]);
    terminal.expect(TOKEN);
    // Ctrl-D at the beginning of a line ends the input.
    terminal.press("\u{4}");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(1));
    assert!(
        shown.contains("error: no answer; nothing was written"),
        "{shown}"
    );
    assert!(shown.contains("fix: start again: "), "{shown}");
    assert!(!host.home.path("etc").exists());
}

#[test]
fn ctrl_c_and_sigterm_give_the_terminal_back_and_write_nothing() {
    let host = Host::new();
    for (number, end) in [(libc::SIGINT, "Ctrl-C"), (libc::SIGTERM, "TERM")] {
        let mut terminal = sit_down(&host, &[]);
        terminal.expect(TOKEN);
        assert!(!terminal.echoes());
        terminal.press("half-a-token");
        if end == "Ctrl-C" {
            terminal.press("\u{3}");
        } else {
            terminal.signal(end);
        }
        let (status, shown, echoes) = terminal.end_with_echo();
        assert_eq!(status.signal(), Some(number), "{shown}");
        assert!(echoes);
        assert!(!shown.contains("half-a-token"), "{shown}");
    }
    assert!(!host.home.path("etc").exists());
}

#[test]
fn a_verified_token_is_kept_whichever_signal_ends_the_questions() {
    for (number, end) in [
        (libc::SIGINT, "Ctrl-C"),
        (libc::SIGTERM, "TERM"),
        (libc::SIGHUP, "HUP"),
        (libc::SIGQUIT, "QUIT"),
    ] {
        let host = Host::new();
        let mut terminal = sit_down(&host, &[]);
        terminal.expect(TOKEN);
        terminal.answer(host.home.world.token());
        terminal.expect(NAME);
        terminal.press("vpn.exam");
        if end == "Ctrl-C" {
            terminal.press("\u{3}");
        } else {
            terminal.signal(end);
        }
        let (status, shown) = terminal.end();
        assert_eq!(status.signal(), Some(number), "{shown}");
        assert!(
            shown.contains("error: interrupted; the token is verified, and kept in "),
            "{shown}"
        );
        assert!(shown.ends_with(" init\r\n"), "{shown}");
        let stored = fs::read_to_string(host.stored_token()).unwrap();
        assert_eq!(stored.trim_end(), host.home.world.token());
        assert!(!host.config().exists());
    }
}

#[test]
fn a_token_that_nobody_verified_is_not_kept() {
    let host = Host::new();
    let mut terminal = sit_down(&host, &["--offline"]);
    terminal.expect(TOKEN);
    terminal.answer("0123456789abcdef0123456789abcdef01234567");
    terminal.expect(NAME);
    terminal.press("\u{3}");
    let (_, shown) = terminal.end();
    assert!(
        shown.contains("error: interrupted; nothing was written"),
        "{shown}"
    );
    assert!(!host.home.path("etc").exists());
}

#[test]
fn a_stored_token_that_is_rejected_gives_way_to_another_one() {
    let host = Host::new();
    fs::create_dir(host.home.path("etc")).unwrap();
    let old = "a-stored-token-that-nobody-knows";
    fs::write(host.stored_token(), old).unwrap();
    fs::set_permissions(host.stored_token(), fs::Permissions::from_mode(0o600)).unwrap();
    let stored = |name: &str| fs::read_to_string(host.home.path(name)).unwrap();

    // Whoever has no other keeps it.
    let mut terminal = sit_down(&host, &["--record", "vpn.example.com"]);
    terminal.expect("fail token");
    terminal.expect("Cloudflare rejects the API token");
    terminal.expect(TOKEN);
    terminal.press("\u{4}");
    assert_eq!(leave(&host, terminal).0, Some(1));
    assert_eq!(stored("etc/cloudflare.token"), old);

    let mut terminal = sit_down(&host, &["--record", "vpn.example.com", "--create"]);
    terminal.expect(TOKEN);
    terminal.answer(host.home.world.token());
    terminal.expect("ok   token      accepted");
    terminal.expect(PLUG);
    terminal.answer("no");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains(old), "{shown}");
    assert_eq!(
        stored("etc/cloudflare.token").trim_end(),
        host.home.world.token()
    );
    assert_eq!(stored("etc/cloudflare.token.rejected"), old);
    assert!(host.config().exists());
}

#[test]
fn a_token_of_a_file_that_is_rejected_gives_way_too_and_is_not_named_again() {
    let host = Host::new();
    let bad = host.home.path("bad");
    fs::write(&bad, "a-token-that-nobody-knows").unwrap();
    let mut terminal = sit_down(&host, &["--token-file", bad.to_str().unwrap()]);
    terminal.expect("Cloudflare rejects the API token");
    terminal.expect(TOKEN);
    terminal.answer(host.home.world.token());
    terminal.expect(NAME);
    terminal.press("\u{3}");
    let (_, shown) = terminal.end();
    assert!(shown.ends_with(" init\r\n"), "{shown}");
    assert!(host.stored_token().exists());
}

#[test]
fn a_no_is_no_name_and_no_more_names() {
    for no in ["n", "No", ""] {
        let host = Host::new();
        let token = host.home.path("token");
        let flags = ["--token-file", token.to_str().unwrap(), "--create"];
        let mut terminal = sit_down(&host, &flags);
        terminal.expect(NAME);
        terminal.answer("vpn.example.com");
        terminal.expect(MORE);
        terminal.answer(no);
        terminal.expect(PLUG);
        terminal.answer(no);
        terminal.expect(TOLD);
        terminal.answer("");
        let (code, shown) = leave(&host, terminal);
        assert_eq!(code, Some(0), "{shown}");
    }
}

#[test]
fn ctrl_c_where_a_record_may_be_created_ends_the_questions_and_loses_no_name() {
    let host = Host::new();
    let token = host.home.path("token");
    let flags = ["--token-file", token.to_str().unwrap()];
    let names = ["--record", "vpn.example.com", "--record", "www.example.com"];
    let mut terminal = sit_down(&host, &[&flags[..], &names].concat());
    terminal.expect("vpn.example.com A does not exist. May cadence create it? [y/N] ");
    terminal.answer("y");
    terminal.expect("www.example.com A does not exist. May cadence create it? [y/N] ");
    terminal.press("\u{3}");
    let (status, shown) = terminal.end();
    assert_eq!(status.signal(), Some(libc::SIGINT), "{shown}");
    assert!(!shown.contains("left out"), "{shown}");
    assert!(
        shown.contains("error: interrupted; nothing was written"),
        "{shown}"
    );
    let again = format!(
        " init --record vpn.example.com --record www.example.com --token-file {}\r\n",
        token.display()
    );
    assert!(
        shown.replace("\r\n       ", " ").ends_with(&again),
        "{shown}"
    );

    let mut terminal = sit_down(&host, &flags);
    terminal.expect(NAME);
    terminal.answer("vpn.example.com");
    terminal.expect("create it? [y/N] ");
    terminal.press("\u{3}");
    let (_, shown) = terminal.end();
    assert!(shown.contains(" --record vpn.example.com "), "{shown}");
}

#[test]
fn one_of_several_records_is_chosen_and_pinned() {
    let host = Host::new();
    let cloudflare = host.home.world.cloudflare();
    let add = |content: &str| {
        let record = json!({"name": "vpn", "type": "A", "content": content});
        cloudflare.add_record("example.com", &record).unwrap()
    };
    // They are listed by their ids.
    let mut twins = ["93.184.216.1", "93.184.216.2"].map(|content| (add(content), content));
    twins.sort();
    let [(one, first), (two, second)] = twins;
    let token = host.home.path("token");
    let token = ["--token-file", token.to_str().unwrap()];
    let mut terminal = sit_down(
        &host,
        &[&token[..], &["--record", "vpn.example.com"]].concat(),
    );
    terminal.expect("Several records share this name and type:");
    terminal.expect(&format!("1  {first}  (id {one})"));
    terminal.expect(&format!("2  {second}  (id {two})"));
    terminal.expect("Number of the one to keep (Enter: none): ");
    terminal.answer("3");
    terminal.expect("\"3\" is not on the list\r\n");
    terminal.expect("fix: use a number from 1 to 2");
    terminal.answer("2");
    terminal.expect(PLUG);
    terminal.answer("");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(host.written().contains(&format!("\nid = \"{two}\"\n")));
}

#[test]
fn a_record_that_may_not_be_created_is_left_out_and_another_is_asked_for() {
    let host = Host::new();
    let token = host.home.path("token");
    let flags = ["--token-file", token.to_str().unwrap()];
    let mut terminal = sit_down(
        &host,
        &[&flags[..], &["--record", "vpn.example.com"]].concat(),
    );
    terminal.expect("create it? [y/N] ");
    terminal.answer("n");
    terminal.expect("vpn.example.com A is left out");
    // As often as that happens.
    for _ in 0..4 {
        terminal.expect(NAME);
        terminal.answer("www.example.com");
        terminal.expect("create it? [y/N] ");
        terminal.answer("");
    }
    terminal.expect(NAME);
    terminal.answer("vpn.example.com");
    terminal.expect("create it? [y/N] ");
    terminal.answer("y");
    terminal.expect(MORE);
    terminal.answer("www.example.com");
    terminal.expect("create it? [y/N] ");
    terminal.answer("n");
    terminal.expect(MORE);
    terminal.answer("");
    terminal.expect(PLUG);
    terminal.answer("");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(host.written().matches("\nname = ").count(), 1);
}

#[test]
fn of_several_names_those_that_are_verified_stay_where_another_is_not_to_be_had() {
    let host = Host::new();
    let token = host.home.path("token");
    let flags = ["--token-file", token.to_str().unwrap(), "--create"];
    let names = ["--record", "vpn.example.com", "--record", "a.example.org"];
    let mut terminal = sit_down(&host, &[&flags[..], &names[..]].concat());
    terminal.expect("the token sees no zone a.example.org or example.org");
    terminal.expect(MORE);
    terminal.answer("");
    terminal.expect(PLUG);
    terminal.answer("");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(host.written().contains("\nname = \"vpn.example.com\"\n"));
}

#[test]
fn what_was_verified_is_kept_where_an_interview_ends_too_soon_and_the_next_one_goes_on() {
    let host = Host::new();
    let mut terminal = sit_down(&host, &[]);
    terminal.expect(TOKEN);
    terminal.answer(host.home.world.token());
    terminal.expect(NAME);
    terminal.answer("*.example.com");
    terminal.expect("create it? [y/N] ");
    terminal.answer("maybe");
    terminal.expect("Please answer y or n.");
    terminal.expect("create it? [y/N] ");
    terminal.answer("y");
    terminal.expect(MORE);
    terminal.answer("");
    for _ in 0..3 {
        terminal.expect(PLUG);
        terminal.answer("toaster");
    }
    terminal.expect("error: gave up after 3 invalid answers; the token is verified, and kept in ");
    terminal.expect("fix: go on from here: ");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(1), "{shown}");
    let again = " init --record '*.example.com' --create\r\n";
    assert!(shown.ends_with(again), "{shown}");
    assert!(!host.config().exists());

    let mut terminal = sit_down(&host, &["--record", "*.example.com", "--create"]);
    terminal.expect("(cloudflare.token_file): accepted; it sees example.com");
    terminal.expect(PLUG);
    terminal.answer("");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains(TOKEN) && !shown.contains(NAME), "{shown}");
}

#[test]
fn what_cannot_be_asked_now_is_tried_again_with_the_same_answer() {
    let host = Host::new();
    let cloudflare = host.home.world.cloudflare();
    cloudflare.set_fault(Some(Fault::Status {
        code: 503,
        retry_after: None,
        body: None,
    }));
    let mut terminal = sit_down(&host, &[]);
    terminal.expect(TOKEN);
    terminal.answer(host.home.world.token());
    terminal.expect("Try again? [y/N] ");
    cloudflare.set_fault(None);
    terminal.answer("y");
    terminal.expect("ok   token      accepted; it sees example.com");
    terminal.expect(NAME);
    terminal.press("\u{4}");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(1), "{shown}");
    assert!(host.stored_token().exists());
}

#[test]
fn the_router_is_asked_for_without_advice_to_set_it_elsewhere() {
    let host = Host::new();
    let mut command = host.command(&[]);
    command.env_remove("CADENCE_NETWORK_ROUTER");
    command.env("NO_COLOR", "1");
    let bare = |command: &std::process::Command| {
        let mut alone = std::process::Command::new("unshare");
        alone
            .args(["-n", "--"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            alone.env(name, value.unwrap_or_default());
        }
        alone
    };
    let can = std::process::Command::new("unshare")
        .args(["-n", "true"])
        .status();
    if !can.is_ok_and(|status| status.success()) {
        return crate::support::skipped("no network namespace can be made here");
    }
    let mut terminal = Terminal::run(&bare(&command));
    terminal.expect("warn router     unknown: there is no default route");
    terminal.expect("Address of the router (Enter: none): ");
    terminal.answer("192.168.7.1");
    terminal.expect(TOKEN);
    terminal.press("\u{4}");
    let (_, shown) = terminal.end();
    assert!(!shown.contains("network.router"), "{shown}");
}

#[test]
fn yes_asks_nothing_even_on_a_terminal_and_colours_are_for_those_who_want_them() {
    let host = Host::new();
    let mut terminal = sit_down(&host, &["--yes"]);
    terminal.expect(
        "with --yes nothing is asked\r\n       fix: add --record NAME and --token-file FILE",
    );
    assert_eq!(leave(&host, terminal).0, Some(2));

    let token = host.home.path("token");
    let flags = [
        "--token-file",
        token.to_str().unwrap(),
        "--record",
        "vpn.example.com",
        "--create",
        "--yes",
    ];
    let (status, shown) = sit_down(&host, &flags).end();
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    fs::remove_dir_all(host.home.path("etc")).unwrap();
    let (_, shown) = Terminal::run(&host.command(&flags)).end();
    assert!(shown.contains("\u{1b}[1mNext\u{1b}[0m"), "{shown}");
}

#[test]
fn of_a_plug_whose_kind_is_known_only_the_address_is_asked() {
    let host = Host::new();
    let plugs = host.home.world.plugs();
    let token = host.home.path("token");
    let flags = ["--token-file", token.to_str().unwrap(), "--create"];
    let named = ["--record", "vpn.example.com", "--plug", "tasmota"];
    let mut terminal = sit_down(&host, &[&flags[..], &named].concat());
    terminal.expect(ADDRESS);
    // The address of another plug, which says that it is none of this kind.
    terminal.answer(&plugs.address(PlugModel::Shelly1));
    terminal.expect("fail plug");
    terminal.expect(ADDRESS);
    terminal.answer(&plugs.address(PlugModel::Tasmota));
    terminal.expect("answers and is on");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(host.written().contains("\nplug = \"tasmota\"\n"));
    assert!(
        !plugs
            .journal(PlugModel::Shelly1)
            .iter()
            .any(|change| !change.on)
    );
}

#[test]
fn whoever_leaves_at_a_question_about_a_record_is_not_told_that_the_api_failed() {
    for leaves in ["\u{3}", "\u{4}"] {
        let host = Host::new();
        let mut terminal = sit_down(&host, &[]);
        terminal.expect(TOKEN);
        terminal.answer(host.home.world.token());
        terminal.expect(NAME);
        terminal.answer("vpn.example.com");
        terminal.expect("create it? [y/N] ");
        terminal.press(leaves);
        let (_, shown) = leave(&host, terminal);
        assert!(
            shown.contains("go on from here: ") && shown.contains("vpn.example.com"),
            "{shown}"
        );
        assert!(
            !shown.contains("Try again") && !shown.contains("fail API"),
            "{shown}"
        );
    }
}

/// Answers all that comes before the plug.
fn come_to_the_plug(host: &Host, arguments: &[&str]) -> Terminal {
    let mut terminal = sit_down(host, arguments);
    terminal.expect(TOKEN);
    terminal.answer(host.home.world.token());
    terminal.expect(NAME);
    terminal.answer("*.example.com");
    terminal.expect("create it? [y/N] ");
    terminal.answer("y");
    terminal.expect(MORE);
    terminal.answer("");
    terminal
}

#[test]
fn an_address_of_a_plug_that_will_not_do_is_asked_again_and_the_kind_where_there_is_no_other() {
    let host = Host::new();
    let plug = host.home.world.plugs().address(PlugModel::Tasmota);
    let mut terminal = come_to_the_plug(&host, &[]);
    terminal.expect(PLUG);
    terminal.answer("shelly1");
    terminal.expect(ADDRESS);
    terminal.answer("http://");
    terminal.expect("\"http://\" is not an address\r\n");
    terminal.expect("fix: use a host or host:port");
    terminal.expect(ADDRESS);
    terminal.answer("127.0.0.1:9");
    terminal.expect("127.0.0.1:9: connection refused");
    terminal.expect(ADDRESS);
    // As often as one likes.
    for _ in 0..3 {
        terminal.answer("");
        terminal.expect(PLUG);
        terminal.answer("tasmota");
        terminal.expect(ADDRESS);
    }
    terminal.answer(&plug);
    terminal.expect("answers and is on");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(host.written().contains("\nplug = \"tasmota\"\n"));
}

#[test]
fn a_plug_that_does_not_answer_is_left_out_by_enter_and_by_whoever_goes_on_later() {
    let host = Host::new();
    let mut terminal = come_to_the_plug(&host, &[]);
    terminal.expect(PLUG);
    terminal.answer("shelly1");
    for _ in 0..3 {
        terminal.expect(ADDRESS);
        terminal.answer("127.0.0.1:9");
    }
    terminal.expect("gave up after 3 invalid answers");
    let (_, shown) = leave(&host, terminal);
    let again = " init --record '*.example.com' --create\r\n";
    assert!(shown.ends_with(again), "{shown}");

    let named = ["--plug", "shelly1", "--plug-address", "127.0.0.1:9"];
    let flags = [&["--record", "*.example.com", "--create"][..], &named].concat();
    let mut terminal = sit_down(&host, &flags);
    terminal.expect("127.0.0.1:9: connection refused");
    terminal.expect(ADDRESS);
    terminal.answer("");
    terminal.expect(PLUG);
    terminal.answer("");
    terminal.expect(TOLD);
    terminal.answer("");
    let (code, shown) = leave(&host, terminal);
    assert_eq!(code, Some(0), "{shown}");
    assert!(host.written().contains("\n#plug = \"shelly1\"\n"));
}
