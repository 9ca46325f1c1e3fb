//! Drives [`ical::fuzz::content_lines`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ical::fuzz::content_lines(bytes));
