//! What registries answer.

use crate::text;

/// A `WWW-Authenticate` header.
pub fn challenge(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let count = sealift_client::fuzz::challenges(text);
    assert!(count <= text.len(), "more challenges than letters");
}
