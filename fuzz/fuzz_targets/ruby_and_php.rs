//! Fuzzes `sealift_corpus::family::ruby_and_php`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::family::ruby_and_php(bytes));
