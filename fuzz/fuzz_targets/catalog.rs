//! Fuzzes `sealift_corpus::catalog::catalog`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::catalog::catalog(bytes));
