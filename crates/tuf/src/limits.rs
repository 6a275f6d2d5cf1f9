//! What a hostile server may cost us. Everything is capped before it is read.

/// Caps on documents of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a root.
    pub root_bytes: usize,
    /// Bytes of a timestamp.
    pub timestamp_bytes: usize,
    /// Bytes of a snapshot, targets or delegation.
    pub role_bytes: usize,
    /// Delegations of a repository, all together.
    pub delegations: usize,
    /// How deep delegations may lie below `targets`.
    pub depth: usize,
    /// Versions of the root that are walked in one go.
    pub root_steps: usize,
    /// Signatures of one document.
    pub signatures: usize,
    /// Keys of one document.
    pub keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            root_bytes: 512 << 10,
            timestamp_bytes: 16 << 10,
            role_bytes: 5 << 20,
            delegations: 64,
            depth: 8,
            root_steps: 1024,
            signatures: 64,
            keys: 256,
        }
    }
}

impl Limits {
    /// Bytes that a role's document may have.
    pub fn bytes_of(&self, role: &crate::Role) -> usize {
        match role.as_str() {
            "root" => self.root_bytes,
            "timestamp" => self.timestamp_bytes,
            _ => self.role_bytes,
        }
    }
}
