//! The release build, for what is true of the shipped binary alone.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The release binary, built where Cargo builds all else.
pub fn binary() -> &'static Path {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(build);
    &BUILT
}

fn build() -> PathBuf {
    let debug = Path::new(env!("CARGO_BIN_EXE_cadence"));
    let target = debug.ancestors().nth(2).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--release", "--locked", "--quiet", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // What Cargo tells a test of its package would pass for news, and have everything built anew.
    let told = |name: &str| {
        name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)) {
        build.env_remove(name);
    }
    let status = build.status().unwrap();
    assert!(status.success(), "the release build failed");
    target.join("release/cadence")
}
