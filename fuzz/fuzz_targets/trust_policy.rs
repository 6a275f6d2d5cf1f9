//! Fuzzes `sealift_corpus::trust::trust_policy`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::trust::trust_policy(bytes));
