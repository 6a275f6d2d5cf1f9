//! Fuzzes `sealift_corpus::interface::requests`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::interface::requests(bytes));
