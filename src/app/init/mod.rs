//! `cadence init`: a first configuration, verified before it is written.
//!
//! `mod.rs` leads the conversation, `verify` asks whether what was named is so, `draft` puts it into the sample, and `files`
//! writes it, never in the place of another file. Nothing is written before everything is known and verified.

mod draft;
mod files;
mod next;
mod token;
mod verify;

use std::path::PathBuf;

pub use files::Written;
pub use next::Step;

use super::ask;
use super::check::{self, Finding, Level};
use super::context::Context;
use super::wire::Wire;
use crate::cli;
use crate::config::{self, Mode, Token, TokenError};
use crate::error::{EXIT_DONE, EXIT_USAGE, Error};
use crate::logic::provider::Found;
use crate::logic::records::RecordSpec;
use crate::logic::units::RecordType;
use crate::render;
use draft::{Draft, Plug};
use files::Place;
use verify::Standing;

/// So often a question is asked.
const ATTEMPTS: u32 = 3;

/// What was found and done.
#[derive(Debug)]
pub struct Report {
    /// The configuration.
    pub config: PathBuf,
    /// What was verified; told already where somebody was asked.
    pub findings: Vec<Finding>,
    /// Whether somebody was asked.
    pub told: bool,
    /// The files, in the order of their writing.
    pub written: Vec<Written>,
    /// A token that was there and stays.
    pub kept: Option<PathBuf>,
    /// What to do now.
    pub next: Vec<Step>,
}

/// Runs the command.
///
/// # Errors
/// Something is there already, missing, not so, or cannot be written. Then nothing was written.
pub fn run(context: &Context, options: &cli::Init) -> Result<u8, Error> {
    let place = Place::find(context)?;
    let mut interview = Interview {
        context,
        options,
        asks: !options.yes && ask::can_ask(),
        findings: vec![],
    };
    let mut draft = Draft {
        path: place.config.clone(),
        token_file: place.token.clone(),
        records: vec![],
        router: None,
        plug: None,
    };
    let named = named(options)?;
    let found = token::find(context, options, &place)?;
    interview.require_flags(found.is_some())?;
    interview.greet(&place);
    interview.router(&mut draft)?;
    let token = interview.token(&draft, found)?;
    interview.records(&mut draft, named, &token)?;
    interview.plug(&mut draft, &place, &token)?;
    // What is written must load, and keep the policy.
    let settings = draft.settings(&context.env)?;
    let stored = token::is_stored(&token);
    hold_policy(&settings, token.mode().filter(|_| stored))?;
    let written = place.write(&draft.text(), Some(&token).filter(|_| !stored))?;
    let report = Report {
        config: place.config.clone(),
        findings: interview.findings,
        told: interview.asks,
        written,
        kept: stored.then(|| place.token.clone()),
        next: next::steps(&place, context.is_root(), draft.plug.is_some()),
    };
    context.print(&render::init::report(&report, &context.style))?;
    Ok(EXIT_DONE)
}

/// The records that the flags name.
fn named(options: &cli::Init) -> Result<Vec<RecordSpec>, Error> {
    let mut named: Vec<RecordSpec> = vec![];
    for name in &options.record {
        for spec in specs(name, options).map_err(|why| Error::new(EXIT_USAGE, why))? {
            if named.iter().all(|other| other.key() != spec.key()) {
                named.push(spec);
            }
        }
    }
    Ok(named)
}

/// A record of each type for a name.
fn specs(name: &str, options: &cli::Init) -> Result<Vec<RecordSpec>, String> {
    let mut kinds: Vec<RecordType> = options
        .types
        .iter()
        .map(|kind| match kind.as_str() {
            "AAAA" => RecordType::Aaaa,
            _ => RecordType::A,
        })
        .collect();
    kinds.dedup();
    if kinds.is_empty() {
        kinds.push(RecordType::A);
    }
    let zone = options.zone.as_deref();
    kinds
        .into_iter()
        .map(|kind| Draft::record(name, kind, zone, options.create))
        .collect::<Result<_, _>>()
        .map_err(|allowed| {
            let zone = zone.map_or(String::new(), |zone| format!(" in the zone {zone:?}"));
            format!("record {name:?}{zone}: allowed is {allowed}")
        })
}

/// In production a broken rule would stop each cycle.
fn hold_policy(settings: &config::Settings, token_mode: Option<u32>) -> Result<(), Error> {
    let broken = config::check_policy(settings, token_mode);
    let lines: Vec<String> = broken.into_iter().map(|broken| broken.message).collect();
    if lines.is_empty() || settings.mode == Mode::Test {
        return Ok(());
    }
    Err(Error::config(format!(
        "{}; nothing was written",
        lines.join("\n")
    )))
}

/// The conversation, or what stands in for it where there is nobody to ask.
struct Interview<'a> {
    context: &'a Context,
    options: &'a cli::Init,
    asks: bool,
    findings: Vec<Finding>,
}

impl Interview<'_> {
    /// Where nobody can be asked, the flags must say it all.
    fn require_flags(&self, has_token: bool) -> Result<(), Error> {
        if self.asks {
            return Ok(());
        }
        let mut missing = vec![];
        if self.options.record.is_empty() {
            missing.push("--record NAME");
        }
        if !has_token {
            missing.push("--token-file FILE (or - for stdin)");
        }
        if self.options.plug.is_some() && self.options.plug_address.is_none() {
            missing.push("--plug-address HOST");
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            EXIT_USAGE,
            format!("nobody can be asked here: add {}", missing.join(" and ")),
        ))
    }

    fn greet(&self, place: &Place) {
        let path = place.config.display();
        self.tell(&format!(
            "A first configuration in {path}. Nothing is written before the end;\nCtrl-C leaves all as it is."
        ));
        if !place.is_hosts && !self.context.is_root() {
            self.tell("It is for this user alone; for the whole host: sudo cadence init");
        }
        self.tell("");
    }

    fn router(&mut self, draft: &mut Draft) -> Result<(), Error> {
        let wire = self.wire(draft, Err(TokenError::NotSet))?;
        let mut finding = check::host::router(&wire);
        if finding.level != Level::Ok && self.asks {
            self.show(&finding);
            let answer = self.until("Address of the router (Enter: none)", |_, answer| {
                let router = (!answer.is_empty()).then(|| config::parse_router(answer));
                Ok(router
                    .transpose()
                    .map(|_| answer.to_owned())
                    .map_err(|allowed| refused("router", answer, &allowed)))
            })?;
            if !answer.is_empty() {
                finding = Finding::ok("router", format!("{answer} (network.router)"));
                draft.router = Some(answer);
            }
        }
        self.note(finding);
        Ok(())
    }

    fn token(&mut self, draft: &Draft, found: Option<Token>) -> Result<Token, Error> {
        let Some(token) = found else {
            self.tell(token::HOW_TO_MAKE);
            return self.until("API token (not shown)", |this, answer| {
                let token = match Token::given(answer.as_bytes(), "your answer") {
                    Ok(token) => token,
                    Err(error) => return Ok(Err(Finding::fail("token", error.to_string()))),
                };
                this.verified(draft, token)
            });
        };
        self.verified(draft, token)?
            .map_err(|finding| Error::new(crate::error::EXIT_TOKEN, ended(&finding)))
    }

    fn verified(&mut self, draft: &Draft, token: Token) -> Result<Result<Token, Finding>, Error> {
        let finding = if self.options.offline {
            Finding::ok("token", format!("{}: not verified", token.source()))
        } else {
            let wire = self.wire(draft, Ok(token.clone()))?;
            verify::token(&wire, &token)?
        };
        if finding.level == Level::Fail {
            return Ok(Err(finding));
        }
        self.note(finding);
        Ok(Ok(token))
    }

    fn records(
        &mut self,
        draft: &mut Draft,
        named: Vec<RecordSpec>,
        token: &Token,
    ) -> Result<(), Error> {
        let wire = self.wire(draft, Ok(token.clone()))?;
        if !named.is_empty() {
            match self.settled(&wire, named)? {
                Ok(records) => draft.records = records,
                Err(finding) => return Err(Error::failed(ended(&finding))),
            }
            return Ok(());
        }
        let mut question = "Name to keep on this home's address, such as vpn.example.com";
        loop {
            let records = self.until(question, |this, answer| {
                if answer.is_empty() && !draft.records.is_empty() {
                    return Ok(Ok(vec![]));
                }
                let specs = match specs(answer, this.options) {
                    Ok(specs) => specs,
                    Err(why) => return Ok(Err(Finding::fail("record", why))),
                };
                if let Some(twin) = specs.iter().find(|spec| draft.has(spec)) {
                    let why = format!("{} is there already", twin.label());
                    return Ok(Err(Finding::fail("record", why)));
                }
                this.settled(&wire, specs)
            })?;
            if records.is_empty() {
                return Ok(());
            }
            draft.records.extend(records);
            question = "Another name (Enter: no more)";
        }
    }

    /// The records as they can be kept, after what had to be asked about them; or why one cannot.
    fn settled(
        &mut self,
        wire: &Wire,
        specs: Vec<RecordSpec>,
    ) -> Result<Result<Vec<RecordSpec>, Finding>, Error> {
        let mut settled = vec![];
        let mut findings = vec![];
        for mut spec in specs {
            while !self.options.offline {
                let (zone, standing) = verify::record(wire, &spec)?;
                match standing {
                    Standing::Fine(finding) => {
                        findings.extend(zone);
                        findings.push(finding);
                        break;
                    }
                    Standing::Missing(finding) => match self.may_create(&spec)? {
                        true => spec.create = true,
                        false => return Ok(Err(finding)),
                    },
                    Standing::Several(finding, twins) => match self.pinned(&twins)? {
                        Some(id) => spec.id = Some(id),
                        None => return Ok(Err(finding)),
                    },
                    Standing::Refused(finding) => return Ok(Err(finding)),
                }
            }
            settled.push(spec);
        }
        for finding in findings {
            self.note(finding);
        }
        Ok(Ok(settled))
    }

    fn may_create(&self, spec: &RecordSpec) -> Result<bool, Error> {
        let label = spec.label();
        let question = format!("{label} does not exist. May cadence create it?");
        Ok(self.asks && ask::yes(&question)?)
    }

    /// The id of one of several records, if one is chosen.
    fn pinned(&mut self, twins: &[Found]) -> Result<Option<String>, Error> {
        if !self.asks {
            return Ok(None);
        }
        self.tell("Several records share this name and type:");
        for (number, twin) in (1..).zip(twins) {
            let Found { content, id, .. } = twin;
            self.tell(&format!("  {number}  {content}  (id {id})"));
        }
        let chosen = self.until("Number of the one to keep (Enter: none)", |_, answer| {
            if answer.is_empty() {
                return Ok(Ok(None));
            }
            let number: Option<usize> = answer.parse().ok();
            let twin = number.and_then(|number| twins.get(number.checked_sub(1)?));
            let allowed = format!("a number from 1 to {}", twins.len());
            let twin = twin.ok_or_else(|| refused("record", answer, &allowed));
            Ok(twin.map(|twin| Some(twin.id.clone())))
        })?;
        Ok(chosen)
    }

    fn plug(&mut self, draft: &mut Draft, place: &Place, token: &Token) -> Result<(), Error> {
        let options = self.options;
        if let (Some(kind), Some(address)) = (&options.plug, &options.plug_address) {
            let plug = self.answering(draft, place, token, kind, address)?;
            draft.plug = Some(plug.map_err(|finding| Error::failed(ended(&finding)))?);
        } else if self.asks {
            let kinds = "shelly1, shelly2 or tasmota";
            let question = format!("Smart plug of the modem: {kinds} (Enter: none)");
            let draft_so_far = draft.clone();
            draft.plug = self.until(&question, |this, answer| {
                let kind = options.plug.as_deref().unwrap_or(answer);
                if kind.is_empty() {
                    return Ok(Ok(None));
                }
                if !["shelly1", "shelly2", "tasmota"].contains(&kind) {
                    return Ok(Err(refused("plug", kind, kinds)));
                }
                let address = ask::line("Its address, as host or host:port: ")?;
                let address = address.unwrap_or_default();
                let plug = this.answering(&draft_so_far, place, token, kind, &address)?;
                Ok(plug.map(Some))
            })?;
        }
        Ok(())
    }

    /// The plug, if it answers.
    fn answering(
        &mut self,
        draft: &Draft,
        place: &Place,
        token: &Token,
        kind: &str,
        address: &str,
    ) -> Result<Result<Plug, Finding>, Error> {
        let address = match config::parse_plug_address(address) {
            Ok(address) => address,
            Err(allowed) => return Ok(Err(refused("plug", address, &allowed))),
        };
        let plug = Plug {
            kind: kind.to_owned(),
            address,
            password_file: Some(place.password.clone()).filter(|file| file.exists()),
        };
        if self.options.offline {
            return Ok(Ok(plug));
        }
        let draft = Draft {
            plug: Some(plug.clone()),
            ..draft.clone()
        };
        let wire = self.wire(&draft, Ok(token.clone()))?;
        Ok(verify::plug(&wire, &place.password).map(|findings| {
            findings.into_iter().for_each(|finding| self.note(finding));
            plug
        }))
    }

    fn wire(&self, draft: &Draft, token: Result<Token, TokenError>) -> Result<Wire, Error> {
        let env = &self.context.env;
        Wire::with_token(draft.settings(env)?, env, token)
    }

    /// Asks until an answer will do, a few times at most.
    fn until<T>(
        &mut self,
        question: &str,
        mut accept: impl FnMut(&mut Self, &str) -> Result<Result<T, Finding>, Error>,
    ) -> Result<T, Error> {
        let prompt = format!("{question}: ");
        for _ in 0..ATTEMPTS {
            let answer = if question.starts_with("API token") {
                ask::secret(&prompt)
            } else {
                ask::line(&prompt)
            };
            let Some(answer) = answer? else {
                return Err(Error::failed("no answer; nothing was written"));
            };
            match accept(self, &answer)? {
                Ok(accepted) => return Ok(accepted),
                Err(finding) => self.show(&finding),
            }
        }
        Err(Error::failed(format!(
            "no answer of {ATTEMPTS} would do; nothing was written"
        )))
    }

    fn note(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.show(&finding);
            self.findings.push(finding);
        }
    }

    fn show(&self, finding: &Finding) {
        let line = render::init::finding(finding, &self.context.style);
        self.tell(line.trim_end());
    }

    fn tell(&self, text: &str) {
        if self.asks {
            ask::tell(text);
        }
    }
}

fn refused(what: &'static str, answer: &str, allowed: &str) -> Finding {
    Finding::fail(what, format!("{answer:?}: allowed is {allowed}"))
}

/// A finding that ends the command.
fn ended(finding: &Finding) -> String {
    let mend = finding.mend.as_ref();
    let mend = mend.map_or(String::new(), |mend| format!(": {mend}"));
    format!("{}{mend}; nothing was written", finding.message)
}
