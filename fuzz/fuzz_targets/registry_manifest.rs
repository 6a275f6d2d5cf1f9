//! Fuzzes `sealift_corpus::registry::manifest`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::registry::manifest(bytes));
