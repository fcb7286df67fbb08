//! Who runs the cycles: the service's user or cron's, with what the service hands over to it.

use std::path::{Path, PathBuf};

use super::cron::Cron;
use super::finding::Finding;
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
    #[must_use]
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

    /// What keeps its user from reading a file, and who that is; none where nothing does, or nobody can tell.
    #[must_use]
    pub fn kept_from(&self, file: &Path) -> Option<(&str, PathBuf)> {
        let barrier = self.identity.as_ref()?.barrier(file).ok()??;
        Some((&self.user, barrier))
    }

    /// That its cycles are none of the configuration that is looked at.
    #[must_use]
    pub fn of_another_configuration(&self) -> Finding {
        let other = self.config.display();
        Finding::ok(
            "units",
            format!("not checked: this host's cycles use {other}, not this configuration"),
        )
    }

    /// That its user is not there, or is nowhere where we look.
    #[must_use]
    pub fn unknown(&self) -> Option<Finding> {
        let user = &self.user;
        self.identity.is_none().then(|| {
            let unknown = format!("the user {user}, who runs the cycles, is not in /etc/passwd");
            Finding::warn("units", unknown).fix(format!(
                "look for it with getent passwd {user}, or create the package's own user: sudo systemd-sysusers"
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
#[must_use]
pub fn credentials(files: &[String]) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = vec![];
    for line in files.iter().flat_map(|file| file.lines()) {
        let value = line
            .strip_prefix("LoadCredential=")
            .or_else(|| line.strip_prefix("LoadCredentialEncrypted="));
        let value = value.map(str::trim);
        if value == Some("") {
            found.clear();
        } else if let Some((name, path)) = value.and_then(|value| value.split_once(':')) {
            found.retain(|(other, _)| other != name);
            found.push((name.to_owned(), path.into()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_from_every_file_and_a_later_one_of_the_same_name_wins() {
        let list = |files: &[&str]| {
            let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
            let found = credentials(&files).into_iter();
            found
                .map(|(name, path)| format!("{name} {}", path.display()))
                .collect::<Vec<_>>()
        };
        let unit = include_str!("../../../systemd/cadence.service");
        let token = "cloudflare-token /etc/cadence/cloudflare.token";
        let password = "plug-password /etc/cadence/plug.password";
        assert_eq!(list(&[unit]), [token, password]);
        let other = "[Service]\nLoadCredential=cloudflare-token:/srv/token\n#LoadCredential=x:/y\n";
        assert_eq!(
            list(&[unit, other]),
            [password, "cloudflare-token /srv/token"]
        );
        let none =
            "[Service]\nLoadCredential=\nLoadCredentialEncrypted=a:/b:c\nLoadCredential=bare\n";
        assert_eq!(list(&[unit, none]), ["a /b:c"]);
        assert_eq!(list(&[]), [""; 0]);
    }

    #[test]
    fn the_template_differs_from_the_service_only_in_what_an_instance_has_of_its_own() {
        // Comments aside: they are not repeated.
        let lines = |unit: &'static str| -> Vec<&str> {
            let is_setting = |line: &&str| !line.is_empty() && !line.starts_with('#');
            unit.lines().filter(is_setting).collect()
        };
        let service = lines(include_str!("../../../systemd/cadence.service"));
        let template = lines(include_str!("../../../systemd/cadence@.service"));
        let own = |line: &str| {
            match line.split_once('=') {
            Some(("Description", value)) => vec![format!("Description={value} of %i")],
            Some(("ExecStart", _)) => vec![
                "Environment=CADENCE_CONFIG=/etc/cadence/%i.toml CADENCE_STATE_DIR=/var/lib/cadence-%i".to_owned(),
                line.to_owned(),
            ],
            Some(("StateDirectory", value)) => vec![format!("StateDirectory={value}-%i")],
            Some(("LoadCredential", "cloudflare-token:/etc/cadence/cloudflare.token")) => {
                vec!["LoadCredential=cloudflare-token:/etc/cadence/%i.token".to_owned()]
            }
            Some(("LoadCredential", "plug-password:/etc/cadence/plug.password")) => {
                vec!["LoadCredential=plug-password:/etc/cadence/%i.password".to_owned()]
            }
            _ => vec![line.to_owned()],
        }
        };
        let wanted: Vec<String> = service.into_iter().flat_map(own).collect();
        assert_eq!(template, wanted);

        for (unit, template) in [
            (
                include_str!("../../../systemd/cadence.timer"),
                include_str!("../../../systemd/cadence@.timer"),
            ),
            (
                include_str!("../../../systemd/cadence-fast.path"),
                include_str!("../../../systemd/cadence-fast@.path"),
            ),
            (
                include_str!("../../../systemd/cadence-fast.timer"),
                include_str!("../../../systemd/cadence-fast@.timer"),
            ),
        ] {
            let named = |line: &&str| !line.starts_with("Description=");
            let template = lines(template).into_iter().filter(named);
            let of_the_first = template.map(|line| line.replace("@%i", "").replace("-%i", ""));
            let unit: Vec<&str> = lines(unit).into_iter().filter(named).collect();
            assert_eq!(of_the_first.collect::<Vec<_>>(), unit);
        }
    }

    #[test]
    fn the_service_is_read_as_systemd_shows_it() {
        for text in [
            include_str!("systemd/fixtures/252/healthy.txt"),
            include_str!("systemd/fixtures/257/healthy.txt"),
        ] {
            let service = Block::all(text).find(|unit| unit.get("Id") == SERVICE);
            let runner = Runner::of_service(service.unwrap());
            assert_eq!(runner.user, "cadence");
            assert_eq!(runner.config, Path::new("/etc/cadence/cadence.toml"));
            assert_eq!(runner.state_dir, Path::new("/var/lib/cadence"));
            assert!(runner.service.unwrap().hides_homes);
        }
        let own = "Id=cadence.service\nUser=\nDynamicUser=no\nProtectHome=no\nStateDirectory=a b\n\
            Environment=X=1 CADENCE_CONFIG=/srv/c.toml\n";
        let runner = Runner::of_service(Block::of(own));
        assert_eq!(runner.user, "root");
        assert!(runner.identity.is_some() && runner.unknown().is_none());
        assert_eq!(runner.config, Path::new("/srv/c.toml"));
        assert_eq!(runner.state_dir, Path::new("/var/lib/a"));
        assert!(!runner.service.as_ref().unwrap().hides_homes);
        assert_eq!(
            runner.of_another_configuration().message,
            "not checked: this host's cycles use /srv/c.toml, not this configuration"
        );
        let dynamic = Runner::of_service(Block::of("User=\nDynamicUser=yes\n"));
        assert_eq!(dynamic.user, "cadence");
    }

    #[test]
    fn without_a_service_it_is_crons_user() {
        assert!(Runner::find(None, None).is_none());
    }
}
