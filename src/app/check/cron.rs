//! The cron job, which takes the timers' place where systemd does not run.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::finding::Finding;
use crate::file;

const CHECK: &str = "cron";
/// The job that the package installs.
pub const JOB: &str = "/etc/cron.d/cadence";
/// What starts it.
pub const START: &str = "sudo service cron start";
/// Where the usual cron daemons leave their process id.
const PID_FILES: [&str; 2] = ["/run/crond.pid", "/run/cron.pid"];
/// The largest job that is read.
const MAX_JOB: usize = 64 * 1024;

/// The job of this host.
pub struct Cron {
    /// As whom it runs.
    pub user: String,
    /// Whether cron accepts the file: it must be root's, and nobody else may change it.
    accepted: bool,
}

impl Cron {
    /// The job, where there is one.
    #[must_use]
    pub fn find() -> Option<Self> {
        Self::read(Path::new(JOB))
    }

    fn read(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let bytes = file::read(path, MAX_JOB).ok()?.bytes;
        Some(Self {
            user: user(&String::from_utf8_lossy(&bytes))?.to_owned(),
            accepted: meta.uid() == 0 && meta.mode() & 0o022 == 0,
        })
    }

    /// Whether it is run.
    #[must_use]
    pub fn look(&self) -> Finding {
        let user = &self.user;
        if !self.accepted {
            let refused = format!("cron ignores {JOB}: it must be owned and writable by root only");
            return Finding::fail(CHECK, refused).fix(format!(
                "sudo chown root:root {JOB} && sudo chmod 0644 {JOB}"
            ));
        }
        match process() {
            Some(pid) => Finding::ok(
                CHECK,
                format!("{JOB} runs cycles as {user} (cron is process {pid})"),
            ),
            None => Finding::warn(
                CHECK,
                format!("{JOB} exists, but no cron daemon seems to be running"),
            )
            .fix(format!("start it: {START}")),
        }
    }
}

/// The process of cron, where it runs.
#[must_use]
pub fn process() -> Option<String> {
    PID_FILES.iter().find_map(|path| {
        let pid = fs::read_to_string(path).ok()?;
        let pid = pid.trim();
        let is_alive = !pid.is_empty() && Path::new("/proc").join(pid).is_dir();
        is_alive.then(|| pid.to_owned())
    })
}

/// The sixth field of the first job, see `crontab(5)`.
#[must_use]
pub fn user(table: &str) -> Option<&str> {
    let is_job = |line: &&str| line.starts_with(|c: char| c == '*' || c.is_ascii_digit());
    table.lines().find(is_job)?.split_ascii_whitespace().nth(5)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::app::check::Level;

    #[test]
    fn the_user_is_that_of_the_job() {
        assert_eq!(
            user(include_str!("../../../packaging/cron")),
            Some("cadence")
        );
        let own = "# m h dom mon dow user command\nMAILTO=ada\n*/2 * * * * ada cadence reconcile\n";
        assert_eq!(user(own), Some("ada"));
        assert_eq!(user("0,30 * * * *\tada\tx"), Some("ada"));
        for table in [
            "",
            "# * * * * * ada x",
            "@hourly ada x",
            "* * * * *",
            "PATH=/bin",
        ] {
            assert_eq!(user(table), None, "{table:?}");
        }
    }

    #[test]
    fn a_job_that_others_may_change_is_ignored_by_cron() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cadence");
        assert!(Cron::read(&path).is_none());
        fs::write(&path, "* * * * * ada cadence reconcile\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        let found = Cron::read(&path).unwrap().look();
        assert_eq!(
            (found.level, found.message.as_str()),
            (
                Level::Fail,
                "cron ignores /etc/cron.d/cadence: it must be owned and writable by root only"
            )
        );
    }
}
