//! Fuzzes `sealift_corpus::family::settings`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::family::settings(bytes));
