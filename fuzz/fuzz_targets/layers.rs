//! Fuzzes `sealift_corpus::image::layers`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::image::layers(bytes));
