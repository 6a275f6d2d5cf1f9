//! Fuzzes `sealift_corpus::audit::audit`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::audit::audit(bytes));
