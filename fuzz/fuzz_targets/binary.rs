//! Fuzzes `sealift_corpus::family::binary`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::family::binary(bytes));
