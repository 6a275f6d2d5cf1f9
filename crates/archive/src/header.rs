//! What an archive says about an entry.

use std::collections::BTreeMap;

use crate::RelativePath;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link with its target verbatim.
    Symlink(Vec<u8>),
    /// Another name of a file that an earlier entry or a lower layer brought.
    HardLink(RelativePath),
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// A time of modification since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mtime {
    /// Seconds.
    pub secs: i64,
    /// Nanoseconds, below 10⁹, always counted forwards.
    pub nanos: u32,
}

/// What an archive says about an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Where it is.
    pub path: RelativePath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky: at most `0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of content; 0 if it is not a regular file.
    pub size: u64,
    /// Time of modification.
    pub mtime: Mtime,
    /// Name of the owner, may be empty.
    pub user_name: Vec<u8>,
    /// Name of the group, may be empty.
    pub group_name: Vec<u8>,
    /// Extended attributes, name with namespace (`security.capability`) to value.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Header {
    /// A header owned by root at time 0, with mode 0755 for directories, 0777 for symbolic links and 0644 else.
    pub fn new(path: RelativePath, kind: EntryKind) -> Self {
        let mode = match kind {
            EntryKind::Directory => 0o755,
            EntryKind::Symlink(_) => 0o777,
            _ => 0o644,
        };
        Self {
            path,
            kind,
            mode,
            uid: 0,
            gid: 0,
            size: 0,
            mtime: Mtime::default(),
            user_name: Vec::new(),
            group_name: Vec::new(),
            xattrs: BTreeMap::new(),
        }
    }
}
