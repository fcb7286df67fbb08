#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cadence_fuzz::run("provider_body", input));
