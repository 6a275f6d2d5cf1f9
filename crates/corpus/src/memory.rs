//! Files without a place on the disk, for parsers that take a file or its path.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, memfd_create};

/// A file in memory; its path is good for as long as it is open.
pub(crate) struct MemoryFile(File);

impl MemoryFile {
    /// A file of this content.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let descriptor = memfd_create("corpus", MemfdFlags::CLOEXEC).expect("Linux has memfd");
        let mut file = File::from(descriptor);
        file.write_all(bytes).expect("there is memory for a small file");
        Self(file)
    }

    /// A path that opens it.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// The file itself.
    pub(crate) fn into_file(self) -> File {
        self.0
    }
}
