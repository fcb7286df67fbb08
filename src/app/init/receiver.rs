//! Who is to be told what happens: one of two services that a URL alone describes, with a test that it takes.

use std::fs;
use std::path::Path;

use super::draft::Receiver;
use super::files::{Secret, URL};
use super::interview::{Interview, LEFT_OUT, REPLACED};
use super::token::{STDIN, piped};
use super::unfit::{Unfit, refused};
use crate::app::ask;
use crate::app::check::{Finding, Level};
use crate::app::notify::{Test, tested};
use crate::config::{Endpoint, Env, Token, load_url, receivers, url_of};
use crate::error::{EXIT_FAILED, EXIT_USAGE, Error};
use crate::logic::advice;

/// How a service is asked for, and what its configuration is.
struct Service {
    /// `preset`.
    name: &'static str,
    section: &'static str,
    /// Where its URL comes from.
    how: &'static str,
    question: &'static str,
}

const SERVICES: [Service; 2] = [
    Service {
        name: "ntfy",
        section: "[[notify]]",
        how: "Choose a topic that nobody guesses, subscribe to it in the app of ntfy (https://ntfy.sh), and paste its URL here, such as https://ntfy.sh/TOPIC.",
        question: "URL of the topic (not shown; Enter: none)",
    },
    Service {
        name: "healthchecks",
        section: "[[heartbeat]]",
        how: "Add a check with a period of 5 minutes and a grace time of 10 at https://healthchecks.io, and paste its ping URL here.",
        question: "Ping URL of the check (not shown; Enter: none)",
    },
];
const ABOUT: &str = "ntfy sends your phone a message for each outage or change; Healthchecks raises an alarm when this home falls silent.";
const SERVICE: &str = "Notifications (ntfy or healthchecks; Enter: none)";

/// Settles whether somebody is told, and by which service.
///
/// # Errors
/// Its URL is of no use, or no answer will come.
pub fn settle(this: &mut Interview<'_>, token: &Token, test: &Test<'_>) -> Result<(), Error> {
    let mut chosen = this.options.notify.clone();
    if chosen.is_none() && this.asks {
        this.tell("");
        this.tell(ABOUT);
        this.until(ask::line, SERVICE, &mut |this, answer| {
            if !ask::is_none(answer) {
                if service(answer).is_none() {
                    return Err(refused(
                        "notify",
                        answer,
                        "a service that init can set up",
                        "ntfy or healthchecks",
                    ));
                }
                this.service = Some(answer.to_owned());
            }
            Ok(())
        })?;
        chosen.clone_from(&this.service);
    }
    let Some(service) = chosen.as_deref().and_then(service) else {
        return Ok(());
    };
    let mut replaces = false;
    match known(this, service) {
        Ok(None) => {}
        Ok(Some((url, is_stored))) => match add(this, token, service, &url, test) {
            Ok(()) => {
                if !is_stored {
                    this.given.push(secret(this, service, &url, false));
                }
                return Ok(());
            }
            Err(Unfit::Answer(finding)) if this.asks => {
                this.show(&finding);
                replaces = is_stored;
            }
            Err(unfit) => return Err(unfit.ends(EXIT_FAILED)),
        },
        // What is stored is none; what a flag names is for whoever named it to mend.
        Err(error) if this.asks && this.options.notify_url_file.is_none() => {
            this.show(&Finding::fail("notify", error.message));
            replaces = true;
        }
        Err(error) => return Err(error),
    }
    if replaces {
        this.tell(REPLACED);
    }
    this.tell("");
    this.tell(service.how);
    this.until(ask::secret, service.question, &mut |this, answer| {
        if ask::is_none(answer) {
            return Ok(());
        }
        let url = url_of(answer.as_bytes()).map_err(|allowed| {
            let found = Finding::fail("notify", "your answer is no URL (not shown)");
            Unfit::Answer(found.fix(format!("use {allowed}")))
        })?;
        add(this, token, service, &url, test)?;
        this.typed.push(secret(this, service, &url, replaces));
        Ok(())
    })
}

/// Settles that the service is told which another tool told, if it takes a test; else it is left out.
///
/// # Errors
/// It cannot be asked.
pub fn imported(
    this: &mut Interview<'_>,
    token: &Token,
    preset: &'static str,
    url: &Endpoint,
    test: &Test<'_>,
) -> Result<(), Error> {
    let service = Service {
        name: preset,
        section: "[[heartbeat]]",
        how: "",
        question: "",
    };
    let path = this.place.url(preset);
    if fs::symlink_metadata(&path).is_ok() {
        let left = format!("{preset}: {} is there already", path.display());
        this.note(Finding::warn(LEFT_OUT, left));
        return Ok(());
    }
    match add(this, token, &service, url, test) {
        Ok(()) => this.given.push(secret(this, &service, url, false)),
        Err(Unfit::Answer(found)) => this.note(Finding {
            check: LEFT_OUT,
            level: Level::Warn,
            ..found
        }),
        Err(unfit) => return Err(unfit.ends(EXIT_FAILED)),
    }
    Ok(())
}

fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

/// The URL that the flags name or that is stored, and whether it is. One that is stored already is never replaced by another of a flag.
fn known(this: &Interview<'_>, service: &Service) -> Result<Option<(Endpoint, bool)>, Error> {
    let path = this.place.url(service.name);
    let is_there = fs::symlink_metadata(&path).is_ok();
    let stored = is_there.then(|| read(service, &path)).transpose()?;
    let Some(file) = &this.options.notify_url_file else {
        return Ok(stored.map(|url| (url, true)));
    };
    let given = if file == Path::new(STDIN) {
        if this.options.token_file.as_deref() == Some(file) {
            let both = "stdin holds one secret, and --token-file - reads it; fix: name a file for one of them";
            return Err(Error::new(EXIT_USAGE, both));
        }
        url_of(&piped("--notify-url-file", URL)?).map_err(|allowed| {
            let fix = format!("put {allowed} there, alone on one line");
            let what = "what stdin holds is no URL (not shown)";
            Error::failed(advice::join(what, Some(&fix)))
        })?
    } else {
        read(service, file)?
    };
    match stored {
        Some(stored) if stored.url != given.url => Err(Error::failed(format!(
            "{} is there already with another URL, and is never overwritten; fix: move it away, or leave out --notify-url-file",
            path.display()
        ))),
        stored => Ok(Some((given, stored.is_some()))),
    }
}

/// No credential of a service counts here: it is this file that was named.
fn read(service: &Service, file: &Path) -> Result<Endpoint, Error> {
    let place = receivers::Place::File(Some(file.to_owned()));
    load_url(&Env::default(), service.name, &place).map_err(Error::failed)
}

fn secret(this: &Interview<'_>, service: &Service, url: &Endpoint, replaces: bool) -> Secret {
    Secret {
        what: URL,
        file: this.place.url(service.name),
        text: url.url.clone(),
        replaces,
    }
}

/// Adds the receiver if it takes a test.
fn add(
    this: &mut Interview<'_>,
    token: &Token,
    service: &Service,
    url: &Endpoint,
    test: &Test<'_>,
) -> Result<(), Unfit> {
    this.draft.receiver = Some(Receiver {
        section: service.section,
        preset: service.name,
        url_file: this.place.url(service.name),
    });
    let found = if this.options.offline {
        vec![Finding::ok(
            "notify",
            format!("{}: not verified", service.name),
        )]
    } else {
        let mut adapters = this.adapters(Ok(token.clone()))?;
        adapters.settings.receivers.set_url(url);
        tested(&adapters, &this.context.env, test)
    };
    for found in found {
        if found.level == Level::Fail {
            this.draft.receiver = None;
            return Err(Unfit::Answer(found));
        }
        this.note(found);
    }
    Ok(())
}
