//! The `cadence` program.

fn main() {}
