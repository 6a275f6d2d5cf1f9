//! Fuzzes `sealift_corpus::trust::tag_map`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::trust::tag_map(bytes));
