//! A thousand broken files of each tool: nothing panics, no secret is told, and no key is passed over in silence.

use cadence::import::Imported;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{KEY, OTHER_TOKEN, TOKEN, TOOLS, read, samples, text, told};

const CASES: u32 = 1000;
/// What is put into the text.
const PARTS: [&str; 30] = [
    "\n",
    " ",
    "\t",
    "\\\n",
    "#",
    "'",
    "\"",
    ",",
    "=",
    ":",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "- ",
    "|\n",
    "&a ",
    "*a",
    "$",
    "${",
    "é",
    "\u{feff}",
    "\0",
    "//",
    "/*",
    "@",
    "-",
    "password=",
    "true",
];

/// An edit: what, where, how much, and with which part.
type Edit = (u8, prop::sample::Index, usize, prop::sample::Index);

fn mutated(text: &str, edits: &[Edit]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (what, place, length, part) in edits {
        let at = place.index(chars.len() + 1);
        let end = (at + length).min(chars.len());
        let part: Vec<char> = part.get(&PARTS).chars().collect();
        match what {
            0 => drop(chars.drain(at..end)),
            1 => drop(chars.splice(at..at, part)),
            2 => drop(chars.splice(at..end, part)),
            3 => {
                let copy = chars[at..end].to_vec();
                chars.splice(at..at, copy);
            }
            4 => chars.truncate(at.max(1)),
            // A line goes elsewhere, such as a token behind a name.
            _ => {
                let moved: Vec<char> = chars.drain(at..end).collect();
                let to = length * 7 % (chars.len() + 1);
                chars.splice(to..to, moved);
            }
        }
    }
    chars.into_iter().collect()
}

fn runner() -> TestRunner {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn texts(tool: &str) -> Vec<String> {
    samples(tool).iter().map(|path| text(path)).collect()
}

#[test]
fn a_thousand_mutants_of_each_never_panic_and_never_tell_a_secret() {
    for tool in TOOLS {
        let texts = texts(tool);
        let edit = (
            0_u8..6,
            any::<prop::sample::Index>(),
            0_usize..60,
            any::<prop::sample::Index>(),
        );
        let cases = (
            any::<prop::sample::Index>(),
            prop::collection::vec(edit, 1..6),
        );
        let result = runner().run(&cases, |(sample, edits)| {
            let broken = mutated(sample.get::<String>(&texts), &edits);
            let told = told(&broken);
            for secret in [TOKEN, OTHER_TOKEN, KEY] {
                prop_assert!(!told.contains(secret), "{told}");
            }
            let debug = read(&broken)
                .map(|(_, imported)| format!("{:?} {:?}", imported.token, imported.heartbeats));
            prop_assert!(!debug.unwrap_or_default().contains(TOKEN));
            Ok(())
        });
        assert!(result.is_ok(), "{tool}: {}", result.unwrap_err());
    }
    println!(
        "figure: no panic, no secret told | mutated files of other tools | {CASES} of each of {} importers",
        TOOLS.len()
    );
}

/// The places where a line, or a pair, with a key of one's own may stand, and what is put there.
fn with_unknown(tool: &str, text: &str, place: prop::sample::Index, key: &str) -> String {
    let starts = || {
        let mut start = 0;
        text.split_inclusive('\n').map(move |line| {
            let at = start;
            start += line.len();
            (at, line)
        })
    };
    let (at, put) = match tool {
        "ddns-updater" | "timothymiller" => {
            // Behind an opening brace of what is not left out as a whole.
            let places: Vec<usize> = text.match_indices('{').map(|(at, _)| at + 1).collect();
            let places: Vec<usize> = places
                .into_iter()
                .filter(|at| !text[*at..].trim_start().starts_with('}'))
                .filter(|at| {
                    !text[*at..].contains(": \"duckdns\"")
                        || !text[*at..]
                            .trim_start()
                            .starts_with("\"provider\": \"duckdns\"")
                })
                .collect();
            (*place.get(&places), format!("\"{key}\": 1, "))
        }
        "ddns-go" => {
            // Before the first key of an object of the tool's own.
            let keys = ["enable:", "name: cloudflare", "dnsconf:", "ipv4:"];
            let places: Vec<(usize, usize)> = starts()
                .filter(|(_, line)| keys.iter().any(|key| line.trim_start().starts_with(key)))
                .map(|(at, line)| (at, line.len() - line.trim_start().len()))
                .collect();
            let (at, indent) = *place.get(&places);
            (at, format!("{}{key}: 1\n", " ".repeat(indent)))
        }
        "environment" => {
            let places: Vec<(usize, &str)> = starts()
                .filter_map(|(at, line)| {
                    let bare = line.trim_start();
                    let indent = &line[..line.len() - bare.len()];
                    if bare.starts_with("- ") {
                        Some((at, "      - "))
                    } else if bare.starts_with("IP4_DOMAINS: ") || bare.starts_with("TTL: ") {
                        Some((at, "      "))
                    } else if indent.is_empty() && bare.contains('=') {
                        Some((at, ""))
                    } else {
                        None
                    }
                })
                .collect();
            let (at, before) = *place.get(&places);
            let pair = if before == "      " { ": 1" } else { "=1" };
            (at, format!("{before}{}{pair}\n", key.to_uppercase()))
        }
        _ => {
            // A line that does not go on with the one before it, and that is in no section of another provider.
            let mut places = vec![];
            let (mut goes_on, mut is_others) = (false, false);
            for (at, line) in starts() {
                let bare = line.trim();
                if !goes_on && !is_others {
                    places.push(at);
                }
                goes_on = bare.ends_with('\\');
                is_others = match bare {
                    "}" => false,
                    bare if bare.ends_with('{') && bare.contains(' ') => {
                        !bare.contains("cloudflare.com")
                    }
                    _ => is_others,
                };
            }
            let line = if tool == "inadyn" {
                format!("{key} = 1\n")
            } else {
                format!("{key}=1\n")
            };
            (*place.get(&places), line)
        }
    };
    format!("{}{put}{}", &text[..at], &text[at..])
}

fn names(imported: &Imported, key: &str) -> bool {
    imported
        .left_out
        .iter()
        .any(|left| left.what.eq_ignore_ascii_case(key) && left.matters)
}

#[test]
fn a_key_that_nobody_knows_is_never_passed_over() {
    for tool in TOOLS {
        let texts = texts(tool);
        let cases = (
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            "zq[a-z]{1,12}",
        );
        let result = runner().run(&cases, |(sample, place, key)| {
            let text = with_unknown(tool, sample.get::<String>(&texts), place, &key);
            let read = read(&text);
            prop_assert!(read.is_ok(), "{read:?}\n{text}");
            let (_, imported) = read.unwrap();
            prop_assert!(
                names(&imported, &key),
                "{key}: {:?}\n{text}",
                imported.left_out
            );
            Ok(())
        });
        assert!(result.is_ok(), "{tool}: {}", result.unwrap_err());
    }
    println!(
        "figure: no key lost | files of other tools with an unknown key | {CASES} of each of {} importers",
        TOOLS.len()
    );
}
