//! What a reader takes at most.

/// What a reader takes at most. The default fits every real image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of one archive.
    pub entries_max: u64,
    /// Bytes of one entry, after decompression and with the holes of sparse files.
    pub entry_bytes_max: u64,
    /// Bytes of all entries together.
    pub total_bytes_max: u64,
    /// Bytes of a path or a link's target.
    pub path_bytes_max: usize,
    /// Bytes of one extension: PAX records, GNU long names, sparse maps.
    pub extension_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries_max: 10_000_000,
            entry_bytes_max: 64 << 30,
            total_bytes_max: 256 << 30,
            path_bytes_max: 4096,
            extension_bytes_max: 1 << 20,
        }
    }
}
