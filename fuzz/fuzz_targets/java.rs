//! Fuzzes `sealift_corpus::family::java`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::family::java(bytes));
