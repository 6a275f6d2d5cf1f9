//! Fuzzes `sealift_corpus::notation::revocation_list`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::notation::revocation_list(bytes));
