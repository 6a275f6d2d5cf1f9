//! Fuzzes `sealift_corpus::family::node`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::family::node(bytes));
