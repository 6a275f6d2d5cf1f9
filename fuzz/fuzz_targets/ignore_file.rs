//! Fuzzes `sealift_corpus::dockerfile::ignore_file`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::dockerfile::ignore_file(bytes));
