//! A sign of life, which says how it goes.

use jiff::Timestamp;

use super::{Outgoing, Refusal};
use crate::config::Endpoint;
use crate::config::presets::BeatPreset;
use crate::logic::advice;
use crate::logic::delivery::Pulse;
use crate::net::Deadline;
use crate::net::http::{Http, url_part};

/// How a cycle went.
#[derive(Debug, Clone, Copy)]
pub struct Health<'a> {
    /// Its exit code.
    pub exit_code: u8,
    /// What a monitor is told, in one line.
    pub line: &'a str,
    /// That, and what went wrong: a few lines.
    pub log: &'a str,
    /// How long the line took to answer, in milliseconds.
    pub ping: Option<u128>,
}

/// What there is to say.
#[derive(Debug, Clone)]
pub struct Word<'a> {
    /// How it goes.
    pub pulse: Pulse,
    /// The same in more words.
    pub health: Health<'a>,
    /// What ties the end of a change to its start: a UUID; empty where there is none.
    pub run: String,
}

/// Says it, where the service can be told that.
///
/// # Errors
/// Why it is not known to be taken.
pub fn send(
    http: &Http,
    url: &Endpoint,
    preset: &BeatPreset,
    word: &Word<'_>,
    (now, deadline): (Timestamp, Deadline),
) -> Result<(), Refusal> {
    let Some(url_of_it) = url_of(&url.url, preset, word) else {
        return Ok(());
    };
    let request = Outgoing {
        url: &url_of_it,
        headers: &[],
        body: preset.has_log.then_some(word.health.log),
    };
    let said = super::send(http, url, &request, now, deadline)?;
    // Some answer 200 whatever becomes of it.
    if preset.refuses.is_some_and(|start| said.starts_with(start)) {
        let why = format!("{} did not take it", url.host);
        let fix = "check the URL; if it was too often, set a longer `every`";
        return Err(Refusal {
            said: super::quoted(&said, url),
            ..Refusal::of(advice::join(&why, Some(fix)))
        });
    }
    Ok(())
}

/// The URL with what the preset puts into it; none where there is nothing to say to this service.
fn url_of(url: &str, preset: &BeatPreset, word: &Word<'_>) -> Option<String> {
    let path = match word.pulse {
        Pulse::Up => preset.up,
        Pulse::Start => preset.start.unwrap_or(preset.up),
        Pulse::Down => {
            let [unsaid, said] = preset.down?;
            if word.health.exit_code == 0 {
                unsaid
            } else {
                said
            }
        }
    };
    let (base, own) = url.split_once('?').unwrap_or((url, ""));
    let path = path.replace("{code}", &word.health.exit_code.to_string());
    let status = if word.pulse == Pulse::Down {
        "down"
    } else {
        "up"
    };
    let ping = word
        .health
        .ping
        .map_or(String::new(), |ping| ping.to_string());
    let run = match word.run.as_str() {
        "" => String::new(),
        run => format!("rid={run}"),
    };
    let query = preset
        .query
        .replace("{status}", status)
        .replace("{ping}", &ping)
        .replace("{run}", &run)
        .replace("{line}", &url_part(word.health.line).to_string());
    // What the service itself put there as an example gives way.
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    let names: Vec<&str> = names.collect();
    let kept = own.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !name.is_empty() && !names.contains(&name)
    });
    let all: Vec<&str> = kept
        .chain([query.as_str()])
        .filter(|it| !it.is_empty())
        .collect();
    let mark = if all.is_empty() { "" } else { "?" };
    Some(format!("{base}{path}{mark}{}", all.join("&")))
}

#[cfg(test)]
#[path = "heartbeat_tests.rs"]
mod tests;
