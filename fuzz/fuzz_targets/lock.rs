//! Fuzzes `sealift_corpus::family::lock`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::family::lock(bytes));
