//! Fuzzes `sealift_corpus::sigstore::checkpoint`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::sigstore::checkpoint(bytes));
