//! Drives [`webdav::fuzz::hrefs`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| webdav::fuzz::hrefs(bytes));
