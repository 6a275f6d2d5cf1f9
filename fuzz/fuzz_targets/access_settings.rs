//! Fuzzes `sealift_corpus::registry::access_settings`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::registry::access_settings(bytes));
