//! What the fuzzers do with their bytes: one function a target. A broken promise panics, and libFuzzer keeps the input.
//!
//! Both the fuzzers and the plain test that replays the corpus call these.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a broken promise ends the run"
)]

mod address;
mod answers;
mod api;
mod checks;
mod clock;
mod config;
mod cycles;
mod edits;
mod files;
mod history;
mod host;
mod init;
mod secrets;
mod state;
mod ups;
mod wire;

use peak_alloc::PeakAlloc;

/// Counts what a target allocates: the bound of memory is a promise like any other.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A fuzzer.
pub struct Target {
    /// Its name, which is that of its corpus.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// The largest input that the program would read, in bytes.
    pub largest: usize,
    /// How many bytes of memory an input may need for each of its own.
    pub memory: usize,
}

const fn target(name: &'static str, run: fn(&[u8]), largest: usize, memory: usize) -> Target {
    Target {
        name,
        run,
        largest,
        memory,
    }
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// All of them.
pub const TARGETS: &[Target] = &[
    target("provider_body", address::body, 4 * KIB, 64),
    target("trace_document", address::trace, 4 * KIB, 64),
    target("ups_answer", ups::answer, 9 * KIB, 64),
    target("doh_json", answers::doh, 64 * KIB, 64),
    target("http_head", answers::head, 16 * KIB, 64),
    target("http_reply", wire::http, 64 * KIB, 256),
    target("plug_reply", wire::plug, 64 * KIB, 256),
    target("api_json", api::answer, MIB, 256),
    target("state_json", state::document, MIB, 256),
    target("state_edits", edits::edited_state, 256, 1 << 13),
    target("cycles", cycles::sequence, 4 * KIB, 1 << 14),
    target("history_lines", history::lines, 128 * KIB, 256),
    target("config_toml", config::toml, MIB, 512),
    target("names", config::names, 4 * KIB, 256),
    target("token_files", secrets::files, 8 * KIB, 64),
    target("ca_file", secrets::ca_file, 64 * KIB, 64),
    target("proc_files", host::proc, 64 * KIB, 64),
    target("systemd_tools", host::tools, 64 * KIB, 256),
    target("init_answers", init::answers, 4 * KIB, 256),
    target("command_line", init::command_line, 4 * KIB, 1 << 10),
];

/// Runs a target on an input, within its bounds.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let input = &input[..input.len().min(target.largest)];
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    (target.run)(input);
    let used = MEMORY.peak_usage().saturating_sub(before);
    let bound = MIB + target.memory * input.len();
    assert!(
        used <= bound,
        "{used} bytes of memory for an input of {}",
        input.len()
    );
}
