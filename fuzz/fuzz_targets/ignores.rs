//! Fuzzes `sealift_corpus::exception::ignores`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::exception::ignores(bytes));
