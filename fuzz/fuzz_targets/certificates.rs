//! Fuzzes `sealift_corpus::sigstore::certificates`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::sigstore::certificates(bytes));
