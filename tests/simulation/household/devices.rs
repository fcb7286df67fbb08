//! The devices of a home.

/// Who took the modem's power, or gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Cadence,
    /// The power of the whole home.
    Mains,
    /// A hand, or the plug itself.
    Another,
}

/// Who answers at the address of the plug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    OurPlug,
    /// A plug of the same make, of a freezer, which is on.
    Freezer,
    Nobody,
}

/// The host that cadence runs on.
#[derive(Debug)]
pub struct Host {
    /// Since when it is up, or when it will be; none while it has no power.
    pub up: Option<u64>,
    /// Counts its boots.
    pub boot: u32,
    /// Until then it sleeps, or its timer is stopped.
    pub idle: u64,
    /// Until then its cable is out.
    pub cable_out: u64,
    /// How far its clock is from the truth.
    pub offset: i64,
    /// Since when it hears a time server.
    pub hears_time: Option<u64>,
    /// How long it then takes to set the clock.
    pub patience: u64,
    /// What its clock said when its power went.
    pub offset_before: i64,
    /// When its power went.
    pub went: u64,
}

impl Host {
    pub fn new() -> Self {
        Self {
            up: Some(0),
            boot: 0,
            idle: 0,
            cable_out: 0,
            offset: 0,
            hears_time: None,
            patience: 20,
            offset_before: 0,
            went: 0,
        }
    }
}

#[derive(Debug)]
pub struct Router {
    pub powered: Option<u64>,
    /// When it went last.
    pub went: u64,
    /// From then on it answers in the home.
    pub lan_at: u64,
    /// From then on it uses the line.
    pub wan_at: u64,
}

impl Router {
    pub fn new() -> Self {
        Self {
            powered: Some(0),
            went: 0,
            lan_at: 0,
            wan_at: 0,
        }
    }
}

#[derive(Debug)]
pub struct Modem {
    /// Since when it has power.
    pub powered: Option<u64>,
    /// Who gave it that.
    pub by: Cause,
    /// From then on it works.
    pub works_at: u64,
    /// Since when it hangs, which only a loss of power ends.
    pub hangs: Option<u64>,
    /// It restarts by itself until then.
    pub restarts: u64,
}

impl Modem {
    pub fn new() -> Self {
        Self {
            powered: Some(0),
            by: Cause::Mains,
            works_at: 0,
            hangs: None,
            restarts: 0,
        }
    }

    pub fn start(&mut self, t: u64, boots: u64, by: Cause) {
        self.powered = Some(t);
        self.by = by;
        self.works_at = t + boots;
    }

    /// It has no power any more; since when it hung, where it did.
    pub fn stop(&mut self) -> Option<u64> {
        self.powered = None;
        self.restarts = 0;
        self.hangs.take()
    }

    /// Whether it has power and is not yet what it should be.
    pub fn starts(&self, t: u64) -> bool {
        self.powered.is_some() && t < self.works_at
    }

    pub fn works(&self, t: u64) -> bool {
        self.powered.is_some() && t >= self.works_at && t >= self.restarts && self.hangs.is_none()
    }
}

#[derive(Debug)]
pub struct Plug {
    /// Since when it has power.
    pub powered: Option<u64>,
    pub relay: bool,
    /// When its own timer switches it on.
    pub timer: Option<u64>,
    /// Since when its relay has been off, and by whom.
    pub dark: Option<(u64, Cause)>,
}

impl Plug {
    pub fn new() -> Self {
        Self {
            powered: Some(0),
            relay: true,
            timer: None,
            dark: None,
        }
    }

    pub fn gives_power(&self) -> bool {
        self.powered.is_some() && self.relay
    }

    pub fn switch(&mut self, on: bool, t: u64, by: Cause) {
        self.relay = on;
        self.dark = if on {
            None
        } else {
            self.dark.or(Some((t, by)))
        };
    }

    /// Whether it has joined the network of the router, which it needs some seconds for.
    pub fn is_started(&self, t: u64, lan_at: u64) -> bool {
        const JOINS: u64 = 8;
        self.powered.is_some_and(|at| t >= at.max(lan_at) + JOINS)
    }
}
