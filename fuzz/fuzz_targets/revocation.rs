//! Fuzzes `sealift_corpus::trust::revocation`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::trust::revocation(bytes));
