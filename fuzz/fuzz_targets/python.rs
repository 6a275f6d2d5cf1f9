//! Fuzzes `sealift_corpus::family::python`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::family::python(bytes));
