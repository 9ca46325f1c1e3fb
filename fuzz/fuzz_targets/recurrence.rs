//! Drives [`ical::fuzz::recurrence`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ical::fuzz::recurrence(bytes));
