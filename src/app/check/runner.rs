//! Who runs the cycles: the service's user or cron's, with what the service hands over to it.

use std::path::{Path, PathBuf};

use super::Finding;
use super::cron::Cron;
use super::identity::Identity;
use super::systemd::{SERVICE, Systemd};
use super::tools::Block;
use crate::config::{CONFIG_FILE, STATE_DIR};
use crate::file;

/// The largest unit file that is read.
const MAX_UNIT: usize = 64 * 1024;

/// Who runs the cycles of this host.
pub struct Runner {
    /// Its name.
    pub user: String,
    /// What it is to the kernel; none where `/etc/passwd` does not have it.
    pub identity: Option<Identity>,
    /// Which configuration its cycles read.
    pub config: PathBuf,
    /// Where its cycles keep their state.
    pub state_dir: PathBuf,
    /// What systemd hands over to it; none where cron runs it.
    pub service: Option<Handover>,
}

/// What a service is given and denied, whatever its user may.
pub struct Handover {
    /// The credentials by name, with the file that PID 1 reads each from.
    pub credentials: Vec<(String, PathBuf)>,
    /// Home folders are hidden from it.
    pub hides_homes: bool,
}

impl Runner {
    /// The service where it is loaded, else cron.
    pub fn find(systemd: Option<&Systemd>, cron: Option<&Cron>) -> Option<Self> {
        if let Some(service) = systemd.and_then(|systemd| systemd.loaded(SERVICE)) {
            return Some(Self::of_service(service));
        }
        let user = cron?.user.clone();
        Some(Self {
            identity: Identity::of_user(&user, "", ""),
            user,
            config: CONFIG_FILE.into(),
            state_dir: STATE_DIR.into(),
            service: None,
        })
    }

    /// That its user is not there, or is nowhere where we look.
    pub fn unknown(&self) -> Option<Finding> {
        let user = &self.user;
        self.identity.is_none().then(|| {
            let unknown = format!("the user {user}, who runs the cycles, is not in /etc/passwd");
            Finding::warn("units", unknown).mend(format!(
                "look at: getent passwd {user}; the package's own user is made by: sudo systemd-sysusers"
            ))
        })
    }

    fn of_service(unit: Block) -> Self {
        let user = match unit.get("User") {
            "" if unit.get("DynamicUser") == "yes" => "cadence",
            "" => "root",
            user => user,
        };
        let words = |key| unit.get(key).split_ascii_whitespace();
        let config = words("Environment").find_map(|pair| pair.strip_prefix("CADENCE_CONFIG="));
        let folder = words("StateDirectory").next().unwrap_or("cadence");
        let files: Vec<String> = words("FragmentPath")
            .chain(words("DropInPaths"))
            .filter_map(|path| file::read(Path::new(path), MAX_UNIT).ok())
            .map(|file| String::from_utf8_lossy(&file.bytes).into_owned())
            .collect();
        Self {
            user: user.to_owned(),
            identity: Identity::of_user(user, unit.get("Group"), unit.get("SupplementaryGroups")),
            config: config.unwrap_or(CONFIG_FILE).into(),
            state_dir: Path::new("/var/lib").join(folder),
            service: Some(Handover {
                credentials: credentials(&files),
                hides_homes: !matches!(unit.get("ProtectHome"), "" | "no" | "read-only"),
            }),
        }
    }
}

/// What `LoadCredential=name:path` in these unit files comes to, in their order; see `systemd.exec(5)`. systemctl does not show it.
fn credentials(files: &[String]) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = vec![];
    for line in files.iter().flat_map(|file| file.lines()) {
        let value = line
            .strip_prefix("LoadCredential=")
            .or_else(|| line.strip_prefix("LoadCredentialEncrypted="));
        match value.map(|value| value.trim().split_once(':')) {
            Some(Some((name, path))) => {
                found.retain(|(other, _)| other != name);
                found.push((name.to_owned(), path.into()));
            }
            Some(None) if value.is_some_and(|value| value.trim().is_empty()) => found.clear(),
            Some(None) | None => {}
        }
    }
    found
}
