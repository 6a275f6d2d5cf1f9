//! Fuzzes `sealift_corpus::sigstore::timestamp`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::sigstore::timestamp(bytes));
