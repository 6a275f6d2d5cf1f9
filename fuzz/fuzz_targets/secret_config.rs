//! Fuzzes `sealift_corpus::secrets::secret_config`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::secrets::secret_config(bytes));
