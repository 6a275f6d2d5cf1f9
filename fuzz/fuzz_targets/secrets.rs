//! Fuzzes `sealift_corpus::secrets::secrets`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::secrets::secrets(bytes));
