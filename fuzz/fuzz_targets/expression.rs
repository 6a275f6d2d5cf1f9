//! Fuzzes `sealift_corpus::exception::expression`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::exception::expression(bytes));
