//! Drives [`webdav::fuzz::headers`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| webdav::fuzz::headers(bytes));
