//! Fuzzes `sealift_corpus::advisory::database`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::advisory::database(bytes));
