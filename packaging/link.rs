//! Has the linker, where it can, fold functions that are alike to the byte: 30 KB less. And has it put what `cadence timer` runs before it waits, and what
//! a steady cycle runs, side by side (`timer.txt` and `cycle.txt`, which `cargo test --test order -- --ignored` writes): the kernel maps files in
//! stretches of 64 KiB, so that a cycle takes 0.8 MiB less of memory than where that is spread over all of the program, and a timer 0.4 MiB less.
//!
//! What comes with Rust since 1.90 for x86-64 Linux and links there by default can (`rust-lld`). Others are not asked: GNU's refuses what it
//! does not know. A static binary (musl) is linked by GNU's in most places: that knows how to put functions side by side, and so does LLVM's.
#![allow(clippy::print_stdout, reason = "so Cargo is told")]

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// A table of ring begins at a page, and so does the section that it is in: it goes first, and small constants before it, where nothing would be.
const CONSTANTS: &str = "SECTIONS { .rodata.small : { *(.rodata.cst32) *(.rodata.Bi) } } INSERT AFTER .rela.plt;
SECTIONS { .rodata : { *(.rodata.ecp_nistz256_precomputed) *(.rodata .rodata.*) } } INSERT AFTER .rodata.small;
";

const LISTS: [&str; 2] = ["packaging/timer.txt", "packaging/cycle.txt"];

fn main() {
    println!("cargo:rerun-if-changed=packaging/link.rs");
    for list in LISTS {
        println!("cargo:rerun-if-changed={list}");
    }
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    let (name, place) = if is_linked_by_lld() {
        println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
        (".text", "AFTER .eh_frame")
    } else if env::var("TARGET").is_ok_and(|it| it.contains("-musl")) {
        (".text.first", "BEFORE .text")
    } else {
        return;
    };
    match order(name, place) {
        Ok(script) => println!("cargo:rustc-link-arg-bins=-Wl,-T,{script}"),
        Err(why) => println!("cargo:warning=linked in no order: {why}"),
    }
}

/// Writes the linker's script for a section that begins with what is in the lists, and has the assembler's code, which is in no sections of its own,
/// behind that, where it is the whole of the code.
fn order(section: &str, place: &str) -> io::Result<String> {
    let mut sections = String::new();
    for list in LISTS {
        for name in fs::read_to_string(list)?.lines() {
            for kind in [".text.", ".text.unlikely."] {
                sections.extend(["*(", kind, name, ")\n"]);
            }
        }
    }
    if section == ".text" {
        sections += "*(.text .text.*)\n";
    }
    let script = env::var("OUT_DIR").map_err(io::Error::other)? + "/order.ld";
    let mut text = format!("SECTIONS {{ {section} : {{\n{sections}}} }} INSERT {place};\n");
    if section == ".text" {
        text += CONSTANTS;
    }
    fs::write(&script, text)?;
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
