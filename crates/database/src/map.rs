//! Bytes of a file, mapped into memory, or in memory anyway.

// Mapping a file is unsafe: whoever changes it while it is mapped changes what is read.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::Mmap;

/// The bytes.
pub(crate) enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    /// Maps a file.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            // The system maps nothing of it.
            return Ok(Self::Owned(Vec::new()));
        }
        // SAFETY: a database is written under another name, then takes the place of the old one; nobody writes to a file
        // that has its name. Who does so against these rules gets errors: every block is held against its sum, and
        // nothing that is read is used as a place without a check.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self::Mapped(map))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}
