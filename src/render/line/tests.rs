use super::*;

const PLAIN: Style = Style {
    form: Form::Pretty,
    width: usize::MAX,
    color: false,
    unicode: true,
    emoji: true,
    priority: false,
    quiet: false,
    verbose: true,
};
const LOGFMT: Style = Style {
    form: Form::Logfmt,
    ..PLAIN
};

fn at() -> Timestamp {
    "2026-01-28T16:08:44.120Z".parse().unwrap()
}

fn line() -> Line {
    Line::new(at(), Mark::Good, "PUBLIC_IP", "OK")
        .primary("ip", "203.0.113.7")
        .took("rtt", Duration::from_micros(74_400))
        .meta("attempts", "1/4")
}

#[test]
fn a_line_has_the_shape_of_the_contract() {
    let rest =
        "🟢 PUBLIC_IP   OK          ip=203.0.113.7                     | rtt=74ms | attempts=1/4";
    assert_eq!(
        print(&[line()], PLAIN),
        format!("{} {rest}\n", local_clock(at()))
    );
}

#[test]
fn nothing_trails_a_line_without_values() {
    let line = Line::new(at(), Mark::Neutral, "HOST", "OK");
    let clock = local_clock(at());
    assert_eq!(
        print(std::slice::from_ref(&line), PLAIN),
        format!("{clock} ⚪ HOST        OK\n")
    );
    let color = Style {
        color: true,
        ..PLAIN
    };
    assert_eq!(
        print(&[line], color),
        format!("{clock} ⚪ HOST        \x1b[2mOK\x1b[0m\n")
    );
}

#[test]
fn a_long_value_flows_and_is_not_cut() {
    let name = "a-rather-long-name.in-a-long-zone.example.com";
    let line = Line::new(at(), Mark::Bad, "ROUTER_DOWN", "ROUTER_DOWN")
        .primary("name", name)
        .meta("type", "A");
    assert_eq!(
        print(&[line], PLAIN),
        format!(
            "{} 🔴 ROUTER_DOWN ROUTER_DOWN name={name} | type=A\n",
            local_clock(at())
        )
    );
}

#[test]
fn on_80_columns_values_have_no_columns_and_flow_below_the_state() {
    let narrow = Style { width: 80, ..PLAIN };
    let shown = |line: Line| {
        let text = print(&[line], narrow);
        let rest = text.strip_prefix(&local_clock(at())).unwrap();
        rest.trim_start().to_owned()
    };
    assert_eq!(
        shown(line()),
        "🟢 PUBLIC_IP   OK          ip=203.0.113.7 | rtt=74ms | attempts=1/4\n"
    );
    let why = "api.cloudflare.com: connecting: 104.16.132.229:443: timed out after 2 s";
    assert_eq!(
        shown(line().meta("error", why)),
        "🟢 PUBLIC_IP   OK          ip=203.0.113.7 | rtt=74ms | attempts=1/4
                        | error=api.cloudflare.com: connecting:
                        104.16.132.229:443: timed out after 2 s\n"
    );
}

#[test]
fn on_80_columns_nothing_stands_before_the_first_of_what_stands_alone() {
    let narrow = Style { width: 80, ..PLAIN };
    let line = Line::new(at(), Mark::Bad, "HOST", "FAILED").meta("error", "no default route");
    let text = print(&[line.meta("link", "up")], narrow);
    let rest = text.strip_prefix(&local_clock(at())).unwrap();
    assert_eq!(
        rest,
        " 🔴 HOST        FAILED      error=no default route | link=up\n"
    );
}

#[test]
fn a_name_of_wide_characters_keeps_the_columns() {
    let line = |name| {
        Line::new(at(), Mark::Good, "DNS", "OK")
            .primary("name", name)
            .meta("type", "A")
    };
    assert_eq!(
        print(&[line("例え.example")], PLAIN).replace("例え", "abcd"),
        print(&[line("abcd.example")], PLAIN)
    );
}

#[test]
fn colour_is_on_the_state_alone_and_keeps_the_columns() {
    let style = Style {
        color: true,
        ..PLAIN
    };
    let text = print(&[line()], style);
    assert_eq!(
        text.replace("\x1b[32mOK\x1b[0m", "OK"),
        print(&[line()], PLAIN)
    );
    assert_ne!(text, print(&[line()], PLAIN));
}

#[test]
fn logfmt_has_units_in_its_keys() {
    assert_eq!(
        print(&[line()], LOGFMT),
        "time=2026-01-28T16:08:44.120Z level=info subsystem=PUBLIC_IP state=OK ip=203.0.113.7 rtt_ms=74 attempts=1/4\n"
    );
}

#[test]
fn under_the_journal_a_line_has_its_priority_and_leaves_the_time_to_it() {
    let style = Style {
        priority: true,
        ..LOGFMT
    };
    let line = |mark| Line::new(at(), mark, "HOST", "X");
    let lines = [
        line(Mark::Good),
        line(Mark::Good).level(Level::Notice),
        line(Mark::Warn),
        line(Mark::Bad),
    ];
    assert_eq!(
        print(&lines, style),
        "<6>level=info subsystem=HOST state=X\n<5>level=notice subsystem=HOST state=X\n\
         <4>level=warning subsystem=HOST state=X\n<3>level=error subsystem=HOST state=X\n"
    );
}

#[test]
fn logfmt_says_only_what_is_noteworthy_unless_asked_for_everything() {
    let style = Style {
        verbose: false,
        ..LOGFMT
    };
    assert_eq!(print(&[line()], style), "");
    assert!(print(&[line().level(Level::Notice)], style).contains("level=notice"));
}

#[test]
fn values_that_could_be_taken_for_something_else_are_quoted() {
    for (text, value) in [
        ("203.0.113.7", "203.0.113.7"),
        ("https://a.example/ip", "https://a.example/ip"),
        ("münchen.example", "münchen.example"),
        ("", r#""""#),
        ("two words", r#""two words""#),
        ("a=b", r#""a=b""#),
        ("say \"no\"", r#""say \"no\"""#),
        ("back\\slash", r#""back\\slash""#),
        ("a\nb\x1b[31m\u{9b}", r#""a\nb\u001b[31m\u009b""#),
    ] {
        assert_eq!(quoted(text), value, "{text:?}");
    }
}

#[test]
fn a_terminal_is_told_nothing_that_it_would_obey() {
    let line = Line::new(at(), Mark::Bad, "HOST", "X").meta("error", "a\n\x1b[2Jb");
    let text = print(&[line], PLAIN);
    assert!(text.ends_with("| error=a  [2Jb\n"), "{text}");
}

#[test]
fn short_times_have_a_decimal() {
    for (us, text) in [
        (0, "<0.1ms"),
        (900, "0.9ms"),
        (9_940, "9.9ms"),
        (9_960, "10ms"),
        (74_000, "74ms"),
        (8_000_000, "8000ms"),
    ] {
        assert_eq!(milliseconds(Duration::from_micros(us)), text);
    }
}
