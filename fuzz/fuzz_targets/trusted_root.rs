//! Fuzzes `sealift_corpus::sigstore::trusted_root`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::sigstore::trusted_root(bytes));
