use super::*;
use crate::config::presets::PRESETS;

fn message() -> Message {
    Message {
        id: "vpn.example.com-1-2".to_owned(),
        title: "vpn.example.com: \"quoted\" <b> & {message}".to_owned(),
        body: "one\ntwo \\ {json} ü".to_owned(),
        is_urgent: false,
        document: "{\"schema\":\"cadence.message/1\"}".to_owned(),
    }
}

fn filled(escape: Escape, template: &str) -> String {
    let message = message();
    let filled = Filled {
        message: &message,
        to: "-100",
        body: cut(&message.body, 1000),
        escape,
    };
    filled.fill(template)
}

#[test]
fn every_preset_of_json_gives_json_whatever_is_told() {
    for preset in PRESETS
        .iter()
        .filter(|it| it.content_type == "application/json")
    {
        let body = filled(preset.escape, preset.body);
        let parsed: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|error| {
            panic!("{}: {error}: {body}", preset.name);
        });
        assert!(parsed.is_object(), "{}", preset.name);
    }
}

#[test]
fn each_service_gets_what_its_manual_asks_for() {
    let named = |name| PRESETS.iter().find(|it| it.name == name).unwrap();
    let body = |name| -> serde_json::Value {
        let preset = named(name);
        serde_json::from_str(&filled(preset.escape, preset.body)).unwrap()
    };
    let title = message().title;
    assert_eq!(
        body("slack")["text"],
        "*vpn.example.com: \"quoted\" &lt;b&gt; &amp; {message}*\none\ntwo \\ {json} ü"
    );
    assert_eq!(
        body("discord")["content"],
        format!("**{title}**\n{}", message().body)
    );
    assert_eq!(
        body("discord")["allowed_mentions"]["parse"],
        serde_json::json!([])
    );
    assert_eq!(body("telegram")["chat_id"], "-100");
    assert_eq!(
        body("telegram")["text"],
        format!("{title}\n{}", message().body)
    );
    assert_eq!(body("gotify")["priority"], 3);
    assert_eq!(body("json")["schema"], "cadence.message/1");
    let ntfy = named("ntfy");
    assert_eq!(filled(ntfy.escape, ntfy.body), message().body);
}

#[test]
fn a_template_is_filled_once_and_what_it_has_of_its_own_stays() {
    assert_eq!(
        filled(Escape::None, "{to} {unknown} {{id}} { {priority}"),
        "-100 {unknown} {vpn.example.com-1-2} { 3"
    );
}

#[test]
fn of_a_long_message_the_last_lines_stay_and_a_header_holds_no_other_letters() {
    assert_eq!(cut("äöü", 3), "äöü");
    assert_eq!(cut("äöü", 2), "äö");
    assert_eq!(cut("one\ntwo\nthree", 9), "..\ntwo\nthree");
    assert_eq!(ascii("a\nb ü"), "a?b ?");
}
