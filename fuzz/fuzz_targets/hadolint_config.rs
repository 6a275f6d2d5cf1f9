//! Fuzzes `sealift_corpus::dockerfile::hadolint_config`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::dockerfile::hadolint_config(bytes));
