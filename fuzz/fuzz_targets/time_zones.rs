//! Drives [`ical::fuzz::time_zones`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ical::fuzz::time_zones(bytes));
