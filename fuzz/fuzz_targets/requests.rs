//! Drives [`shoji::fuzz::requests`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shoji::fuzz::requests(bytes));
