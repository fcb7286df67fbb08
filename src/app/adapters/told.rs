//! Those who are told: heartbeats, receivers of messages, a spreadsheet.

use super::Adapters;
use crate::config::receivers::{Heartbeat, How, Notify};
use crate::config::sheets::{Sheets, load_key};
use crate::config::{Env, load_url};
use crate::logic::rows::Batch;
use crate::net::Deadline;
use crate::receiver::heartbeat::Word;
use crate::receiver::{self, Message, Refusal};
use crate::system;

impl Adapters {
    /// Tells a receiver how it goes.
    ///
    /// # Errors
    /// Why it is not known to be taken.
    pub fn beat(
        &self,
        env: &Env,
        heartbeat: &Heartbeat,
        word: &Word<'_>,
        end: Deadline,
    ) -> Result<(), Refusal> {
        let url = load_url(env, &heartbeat.name, &heartbeat.place).map_err(Refusal::of)?;
        let when = (system::now().wall, end);
        receiver::heartbeat::send(&self.http, &url, heartbeat.preset, word, when)
    }

    /// Tells a receiver what happened.
    ///
    /// # Errors
    /// Why it is not known to be taken.
    pub fn notify(
        &self,
        env: &Env,
        notify: &Notify,
        message: &Message,
        end: Deadline,
    ) -> Result<(), Refusal> {
        match &notify.how {
            How::Program(program) => receiver::program::run(program, message, end),
            How::Webhook {
                preset,
                template,
                to,
                place,
            } => {
                let url = load_url(env, &notify.name, place).map_err(Refusal::of)?;
                let body = (*preset, template.as_deref(), to.as_str());
                let when = (system::now().wall, end);
                receiver::webhook::send(&self.http, &url, body, message, when)
            }
        }
    }

    /// Appends rows to a spreadsheet.
    ///
    /// # Errors
    /// Why they are not known to be taken.
    pub fn append(
        &self,
        env: &Env,
        sheets: &Sheets,
        batch: &Batch,
        end: Deadline,
    ) -> Result<(), Refusal> {
        let key = load_key(env, sheets).map_err(Refusal::of)?;
        let when = (system::now().wall, end);
        receiver::sheets::append(&self.http, sheets, &key, batch, when)
    }
}
