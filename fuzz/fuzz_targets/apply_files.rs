//! Drives [`shoji::fuzz::apply_files`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shoji::fuzz::apply_files(bytes));
