//! Drives [`webdav::fuzz::xml`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| webdav::fuzz::xml(bytes));
