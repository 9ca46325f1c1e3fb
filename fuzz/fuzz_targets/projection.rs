//! Drives [`acl::fuzz::projection`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| acl::fuzz::projection(bytes));
