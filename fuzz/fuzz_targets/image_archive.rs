//! Fuzzes `sealift_corpus::image::image_archive`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealift_corpus::image::image_archive(bytes));
