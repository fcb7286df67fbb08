//! The conversation: what the flags leave out is asked, and each answer is verified before the next question.

use super::draft::{Draft, Plug};
use super::files::Place;
use super::verify::{self, Standing};
use super::{ended, specs, token};
use crate::app::ask;
use crate::app::check::{self, Finding, Level};
use crate::app::context::Context;
use crate::app::wire::Wire;
use crate::cli;
use crate::config::{self, Token, TokenError};
use crate::error::{EXIT_TOKEN, EXIT_USAGE, Error};
use crate::logic::provider::Found;
use crate::logic::records::RecordSpec;
use crate::render;

/// So often a question is asked.
const ATTEMPTS: u32 = 3;

/// What came of an answer: something of use, or why another one is wanted; or what ends the command.
type Answered<T> = Result<Result<T, Finding>, Error>;

/// The conversation, or what stands in for it where there is nobody to ask.
pub struct Interview<'a> {
    context: &'a Context,
    options: &'a cli::Init,
    /// Whether there is somebody to ask.
    pub asks: bool,
    /// What was verified.
    pub findings: Vec<Finding>,
}

impl<'a> Interview<'a> {
    pub fn new(context: &'a Context, options: &'a cli::Init) -> Self {
        Self {
            context,
            options,
            asks: !options.yes && ask::can_ask(),
            findings: vec![],
        }
    }

    /// Where nobody can be asked, the flags must say it all.
    pub fn require_flags(&self, has_token: bool) -> Result<(), Error> {
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

    pub fn greet(&self, place: &Place) {
        let path = place.config.display();
        self.tell(&format!(
            "A first configuration, in {path}\nNothing is written before the end; Ctrl-C leaves all as it is."
        ));
        if !place.is_hosts && !self.context.is_root() {
            self.tell("It is for this user alone; for the whole host: sudo cadence init");
        }
        self.tell("");
    }

    pub fn router(&mut self, draft: &mut Draft) -> Result<(), Error> {
        let wire = self.wire(draft, Err(TokenError::NotSet))?;
        let mut finding = check::host::router(&wire);
        if finding.level != Level::Ok && self.asks {
            self.show(&finding);
            let answer = self.until(
                ask::line,
                "Address of the router (Enter: none)",
                |_, answer| {
                    let router = (!answer.is_empty()).then(|| config::parse_router(answer));
                    Ok(router
                        .transpose()
                        .map(|_| answer.to_owned())
                        .map_err(|allowed| refused("router", answer, &allowed)))
                },
            )?;
            if !answer.is_empty() {
                finding = Finding::ok("router", format!("{answer} (network.router)"));
                draft.router = Some(answer);
            }
        }
        self.note(finding);
        Ok(())
    }

    pub fn token(&mut self, draft: &Draft, found: Option<Token>) -> Result<Token, Error> {
        let Some(token) = found else {
            self.tell("");
            self.tell(token::HOW_TO_MAKE);
            return self.until(ask::secret, "API token (not shown)", |this, answer| {
                let token = match Token::given(answer.as_bytes(), "your answer") {
                    Ok(token) => token,
                    Err(error) => return Ok(Err(Finding::fail("token", error.to_string()))),
                };
                this.verified(draft, token)
            });
        };
        self.verified(draft, token)?
            .map_err(|finding| Error::new(EXIT_TOKEN, ended(&finding)))
    }

    fn verified(&mut self, draft: &Draft, token: Token) -> Answered<Token> {
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

    pub fn records(
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
            let records = self.until(ask::line, question, |this, answer| {
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
    fn settled(&mut self, wire: &Wire, specs: Vec<RecordSpec>) -> Answered<Vec<RecordSpec>> {
        let mut settled = vec![];
        let mut findings = vec![];
        for spec in specs {
            match self.settled_one(wire, spec, &mut findings)? {
                Ok(spec) => settled.push(spec),
                Err(finding) => return Ok(Err(finding)),
            }
        }
        for finding in findings {
            self.note(finding);
        }
        Ok(Ok(settled))
    }

    fn settled_one(
        &mut self,
        wire: &Wire,
        mut spec: RecordSpec,
        findings: &mut Vec<Finding>,
    ) -> Answered<RecordSpec> {
        if self.options.offline {
            let label = spec.label();
            findings.push(Finding::ok("record", format!("{label}: not verified")));
            return Ok(Ok(spec));
        }
        // Each answer brings it closer to one of the ways out, and what it says is looked at once more.
        loop {
            let (zone, standing) = verify::record(wire, &spec)?;
            match standing {
                Standing::Fine(finding) => {
                    findings.extend(zone);
                    findings.push(finding);
                    return Ok(Ok(spec));
                }
                Standing::Missing(finding) => {
                    if !self.may_create(&spec)? {
                        return Ok(Err(finding));
                    }
                    spec.create = true;
                }
                Standing::Several(finding, twins) => match self.pinned(&twins)? {
                    Some(id) => spec.id = Some(id),
                    None => return Ok(Err(finding)),
                },
                Standing::Refused(finding) => return Ok(Err(finding)),
            }
        }
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
        let chosen = self.until(
            ask::line,
            "Number of the one to keep (Enter: none)",
            |_, answer| {
                if answer.is_empty() {
                    return Ok(Ok(None));
                }
                let number: Option<usize> = answer.parse().ok();
                let twin = number.and_then(|number| twins.get(number.checked_sub(1)?));
                let allowed = format!("a number from 1 to {}", twins.len());
                let twin = twin.ok_or_else(|| refused("record", answer, &allowed));
                Ok(twin.map(|twin| Some(twin.id.clone())))
            },
        )?;
        Ok(chosen)
    }

    pub fn plug(&mut self, draft: &mut Draft, place: &Place, token: &Token) -> Result<(), Error> {
        let options = self.options;
        if let (Some(kind), Some(address)) = (&options.plug, &options.plug_address) {
            let plug = self.answering(draft, place, token, kind, address)?;
            draft.plug = Some(plug.map_err(|finding| Error::failed(ended(&finding)))?);
        } else if self.asks {
            let kinds = "shelly1, shelly2 or tasmota";
            let question = format!("Smart plug of the modem: {kinds} (Enter: none)");
            let draft_so_far = draft.clone();
            draft.plug = self.until(ask::line, &question, |this, answer| {
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
    ) -> Answered<Plug> {
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
            let address = &plug.address;
            self.note(Finding::ok("plug", format!("{address}: not verified")));
            return Ok(Ok(plug));
        }
        let draft = Draft {
            plug: Some(plug.clone()),
            ..draft.clone()
        };
        let wire = self.wire(&draft, Ok(token.clone()))?;
        Ok(verify::plug(&wire, &place.password).map(|findings| {
            for finding in findings {
                self.note(finding);
            }
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
        ask: fn(&str) -> Result<Option<String>, Error>,
        question: &str,
        mut accept: impl FnMut(&mut Self, &str) -> Answered<T>,
    ) -> Result<T, Error> {
        let prompt = format!("{question}: ");
        for _ in 0..ATTEMPTS {
            let Some(answer) = ask(&prompt)? else {
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
