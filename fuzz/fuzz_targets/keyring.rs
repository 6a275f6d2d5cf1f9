//! Fuzzes `sealift_corpus::crypto::keyring`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::crypto::keyring(bytes));
