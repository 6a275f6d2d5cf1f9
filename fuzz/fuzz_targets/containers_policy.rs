//! Fuzzes `sealift_corpus::trust::containers_policy`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::trust::containers_policy(bytes));
