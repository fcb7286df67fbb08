//! Whether the router can be asked by ICMP, and what an administrator said about that.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::identity::{Identity, parse_range};
use super::runner::Runner;
use crate::app::timer::is_process_1;
use crate::config::Settings;
use crate::file::of_kernel;
use crate::system;

/// Where the package permits its user echo requests.
const PERMITTED: &str = "/etc/sysctl.d/10-cadence.conf";
/// Where administrators say how the kernel is to be.
const SYSCTLS: &str = "/etc/sysctl.d";
/// Whose echo requests the kernel sends.
const RANGE: &str = "net.ipv4.ping_group_range";
/// Where the package is installed, which brings such a file once.
const INSTALLED: &str = "/var/lib/dpkg/info/cadence.list";

/// Why an administrator may want it so that the range is not this one: a file of theirs says another one, or that of the package says none any more or
/// is gone.
fn closed(folder: &Path, is_installed: bool, range: &str) -> Option<String> {
    let files = fs::read_dir(folder).ok().into_iter().flatten().flatten();
    let said = files.filter_map(|file| {
        let path = file.path();
        let text = of_kernel(&path);
        let mut lines = text.lines().filter_map(|it| it.split_once('='));
        let (_, range) = lines.rfind(|(name, _)| is_range(name.trim()))?;
        let is_read = path.extension().is_some_and(|it| it == "conf");
        is_read.then(|| (path, parse_range(range)))
    });
    // The one that sorts last counts.
    let later = |one: (PathBuf, _), other: (PathBuf, _)| if one.0 > other.0 { one } else { other };
    let last = said.reduce(later);
    let own = folder.join(Path::new(PERMITTED).file_name()?);
    match &last {
        Some((_, Some(said))) if parse_range(range).is_some_and(|it| holds(said, &it)) => None,
        Some((path, _)) => Some(format!("as {} says", path.display())),
        None if own.exists() => Some(format!("as {} says no range", own.display())),
        None if is_installed => Some(format!("as the package's {} was removed", own.display())),
        None => None,
    }
}

/// The name as `sysctl.d(5)` lets it be written.
fn is_range(name: &str) -> bool {
    let name = name.strip_prefix('-').unwrap_or(name);
    let dotted = name.bytes().map(|it| if it == b'/' { b'.' } else { it });
    dotted.eq(RANGE.bytes())
}

fn holds(outer: &RangeInclusive<u32>, inner: &RangeInclusive<u32>) -> bool {
    outer.contains(inner.start()) && outer.contains(inner.end())
}

/// Whether whoever runs the cycles may send echo requests.
pub fn icmp(settings: &Settings, runner: Option<&Runner>) -> Finding {
    if settings.network.interface.is_some() {
        let why = "not used: network.interface is set, so the router is probed over TCP";
        return Finding::ok("icmp", why);
    }
    let process = Identity::of_process();
    let (who, identity) = match runner {
        Some(runner) => (format!("the user {}", runner.user), &runner.identity),
        None => ("this user".to_owned(), &process),
    };
    match identity.as_ref().map(Identity::ping_range_to_set) {
        Some(Ok(None)) => Finding::ok("icmp", format!("permitted for {who}")),
        Some(Ok(Some(range))) => {
            let found = format!("not permitted for {who}: the router is probed over TCP instead");
            if let Some(why) = closed(Path::new(SYSCTLS), Path::new(INSTALLED).exists(), &range) {
                return Finding::ok("icmp", format!("{found}, {why}"));
            }
            let apply = if system::runs_systemd() {
                "systemctl restart systemd-sysctl"
            } else {
                "sysctl --system"
            };
            // What the package brings holds what its user needs, and need only be applied.
            if Path::new(PERMITTED).exists() {
                return Finding::warn("icmp", found).fix(format!("sudo {apply}"));
            }
            // The network is the host's.
            let place = if is_process_1() { "on the host: " } else { "" };
            Finding::warn("icmp", found).fix(format!(
                "{place}echo \"{RANGE} = {range}\" | sudo install -D -m 0644 /dev/stdin {PERMITTED} && sudo {apply}"
            ))
        }
        Some(Err(_)) | None => Finding::warn("icmp", "cannot tell whether it is permitted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_administrator_closed_is_not_advised_to_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        let closed = |is_installed| closed(folder.path(), is_installed, "999 999");
        let says = |name: &str| Some(format!("as {} says", path(name).display()));
        let own = path("10-cadence.conf");
        let gone = format!("as the package's {} was removed", own.display());
        assert_eq!(closed(false), None);
        assert_eq!(closed(true), Some(gone));
        write(
            "10-cadence.conf",
            "# why\nnet.ipv4.ping_group_range = 999 999\n",
        );
        assert_eq!(closed(true), None, "it only has to be applied");
        write(
            "99-local.conf",
            "net.ipv4.ip_forward=1\n-net/ipv4/ping_group_range = 1 0\n",
        );
        assert_eq!(closed(true), says("99-local.conf"));
        write("99-local.conf", "net.ipv4.ping_group_range=0 2147483647\n");
        assert_eq!(closed(true), None);
        fs::remove_file(path("99-local.conf")).unwrap();
        write("10-cadence.conf", "#net.ipv4.ping_group_range = 999 999\n");
        let empty = format!("as {} says no range", own.display());
        assert_eq!(closed(true), Some(empty));
    }
}
