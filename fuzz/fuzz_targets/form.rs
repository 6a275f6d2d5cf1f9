//! Fuzzes `sealift_corpus::registry::form`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::registry::form(bytes));
