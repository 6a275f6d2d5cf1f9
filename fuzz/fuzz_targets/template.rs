//! Fuzzes `sealift_corpus::sbom::template`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::sbom::template(bytes));
