//! Fuzzes `sealift_corpus::policy::configuration`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::policy::configuration(bytes));
