//! Keeps the shipped binary small: what a program that never unwinds carries for unwinding is a seventh of it.

use std::env;
use std::path::Path;

fn main() {
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let script = Path::new(&folder).join("packaging/no-unwind-tables.ld");
    println!("cargo:rerun-if-changed=packaging/build.rs");
    println!("cargo:rerun-if-changed={}", script.display());
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|found| found == value);
    // In the release profile a panic aborts; tests and debug builds unwind.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("PROFILE", "release") {
        for argument in ["--no-eh-frame-hdr", "-T", &script.to_string_lossy()] {
            println!("cargo:rustc-link-arg-bins=-Wl,{argument}");
        }
        // What is left of unwinding, linked in: to load it as a library takes 128 KiB of memory in every cycle.
        if is("CARGO_CFG_TARGET_ENV", "gnu") {
            println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
        }
        // Relocations in the packed form that glibc 2.36 and musl 1.2.4 read.
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
