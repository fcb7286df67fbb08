//! What a person types: the answers to `cadence init`, and the command line.

use std::path::Path;

use cadence::app::init::draft::{Draft, Plug, Receiver};
use cadence::cli::Cli;
use cadence::config::{Env, Mode, parse_plug_address, parse_router};
use cadence::logic::units::RecordType;
use clap::Parser;

/// A name, its zone, another name, the router, the plug's address and the token's file, a line each: what is accepted answer by
/// answer makes a configuration that loads, and that means what was answered.
pub fn answers(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut lines = text.lines().map(str::trim);
    let mut answer = || lines.next().unwrap_or_default();
    let (name, zone, other) = (answer(), answer(), answer());
    let (router, plug, token_file) = (answer(), answer(), answer());
    let zone = Some(zone).filter(|zone| !zone.is_empty());
    let mut draft = Draft {
        path: "/etc/cadence/cadence.toml".into(),
        token_file: "/etc/cadence/cloudflare.token".into(),
        records: vec![],
        router: None,
        plug: None,
        receiver: None,
    };
    for (name, kind, zone) in [(name, RecordType::A, zone), (other, RecordType::Aaaa, None)] {
        draft
            .records
            .extend(Draft::record(name, kind, zone, true).ok());
    }
    if parse_router(router).is_ok() {
        draft.router = Some(router.to_owned());
    }
    if let Ok(address) = parse_plug_address(plug) {
        draft.plug = Some(Plug {
            kind: "tasmota".to_owned(),
            address,
            id: None,
            password_file: None,
        });
    }
    let settings = draft.settings(&Env::default()).unwrap();
    assert_eq!(settings.records, draft.records);
    assert_eq!(settings.mode, Mode::Production);
    assert_eq!(settings.network.router, parse_router(router).ok());
    let address = draft.plug.map(|plug| plug.address).unwrap_or_default();
    assert_eq!(settings.recovery.address, address);
    assert!(!settings.recovery.limits.enabled);

    let file = Path::new(token_file);
    let draft = Draft {
        token_file: file.to_owned(),
        plug: None,
        receiver: Some(Receiver {
            section: "[[heartbeat]]",
            preset: "healthchecks",
            url_file: file.to_owned(),
        }),
        ..draft
    };
    if let Ok(settings) = draft.settings(&Env::default()) {
        let found = settings.cloudflare.token_file;
        assert!(token_file.is_empty() || found.as_deref() == Some(file));
        let url = settings.receivers.secret_files().next();
        assert!(token_file.is_empty() || url.is_some_and(|url| url.path == file));
    }
}

/// Words of the command line, with a zero byte between them.
pub fn command_line(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let words = std::iter::once("cadence").chain(text.split('\0'));
    if let Err(error) = Cli::try_parse_from(words) {
        assert!(matches!(error.exit_code(), 0 | 2));
        assert!(!error.to_string().is_empty());
    }
}
