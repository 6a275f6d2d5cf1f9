//! What registries and daemons answer.

use crate::text;

/// A `WWW-Authenticate` header.
pub fn challenge(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let count = sealift_client::fuzz::challenges(text);
    assert!(count <= text.len(), "more challenges than letters");
}

/// An answer of containerd's: messages of gRPC with their prefixes.
pub fn containerd(bytes: &[u8]) {
    let count = sealift_client::fuzz::containerd_bytes(bytes);
    assert!(count <= bytes.len(), "more bytes than came");
}

/// An answer of a store that speaks S3, or of who gives credentials for one.
pub fn store_answer(bytes: &[u8]) {
    sealift_bucket::fuzz::read_answer(bytes);
}
