//! Fuzzes `sealift_corpus::family::language`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::family::language(bytes));
