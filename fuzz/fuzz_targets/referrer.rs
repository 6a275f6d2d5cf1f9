//! Fuzzes `sealift_corpus::sign::referrer`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::sign::referrer(bytes));
