//! A folder of its own, a world of its own, and real cycles between the two: neither the environment of this process nor the
//! network of its host has a say.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{self, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

use super::audience::{Audience, Told};
use crate::app::adapters::{Adapters, Outside};
use crate::app::context::Context;
use crate::app::power;
use crate::app::reconcile::{self, Cycle};
use crate::cli::{self, Color, Format, Global};
use crate::config::Env;
use crate::error::Error;
use crate::logic::observation::Observation;
use crate::logic::readiness::Readiness;
use crate::logic::state::{State, VERSION};
use crate::logic::verdict::Verdict;
use crate::net::reason;
use crate::probe::host::DefaultRoute;
use crate::store::{StateDir, state};
use crate::system;
use crate::world::{Files, PlugModel, World, Write};

/// The record that the demo keeps. It may be created, and its TTL and proxy setting are its own.
const RECORD: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";
/// The plug, and times at which nobody falls asleep, on a host that may have started just now; two rules are waived for that.
const RECOVERY: &str = "[policy]\nwaive = [\"off-time\", \"boot-grace-too-short\"]\n\
                        [recovery]\nenabled = true\nplug = \"shelly1\"\noff_time = \"1s\"\n\
                        expected_network_recovery = \"10s\"\nescalation_buffer = \"0s\"\nboot_grace = \"0s\"\n";
/// The emulated plug behind which the modem gets its power.
pub const PLUG: PlugModel = PlugModel::Shelly1;
/// The modem has forgotten everything after that long in the dark.
const MODEM_FORGETS: Duration = Duration::from_millis(800);
/// Its zone.
const ZONE: &str = "example.com";

/// More than the state and the history of the play take, in bytes.
const ROOM: usize = 256 * 1024;

/// The router of the home. It takes no connections: it refuses them, and so shows that it lives.
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// Where the scenes are played.
pub struct Stage<'a> {
    /// The world around the home.
    pub world: World,
    /// Removed when the play is over, however it ends.
    _folder: Folder,
    /// Ends after the folder does.
    interrupted: Interrupted,
    audience: &'a mut Audience<'a>,
    inside: Context,
    address: Ipv4Addr,
    /// The cycles so far.
    pub cycles: usize,
    /// The writes so far of an address that was not the true one.
    pub false_writes: usize,
}

/// What is kept of one cycle.
pub struct Played {
    /// Readiness after it.
    pub readiness: Readiness,
    /// Its verdict.
    pub verdict: Verdict,
    /// What it saw.
    pub seen: Observation,
    /// What became of the modem's power.
    pub recovery: power::Outcome,
}

impl<'a> Stage<'a> {
    /// Starts a world with an empty zone, and writes a configuration for it.
    pub fn set(audience: &'a mut Audience<'a>) -> Result<Self, Error> {
        // No cycle believes an address by such a clock, and that is no fault of the demo.
        if let Some(wrong) = reconcile::clock_error(&system::now()) {
            return Err(Error::failed(wrong));
        }
        let interrupted = Interrupted::held_up()?;
        let folder = Folder::make()?;
        // What TLS does is not on show, and a TLS server would be a tenth of the binary.
        let world = World::start_apart().map_err(Error::failed)?;
        world.cloudflare().add_zone(ZONE);
        let (config, token) = (folder.0.join("cadence.toml"), folder.0.join("token"));
        let files = Files {
            token: &token,
            ca: None,
        };
        write(&token, world.token())?;
        let address = Value::from(world.plugs().address(PLUG));
        let plug_id = Value::from(world.plugs().mac(PLUG));
        let rest = format!("{RECOVERY}address = {address}\nplug_id = {plug_id}\n{RECORD}");
        write(&config, &world.config_toml(files, &rest))?;
        world
            .put_modem_behind(PLUG, MODEM_FORGETS)
            .map_err(Error::failed)?;
        let outside = Outside {
            routes,
            connector: Some(world.connector()),
        };
        let global = Global {
            config: Some(config),
            state_dir: Some(folder.0.join("state")),
            format: Format::Pretty,
            json: false,
            color: Color::Never,
            verbose: 0,
            quiet: true,
        };
        Ok(Self {
            inside: Context::within(global, Env::default(), outside, true),
            address: Ipv4Addr::UNSPECIFIED,
            world,
            _folder: folder,
            interrupted,
            audience,
            cycles: 0,
            false_writes: 0,
        })
    }

    /// The ISP gives the home another address.
    pub fn move_to(&mut self, address: Ipv4Addr) {
        self.address = address;
        self.world.set_address(Some(address));
    }

    /// Runs one cycle, the same that `cadence reconcile` runs, and holds what it wrote against the true address. Tells of it where
    /// it is one to tell of.
    pub fn cycle(&mut self, is_told: &dyn Fn(&Cycle<'_>) -> bool) -> Result<Played, Error> {
        let written = self.writes();
        let options = cli::Reconcile::default();
        let Context { env, outside, .. } = &self.inside;
        let adapters = Adapters::new(self.inside.settings()?, env, outside)?;
        self.inside.enforce_policy(&adapters)?;
        let desired = reconcile::desired(&adapters, &options);
        let (cycle, _) = reconcile::run(&adapters, &desired, &self.inside.state_dir(), &options)?;
        self.cycles += 1;
        let address = self.address.to_string();
        let is_false = |write: &&Write| {
            let after = write.after.as_ref();
            after.is_none_or(|record| record["content"] != address.as_str())
        };
        let writes = self.world.cloudflare().writes();
        self.false_writes += writes.iter().skip(written).filter(is_false).count();
        if is_told(&cycle) {
            self.tell(Told::Cycle(&cycle))?;
        }
        Ok(Played {
            readiness: cycle.state.readiness(),
            verdict: cycle.decision.verdict,
            seen: cycle.seen,
            recovery: cycle.recovery,
        })
    }

    /// Makes the outage that goes on older than it is, as nobody wants to watch it age.
    pub fn age_outage(&self, by: Duration) -> Result<(), Error> {
        let dir = StateDir::open(&self.inside.state_dir()).map_err(Error::state)?;
        let read = state::read::<State>(&dir, VERSION.into()).map_err(Error::state)?;
        let Some(mut state) = read else { return Ok(()) };
        if let Some(streak) = &mut state.recovery.streak {
            let since = &mut streak.since;
            let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            since.wall = since.wall.checked_sub(by).unwrap_or(since.wall);
            match since.since_boot_ms.checked_sub(ms) {
                Some(earlier) => since.since_boot_ms = earlier,
                // This host was not up then: the wall clock tells.
                None => since.boot = "".into(),
            }
        }
        state::save(&dir, &state).map_err(Error::state)
    }

    /// Tells whoever watches.
    pub fn tell(&mut self, told: Told<'_>) -> Result<(), Error> {
        (self.audience)(told)?;
        if self.interrupted.is_there() {
            return Err(Error::failed("a signal ended it"));
        }
        Ok(())
    }

    /// The writes so far.
    pub fn writes(&self) -> usize {
        self.world.cloudflare().writes().len()
    }
}

/// The way out of the home.
fn routes() -> Vec<DefaultRoute> {
    vec![DefaultRoute {
        interface: "eth0".to_owned(),
        gateway: Some(ROUTER.into()),
        metric: 0,
    }]
}

/// A new folder for this user alone, removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, Error> {
        let random = system::random_up_to(Duration::from_secs(u64::from(u32::MAX))).as_nanos();
        let name = format!("cadence-demo-{random:016x}");
        let parents = match std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty()) {
            Some(folder) => vec![PathBuf::from(folder)],
            // The latter is in memory, and there where the whole file system is read-only.
            None => vec![PathBuf::from("/tmp"), PathBuf::from("/dev/shm")],
        };
        let mut refused = vec![];
        for parent in parents {
            match Self::at(&parent.join(&name)) {
                Ok(folder) => return Ok(folder),
                Err(error) => {
                    refused.push(format!("in {}: {}", parent.display(), reason::of(&error)));
                }
            }
        }
        Err(Error::failed(format!(
            "cannot make a folder for the demo {}; fix: set TMPDIR to a folder that can be written",
            refused.join(", nor ")
        )))
    }

    /// With room for what is played in it. A configuration names its files, and is UTF-8.
    fn at(path: &Path) -> io::Result<Self> {
        let path = path::absolute(path)?;
        path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        DirBuilder::new().mode(0o700).create(&path)?;
        let folder = Self(path);
        let room = folder.0.join("room");
        fs::write(&room, vec![0; ROOM])?;
        fs::remove_file(room)?;
        Ok(folder)
    }
}

/// Holds up a signal that would end this process until the folder is removed.
struct Interrupted(Arc<AtomicUsize>);

impl Interrupted {
    fn held_up() -> Result<Self, Error> {
        let signal = Arc::new(AtomicUsize::new(0));
        let numbers = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter();
        for number in numbers.filter(|it| !system::is_by_nohup(*it)) {
            let value = usize::try_from(number).unwrap_or_default();
            flag::register_usize(number, Arc::clone(&signal), value).map_err(|error| {
                Error::failed(format!("cannot wait for signals: {}", reason::of(&error)))
            })?;
        }
        Ok(Self(signal))
    }

    fn is_there(&self) -> bool {
        self.0.load(Relaxed) != 0
    }
}

impl Drop for Interrupted {
    fn drop(&mut self) {
        if self.is_there() {
            let number = i32::try_from(self.0.load(Relaxed)).unwrap_or_default();
            let _ = emulate_default_handler(number);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            log::warn!(
                "cannot remove {}: {}; fix: remove it by hand",
                self.0.display(),
                reason::of(&error)
            );
        }
    }
}

/// A new file that nobody else may read.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let fill = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())
    };
    fill().map_err(|error| {
        let why = reason::of(&error);
        Error::failed(format!("cannot write {}: {why}", path.display()))
    })
}
