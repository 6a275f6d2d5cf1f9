//! Fuzzes `sealift_corpus::sign::statement`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::sign::statement(bytes));
