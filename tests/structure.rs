//! The structure of `src/`: no two files import each other, not even by a way around, and rooms are imported one way.
//!
//! Read from the `use` lines and from the paths in the code, as text; tests are left out.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by their path (`net::http`), with what each one imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// What a room may not know of: the rooms above it.
const ABOVE: [(&str, &[&str]); 4] = [
    (
        "logic",
        &[
            "app", "called", "cli", "config", "dns", "file", "folder", "logging", "net", "plug",
            "probe", "program", "render", "run", "store", "system", "world",
        ],
    ),
    ("render", &["run"]),
    ("app", &["run"]),
    (
        "net",
        &["app", "dns", "plug", "probe", "render", "run", "store"],
    ),
];

#[test]
fn no_circle_of_files_is_anywhere_in_src() {
    let imports = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(imports.len() > 100, "{} modules were read", imports.len());
    let circle = circle(&imports);
    assert!(circle.is_empty(), "these import each other: {circle:#?}");
}

#[test]
fn no_room_knows_of_those_above_it() {
    let imports = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let room = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    for (module, imported) in &imports {
        for (below, above) in ABOVE {
            let wrong = imported
                .iter()
                .find(|it| above.contains(&room(it).as_str()));
            if room(module) == below {
                assert_eq!(wrong, None, "{module} imports it");
            }
        }
    }
}

/// The sandbox of the service forbids it (`SocketBindDeny=any` in systemd/cadence.service); whoever asks a router or looks up a name needs no port of
/// its own choice.
#[test]
fn nothing_but_the_world_binds_a_socket() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files(&src);
    let outside = files
        .iter()
        .filter(|(module, _)| !module.starts_with("world"));
    for (module, path) in outside {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        assert!(!code.contains("::bind("), "{module} binds a socket");
    }
}

#[test]
fn a_circle_is_found_where_there_is_one() {
    let files = [
        ("a", "use crate::b::{self, C};\nfn f() {}"),
        ("b", "mod c;\npub use c::{\n    C,\n    D as E,\n};"),
        (
            "b::c",
            "use std::fmt; // use crate::z;\nfn g() { super::super::d::h() }",
        ),
        (
            "d",
            "use crate::{a as other, z};\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}",
        ),
        ("z", "fn nothing() {}"),
    ];
    let known: BTreeSet<String> = files
        .iter()
        .map(|(module, _)| (*module).to_owned())
        .collect();
    let imports: Imports = files
        .iter()
        .map(|(module, text)| ((*module).to_owned(), imported(module, text, &known)))
        .collect();
    let of = |module: &str| {
        imports[module]
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("a"), ["b"]);
    assert_eq!(of("b"), ["b::c"]);
    assert_eq!(of("b::c"), ["d"]);
    assert_eq!(of("d"), ["a", "z"]);
    let names: Vec<String> = circle(&imports)
        .into_iter()
        .map(|(module, _)| module)
        .collect();
    assert_eq!(names, ["a", "b", "b::c", "d"]);
}

/// What is left once whatever imports nothing of the rest, or is imported by nothing of it, is taken away, again and again.
fn circle(imports: &Imports) -> Vec<(String, BTreeSet<String>)> {
    let mut left: BTreeSet<&String> = imports.keys().collect();
    loop {
        let of = |module: &String| -> BTreeSet<String> {
            let imported = imports[module].iter();
            imported.filter(|it| left.contains(it)).cloned().collect()
        };
        let is_tied = |module: &&String| {
            !of(module).is_empty() && left.iter().any(|other| imports[*other].contains(*module))
        };
        let tied: BTreeSet<&String> = left.iter().copied().filter(is_tied).collect();
        if tied.len() == left.len() {
            return left.iter().map(|it| ((*it).clone(), of(it))).collect();
        }
        left = tied;
    }
}

/// Every module below `src`, but its tests.
fn files(src: &Path) -> Vec<(String, PathBuf)> {
    let mut files: Vec<(String, PathBuf)> = vec![];
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let is_test =
                name == "tests" || name.ends_with("_tests") || name.starts_with("fixture");
            if is_test {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(src).unwrap().with_extension("");
            let parts = inside.iter().map(|part| part.to_str().unwrap());
            let parts: Vec<&str> = parts.filter(|part| *part != "mod").collect();
            if !matches!(parts.as_slice(), ["lib" | "main"]) {
                files.push((parts.join("::"), path));
            }
        }
    }
    files
}

/// Reads what each of them imports.
fn read(src: &Path) -> Imports {
    let files = files(src);
    let known = files.iter().map(|(module, _)| module.clone()).collect();
    let imported = |(module, path): &(String, PathBuf)| {
        let text = fs::read_to_string(path).unwrap();
        (module.clone(), imported(module, &text, &known))
    };
    files.iter().map(imported).collect()
}

/// The modules that one imports, or names in a path.
fn imported(module: &str, text: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let code: Vec<&str> = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    // The names by which modules go here: those of children, and those that a `use` brings in.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut found: Vec<String> = vec![];
    for statement in code.split([';', '{', '}']) {
        if let Some((_, child)) = statement.split_once("mod ") {
            names.insert(
                child.trim().to_owned(),
                format!("{module}::{}", child.trim()),
            );
        }
    }
    for (at, _) in code.match_indices("use ") {
        let is_first = code[..at].trim_end_matches([' ', '\t']);
        if is_first.is_empty() || is_first.ends_with(['\n', ')']) || is_first.ends_with("pub") {
            let tree = code[at + 4..].split(';').next().unwrap_or_default();
            expand(
                "",
                &tree.split_whitespace().collect::<Vec<_>>().join(" "),
                &mut found,
            );
        }
    }
    for path in &found {
        let (path, name) = path.split_once(" as ").unwrap_or((path, path));
        let path = absolute(module, path.trim_end_matches("::self"), &names);
        let name = name
            .trim_end_matches("::self")
            .rsplit("::")
            .next()
            .unwrap_or_default();
        if known.contains(&path) {
            names.insert(name.to_owned(), path);
        }
    }
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    found.extend(
        code.split(|c| !word(c))
            .filter(|it| it.contains("::") && !it.ends_with("::"))
            .map(str::to_owned),
    );
    let mut modules = BTreeSet::new();
    for path in found {
        let path = path.split(" as ").next().unwrap_or_default();
        let mut path = absolute(module, path, &names);
        // The longest part of it that is a module.
        while !known.contains(&path) {
            match path.rsplit_once("::") {
                Some((shorter, _)) => path.truncate(shorter.len()),
                None => break,
            }
        }
        if known.contains(&path) && path != module {
            modules.insert(path);
        }
    }
    modules
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expand(before: &str, tree: &str, into: &mut Vec<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        into.push(format!("{before}{}", tree.trim()));
        return;
    };
    let (mut depth, mut begun) = (0, 0);
    let rest = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    for (at, c) in rest.char_indices().chain([(rest.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = rest[begun..at].trim();
                if !part.is_empty() {
                    expand(&format!("{before}{}", head.trim()), part, into);
                }
                begun = at + 1;
            }
            _ => {}
        }
    }
}

/// A path from the crate's root.
fn absolute(module: &str, path: &str, names: &BTreeMap<String, String>) -> String {
    if let Some(rest) = path.strip_prefix("crate::") {
        return rest.to_owned();
    }
    let (mut at, mut rest) = (module, path);
    loop {
        if let Some(after) = rest.strip_prefix("super::") {
            (at, rest) = (at.rsplit_once("::").map_or("", |(up, _)| up), after);
        } else if let Some(after) = rest.strip_prefix("self::") {
            rest = after;
        } else {
            break;
        }
    }
    if rest.len() < path.len() {
        return if at.is_empty() {
            rest.to_owned()
        } else {
            format!("{at}::{rest}")
        };
    }
    let (first, after) = path.split_once("::").unwrap_or((path, ""));
    match names.get(first) {
        Some(known) if after.is_empty() => known.clone(),
        Some(known) => format!("{known}::{after}"),
        // A crate, or a name of this file's own.
        None => format!("::{path}"),
    }
}
