//! Fuzzes `sealift_corpus::git::git`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::git::git(bytes));
