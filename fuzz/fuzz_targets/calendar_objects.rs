//! Drives [`ical::fuzz::calendar_objects`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ical::fuzz::calendar_objects(bytes));
