//! What each service understands: data, so that a new one is a line here.

/// What stands in a template for a value is written as the service reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    None,
    /// Within a string of JSON (RFC 8259).
    Json,
    /// The same, with the three characters that Slack's text gives a meaning.
    Slack,
}

/// How a service is told something: by a POST of this body.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// As in `notify.preset`.
    pub name: &'static str,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// More headers. `{title}` and the like are filled in.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body. `{title}`, `{message}`, `{priority}` (3 to 5), `{id}`, `{to}` and `{json}` are filled in.
    pub body: &'static str,
    /// How.
    pub escape: Escape,
    /// So many characters of the message at most.
    pub most: usize,
}

const JSON: &str = "application/json";
/// The whole event, for whoever reads it with a program.
const WHOLE: Preset = Preset {
    name: "json",
    content_type: JSON,
    headers: &[],
    body: "{json}",
    escape: Escape::None,
    most: 16_384,
};

/// Every service that `notify.preset` names; the first one is the default.
pub static PRESETS: [Preset; 7] = [
    WHOLE,
    // https://docs.ntfy.sh/publish/: the topic is the URL's path, the body is the message, of 4,096 bytes at most.
    Preset {
        name: "ntfy",
        content_type: "text/plain; charset=utf-8",
        headers: &[("Title", "{title}"), ("Priority", "{priority}")],
        body: "{message}",
        escape: Escape::None,
        most: 1300,
    },
    // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/
    Preset {
        name: "slack",
        content_type: JSON,
        headers: &[],
        body: r#"{"text":"*{title}*\n{message}"}"#,
        escape: Escape::Slack,
        most: 3000,
    },
    // https://discord.com/developers/docs/resources/webhook#execute-webhook: 2,000 characters at most.
    Preset {
        name: "discord",
        content_type: JSON,
        headers: &[],
        body: r#"{"content":"**{title}**\n{message}","allowed_mentions":{"parse":[]}}"#,
        escape: Escape::Json,
        most: 1800,
    },
    // https://core.telegram.org/bots/api#sendmessage: 4,096 characters at most. The URL is https://api.telegram.org/bot<TOKEN>/sendMessage.
    Preset {
        name: "telegram",
        content_type: JSON,
        headers: &[],
        body: r#"{"chat_id":"{to}","text":"{title}\n{message}"}"#,
        escape: Escape::Json,
        most: 3500,
    },
    // https://gotify.net/docs/pushmsg: the URL is https://HOST/message?token=<TOKEN>.
    Preset {
        name: "gotify",
        content_type: JSON,
        headers: &[],
        body: r#"{"title":"{title}","message":"{message}","priority":{priority}}"#,
        escape: Escape::Json,
        most: 8000,
    },
    // https://www.home-assistant.io/docs/automation/trigger/#webhook-trigger: the automation reads what it wants.
    Preset {
        name: "home-assistant",
        ..WHOLE
    },
];

/// How a service of heartbeats is told how it goes.
#[derive(Debug, PartialEq, Eq)]
pub struct BeatPreset {
    /// As in `heartbeat.preset`.
    pub name: &'static str,
    /// What is put behind the path while all is well: `{code}` is the cycle's exit code ..
    pub up: &'static str,
    /// .. at the start of a change, where the service knows that ..
    pub start: Option<&'static str>,
    /// .. where something is wrong and the cycle's exit code does not say so, and where it does ..
    pub down: Option<[&'static str; 2]>,
    /// .. and to the query: `{status}`, `{line}`, `{ping}` and `{run}` are filled in.
    pub query: &'static str,
    /// Whether it is a POST, with a short log as its body.
    pub has_log: bool,
    /// With what an answer begins that is a refusal, though its status says otherwise.
    pub refuses: Option<&'static str>,
}

/// Every service that `heartbeat.preset` names; the first one is the default.
pub static BEATS: [BeatPreset; 3] = [
    // A GET while all is well, and none else: that it stays away is what the service notices.
    BeatPreset {
        name: "plain",
        up: "",
        start: None,
        down: None,
        query: "",
        has_log: false,
        refuses: None,
    },
    // https://healthchecks.io/docs/http_api/: an exit status in the path, of which 0 is a success, `/start`, `/fail`, and `rid`.
    BeatPreset {
        name: "healthchecks",
        up: "/0",
        start: Some("/start"),
        down: Some(["/fail", "/{code}"]),
        query: "{run}",
        has_log: true,
        // "OK (not found)", "OK (rate limited)".
        refuses: Some("OK ("),
    },
    // https://github.com/louislam/uptime-kuma/wiki: the push monitor, `status=up` or `down`, a message, and a time in milliseconds.
    BeatPreset {
        name: "uptime-kuma",
        up: "",
        start: None,
        down: Some(["", ""]),
        query: "status={status}&msg={line}&ping={ping}",
        has_log: false,
        refuses: None,
    },
];
