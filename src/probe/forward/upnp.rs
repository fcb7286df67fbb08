//! The same by an Internet Gateway Device of UPnP, which tells who has a port, and does not always do what it says.

use std::net::IpAddr;

use super::super::igd::{call, find_control, within};
use super::{NAME, Router, is_old, left, named};
use crate::logic::forward::{Granted, Holder, Mapping, Refusal};
use crate::logic::units::Transport;

/// So much of another one's name is told.
const LONGEST_NAME: usize = 40;
/// So many entries of a device are looked through, where it tells none by its port.
const MOST_ENTRIES: u16 = 64;
/// What it answers with (`WANIPConnection:1`, 2.4.16; `:2`, 2.5.16).
const NO_SUCH_INDEX: u16 = 713;
const NO_SUCH_ENTRY: u16 = 714;
const NOT_AUTHORIZED: u16 = 606;
const CONFLICT: u16 = 718;
const ONLY_PERMANENT: u16 = 725;

impl Router<'_> {
    /// Whom the router forwards this port to, where it tells that; none where it is nobody.
    ///
    /// # Errors
    /// It does not tell.
    pub fn holder(&self, transport: Transport, external: u16) -> Result<Option<Holder>, Refusal> {
        let (port, protocol) = (external.to_string(), upper(transport));
        let arguments = [
            ("NewRemoteHost", ""),
            ("NewExternalPort", &port),
            ("NewProtocol", protocol),
        ];
        match self.call("GetSpecificPortMappingEntry", &arguments) {
            Ok(said) => Ok(Some(holder_in(&said))),
            Err(Some(NO_SUCH_ENTRY)) => Ok(None),
            // Some say that of a port that nobody has.
            Err(Some(code)) => self
                .listed(&port, transport)
                .unwrap_or(Err(refused(Some(code)))),
            Err(None) => Err(Refusal::Silent),
        }
    }

    /// The same by the list of all entries; none where it has none.
    fn listed(&self, port: &str, transport: Transport) -> Option<Result<Option<Holder>, Refusal>> {
        let other = upper(match transport {
            Transport::Udp => Transport::Tcp,
            Transport::Tcp => Transport::Udp,
        });
        for index in 0..MOST_ENTRIES {
            let index_text = index.to_string();
            let arguments = [("NewPortMappingIndex", &*index_text)];
            match self.call("GetGenericPortMappingEntry", &arguments) {
                Ok(said) => {
                    let is = |element, value| {
                        within(&said, element).is_some_and(|it| it.eq_ignore_ascii_case(value))
                    };
                    // Some have one for both, or call it as no document does.
                    if is("NewExternalPort", port) && !is("NewProtocol", other) {
                        return Some(Ok(Some(holder_in(&said))));
                    }
                }
                Err(None) => return Some(Err(Refusal::Silent)),
                Err(Some(NO_SUCH_INDEX | NO_SUCH_ENTRY)) => return Some(Ok(None)),
                // Or with another number, behind the last one.
                Err(Some(_)) => return (index > 0).then_some(Ok(None)),
            }
        }
        None
    }

    pub(super) fn keep_by_upnp(
        &self,
        mapping: &Mapping,
        lifetime: u32,
        renew: bool,
    ) -> Result<Granted, Refusal> {
        let there = self.holder(mapping.transport, mapping.external)?;
        let is_there = there.is_some();
        let mut is_kept = false;
        if let Some(holder) = there {
            let was_granted = mapping.lifetime_s > 0 && !mapping.is_foreign;
            let made = self.made(mapping, &holder);
            let is_ours = made.unwrap_or(was_granted);
            match leads_there(mapping, &holder) {
                true if is_ours && (renew || !holder.is_enabled) => is_kept = holder.is_enabled,
                true if !holder.is_enabled => {
                    let why = "somebody made it there, and it is switched off".to_owned();
                    return Err(Refusal::NotKept(why));
                }
                true => {
                    return Ok(Granted {
                        lifetime_s: None,
                        was_gone: false,
                        is_foreign: !is_ours,
                        external: None,
                    });
                }
                // Of this host, from when it was configured in another way, or had another address.
                false
                    if (made == Some(true) || is_old(mapping, &holder))
                        && self.delete(mapping).is_ok() => {}
                false => {
                    let is_left = is_old(mapping, &holder);
                    let taken = Refusal::Taken {
                        by: Some(holder),
                        offered: None,
                    };
                    return Err(if is_left { left(mapping, taken) } else { taken });
                }
            }
        }
        let lifetime_s = match self.add(mapping, lifetime) {
            Err(Some(ONLY_PERMANENT)) => self.add(mapping, 0).map(|()| 0),
            // It may take longer for it than is waited: what it was asked for before is there by now.
            Err(None) if is_kept => Ok(lifetime),
            added => added.map(|()| lifetime),
        };
        let is_elsewhere = mapping.to != self.own;
        let lifetime_s = lifetime_s.map_err(|code| match code {
            Some(CONFLICT) => {
                // Its list may tell of what it does not tell by the port.
                let port = mapping.external.to_string();
                let by = self.listed(&port, mapping.transport);
                let by = by.and_then(|it| it.ok().flatten());
                if by.is_none() && is_elsewhere {
                    return Refusal::OtherHost;
                }
                Refusal::Taken { by, offered: None }
            }
            // In its secure mode miniupnpd says this, others say the former.
            Some(NOT_AUTHORIZED) if is_elsewhere => Refusal::OtherHost,
            code => refused(code),
        })?;
        // Some say that they do, and do not.
        match self.holder(mapping.transport, mapping.external) {
            Ok(Some(it)) if leads_there(mapping, &it) && it.is_enabled => {}
            Ok(Some(it)) if leads_there(mapping, &it) => {
                return Err(Refusal::NotKept("it keeps it switched off".to_owned()));
            }
            Ok(_) => {
                return Err(Refusal::NotKept(
                    "it says that it does, and does not".to_owned(),
                ));
            }
            Err(_) => {}
        }
        Ok(Granted {
            lifetime_s: Some(lifetime_s),
            was_gone: !is_there,
            is_foreign: false,
            external: None,
        })
    }

    /// Whether this host made it, by its name and where it leads; none where its name does not tell that it is of any cadence, as with devices
    /// that keep no names.
    fn made(&self, mapping: &Mapping, holder: &Holder) -> Option<bool> {
        let is_of_cadence = holder.description.starts_with(NAME);
        is_of_cadence
            .then(|| holder.description == named(mapping) || holder.host == self.own.to_string())
    }

    /// `AddPortMapping`, for good where the time is 0.
    fn add(&self, mapping: &Mapping, lifetime: u32) -> Result<(), Option<u16>> {
        let (external, internal) = (mapping.external.to_string(), mapping.internal.to_string());
        let (to, lifetime) = (mapping.to.to_string(), lifetime.to_string());
        let named = named(mapping);
        let arguments = [
            ("NewRemoteHost", ""),
            ("NewExternalPort", &*external),
            ("NewProtocol", upper(mapping.transport)),
            ("NewInternalPort", &internal),
            ("NewInternalClient", &to),
            ("NewEnabled", "1"),
            ("NewPortMappingDescription", &*named),
            ("NewLeaseDuration", &lifetime),
        ];
        self.call("AddPortMapping", &arguments).map(drop)
    }

    /// Nothing is deleted that leads elsewhere by now.
    pub(super) fn close_by_upnp(&self, mapping: &Mapping) -> Result<(), Refusal> {
        let holder = || self.holder(mapping.transport, mapping.external);
        let Some(there) = holder()? else {
            return Ok(());
        };
        let is_old = is_old(mapping, &there);
        let is_anothers = || self.made(mapping, &there) == Some(false);
        if !is_old && (!leads_there(mapping, &there) || is_anothers()) {
            return Ok(());
        }
        let deleted = self.delete(mapping);
        let deleted = deleted.and_then(|()| match holder() {
            Ok(Some(still)) if still == there => {
                let why = "it says that it is gone, and still has it".to_owned();
                Err(Refusal::NotKept(why))
            }
            Ok(_) | Err(_) => Ok(()),
        });
        deleted.map_err(|why| if is_old { left(mapping, why) } else { why })
    }

    pub(super) fn delete(&self, mapping: &Mapping) -> Result<(), Refusal> {
        let port = mapping.external.to_string();
        let arguments = [
            ("NewRemoteHost", ""),
            ("NewExternalPort", &*port),
            ("NewProtocol", upper(mapping.transport)),
        ];
        match self.call("DeletePortMapping", &arguments) {
            Ok(_) | Err(Some(NO_SUCH_ENTRY)) => Ok(()),
            Err(code) => Err(refused(code)),
        }
    }

    fn call(&self, action: &str, arguments: &[(&str, &str)]) -> Result<String, Option<u16>> {
        call(self.way, action, arguments, self.http, self.end)
    }

    /// Where the router speaks UPnP besides.
    pub(super) fn upnp(&self) -> Option<String> {
        find_control(self.address, &[], self.http, self.end).map(|(control, _)| control)
    }
}

/// Whether it leads where it is to lead. Some devices tell a host by its name: of what is called as this very forward that is taken to be so.
fn leads_there(mapping: &Mapping, holder: &Holder) -> bool {
    let is_name = !holder.host.is_empty() && holder.host.parse::<IpAddr>().is_err();
    let is_there = if is_name {
        holder.description == named(mapping)
    } else {
        holder.host == mapping.to.to_string()
    };
    is_there && holder.port == mapping.internal
}

/// Who has a port, as an entry tells it.
fn holder_in(entry: &str) -> Holder {
    let text = |element| within(entry, element).unwrap_or_default();
    let plain = text("NewPortMappingDescription").chars();
    let plain = plain.filter(|it| !it.is_control() && *it != '"');
    Holder {
        host: text("NewInternalClient")
            .chars()
            .take(LONGEST_NAME)
            .collect(),
        port: text("NewInternalPort").parse().unwrap_or_default(),
        description: plain.take(LONGEST_NAME).collect(),
        is_enabled: !matches!(text("NewEnabled"), "0" | "false" | "no"),
    }
}

/// The protocol as UPnP writes it.
const fn upper(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    }
}

/// What a device said by the number of its error.
fn refused(code: Option<u16>) -> Refusal {
    match code {
        None => Refusal::Silent,
        Some(NOT_AUTHORIZED) => Refusal::Forbidden("606, action not authorized".to_owned()),
        Some(501) => Refusal::Other("501, action failed".to_owned()),
        Some(402) => Refusal::Other("402, invalid arguments".to_owned()),
        Some(code) => Refusal::Other(format!("error {code}")),
    }
}
