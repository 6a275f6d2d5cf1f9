//! Stamps: which layers were hashed before, so that an untouched one need not be hashed again.
//!
//! A stamp is a blob's device, inode, size and the times of its last change, taken before its bytes were hashed and found
//! the same after. The kernel sets the change time (ctime) on every write and nobody else can set it, so that a blob with
//! all of these has the bytes that were hashed. As in git, a blob that changed within the last two seconds gets no
//! stamp: a second write in the same tick of the clock would not show. What a stamp cannot show is damage beneath the
//! file system, and an attacker who is root or owns the store's folder; `verify --rehash` looks at no stamp.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use sealift_oci::Digest;

use crate::{Error, Store};

const FILE_BYTES_MAX: u64 = 16 << 20;
/// A file that was written a shorter time ago may be written again without a trace.
const RACY_NANOS: i128 = 2_000_000_000;

/// The stamps of a store.
#[derive(Debug)]
pub struct Stamps {
    store: Store,
    known: BTreeMap<String, Facts>,
    is_changed: bool,
}

/// What the file system says of a blob's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    device: u64,
    inode: u64,
    size: u64,
    modified: i128,
    changed: i128,
}

impl Facts {
    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Store {
    /// The stamps at hand. What cannot be read is as if it were not there.
    pub fn stamps(&self) -> Stamps {
        let path = self.root().join("stamps");
        let is_small = fs::metadata(&path).is_ok_and(|file| file.len() <= FILE_BYTES_MAX);
        let text =
            if is_small { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let known = text.lines().filter_map(read_line).collect();
        Stamps { store: self.clone(), known, is_changed: false }
    }
}

impl Stamps {
    /// What the file system says now of a blob.
    pub fn look(&self, digest: &Digest) -> Option<Facts> {
        let file = fs::metadata(self.store.blob_path(digest)).ok()?;
        let time = |secs: i64, nanos: i64| i128::from(secs) * 1_000_000_000 + i128::from(nanos);
        file.is_file().then(|| Facts {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: time(file.mtime(), file.mtime_nsec()),
            changed: time(file.ctime(), file.ctime_nsec()),
        })
    }

    /// Whether a layer was hashed, compressed and not, and was not touched since. A stamp that does not fit is dropped.
    pub fn knows(&mut self, digest: &Digest, diff_id: &Digest) -> bool {
        let key = key(digest, diff_id);
        let Some(stamp) = self.known.get(&key) else { return false };
        if self.look(digest) == Some(*stamp) {
            return true;
        }
        self.known.remove(&key);
        self.is_changed = true;
        false
    }

    /// Notes that a layer was hashed; `before` is what the file system said before the first byte was read.
    pub fn add(&mut self, digest: &Digest, diff_id: &Digest, before: Facts) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let now = i128::try_from(now).unwrap_or_default();
        let is_settled = now - before.changed > RACY_NANOS && now - before.modified > RACY_NANOS;
        if is_settled && self.look(digest) == Some(before) {
            self.known.insert(key(digest, diff_id), before);
            self.is_changed = true;
        }
    }

    /// Writes them, if there is something new. Two writers at once lose a stamp at worst.
    pub fn save(&self) -> Result<(), Error> {
        if !self.is_changed {
            return Ok(());
        }
        let mut text = String::new();
        for (key, facts) in &self.known {
            let Facts { device, inode, size, modified, changed } = facts;
            writeln!(text, "{key} {device} {inode} {size} {modified} {changed}")
                .expect("a string takes everything");
        }
        self.store.replace_file(&self.store.root().join("stamps"), text.as_bytes())
    }
}

fn key(digest: &Digest, diff_id: &Digest) -> String {
    format!("{digest} {diff_id}")
}

fn read_line(line: &str) -> Option<(String, Facts)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [digest, diff_id, device, inode, size, modified, changed] = words.as_slice() else {
        return None;
    };
    let facts = Facts {
        device: device.parse().ok()?,
        inode: inode.parse().ok()?,
        size: size.parse().ok()?,
        modified: modified.parse().ok()?,
        changed: changed.parse().ok()?,
    };
    Some((format!("{digest} {diff_id}"), facts))
}
