//! Fuzzes `sealift_corpus::notation::cose`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::notation::cose(bytes));
