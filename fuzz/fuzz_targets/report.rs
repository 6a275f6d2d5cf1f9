//! Fuzzes `sealift_corpus::advisory::report`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::advisory::report(bytes));
