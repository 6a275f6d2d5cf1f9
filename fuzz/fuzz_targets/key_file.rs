//! Fuzzes `sealift_corpus::crypto::key_file`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::crypto::key_file(bytes));
