//! Fuzzes `sealift_corpus::shell::shell`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::shell::shell(bytes));
