//! Fuzzes `sealift_corpus::debian::release`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::debian::release(bytes));
