//! Whether another tool that keeps records runs on this host: by its processes, in containers too, and without running a program.

use std::path::Path;

use super::next::Step;
use crate::app::check::Finding;
use crate::called;
use crate::file;
use crate::system;

/// The programs, by their names. `ddns` is that of favonia/cloudflare-ddns.
const TOOLS: [&str; 6] = [
    "ddclient",
    "inadyn",
    "ddns-updater",
    "ddns-go",
    "cloudflare-ddns",
    "ddns",
];
/// What runs a script that is one of them.
const INTERPRETERS: [&str; 4] = ["perl", "python", "sh", "bash"];
const SCRIPTS: [&str; 3] = [".py", ".pl", ".sh"];
const PROC: &str = "/proc";

/// One that runs.
struct Running {
    tool: &'static str,
    pid: u32,
    /// Its systemd unit.
    unit: Option<String>,
    is_contained: bool,
}

/// What is told of each of them, and what to do about it.
pub fn look() -> Vec<(Finding, Step)> {
    find(Path::new(PROC)).iter().map(told).collect()
}

fn told(running: &Running) -> (Finding, Step) {
    let Running {
        tool,
        pid,
        unit,
        is_contained,
    } = running;
    let place = if *is_contained { " in a container" } else { "" };
    let found = format!(
        "{tool} still runs{place} (process {pid}): two that keep a record change it in turns"
    );
    let about = format!("stop {tool}, and keep it from starting again, before cycles begin");
    let command = unit
        .as_ref()
        .map(|unit| called::typed(&["sudo systemctl disable --now ", unit].concat()).into_owned());
    let finding = Finding::warn("import", found).fix(command.as_ref().unwrap_or(&about));
    (finding, Step { command, about })
}

/// Each once, though it may have more processes than one.
fn find(proc: &Path) -> Vec<Running> {
    let mut found: Vec<Running> = vec![];
    for pid in system::processes(proc) {
        if let Some(running) = running(proc, pid) {
            let is_same = |own: &Running| own.tool == running.tool && own.unit == running.unit;
            if !found.iter().any(is_same) {
                found.push(running);
            }
        }
    }
    found
}

fn running(proc: &Path, pid: u32) -> Option<Running> {
    let folder = proc.join(pid.to_string());
    let read = |name: &str| file::of_kernel(folder.join(name));
    let tool = tool(&read("comm"), &read("cmdline"))?;
    let cgroup = read("cgroup");
    let marks = ["docker", "libpod", "containerd", "kubepods", "/lxc"];
    let is_contained = marks.iter().any(|mark| cgroup.contains(mark));
    let of_unit = |line: &str| {
        let unit = line.rsplit('/').next()?.strip_suffix(".service")?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:".contains(&byte);
        // Of the user's own session, or of the container's manager, it is not the tool's.
        let is_its = unit.bytes().all(is_plain) && TOOLS.iter().any(|tool| unit.contains(tool));
        is_its.then(|| format!("{unit}.service"))
    };
    Some(Running {
        tool,
        pid,
        unit: cgroup.lines().find_map(of_unit).filter(|_| !is_contained),
        is_contained,
    })
}

/// Which of them a process is, by its name (`comm`) and its words, of which the first may have been changed to tell what it does.
fn tool(comm: &str, cmdline: &str) -> Option<&'static str> {
    let mut words = cmdline.split('\0').map(program);
    let first = words.next().unwrap_or_default();
    let is_interpreter = INTERPRETERS.iter().any(|name| first.starts_with(name));
    let script = words
        .find(|word| !word.starts_with('-'))
        .filter(|_| is_interpreter);
    [Some(program(comm)), Some(first), script]
        .into_iter()
        .flatten()
        .find_map(|name| TOOLS.into_iter().find(|tool| *tool == name))
}

/// The name of a program in a path, without what it says of itself behind that.
fn program(word: &str) -> &str {
    let path = word.split_whitespace().next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let bare = SCRIPTS.iter().find_map(|end| name.strip_suffix(end));
    bare.unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_tool_is_known_by_its_name_or_by_its_script() {
        for (comm, cmdline, expected) in [
            (
                "ddclient\n",
                "/usr/sbin/ddclient\0-daemon\0",
                Some("ddclient"),
            ),
            (
                "ddclient - slee\n",
                "ddclient - sleeping for 280 seconds\0",
                Some("ddclient"),
            ),
            (
                "perl\n",
                "/usr/bin/perl\0-w\0/usr/sbin/ddclient\0",
                Some("ddclient"),
            ),
            (
                "python3\n",
                "python3\0/app/cloudflare-ddns.py\0",
                Some("cloudflare-ddns"),
            ),
            ("ddns\n", "/bin/ddns\0", Some("ddns")),
            ("vim\n", "vim\0/etc/ddclient.conf\0", None),
            ("cat\n", "cat\0/usr/sbin/ddclient\0", None),
            ("cadence\n", "cadence\0init\0--from\0ddclient\0", None),
            ("kthreadd\n", "", None),
        ] {
            assert_eq!(tool(comm, cmdline), expected, "{comm}");
        }
    }

    #[test]
    fn a_unit_is_stopped_by_its_name_and_a_container_by_whoever_runs_it() {
        let proc = tempfile::tempdir().unwrap();
        let process = |pid: &str, comm: &str, cgroup: &str| {
            let folder = proc.path().join(pid);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("comm"), comm).unwrap();
            fs::write(folder.join("cgroup"), cgroup).unwrap();
        };
        process("7", "ddclient\n", "0::/system.slice/ddclient.service\n");
        process("8", "ddns\n", "0::/system.slice/docker-0a1b.scope\n");
        process("9", "inadyn\n", "0::/user.slice/user@1000.service\n");
        process("10", "bash\n", "0::/\n");
        let mut found = find(proc.path());
        found.sort_by_key(|running| running.pid);
        let told: Vec<(Finding, Step)> = found.iter().map(told).collect();
        let said: Vec<&str> = told
            .iter()
            .map(|(found, _)| found.message.as_str())
            .collect();
        assert_eq!(
            said,
            [
                "ddclient still runs (process 7): two that keep a record change it in turns",
                "ddns still runs in a container (process 8): two that keep a record change it in turns",
                "inadyn still runs (process 9): two that keep a record change it in turns",
            ]
        );
        let commands: Vec<Option<&str>> = told
            .iter()
            .map(|(_, step)| step.command.as_deref())
            .collect();
        let stop = called::typed("sudo systemctl disable --now ddclient.service");
        assert_eq!(commands, [Some(stop.as_ref()), None, None]);
        assert!(find(Path::new("/nowhere")).is_empty());
    }
}
