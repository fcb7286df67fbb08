//! Ways for the API to fail.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::http::{Manner, Reply};
use super::envelope::Refusal;

/// One way for the API to fail. The request is not carried out, unless the fault says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this HTTP status.
    Status {
        /// The HTTP status.
        code: u16,
        /// The `Retry-After` header, in seconds or as a date.
        retry_after: Option<String>,
        /// The body; none: an envelope with a fitting error.
        body: Option<String>,
    },
    /// Answers 502 with a page for people, as the edge does.
    Html,
    /// Answers 200 with an empty body.
    Empty,
    /// Answers 200 with a body that claims to be JSON and is none.
    NotJson,
    /// Says nothing for that long, then hangs up.
    Hang(Duration),
    /// Resets the connection when it has read the request.
    Reset,
    /// Carries the request out and cuts its answer short.
    Truncate,
    /// Carries the write out and resets the connection: the client cannot know. Writes only.
    LoseAnswer,
    /// Carries the write out that much later, and answers then. Writes only.
    SlowApply(Duration),
    /// Carries the write out and answers with another content. Writes only.
    EchoWrong,
}

impl Fault {
    fn is_of_writes(&self) -> bool {
        matches!(
            self,
            Self::LoseAnswer | Self::SlowApply(_) | Self::EchoWrong
        )
    }

    /// What is answered instead of carrying the request out; none where it is carried out.
    #[must_use]
    pub fn instead(&self) -> Option<Reply> {
        Some(match self {
            Self::Status {
                code,
                retry_after,
                body,
            } => {
                let mut reply = match body {
                    Some(body) => Reply::text(*code, body.as_str()),
                    None => Refusal::status(*code).reply(),
                };
                let retry_after = retry_after.iter().cloned();
                let header = retry_after.map(|value| ("Retry-After", value));
                reply.headers.extend(header);
                reply
            }
            Self::Html => {
                let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body></body></html>\n";
                Reply::new(502, "text/html", page)
            }
            Self::Empty => Reply::new(200, "application/json", ""),
            Self::NotJson => {
                let begun = "{\"success\": true, \"result\": [";
                Reply::new(200, "application/json", begun)
            }
            Self::Hang(duration) => Reply::text(504, "").sent(Manner::Hang(*duration)),
            Self::Reset => Reply::text(503, "").sent(Manner::Reset),
            Self::Truncate | Self::LoseAnswer | Self::SlowApply(_) | Self::EchoWrong => {
                return None;
            }
        })
    }
}

/// The faults that are due.
#[derive(Default)]
pub struct Faults {
    always: Option<Fault>,
    queue: VecDeque<Due>,
    places: Vec<(String, Due)>,
}

#[derive(Clone)]
struct Due {
    fault: Fault,
    writes_only: bool,
}

impl Faults {
    /// The next `n` requests, or writes.
    pub fn queue(&mut self, n: usize, fault: Fault, writes_only: bool) {
        let writes_only = writes_only || fault.is_of_writes();
        self.queue
            .extend(std::iter::repeat_n(Due { fault, writes_only }, n));
    }

    /// All requests from now on, or none.
    pub fn set(&mut self, fault: Option<Fault>) {
        self.queue.clear();
        self.always = fault;
    }

    /// All requests from now on whose target holds `place`, or none of those.
    pub fn set_at(&mut self, place: &str, writes_only: bool, fault: Option<Fault>) {
        self.places.retain(|(known, _)| known != place);
        let due = fault.map(|fault| Due { fault, writes_only });
        self.places.extend(due.map(|due| (place.to_owned(), due)));
    }

    /// The fault that the next request, of that target, meets.
    pub fn take(&mut self, is_write: bool, target: &str) -> Option<Fault> {
        let is_due = |due: &Due| is_write || !due.writes_only;
        let mut places = self.places.iter();
        if let Some((_, due)) = places.find(|(at, due)| target.contains(at) && is_due(due)) {
            return Some(due.fault.clone());
        }
        match self.queue.iter().position(is_due) {
            Some(first) => self.queue.remove(first).map(|due| due.fault),
            None => self.always.clone(),
        }
    }
}
