//! A disk as POSIX promises it and no better: what a sync has not confirmed may be there, not be there, or be there in part.
//!
//! - A change of a folder's entries is durable once that folder was synced, and not before; of several, any may be.
//! - What was written to a file is durable once that file was synced; before, a write may be lost, cut short, or leave
//!   the file's new length with pages that were never written; of several writes, any may be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::tree::{File, Tree};

/// A file or a folder, whatever it is called.
pub type NodeId = usize;
type Names = BTreeMap<(NodeId, String), NodeId>;
/// Entries of a folder, and what they become; none is removed.
type Entries = Vec<(String, Option<NodeId>)>;

/// The folder in which everything is; it was there before, and so is durable.
const TOP: NodeId = 0;
const PAGE: usize = 4096;
/// Of so many changes of one folder's entries every subset is tried.
const SUBSETS_OF: usize = 4;

/// A change of one file.
#[derive(Clone)]
pub enum Change {
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate(usize),
    /// At least that long.
    Room(usize),
    Mode(u32),
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { at, bytes } => write!(f, "{} bytes at {at}", bytes.len()),
            Self::Truncate(length) => write!(f, "length {length}"),
            Self::Room(length) => write!(f, "room for {length}"),
            Self::Mode(mode) => write!(f, "mode {mode:o}"),
        }
    }
}

/// One step of a process.
#[derive(Debug, Clone)]
pub enum Op {
    /// Entries of one folder that change at once.
    Names(NodeId, Entries),
    Data(NodeId, Change),
    Sync(NodeId),
}

/// What was durable at the start, and every step since.
#[derive(Debug, Clone)]
pub struct Disk {
    /// Content at the start; none is a folder.
    nodes: Vec<Option<File>>,
    names: Names,
    pub ops: Vec<Op>,
    /// The names as a process sees them now.
    live: Names,
}

impl Disk {
    /// A disk that holds this for sure.
    pub fn of(tree: &Tree) -> Self {
        let mut disk = Self {
            nodes: vec![None],
            names: Names::new(),
            ops: vec![],
            live: Names::new(),
        };
        for (path, file) in &tree.0 {
            let (folder, name) = disk.parent(path);
            disk.nodes.push(file.clone());
            disk.live.insert((folder, name), disk.nodes.len() - 1);
        }
        disk.names = disk.live.clone();
        disk
    }

    pub fn find(&self, path: &str) -> Option<NodeId> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        parts.try_fold(TOP, |folder, name| {
            self.live.get(&(folder, name.to_owned())).copied()
        })
    }

    fn parent(&self, path: &str) -> (NodeId, String) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        (
            self.find(folder)
                .unwrap_or_else(|| panic!("no folder {folder}")),
            name.to_owned(),
        )
    }

    fn rename_entries(&mut self, folder: NodeId, entries: Entries) {
        set(&mut self.live, folder, &entries);
        self.ops.push(Op::Names(folder, entries));
    }

    pub fn create(&mut self, path: &str, folder: bool, mode: u32) {
        let (parent, name) = self.parent(path);
        let file = File {
            bytes: Arc::default(),
            mode,
        };
        self.nodes.push((!folder).then_some(file));
        let node = self.nodes.len() - 1;
        self.rename_entries(parent, vec![(name, Some(node))]);
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        let node = self.find(from);
        let ((folder, from), (other, to)) = (self.parent(from), self.parent(to));
        assert_eq!(
            folder, other,
            "a rename to another folder is not modelled here"
        );
        self.rename_entries(folder, vec![(from, None), (to, node)]);
    }

    pub fn link(&mut self, from: &str, to: &str) {
        let node = self.find(from);
        let (folder, to) = self.parent(to);
        self.rename_entries(folder, vec![(to, node)]);
    }

    pub fn unlink(&mut self, path: &str) {
        let (folder, name) = self.parent(path);
        self.rename_entries(folder, vec![(name, None)]);
    }

    /// A folder's own mode is not kept here.
    pub fn change(&mut self, node: NodeId, change: Change) {
        if self.nodes[node].is_some() {
            self.ops.push(Op::Data(node, change));
        }
    }

    /// The disk after the first so many steps, when the next process begins.
    pub fn up_to(&self, steps: usize) -> Self {
        let mut disk = self.clone();
        disk.ops.truncate(steps);
        disk.live = disk.names.clone();
        for op in &disk.ops {
            if let Op::Names(folder, entries) = op {
                set(&mut disk.live, *folder, entries);
            }
        }
        disk
    }

    /// Everything as a process sees it after so many steps: also what a kill leaves.
    pub fn seen(&self, steps: usize) -> Tree {
        let cut = self.cut(steps);
        let all = |node: NodeId| cut.files[&node].all();
        let mut names = cut.names.clone();
        for (folder, entries) in &cut.pending {
            set(&mut names, *folder, entries);
        }
        self.tree(&names, &all)
    }

    /// Everything that the disk may hold if the power fails after so many steps.
    pub fn after_power_loss(&self, steps: usize) -> BTreeSet<Tree> {
        let cut = self.cut(steps);
        let mut trees = BTreeSet::new();
        for kept in subsets(cut.pending.len()) {
            let mut names = cut.names.clone();
            for index in kept {
                let (folder, entries) = &cut.pending[index];
                set(&mut names, *folder, entries);
            }
            // Each file in each of its shapes, while the others have all that was written to them, or nothing of it.
            for others_kept in [false, true] {
                let others = |node: NodeId| {
                    let file = &cut.files[&node];
                    if others_kept {
                        file.all()
                    } else {
                        file.durable.clone()
                    }
                };
                trees.insert(self.tree(&names, &others));
                let reachable: BTreeSet<NodeId> = names.values().copied().collect();
                for (node, unsure) in cut
                    .files
                    .iter()
                    .filter(|(node, unsure)| reachable.contains(node) && !unsure.pending.is_empty())
                {
                    for shape in unsure.shapes() {
                        let file = |id| {
                            if id == *node {
                                shape.clone()
                            } else {
                                others(id)
                            }
                        };
                        trees.insert(self.tree(&names, &file));
                    }
                }
            }
        }
        trees
    }

    /// What is durable after so many steps, and what is not yet.
    fn cut(&self, steps: usize) -> Cut<'_> {
        let mut cut = Cut {
            names: self.names.clone(),
            pending: vec![],
            files: BTreeMap::new(),
        };
        for (node, file) in self.nodes.iter().enumerate() {
            if let Some(file) = file {
                let unsure = Unsure {
                    durable: file.clone(),
                    pending: vec![],
                };
                cut.files.insert(node, unsure);
            }
        }
        for op in &self.ops[..steps] {
            match op {
                Op::Names(folder, entries) => cut.pending.push((*folder, entries)),
                Op::Data(node, change) => cut.files.get_mut(node).unwrap().pending.push(change),
                Op::Sync(node) => {
                    if let Some(file) = cut.files.get_mut(node) {
                        file.durable = file.all();
                        file.pending.clear();
                    }
                    let (synced, pending) = cut
                        .pending
                        .into_iter()
                        .partition(|(folder, _)| folder == node);
                    cut.pending = pending;
                    let synced: Vec<(NodeId, _)> = synced;
                    for (folder, entries) in synced {
                        set(&mut cut.names, folder, entries);
                    }
                }
            }
        }
        cut
    }

    fn tree(&self, names: &Names, file: &dyn Fn(NodeId) -> File) -> Tree {
        let mut tree = Tree::default();
        let mut folders = vec![(TOP, String::new())];
        while let Some((folder, path)) = folders.pop() {
            for ((_, name), node) in
                names.range((folder, String::new())..(folder + 1, String::new()))
            {
                let path = format!("{path}{name}");
                if self.nodes[*node].is_none() {
                    folders.push((*node, format!("{path}/")));
                    tree.0.insert(path, None);
                } else {
                    tree.0.insert(path, Some(file(*node)));
                }
            }
        }
        tree
    }
}

fn set(names: &mut Names, folder: NodeId, entries: &[(String, Option<NodeId>)]) {
    for (name, node) in entries {
        match node {
            Some(node) => names.insert((folder, name.clone()), *node),
            None => names.remove(&(folder, name.clone())),
        };
    }
}

struct Cut<'a> {
    names: Names,
    pending: Vec<(NodeId, &'a Entries)>,
    files: BTreeMap<NodeId, Unsure<'a>>,
}

/// A file that was not synced since it changed.
struct Unsure<'a> {
    durable: File,
    pending: Vec<&'a Change>,
}

impl Unsure<'_> {
    fn all(&self) -> File {
        made(&self.durable, self.pending.iter().copied())
    }

    /// What may be found in its place.
    fn shapes(&self) -> Vec<File> {
        let mut shapes = vec![];
        for (index, change) in self.pending.iter().enumerate() {
            let before = made(&self.durable, self.pending[..index].iter().copied());
            let others = self.pending.iter().enumerate();
            let others = others
                .filter(|(other, _)| *other != index)
                .map(|(_, change)| *change);
            shapes.push(made(&self.durable, others));
            if let Change::Write { at, bytes } = change {
                shapes.extend(torn(&before, *at, bytes));
            }
            shapes.push(before);
        }
        shapes
    }
}

fn made<'a>(file: &File, changes: impl Iterator<Item = &'a Change>) -> File {
    let mut file = file.clone();
    for change in changes {
        let bytes = Arc::make_mut(&mut file.bytes);
        match change {
            Change::Write { at, bytes: written } => {
                let end = at + written.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*at..end].copy_from_slice(written);
            }
            Change::Truncate(length) => bytes.resize(*length, 0),
            Change::Room(length) => bytes.resize(bytes.len().max(*length), 0),
            Change::Mode(mode) => file.mode = *mode,
        }
    }
    file
}

/// A write of which a part is there: its beginning, or all but one page of it, or its length alone.
fn torn(before: &File, at: usize, bytes: &[u8]) -> Vec<File> {
    let end = at + bytes.len();
    let pages: Vec<usize> = (at / PAGE + 1..end.div_ceil(PAGE))
        .map(|page| page * PAGE - at)
        .collect();
    let mut cuts = vec![1, bytes.len().saturating_sub(1)];
    cuts.extend((1..8).map(|eighth| bytes.len() * eighth / 8));
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    cuts.extend(ends.map(|(end, _)| end + 1));
    cuts.extend(&pages);
    let write = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        made(before, [&Change::Write { at, bytes }].into_iter())
    };
    let mut shapes: Vec<File> = cuts
        .into_iter()
        .filter(|cut| *cut < bytes.len())
        .map(|cut| write(&bytes[..cut]))
        .collect();
    let mut edges = vec![0];
    edges.extend(pages);
    edges.push(bytes.len());
    for page in edges.windows(2) {
        for content in [0, b'x'] {
            let mut holed = bytes.to_vec();
            holed[page[0]..page[1]].fill(content);
            shapes.push(write(&holed));
        }
    }
    shapes.push(write(&vec![0; bytes.len()]));
    shapes
}

/// Every choice of so many things, or, where those are too many: the first ones, all but one, and one alone.
fn subsets(of: usize) -> Vec<Vec<usize>> {
    if of <= SUBSETS_OF {
        let chosen = |choice: usize| (0..of).filter(|index| choice >> index & 1 == 1).collect();
        return (0..1 << of).map(chosen).collect();
    }
    let mut chosen: Vec<Vec<usize>> = (0..=of).map(|first| (0..first).collect()).collect();
    for one in 0..of {
        chosen.push((0..of).filter(|index| *index != one).collect());
        chosen.push(vec![one]);
    }
    chosen
}
