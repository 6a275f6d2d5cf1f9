//! How much is read.

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files, or entries of one zip.
    pub files_max: u64,
    /// Bytes of one file or zip entry.
    pub file_bytes_max: u64,
    /// Bytes of all of them, inflated.
    pub total_bytes_max: u64,
    /// Depth of folders.
    pub depth_max: usize,
}

impl Default for Limits {
    /// Room for several times all that OSV publishes.
    fn default() -> Self {
        Self {
            files_max: 4_000_000,
            file_bytes_max: 1 << 30,
            total_bytes_max: 32 << 30,
            depth_max: 16,
        }
    }
}
