//! Fuzzes `sealift_corpus::version::version`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::version::version(bytes));
