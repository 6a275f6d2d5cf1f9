//! Fuzzes `sealift_corpus::sign::legacy`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::sign::legacy(bytes));
