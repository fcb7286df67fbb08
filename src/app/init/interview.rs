//! The conversation: what the flags leave out is asked, and each answer is verified before the next question.

use super::draft::{Draft, Plug};
use super::files::{Place, Secret};
use super::names::specs;
use super::token::{self, TYPED};
use super::unfit::{Unfit, refused};
use super::verify::{self, Standing};
use crate::app::adapters::Adapters;
use crate::app::ask;
use crate::app::check::{self, Finding, Level};
use crate::app::context::Context;
use crate::called;
use crate::cli::{self, PLUGS};
use crate::config::{self, Token, TokenError, TokenSource};
use crate::error::{EXIT_FAILED, EXIT_TOKEN, EXIT_USAGE, Error};
use crate::logic::advice;
use crate::logic::provider::Found;
use crate::logic::records::RecordSpec;

/// So many answers to a question may be of no use.
const ATTEMPTS: u32 = 3;
const ROUTER: &str = "Address of the router (Enter: none)";
const NAME: &str = "Name to keep up to date, such as vpn.example.com";
const TWIN: &str = "Number of the one to keep (Enter: none)";
const ANOTHER: &str = "Another name (Enter: no more)";
const PLUG: &str = "Smart plug (shelly1, shelly2 or tasmota; Enter: none)";
const ADDRESS: &str = "Address of the plug (Enter: another kind, or none)";

/// What is left out of another tool's file.
pub const LEFT_OUT: &str = "left-out";

/// Said of a stored secret that is of no use.
pub const REPLACED: &str = "Another one takes its place once it is verified; the old file gets \".rejected\" at the end of its name.";

/// What is told beside the questions.
pub enum Told<'a> {
    /// Plain words.
    Text(&'a str),
    /// What was found.
    Found(&'a Finding),
}

/// Whoever is told; nobody is where nobody is asked.
pub type Listener<'a> = dyn Fn(Told<'_>) + 'a;

/// The conversation, or what stands in for it where there is nobody to ask.
pub struct Interview<'a> {
    pub context: &'a Context,
    pub options: &'a cli::Init,
    pub place: &'a Place,
    listener: &'a Listener<'a>,
    /// Whether there is somebody to ask.
    pub asks: bool,
    /// What was verified.
    pub findings: Vec<Finding>,
    /// What is known so far.
    pub draft: Draft,
    /// What was typed and verified: it is nowhere else.
    pub typed: Vec<Secret>,
    /// What was given otherwise, and is not in its place yet.
    pub given: Vec<Secret>,
    /// The names that were given and of which it is not settled yet what becomes of them.
    pub pending: Vec<String>,
    /// The service that was chosen to tell what happens; its URL may not be settled yet.
    pub service: Option<String>,
    /// Whether the names are from another tool's file: one that cannot be kept is left out where nobody is asked.
    pub is_imported: bool,
    /// Whether `ttl` and `proxied` are meant for records that are created.
    pub is_for_new: bool,
}

type Accept<'f, 'a> = &'f mut dyn FnMut(&mut Interview<'a>, &str) -> Result<(), Unfit>;

impl<'a> Interview<'a> {
    pub fn new(
        context: &'a Context,
        options: &'a cli::Init,
        place: &'a Place,
        listener: &'a Listener<'a>,
    ) -> Self {
        Self {
            context,
            options,
            place,
            listener,
            asks: !options.yes && ask::can_ask(),
            findings: vec![],
            draft: Draft {
                path: place.config.clone(),
                token_file: place.token.clone(),
                records: vec![],
                router: None,
                plug: None,
                receiver: None,
            },
            typed: vec![],
            given: vec![],
            service: None,
            pending: vec![],
            is_imported: false,
            is_for_new: false,
        }
    }

    /// Where nobody can be asked, the flags must say it all.
    pub fn require_flags(&self, has_records: bool, has_token: bool) -> Result<(), Error> {
        let options = self.options;
        let lacks_address = options.plug.is_some() && options.plug_address.is_none();
        let lacks_url = options.notify.as_deref().is_some_and(|service| {
            options.notify_url_file.is_none() && !self.place.url(service).exists()
        });
        let missing: Vec<&str> = [
            (!has_records, "--record NAME"),
            (!has_token, "--token-file FILE (or - for stdin)"),
            (lacks_address, "--plug-address HOST"),
            (lacks_url, "--notify-url-file FILE (or - for stdin)"),
        ]
        .into_iter()
        .filter_map(|(missing, flag)| missing.then_some(flag))
        .collect();
        if self.asks || missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(" and ");
        let why = if options.yes {
            "with --yes nothing is asked"
        } else {
            "not a terminal"
        };
        Err(Error::new(EXIT_USAGE, format!("{why}; fix: add {missing}")))
    }

    pub fn greet(&self) {
        let path = self.place.config.display();
        self.tell(&format!(
            "A first configuration. {path} is written at the end; if you stop with Ctrl-C, only verified secrets are kept."
        ));
        if !self.place.is_hosts && !self.context.is_root() {
            let hosts = called::as_root("init");
            self.tell(&format!(
                "It is for this user alone; for the whole host: {hosts}"
            ));
        }
        self.tell("");
    }

    pub fn router(&mut self) -> Result<(), Error> {
        self.draft.router.clone_from(&self.options.router);
        let adapters = self.adapters(Err(TokenError::NotSet))?;
        let found = check::host::router(&adapters);
        if found.level == Level::Ok || !self.asks {
            self.note(found);
            return Ok(());
        }
        // The question is what to do about it.
        self.show(&Finding { fix: None, ..found });
        self.until(ask::line, ROUTER, &mut |this, answer| {
            if !ask::is_none(answer) {
                config::parse_router(answer)
                    .map_err(|allowed| refused("router", answer, "an address", &allowed))?;
                this.draft.router = Some(answer.to_owned());
            }
            Ok(())
        })
    }

    pub fn token(&mut self, found: Option<Token>) -> Result<Token, Error> {
        let mut replaces = false;
        if let Some(token) = found {
            // A credential would go before whatever is stored.
            let is_fixed = matches!(token.source(), TokenSource::Credential(_));
            match self.verify_token(&token) {
                Ok(()) => {
                    if !token::is_stored(&token) {
                        self.given.push(self.place.secret_token(&token, false));
                    }
                    if self.asks {
                        // What is answered from here on is worth to be told.
                        ask::note_signals()?;
                    }
                    return Ok(token);
                }
                Err(Unfit::Answer(finding)) if self.asks && !is_fixed => self.show(&finding),
                Err(unfit) => return Err(unfit.ends(EXIT_TOKEN)),
            }
            replaces = token::is_stored(&token);
            if replaces {
                self.tell(REPLACED);
            }
        }
        self.tell("");
        self.tell(token::HOW_TO_MAKE);
        let mut typed = None;
        self.until(ask::secret, "API token (not shown)", &mut |this, answer| {
            let token = Token::given(answer.as_bytes(), TYPED)
                .map_err(|error| Unfit::Answer(Finding::fail("token", error.to_string())))?;
            this.verify_token(&token)?;
            this.typed.push(this.place.secret_token(&token, replaces));
            typed = Some(token);
            // It is nowhere else: it is to be kept before the process ends.
            Ok(ask::note_signals()?)
        })?;
        typed.ok_or_else(verify::no_token)
    }

    fn verify_token(&mut self, token: &Token) -> Result<(), Unfit> {
        let finding = if self.options.offline {
            Finding::ok("token", format!("{}: not verified", token.source()))
        } else {
            let adapters = self.adapters(Ok(token.clone()))?;
            verify::token(&adapters, token)?
        };
        if finding.level == Level::Fail {
            return Err(Unfit::Answer(finding));
        }
        self.note(finding);
        Ok(())
    }

    /// `named` is what the flags name. A person names others in the place of what is not to be had.
    pub fn records(&mut self, named: Vec<RecordSpec>, adapters: &Adapters) -> Result<(), Error> {
        let mut is_over = !named.is_empty();
        self.pending = named.iter().map(|spec| spec.display.clone()).collect();
        for spec in named {
            match self.add_records(adapters, vec![spec]) {
                Err(Unfit::Answer(finding)) if self.asks => {
                    self.show(&finding);
                    is_over = false;
                }
                Err(Unfit::Answer(finding)) if self.is_imported => self.leave_out(finding),
                added => added.map_err(|unfit| unfit.ends(EXIT_FAILED))?,
            }
        }
        if self.is_imported && !self.asks && self.draft.records.is_empty() {
            let left = self.findings.iter().rev().find(|it| it.check == LEFT_OUT);
            let left = left
                .cloned()
                .unwrap_or_else(|| Finding::fail(LEFT_OUT, "no record"));
            return Err(Unfit::Answer(left).ends(EXIT_FAILED));
        }
        is_over &= !self.draft.records.is_empty();
        while !is_over {
            let is_first = self.draft.records.is_empty();
            let question = if is_first { NAME } else { ANOTHER };
            self.until(ask::line, question, &mut |this, answer| {
                is_over = !is_first && ask::is_none(answer);
                if is_over {
                    return Ok(());
                }
                let fault = |why: String| {
                    let (what, fix) = advice::told_apart(&why);
                    Unfit::Answer(Finding {
                        fix,
                        ..Finding::fail("record", what)
                    })
                };
                let specs = specs(answer, this.options).map_err(fault)?;
                if let Some(twin) = specs.iter().find(|spec| this.draft.has(spec)) {
                    return Err(fault(format!("{} is on the list already", twin.label())));
                }
                this.pending.push(answer.to_owned());
                this.add_records(adapters, specs)
            })?;
        }
        Ok(())
    }

    /// Adds each of them as it can be kept, or none; then it is settled what becomes of their names.
    fn add_records(&mut self, adapters: &Adapters, specs: Vec<RecordSpec>) -> Result<(), Unfit> {
        let names: Vec<String> = specs.iter().map(|spec| spec.display.clone()).collect();
        let added = self.look_up(adapters, specs);
        if !matches!(added, Err(Unfit::End(_) | Unfit::Over(_))) {
            self.pending.retain(|name| !names.contains(name));
        }
        added
    }

    /// Adds each of them as it can be kept, after what had to be asked about it; or none. What is not wanted is left out.
    fn look_up(&mut self, adapters: &Adapters, specs: Vec<RecordSpec>) -> Result<(), Unfit> {
        let (mut added, mut findings) = (vec![], vec![]);
        for mut spec in specs {
            let label = spec.label();
            if self.options.offline {
                findings.push(Finding::ok("record", format!("{label}: not verified")));
            } else if !self.settle(adapters, &mut spec, &mut findings)? {
                self.tell(&format!("{label} is left out"));
                continue;
            }
            added.push(spec);
        }
        for finding in findings {
            self.note(finding);
        }
        self.draft.records.append(&mut added);
        Ok(())
    }

    /// Whether it is wanted as it is.
    fn settle(
        &mut self,
        adapters: &Adapters,
        spec: &mut RecordSpec,
        findings: &mut Vec<Finding>,
    ) -> Result<bool, Unfit> {
        // Each answer brings it closer to one of the ways out, and what it says is looked at once more.
        loop {
            let (zone, standing) = verify::record(adapters, spec)?;
            match standing {
                Standing::Fine(_, Some(found)) if self.keeps_its_own(spec, &found) => {}
                Standing::Fine(finding, _) => {
                    findings.extend(zone);
                    findings.push(finding);
                    return Ok(true);
                }
                Standing::Missing(_) if self.asks => {
                    let label = spec.label();
                    let question = format!("{label} does not exist. May cadence create it?");
                    let answer = ask::yes(&question)?;
                    spec.create = answer.ok_or_else(|| Unfit::Over(no_answer()))?;
                    if !spec.create {
                        return Ok(false);
                    }
                }
                Standing::Several(_, twins) if self.asks => {
                    spec.id = self.pinned(&twins).map_err(Unfit::Over)?;
                    if spec.id.is_none() {
                        return Ok(false);
                    }
                }
                Standing::Missing(finding)
                | Standing::Several(finding, _)
                | Standing::Refused(finding) => return Err(Unfit::Answer(finding)),
            }
        }
    }

    /// What cannot be kept of another tool's records, as told by `cadence check`.
    fn leave_out(&mut self, finding: Finding) {
        let message = format!("{}, and is left out", finding.message);
        self.note(Finding {
            check: LEFT_OUT,
            level: Level::Warn,
            message,
            fix: finding.fix,
        });
    }

    /// Whether a record that exists has other settings than those that are meant for new ones; it keeps them.
    fn keeps_its_own(&mut self, spec: &mut RecordSpec, found: &Found) -> bool {
        let others = [
            ("ttl", spec.ttl.is_some_and(|ttl| ttl != found.ttl)),
            (
                "proxied",
                spec.proxied.is_some_and(|it| it != found.proxied),
            ),
        ];
        let mut keeps = false;
        for (key, is_other) in others {
            if !is_other || !self.is_for_new {
                continue;
            }
            let label = spec.label();
            let why = "it is for new records, and this one keeps its own";
            self.note(Finding::ok(LEFT_OUT, format!("{key} of {label}: {why}")));
            match key {
                "ttl" => spec.ttl = None,
                _ => spec.proxied = None,
            }
            keeps = true;
        }
        keeps
    }

    /// The id of one of several records, if one is chosen.
    fn pinned(&mut self, twins: &[Found]) -> Result<Option<String>, Error> {
        self.tell("Several records share this name and type:");
        for (number, twin) in (1..).zip(twins) {
            let Found { content, id, .. } = twin;
            self.tell(&format!("  {number}  {content}  (id {id})"));
        }
        let mut chosen = None;
        self.until(ask::line, TWIN, &mut |_, answer| {
            if ask::is_none(answer) {
                return Ok(());
            }
            let number: Option<usize> = answer.parse().ok();
            let twin = number.and_then(|number| twins.get(number.checked_sub(1)?));
            let allowed = format!("a number from 1 to {}", twins.len());
            let twin = twin.ok_or_else(|| refused("record", answer, "on the list", &allowed))?;
            chosen = Some(twin.id.clone());
            Ok(())
        })?;
        Ok(chosen)
    }

    /// A person names another one in the place of what does not answer, or none.
    pub fn plug(&mut self, token: &Token) -> Result<(), Error> {
        let options = self.options;
        let mut named = options.plug.clone();
        if let (Some(kind), Some(address)) = (&named, &options.plug_address) {
            match self.add_plug(token, kind, address) {
                Err(Unfit::Answer(finding)) if self.asks => self.show(&finding),
                added => return added.map_err(|unfit| unfit.ends(EXIT_FAILED)),
            }
        }
        while self.asks && self.draft.plug.is_none() {
            let kind = match named.take() {
                Some(kind) => kind,
                None => self.plug_kind()?,
            };
            if ask::is_none(&kind) {
                break;
            }
            self.until(ask::line, ADDRESS, &mut |this, answer| {
                if ask::is_none(answer) {
                    return Ok(());
                }
                this.add_plug(token, &kind, answer)
            })?;
        }
        Ok(())
    }

    fn plug_kind(&mut self) -> Result<String, Error> {
        let mut chosen = String::new();
        self.until(ask::line, PLUG, &mut |_, kind| {
            if !ask::is_none(kind) && !PLUGS.contains(&kind) {
                let kinds = "shelly1, shelly2 or tasmota";
                return Err(refused("plug", kind, "a kind of plug", kinds));
            }
            kind.clone_into(&mut chosen);
            Ok(())
        })?;
        Ok(chosen)
    }

    /// Adds the plug if it answers, and pins it by what it says of itself.
    fn add_plug(&mut self, token: &Token, kind: &str, address: &str) -> Result<(), Unfit> {
        let address = config::parse_plug_address(address)
            .map_err(|allowed| refused("plug", address, "an address", &allowed))?;
        let asked = Finding::ok("plug", format!("{address}: not verified"));
        self.draft.plug = Some(Plug {
            kind: kind.to_owned(),
            address,
            id: None,
            password_file: Some(self.place.password.clone()).filter(|file| file.exists()),
        });
        let findings = if self.options.offline {
            vec![asked]
        } else {
            let told = self.adapters(Ok(token.clone()))?.plug_status();
            if let Some(plug) = &mut self.draft.plug {
                plug.id = told.result.ok().and_then(|status| status.id);
            }
            let adapters = self.adapters(Ok(token.clone()))?;
            verify::plug(&adapters, &self.place.password).map_err(|finding| {
                self.draft.plug = None;
                Unfit::Answer(finding)
            })?
        };
        for finding in findings {
            self.note(finding);
        }
        Ok(())
    }

    pub fn adapters(&self, token: Result<Token, TokenError>) -> Result<Adapters, Error> {
        let Context { env, outside, .. } = self.context;
        Adapters::with_token(self.draft.settings(env)?, env, token, outside)
    }

    /// Asks until an answer will do, a few times at most. What fails for other reasons is tried again with the same answer, as long as
    /// that is wanted.
    pub fn until(
        &mut self,
        ask: fn(&str) -> Result<Option<String>, Error>,
        question: &str,
        accept: Accept<'_, 'a>,
    ) -> Result<(), Error> {
        let prompt = format!("{question}: ");
        for _ in 0..ATTEMPTS {
            let answer = ask(&prompt)?.ok_or_else(no_answer)?;
            let finding = loop {
                match accept(self, &answer) {
                    Ok(()) => return Ok(()),
                    Err(Unfit::Answer(finding)) => break finding,
                    Err(Unfit::Over(error)) => return Err(error),
                    Err(Unfit::End(error)) => {
                        self.show(&Finding::fail("API", &error.message));
                        if ask::yes("Try again?")? != Some(true) {
                            return Err(error);
                        }
                    }
                }
            };
            self.show(&finding);
        }
        Err(Error::failed(format!(
            "gave up after {ATTEMPTS} invalid answers"
        )))
    }

    pub fn note(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.show(&finding);
            self.findings.push(finding);
        }
    }

    pub fn show(&self, finding: &Finding) {
        self.say(Told::Found(finding));
    }

    pub fn tell(&self, text: &str) {
        self.say(Told::Text(text));
    }

    pub fn say(&self, told: Told<'_>) {
        if self.asks {
            (self.listener)(told);
        }
    }
}

/// Why there is none.
pub fn no_answer() -> Error {
    Error::failed(if ask::is_ended() {
        "interrupted"
    } else {
        "no answer"
    })
}
