//! What `strace -y -xx` prints, as changes of files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::disk::{Change, Disk, NodeId, Op};

/// The system calls that change files, at each of which a run is stopped.
pub const CHANGING: &str = "openat,mkdir,mkdirat,write,pwrite64,ftruncate,fallocate,rename,renameat,renameat2,link,linkat,unlink,\
    unlinkat,rmdir,fsync,fdatasync,chmod,fchmod";
/// Those that say what a descriptor stands for.
pub const NEUTRAL: &str = "openat2,lseek,close";

/// One line of the trace.
struct Call<'a> {
    name: &'a str,
    arguments: &'a str,
    result: i64,
}

impl<'a> Call<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, rest) = line.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(") = ")?;
        let digits = result.split(|c: char| c != '-' && !c.is_ascii_digit());
        let result = digits.into_iter().next()?.parse().ok()?;
        Some(Self {
            name,
            arguments,
            result,
        })
    }

    /// The strings among the arguments.
    fn strings(&self) -> Vec<Vec<u8>> {
        let quoted = self.arguments.split('"').skip(1).step_by(2);
        quoted.map(unescape).collect()
    }

    /// The paths among the arguments, each seen from the folder whose descriptor stands before it.
    fn paths(&self) -> Vec<PathBuf> {
        let (mut folder, mut paths) = (PathBuf::new(), vec![]);
        let text = |bytes: &str| String::from_utf8(unescape(bytes)).unwrap();
        for argument in self.arguments.split(", ") {
            if let Some((_, open)) = argument.split_once('<') {
                folder = text(open.trim_end_matches('>')).into();
            } else if let Some(path) = argument.strip_prefix('"') {
                let path = folder.join(text(path.trim_end_matches('"')));
                let above = path.ends_with("..").then(|| folder.parent()).flatten();
                paths.push(above.map_or(path.clone(), Path::to_owned));
            }
        }
        paths
    }

    fn descriptor(&self) -> i64 {
        let digits = self
            .arguments
            .split(|c: char| c != '-' && !c.is_ascii_digit())
            .next();
        digits.unwrap().parse().unwrap_or(-1)
    }

    /// The last argument.
    fn last(&self) -> &str {
        self.arguments.rsplit(", ").next().unwrap()
    }

    fn mode(&self) -> u32 {
        u32::from_str_radix(self.last(), 8).unwrap()
    }
}

fn unescape(hex: &str) -> Vec<u8> {
    let bytes = hex.split("\\x").skip(1);
    bytes
        .map(|byte| u8::from_str_radix(&byte[..2], 16).unwrap())
        .collect()
}

/// A process as far as its files go.
#[derive(Default)]
struct Descriptors {
    nodes: HashMap<i64, NodeId>,
    positions: HashMap<i64, usize>,
}

/// Where in a file the first write goes: behind what it holds by now, where it is to be appended.
fn start(call: &Call, disk: &Disk, path: &str) -> usize {
    let appends = call.arguments.contains("O_APPEND");
    let now = appends.then(|| disk.seen(disk.ops.len()));
    now.as_ref()
        .and_then(|now| now.bytes(path))
        .map_or(0, <[u8]>::len)
}

/// Adds to `disk` what the trace tells, and for every stop in it how many changes had been made.
pub fn replay(trace: &str, top: &Path, disk: &mut Disk) -> Vec<usize> {
    let mut open = Descriptors::default();
    let mut stops = vec![];
    for line in trace.lines() {
        if line == "--- stopped by SIGSTOP ---" {
            stops.push(disk.ops.len());
        } else if let Some(call) = Call::parse(line).filter(|call| call.result >= 0) {
            apply(&call, top, disk, &mut open);
        }
    }
    stops
}

fn apply(call: &Call<'_>, top: &Path, disk: &mut Disk, open: &mut Descriptors) {
    let below = |path: &PathBuf| {
        let path = path.strip_prefix(top).ok()?;
        Some(path.to_str().unwrap().to_owned())
    };
    let paths = || {
        let paths = call.paths();
        paths.iter().map(below).collect::<Option<Vec<_>>>()
    };
    let fd = call.descriptor();
    match call.name {
        "openat" | "openat2" => {
            open.nodes.remove(&call.result);
            open.positions.insert(call.result, 0);
            let Some(path) = below(&call.paths()[0]) else {
                return;
            };
            open.positions.insert(call.result, start(call, disk, &path));
            if call.arguments.contains("O_CREAT") && disk.find(&path).is_none() {
                disk.create(&path, false, call.mode());
            }
            if let Some(node) = disk.find(&path) {
                open.nodes.insert(call.result, node);
                if call.arguments.contains("O_TRUNC") {
                    disk.change(node, Change::Truncate(0));
                }
            }
        }
        "close" => {
            open.nodes.remove(&fd);
        }
        "lseek" => {
            let position = usize::try_from(call.result).unwrap();
            open.positions.insert(fd, position);
        }
        "mkdir" | "mkdirat" => {
            if let Some(path) = below(&call.paths()[0]) {
                disk.create(&path, true, call.mode());
            }
        }
        "write" | "pwrite64" => {
            let Some(node) = open.nodes.get(&fd) else {
                return;
            };
            let mut bytes = call.strings().remove(0);
            let written = usize::try_from(call.result).unwrap();
            assert!(bytes.len() >= written, "strace shortened a write");
            bytes.truncate(written);
            let at = if call.name == "write" {
                let position = open.positions.get_mut(&fd).unwrap();
                let at = *position;
                *position += written;
                at
            } else {
                call.last().parse().unwrap()
            };
            disk.change(*node, Change::Write { at, bytes });
        }
        "ftruncate" => {
            if let Some(node) = open.nodes.get(&fd) {
                disk.change(*node, Change::Truncate(call.last().parse().unwrap()));
            }
        }
        "fallocate" => {
            if let Some(node) = open.nodes.get(&fd) {
                disk.change(*node, Change::Room(call.last().parse().unwrap()));
            }
        }
        "fsync" | "fdatasync" => {
            if let Some(node) = open.nodes.get(&fd) {
                disk.ops.push(Op::Sync(*node));
            }
        }
        "fchmod" => {
            if let Some(node) = open.nodes.get(&fd) {
                disk.change(*node, Change::Mode(call.mode()));
            }
        }
        "chmod" => {
            if let Some(path) = below(&call.paths()[0]) {
                let node = disk.find(&path).unwrap();
                disk.change(node, Change::Mode(call.mode()));
            }
        }
        "rename" | "renameat" | "renameat2" => {
            if let Some(paths) = paths() {
                disk.rename(&paths[0], &paths[1]);
            }
        }
        "link" | "linkat" => {
            if let Some(paths) = paths() {
                disk.link(&paths[0], &paths[1]);
            }
        }
        "unlink" | "unlinkat" | "rmdir" => {
            if let Some(paths) = paths() {
                disk.unlink(&paths[0]);
            }
        }
        other => panic!("not known what {other} does"),
    }
}
