//! Fuzzes `sealift_corpus::license::license`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::license::license(bytes));
