//! Any plug, gateway or home automation that switches by two URLs.

use std::time::Duration;

use super::{Plug, PlugError, PlugStatus, device};
use crate::config::{Endpoint, Recovery};
use crate::logic::recovery::CutPlug;
use crate::net::Deadline;
use crate::net::http::{Http, Request};

/// One URL that switches off, and one that switches on.
pub struct TwoUrls {
    http: Http,
    off: Endpoint,
    on: Endpoint,
    reference: CutPlug,
}

impl TwoUrls {
    /// The plug of the configuration.
    pub fn new(recovery: &Recovery, http: Http) -> Result<Self, String> {
        let needed = |url: &Option<Endpoint>, key: &str| {
            url.clone()
                .ok_or_else(|| format!("recovery.{key} is not set; fix: set it to a URL"))
        };
        Ok(Self {
            http,
            off: needed(&recovery.off_url, "off_url")?,
            on: needed(&recovery.on_url, "on_url")?,
            reference: recovery.cut_plug(),
        })
    }

    fn call(&self, endpoint: &Endpoint, deadline: Deadline) -> Result<(), PlugError> {
        let request = Request {
            // A webhook's path is its password.
            is_url_secret: true,
            ..device::get(&endpoint.url)
        };
        device::expect_success(&self.http.send(&request, deadline)?)
    }
}

impl Plug for TwoUrls {
    fn can_time_itself(&self) -> bool {
        false
    }

    /// Asks nothing: there is no URL that would not switch.
    fn status(&self, _: Deadline) -> Result<PlugStatus, PlugError> {
        Ok(PlugStatus::default())
    }

    fn off(&self, _: Duration, _: Option<Duration>, deadline: Deadline) -> Result<(), PlugError> {
        self.call(&self.off, deadline)
    }

    fn on(&self, deadline: Deadline) -> Result<(), PlugError> {
        self.call(&self.on, deadline)
    }

    fn target(&self) -> String {
        self.off.authority()
    }

    fn reference(&self) -> Option<&CutPlug> {
        Some(&self.reference)
    }
}
