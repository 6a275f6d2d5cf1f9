//! Fuzzes `sealift_corpus::program::program`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::program::program(bytes));
