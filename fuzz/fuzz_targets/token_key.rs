//! Fuzzes `sealift_corpus::crypto::token_key`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::crypto::token_key(bytes));
