//! Fuzzes `sealift_corpus::dockerfile::dockerfile`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::dockerfile::dockerfile(bytes));
