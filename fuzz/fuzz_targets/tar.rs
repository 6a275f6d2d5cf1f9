//! Fuzzes `sealift_corpus::archive::tar`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::archive::tar(bytes));
