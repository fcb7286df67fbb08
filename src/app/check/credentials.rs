//! Whether whoever runs the cycles can read the secrets that the configuration names. Nothing of them is read to find out.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::runner::Runner;
use super::systemd::SERVICE;
use crate::called::{self, quoted};
use crate::config::receivers::SecretFile as Secret;
use crate::config::{PASSWORD_CREDENTIAL, Settings, TOKEN_CREDENTIAL};
use crate::error::plain;

const CHECK: &str = "credential";
/// What `ProtectHome=` hides.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// How it comes to them.
enum Way {
    /// systemd hands it over.
    Given,
    /// The user can read its file.
    Readable,
    /// It is not there, which is told elsewhere.
    Missing,
    /// Not, or not as configured.
    Faulty(Finding),
}

/// One finding where all is well, else one for each secret that does not arrive.
pub fn look(settings: &Settings, runner: &Runner) -> Vec<Finding> {
    let (cloudflare, recovery) = (&settings.cloudflare, &settings.recovery);
    let token = cloudflare.token_file.as_deref().map(|path| Secret {
        what: "the API token".to_owned(),
        credential: TOKEN_CREDENTIAL.to_owned(),
        key: "cloudflare.token_file",
        path,
    });
    let password = recovery.password_file.as_deref().map(|path| Secret {
        what: "the plug's password".to_owned(),
        credential: PASSWORD_CREDENTIAL.to_owned(),
        key: "recovery.password_file",
        path,
    });
    let password = password.filter(|_| recovery.limits.enabled);
    let told = settings.receivers.secret_files();
    let (mut given, mut readable, mut findings) = (vec![], vec![], vec![]);
    for secret in token.into_iter().chain(password).chain(told) {
        match secret.way(runner) {
            Way::Given => given.push(secret.what),
            Way::Readable => readable.push(secret.what),
            Way::Missing => {}
            Way::Faulty(finding) => findings.push(finding),
        }
    }
    let user = &runner.user;
    let mut well = vec![];
    if !given.is_empty() {
        well.push(format!("systemd passes {}", given.join(" and ")));
    }
    if !readable.is_empty() {
        well.push(format!(
            "the user {user} can read {}",
            readable.join(" and ")
        ));
    }
    if findings.is_empty() && !well.is_empty() {
        findings.push(Finding::ok(CHECK, well.join("; ")));
    }
    findings
}

impl Secret<'_> {
    fn way(&self, runner: &Runner) -> Way {
        let (what, key, path) = (&self.what, self.key, self.path.display());
        let by_systemd = self.source(runner);
        if let Some(source) = by_systemd {
            match fs::metadata(source) {
                Ok(_) if source != self.path && self.path.exists() => {
                    let shadowed = format!(
                        "{SERVICE} gets {what} from {} and never reads {path} ({key})",
                        source.display()
                    );
                    return Way::Faulty(Finding::warn(CHECK, shadowed).fix(self.hand_over()));
                }
                Ok(_) => return Way::Given,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return self.unknown(source, &error),
            }
        }
        let Some(identity) = &runner.identity else {
            let why = io::Error::other("its user is not in /etc/passwd");
            return self.unknown(self.path, &why);
        };
        let barrier = identity.barrier(self.path);
        let folder = barrier.as_ref().ok().cloned().flatten();
        let folder = folder.filter(|barrier| barrier.is_dir());
        let closed = match barrier {
            Ok(None) if !self.is_hidden(runner) => return Way::Readable,
            Ok(None) => format!("{SERVICE} cannot see home folders (ProtectHome=)"),
            Ok(Some(barrier)) => match fs::metadata(&barrier) {
                Ok(meta) => format!(
                    "{} has mode {:04o}, uid {} and gid {}",
                    barrier.display(),
                    meta.mode() & 0o7777,
                    meta.uid(),
                    meta.gid()
                ),
                Err(error) => return self.unknown(&barrier, &error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Way::Missing,
            Err(error) => return self.unknown(self.path, &error),
        };
        let user = &runner.user;
        let denied = format!(
            "the user {user}, who runs the cycles, cannot read {what} in {path} ({key}): {closed}"
        );
        let fix = if runner.service.is_some() {
            self.hand_over()
        } else if let Some(folder) = folder {
            format!("let {user} in: sudo chmod o+x {}", quoted(&folder))
        } else {
            format!("let {user} read it: sudo chgrp {user} {path} && sudo chmod 0640 {path}")
        };
        Way::Faulty(Finding::fail(CHECK, denied).fix(fix))
    }

    /// The file that systemd takes it from.
    fn source<'a>(&self, runner: &'a Runner) -> Option<&'a PathBuf> {
        let mut given = runner.service.as_ref()?.credentials.iter();
        let (_, path) = given.find(|(name, _)| *name == self.credential)?;
        Some(path)
    }

    fn is_hidden(&self, runner: &Runner) -> bool {
        let service = runner.service.as_ref();
        service.is_some_and(|service| service.hides_homes)
            && HOMES.iter().any(|home| self.path.starts_with(home))
    }

    fn hand_over(&self) -> String {
        format!(
            "add these lines: sudo systemctl edit {SERVICE}\n[Service]\nLoadCredential={}:{}",
            self.credential,
            self.path.display()
        )
    }

    fn unknown(&self, path: &Path, error: &io::Error) -> Way {
        let (what, path, why) = (&self.what, path.display(), plain(error));
        let unknown = format!("cannot tell whether cycles can read {what} in {path}: {why}");
        Way::Faulty(Finding::warn(CHECK, unknown).fix(called::cadence("check")))
    }
}

#[cfg(test)]
mod tests;
