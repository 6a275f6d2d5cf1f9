//! Fuzzes `sealift_corpus::registry::config`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::registry::config(bytes));
