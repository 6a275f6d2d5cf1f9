//! Fuzzes `sealift_corpus::dockerfile::variables`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::dockerfile::variables(bytes));
