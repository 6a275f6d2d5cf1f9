//! Fuzzes `sealift_corpus::admission::review`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::admission::review(bytes));
