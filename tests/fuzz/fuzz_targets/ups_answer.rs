#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cadence_fuzz::run("ups_answer", input));
