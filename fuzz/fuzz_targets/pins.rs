//! Fuzzes `sealift_corpus::tuf::pins`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::tuf::pins(bytes));
