//! Ways to this crate's parsers for `sealift-corpus`. Not an interface: nothing else may use it.

/// How many challenges a `WWW-Authenticate` header has.
pub fn challenges(text: &str) -> usize {
    crate::auth::parse_challenges(text).len()
}

/// How many bytes of a blob are in an answer of containerd's.
pub fn containerd_bytes(answer: &[u8]) -> usize {
    crate::containerd::read_answer(answer)
}
