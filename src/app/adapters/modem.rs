//! The plug behind which the modem gets its power.

use std::net::IpAddr;
use std::time::Instant;

use super::{Adapters, HTTPS};
use crate::config::PlugKind;
use crate::config::http_plug::HttpPlug;
use crate::logic::observation::Signal;
use crate::logic::recovery::CutPlug;
use crate::plug::{self, Plug, PlugStatus};
use crate::probe;

impl Adapters {
    /// Where the plug is that is about to be switched off, by its name: from now on that is where it is looked for.
    #[must_use]
    pub fn pin_plug(&self) -> Vec<IpAddr> {
        let Some(host) = self.settings.recovery.host() else {
            return vec![];
        };
        let found = self.dialer.resolve(&host, HTTPS, None, plug::PLUG_TIMEOUT);
        let found = found.unwrap_or_default().into_iter();
        let at: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        self.names.pin(host, at.clone());
        at
    }

    /// What has to be known of a plug of requests to switch it on, with its secret.
    #[must_use]
    pub fn on_request(&self) -> Option<String> {
        let credentials = self.credentials.as_ref().ok().and_then(Option::as_ref);
        let secret = credentials.map_or("", |it| it.password.expose());
        self.settings.recovery.on_request(secret)
    }

    /// Where the plug was told to switch off that this request switches on.
    pub fn pin_plug_at(&self, on_request: &str, at: Vec<IpAddr>) {
        if let Some((_, url)) = HttpPlug::of_kept(on_request) {
            self.names.pin(url.host, at);
        }
    }

    /// The plug behind which the modem gets its power, or why it cannot be spoken to.
    ///
    /// # Errors
    /// Which key is missing or wrong.
    pub fn plug(&self) -> Result<&dyn Plug, String> {
        self.plug.as_deref().map_err(Clone::clone)
    }

    /// The plug of a cut, where that is not the one of the configuration, or that one cannot be made, as for an `off_time` that it cannot
    /// take; or why it cannot be spoken to. `on_request` is what was kept of it.
    #[must_use]
    pub fn plug_elsewhere(
        &self,
        cut: &CutPlug,
        on_request: Option<&str>,
    ) -> Option<Result<Box<dyn Plug>, String>> {
        let configured = &self.settings.recovery;
        let is_same = configured.cut_plug() == *cut
            && on_request.is_none_or(|kept| configured.has_on_request(kept));
        if is_same && (self.plug.is_ok() || self.credentials.is_err()) {
            return None;
        }
        let plug = configured.of_cut(cut, on_request).and_then(|recovery| {
            let is_near = recovery.address == configured.address;
            let credentials = self.credentials.clone().unwrap_or_default();
            let credentials = credentials.filter(|_| is_near);
            plug::kinds::new(&recovery, self.http.clone(), credentials)
        });
        Some(plug)
    }

    /// Whether a plug is configured, or ought to be.
    #[must_use]
    pub fn has_plug(&self) -> bool {
        self.plug.is_ok() || self.settings.recovery.limits.enabled
    }

    /// What the plug says of itself. Switches nothing.
    #[must_use]
    pub fn plug_status(&self) -> Signal<PlugStatus> {
        let begun = Instant::now();
        let plug = self.plug();
        let target = plug.as_ref().ok().map(|plug| plug.target());
        let result = plug.and_then(|plug| {
            plug.status(plug::patience())
                .map_err(|error| error.to_string())
        });
        Signal {
            target,
            elapsed: begun.elapsed(),
            result,
        }
    }

    /// Why the plug may be out of reach once the modem is dark, where it cannot time itself: it may sit behind the very link that it
    /// cuts, and nobody could switch it on.
    #[must_use]
    pub fn plug_may_be_cut_off(&self) -> Option<String> {
        let recovery = &self.settings.recovery;
        let urls = [&recovery.off_url, &recovery.on_url];
        let hosts: Vec<&str> = match recovery.plug {
            PlugKind::Shelly1 | PlugKind::Shelly2 | PlugKind::Tasmota => vec![],
            PlugKind::Http | PlugKind::HomeAssistant => urls
                .into_iter()
                .flatten()
                .map(|url| url.host.as_str())
                .collect(),
            // What a program speaks to cannot be known; where it is told, it is looked at.
            PlugKind::Command if recovery.address.is_empty() => vec![],
            PlugKind::Command => vec![host_of(&recovery.address)],
        };
        hosts.into_iter().find_map(|host| self.why_far(host))
    }

    fn why_far(&self, host: &str) -> Option<String> {
        let addresses = match self.dialer.resolve(host, 80, None, plug::PLUG_TIMEOUT) {
            Ok(addresses) => addresses,
            Err(why) => return Some(format!("{why}: it may be behind the link that is cut")),
        };
        let far = addresses
            .into_iter()
            .find(|address| !probe::host::is_near(address.ip()))?;
        Some(format!(
            "{host} ({}) is reached through the gateway, which may be behind the link that is cut",
            far.ip()
        ))
    }
}

/// The host of `host`, `host:port`, `[v6]:port` or a bare IPv6 address.
fn host_of(address: &str) -> &str {
    if let Some(rest) = address.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match address.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => address,
    }
}
