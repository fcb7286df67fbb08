//! Where the configuration file and the state folder are (contract: files and environment).

use std::path::{Path, PathBuf};

use super::env::Env;

/// The configuration of the whole host.
pub const ETC: &str = "/etc/cadence/cadence.toml";
/// The state of the whole host.
pub const VAR_LIB: &str = "/var/lib/cadence";

/// The configuration file: `--config`, `$CADENCE_CONFIG`, the user's own where it is there and the user is not root, or
/// `/etc/cadence/cadence.toml`.
///
/// `exists` tells whether a path is there. The service runs as a user of its own that has no file of its own, so the user's
/// file only counts where it exists.
#[must_use]
pub fn config_file(
    flag: Option<&Path>,
    env: &Env,
    is_root: bool,
    exists: impl Fn(&Path) -> bool,
) -> PathBuf {
    if let Some(path) = flag.or_else(|| env.get("CADENCE_CONFIG").map(Path::new)) {
        return path.to_owned();
    }
    let users = xdg(env, "XDG_CONFIG_HOME", ".config").map(|folder| folder.join("cadence.toml"));
    match users {
        Some(path) if !is_root && exists(&path) => path,
        _ => ETC.into(),
    }
}

/// The state folder: `--state-dir`, `$CADENCE_STATE_DIR`, systemd's `$STATE_DIRECTORY`, the user's own where the user is not
/// root and `config` is not the host's or `/var/lib/cadence` is not there, or `/var/lib/cadence`.
///
/// `exists` tells whether a path is there.
#[must_use]
pub fn state_dir(
    flag: Option<&Path>,
    env: &Env,
    is_root: bool,
    config: &Path,
    exists: impl Fn(&Path) -> bool,
) -> PathBuf {
    if let Some(path) = flag.or_else(|| env.get("CADENCE_STATE_DIR").map(Path::new)) {
        return path.to_owned();
    }
    // With several `StateDirectory=` systemd joins them with colons (systemd.exec(5)); ours is the first.
    if let Some(path) = env
        .get("STATE_DIRECTORY")
        .and_then(|paths| std::env::split_paths(paths).next())
    {
        return path;
    }
    match xdg(env, "XDG_STATE_HOME", ".local/state") {
        Some(folder) if !is_root && (config != Path::new(ETC) || !exists(VAR_LIB.as_ref())) => {
            folder
        }
        _ => VAR_LIB.into(),
    }
}

/// Our folder in one of the user's base folders. Relative ones are to be ignored (XDG Base Directory Specification).
fn xdg(env: &Env, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name| {
        env.get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))?;
    Some(base.join("cadence"))
}

/// A timer runs in another folder than the one who wrote the file, so a relative path would mean two places.
pub fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err("an absolute path, one that starts with \"/\"".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<(&'static str, &'static str)> {
        vec![
            ("CADENCE_CONFIG", "/env/c.toml"),
            ("CADENCE_STATE_DIR", "/env/state"),
            ("STATE_DIRECTORY", "/var/lib/one:/var/lib/two"),
            ("XDG_CONFIG_HOME", "/xdg/config"),
            ("XDG_STATE_HOME", "/xdg/state"),
            ("HOME", "/home/ada"),
        ]
    }

    fn without(names: &[&str]) -> Env {
        all()
            .into_iter()
            .filter(|(name, _)| !names.contains(name))
            .collect()
    }

    #[test]
    fn the_configuration_is_looked_for_in_the_order_of_the_contract() {
        let at = |flag: Option<&str>, missing: &[&str], is_root| {
            config_file(flag.map(Path::new), &without(missing), is_root, |_| true)
                .display()
                .to_string()
        };
        assert_eq!(at(Some("flag.toml"), &[], false), "flag.toml");
        assert_eq!(at(None, &[], false), "/env/c.toml");
        assert_eq!(
            at(None, &["CADENCE_CONFIG"], false),
            "/xdg/config/cadence/cadence.toml"
        );
        assert_eq!(
            at(None, &["CADENCE_CONFIG", "XDG_CONFIG_HOME"], false),
            "/home/ada/.config/cadence/cadence.toml"
        );
        assert_eq!(
            at(None, &["CADENCE_CONFIG", "XDG_CONFIG_HOME", "HOME"], false),
            ETC
        );
        assert_eq!(at(None, &["CADENCE_CONFIG"], true), ETC);
    }

    #[test]
    fn a_user_without_a_file_of_their_own_reads_the_one_in_etc() {
        assert_eq!(
            config_file(None, &without(&["CADENCE_CONFIG"]), false, |_| false),
            Path::new(ETC)
        );
    }

    #[test]
    fn the_state_folder_is_looked_for_in_the_order_of_the_contract() {
        let at = |flag: Option<&str>, missing: &[&str], is_root, exists: bool| {
            let hosts = Path::new(ETC);
            let flag = flag.map(Path::new);
            state_dir(flag, &without(missing), is_root, hosts, |path| {
                assert_eq!(path, Path::new(VAR_LIB));
                exists
            })
            .display()
            .to_string()
        };
        let unset = ["CADENCE_STATE_DIR", "STATE_DIRECTORY"];
        assert_eq!(at(Some("/flag"), &[], false, true), "/flag");
        assert_eq!(at(None, &[], false, true), "/env/state");
        assert_eq!(at(None, &unset[..1], false, true), "/var/lib/one");
        assert_eq!(at(None, &unset, false, false), "/xdg/state/cadence");
        assert_eq!(at(None, &unset, false, true), VAR_LIB);
        assert_eq!(at(None, &unset, true, false), VAR_LIB);
        let no_xdg = ["CADENCE_STATE_DIR", "STATE_DIRECTORY", "XDG_STATE_HOME"];
        assert_eq!(
            at(None, &no_xdg, false, false),
            "/home/ada/.local/state/cadence"
        );
        let no_home = [
            "CADENCE_STATE_DIR",
            "STATE_DIRECTORY",
            "XDG_STATE_HOME",
            "HOME",
        ];
        assert_eq!(at(None, &no_home, false, false), VAR_LIB);
    }

    #[test]
    fn the_state_of_a_users_own_configuration_is_their_own_whatever_the_host_has() {
        let env = Env::from([("HOME", "/home/ada")]);
        let at = |config: &str, is_root| {
            let dir = state_dir(None, &env, is_root, Path::new(config), |_| true);
            dir.display().to_string()
        };
        let own = "/home/ada/.config/cadence/cadence.toml";
        assert_eq!(at(own, false), "/home/ada/.local/state/cadence");
        assert_eq!(at(ETC, false), VAR_LIB);
        assert_eq!(at(own, true), VAR_LIB);
    }

    #[test]
    fn relative_base_folders_are_ignored() {
        let env = Env::from([("XDG_STATE_HOME", "state"), ("HOME", "/home/ada")]);
        assert_eq!(
            state_dir(None, &env, false, Path::new(ETC), |_| false),
            Path::new("/home/ada/.local/state/cadence")
        );
    }
}
