//! Fuzzes `sealift_corpus::client::store_answer`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::client::store_answer(bytes));
