//! Reads `[[heartbeat]]` and `[[notify]]`.

use super::bounds;
use super::paths::absolute;
use super::presets::{BEATS, PRESETS};
use super::reader::Reader;
use super::receivers::{Heartbeat, How, Notify, Place, Receivers};
use super::section::{Section, Tables};
use super::sheets::{self, Sheets};
use super::url;
use super::value::Value;
use crate::logic::delivery::{Topic, Wants};

/// Each is asked side by side after a cycle.
pub const MAX_RECEIVERS: usize = 8;
/// As it is shown in one column.
const MAX_NAME: usize = 32;
/// More than any service takes.
const MAX_TEMPLATE: usize = 4096;

/// Reads both kinds of sections; `sheets` is one of the receivers too.
pub fn read<'a>(
    reader: &mut Reader<'a>,
    sheets: Option<Sheets>,
    heartbeats: &Tables<'a>,
    notify: &Tables<'a>,
) -> Receivers {
    let mut names: Vec<String> = sheets.iter().map(|_| sheets::NAME.to_owned()).collect();
    let mut receivers = Receivers {
        sheets,
        ..Receivers::default()
    };
    refuse_without_url(reader, "heartbeat", heartbeats);
    refuse_without_url(reader, "notify", notify);
    for (table, place) in heartbeats {
        let section = Section::of_several(reader, "heartbeat", (*table, *place));
        let read = heartbeat(section);
        if is_new(reader, "heartbeat", *place, &mut names, &read.name) {
            receivers.heartbeats.push(read);
        }
    }
    for (table, place) in notify {
        let section = Section::of_several(reader, "notify", (*table, *place));
        let read = one(section, *place);
        let read = read.filter(|it| is_new(reader, "notify", *place, &mut names, &it.name));
        receivers.notify.extend(read);
    }
    receivers
}

/// One of several entries of a variable that has no URL was meant to be a part of its neighbour, unless the service hands URLs over.
fn refuse_without_url<'a>(reader: &mut Reader<'a>, name: &str, tables: &Tables<'a>) {
    if tables.len() < 2 || reader.has_credentials() {
        return;
    }
    for (table, place) in tables {
        let has_url = ["url", "url_file", "program"]
            .iter()
            .any(|it| table.has(it));
        if let (Value::Variable { .. }, false) = (*place, has_url) {
            let allowed =
                "url=.., url_file=.., or a space in place of the comma between it and its URL";
            reader.refuse_found(name, *place, " has no URL", allowed);
        }
    }
}

/// Its place in the queue goes by its name, so no two have the same.
fn is_new<'a>(
    reader: &mut Reader<'a>,
    section: &str,
    place: Value<'a>,
    names: &mut Vec<String>,
    name: &str,
) -> bool {
    if names.iter().any(|known| known == name) {
        let found = format!(" \"{name}\" is there twice");
        reader.refuse_found(section, place, &found, "a `name` of its own for each");
        return false;
    }
    names.push(name.to_owned());
    true
}

fn heartbeat(mut section: Section<'_, '_>) -> Heartbeat {
    let preset = preset_of(&mut section, BEATS.iter().map(|it| it.name));
    let preset = BEATS.get(preset).unwrap_or(&BEATS[0]);
    let name = section.parsed("name", plain_name);
    let place = url_of(&mut section);
    let every = section.duration("every", bounds::HEARTBEAT_EVERY);
    section.close();
    Heartbeat {
        name: name.unwrap_or_else(|| preset.name.to_owned()),
        preset,
        place,
        every,
    }
}

fn one<'a>(mut section: Section<'_, 'a>, place: Value<'a>) -> Option<Notify> {
    let is_program = section.choice("kind", &[("webhook", 0), ("program", 1)], 0) == 1;
    let name = section.parsed("name", plain_name);
    let on = section.list("on", 1..=Topic::ALL.len(), &[], topic);
    let quiet = section.parsed("quiet", hours);
    let every = section.duration("every", bounds::MESSAGES_EVERY);
    let preset = preset_of(&mut section, PRESETS.iter().map(|it| it.name));
    let preset = PRESETS.get(preset).unwrap_or(&PRESETS[0]);
    let template = section.parsed("template", template);
    let place_of_url = url_of(&mut section);
    // What one kind needs is only needed there.
    let asks = template.as_deref().unwrap_or(preset.body).contains("{to}");
    let by_webhook = (!is_program && asks).then_some(place);
    let to = section.required_by(by_webhook, "to", "the id of the chat", chat);
    let by_program = is_program.then_some(place);
    let path = "the absolute path of a program";
    let program = section.required_by(by_program, "program", path, absolute);
    let (default, how) = if is_program {
        ("program", program.map(How::Program))
    } else {
        let webhook = How::Webhook {
            preset,
            template,
            to: to.unwrap_or_default(),
            place: place_of_url,
        };
        (preset.name, Some(webhook))
    };
    section.close();
    Some(Notify {
        name: name.unwrap_or_else(|| default.to_owned()),
        how: how?,
        wants: Wants {
            on: if on.is_empty() {
                Topic::ALL.to_vec()
            } else {
                on
            },
            quiet,
            every,
        },
    })
}

/// Which of them it is; the first one where it is not said.
fn preset_of(section: &mut Section<'_, '_>, names: impl Iterator<Item = &'static str>) -> usize {
    let choices: Vec<(&str, usize)> = names.enumerate().map(|(at, name)| (name, at)).collect();
    section.choice("preset", &choices, 0)
}

/// Where neither is set, the service may hand it over.
fn url_of(section: &mut Section<'_, '_>) -> Place {
    let written = section.parsed("url", url::secure);
    let file = section.parsed("url_file", |text| match &written {
        Some(_) => Err("either `url` or `url_file`".to_owned()),
        None => absolute(text),
    });
    written.map_or(Place::File(file), Place::Written)
}

fn topic(text: &str) -> Result<Topic, String> {
    let names = || Topic::ALL.iter().map(|topic| topic.as_str());
    Topic::named(text).ok_or_else(|| names().collect::<Vec<_>>().join(", "))
}

/// It is part of the name of a credential, and a column.
fn plain_name(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.len() <= MAX_NAME && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!("at most {MAX_NAME} letters, digits, `-` and `_`"))
    }
}

fn template(text: &str) -> Result<String, String> {
    let is_of_text = |c: char| !c.is_control() || c == '\n';
    if text.len() <= MAX_TEMPLATE && text.chars().all(is_of_text) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a text of at most {MAX_TEMPLATE} bytes without control characters"
        ))
    }
}

/// Telegram's are numbers, and names of channels.
fn chat(text: &str) -> Result<String, String> {
    let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@');
    if text.len() <= MAX_NAME && text.bytes().all(is_of_id) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "an id of at most {MAX_NAME} letters, digits, `-`, `_` and `@`"
        ))
    }
}

/// `22:00-07:00`, in minutes of the day.
fn hours(text: &str) -> Result<(u16, u16), String> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let is_number = |it: &str| it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit());
        let (hour, minute) = (
            Some(hour).filter(|it| is_number(it))?.parse::<u16>().ok()?,
            Some(minute)
                .filter(|it| is_number(it))?
                .parse::<u16>()
                .ok()?,
        );
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    text.split_once('-')
        .and_then(|(from, to)| Some((minute(from)?, minute(to)?)))
        .ok_or_else(|| "hours such as \"22:00-07:00\", by the local clock".to_owned())
}
