//! Fuzzes `sealift_corpus::catalog::rpm`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::catalog::rpm(bytes));
