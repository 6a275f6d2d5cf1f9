//! Fuzzes `sealift_corpus::notation::policy`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::notation::policy(bytes));
