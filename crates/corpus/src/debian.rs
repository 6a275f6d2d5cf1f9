//! Recipes, and what Debian's archives hold.

use sealift_debian::{Recipe, fuzz};

use crate::archive::with_checksums;
use crate::text;

/// A recipe in TOML.
pub fn recipe(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(recipe) = Recipe::parse(text) {
        assert_eq!(recipe.digest(), &sealift_oci::Digest::sha256(bytes));
    }
}

/// A suite's release file, without its signature.
pub fn release(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        fuzz::release(text);
    }
}

/// A `Packages` index, from which the first package is then resolved.
pub fn packages(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        fuzz::packages(text);
    }
}

/// A `.deb` of package `seed` 1, which is then laid down as an image's only package.
pub fn package(bytes: &[u8]) {
    let folder = std::env::temp_dir();
    fuzz::package(bytes, &folder);
    fuzz::package(&with_checksums(bytes), &folder);
}
