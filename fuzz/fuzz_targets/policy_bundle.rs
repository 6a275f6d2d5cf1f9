//! Fuzzes `sealift_corpus::policy::policy_bundle`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::policy::policy_bundle(bytes));
