//! Fuzzes `sealift_corpus::crypto::signed_text`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::crypto::signed_text(bytes));
