//! Fuzzes `sealift_corpus::registry::token_request`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::registry::token_request(bytes));
