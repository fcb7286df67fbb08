//! Secrets in files of their own: those that systemd hands over, and those that the configuration names.

use std::io;
use std::path::{Path, PathBuf};

use super::env::Env;
use crate::error::plain;
use crate::file;

/// Who has more than this is not blank.
const BLANK: usize = 1024;

/// The file of a systemd credential, where the operator has one: a unit that must not fail for a missing file hands over a
/// blank one in its place (`SetCredential=`).
pub(super) fn handed_over(env: &Env, name: &str) -> Option<PathBuf> {
    let path = Path::new(env.get("CREDENTIALS_DIRECTORY")?).join(name);
    let blank = file::read(&path, BLANK).is_ok_and(|content| content.bytes.trim_ascii().is_empty());
    (path.exists() && !blank).then_some(path)
}

/// The file of a secret, that of the systemd credential before the one that the configuration names, and what it holds, which is a byte
/// longer than `limit` at most. It is told of by what it is, for whom it is, and the key that names its file.
///
/// # Errors
/// Which file cannot be read, why, and how to fix it.
pub fn secret_file(
    env: &Env,
    [what, whom, key]: [&str; 3],
    credential: &str,
    file: Option<&Path>,
    limit: usize,
) -> Result<(PathBuf, Vec<u8>), String> {
    let handed = handed_over(env, credential);
    let Some(path) = handed.or_else(|| file.map(Path::to_owned)) else {
        return Err(format!(
            "no {what} for {whom}; fix: set `{key}` to the path of a file that holds it, or hand over the systemd credential {credential}"
        ));
    };
    let shown = path.display();
    let content = file::read(&path, limit).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "no {what} for {whom}: {shown} does not exist; fix: {}",
            file::store(what, &path)
        ),
        io::ErrorKind::PermissionDenied => format!(
            "cannot read the {what} for {whom} in {shown}: permission denied; fix: {}",
            file::let_in(&path)
        ),
        _ => format!(
            "cannot read the {what} for {whom} in {shown}: {}",
            plain(&error)
        ),
    })?;
    Ok((path, content.bytes))
}
