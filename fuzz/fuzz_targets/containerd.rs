//! Fuzzes `sealift_corpus::client::containerd`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::client::containerd(bytes));
