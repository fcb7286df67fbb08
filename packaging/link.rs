//! Has the linker, where it can, fold functions that are alike to the byte: 30 KB less. And has it put what a steady cycle runs side by side
//! (`cycle.txt`, which `cargo test --test order -- --ignored` writes): the kernel maps files in stretches of 64 KiB, so that a cycle takes 0.8 MiB
//! less of memory than where that is spread over all of the program.
//!
//! What comes with Rust since 1.90 for x86-64 Linux and links there by default can (`rust-lld`). Others are not asked: GNU's refuses what it
//! does not know.
#![allow(clippy::print_stdout, reason = "so Cargo is told")]

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=packaging/link.rs");
    println!("cargo:rerun-if-changed=packaging/cycle.txt");
    if env::var("PROFILE").as_deref() == Ok("release") && is_linked_by_lld() {
        println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
        match order() {
            Ok(script) => println!("cargo:rustc-link-arg-bins=-Wl,-T,{script}"),
            Err(why) => println!("cargo:warning=linked in no order: {why}"),
        }
    }
}

/// Writes the linker's script that puts what a cycle runs first, and the assembler's code, which is in no sections of its own, behind that.
fn order() -> io::Result<String> {
    let names = fs::read_to_string("packaging/cycle.txt")?;
    let sections = names
        .lines()
        .flat_map(|name| [".text.", ".text.unlikely."].map(|kind| format!("*({kind}{name})\n")));
    let sections: String = sections.collect();
    let script = env::var("OUT_DIR").map_err(io::Error::other)? + "/cycle.ld";
    fs::write(
        &script,
        format!(
            "SECTIONS {{ .text : {{\n{sections}*(.text .text.*)\n}} }} INSERT AFTER .eh_frame;\n"
        ),
    )?;
    Ok(script)
}

fn is_linked_by_lld() -> bool {
    let set = |name| env::var(name).unwrap_or_default();
    let target = set("TARGET");
    let chosen = set("CARGO_ENCODED_RUSTFLAGS");
    let is_chosen = ["linker", "fuse-ld"].iter().any(|it| chosen.contains(it));
    if target != "x86_64-unknown-linux-gnu"
        || target != set("HOST")
        || env::var_os("RUSTC_LINKER").is_some()
        || is_chosen
    {
        return false;
    }
    let said = |arguments: &[&str]| {
        let output = Command::new(set("RUSTC")).args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    let version = said(&["--version"]).unwrap_or_default();
    let minor = version.split('.').nth(1).and_then(|it| it.parse().ok());
    let sysroot = said(&["--print", "sysroot"]).unwrap_or_default();
    let lld =
        Path::new(sysroot.trim()).join("lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/ld.lld");
    minor.is_some_and(|minor: u32| minor >= 90) && lld.exists()
}
