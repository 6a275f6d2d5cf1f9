//! From a header block and its extensions to a [`Header`].

use super::pax::Pax;
use super::sparse::{self, Sparse};
use super::{Fault, block::Block};
use crate::{EntryKind, Header, Limits, Mtime, RelativePath};

/// What came before the header block of an entry.
#[derive(Default)]
pub(super) struct Extension {
    pub(super) pax: Option<Pax>,
    pub(super) long_name: Option<Vec<u8>>,
    pub(super) long_link: Option<Vec<u8>>,
}

impl Extension {
    pub(super) fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_name.is_none() && self.long_link.is_none()
    }
}

/// A header and how its content lies in the archive.
pub(super) struct Parsed {
    pub(super) header: Header,
    /// Bytes that follow in the archive.
    pub(super) data_bytes: u64,
    pub(super) sparse: Sparse,
}

/// The name as it stands in the archive, for errors too.
pub(super) fn name(block: &Block, extension: &Extension) -> Result<Vec<u8>, Fault> {
    let pax = extension.pax.as_ref();
    let sparse = pax.and_then(|pax| pax.sparse.name.as_ref());
    // GNU's sparse name stands for the `path`, which then is a made-up one.
    let path = sparse.or_else(|| pax.and_then(|pax| pax.path.as_ref()));
    one_of(path, extension.long_name.as_ref(), "name", || block.name())
}

/// Puts block and extensions together.
pub(super) fn parse(
    block: &Block,
    extension: &Extension,
    limits: &Limits,
) -> Result<Parsed, Fault> {
    let none = Pax::default();
    let pax = extension.pax.as_ref().unwrap_or(&none);
    let name = name(block, extension)?;
    let link_name =
        one_of(pax.link_path.as_ref(), extension.long_link.as_ref(), "link's target", || {
            block.link_name().to_vec()
        })?;
    if name.len().max(link_name.len()) > limits.path_bytes_max {
        return Err(format!("a path above the limit of {} bytes", limits.path_bytes_max).into());
    }
    let mut data_bytes = match pax.size {
        Some(size) => size,
        None => block.size()?,
    };
    let path = RelativePath::parse(&name).map_err(|error| error.to_string())?;
    let kind = kind(block, &name, &link_name, data_bytes)?;
    if path.is_root() && kind != EntryKind::Directory {
        return Err("the root is not a directory".into());
    }
    if kind == EntryKind::File {
        // Nothing to add: the data follow.
    } else if data_bytes != 0 {
        // Go's reader takes no data here, GNU's takes `size` bytes, libarchive asks the format.
        return Err(
            "an entry that is no file has a size, which readers understand differently".into()
        );
    }
    let sparse = sparse::of(block, pax, data_bytes)?;
    if kind != EntryKind::File {
        data_bytes = 0;
    }
    let header = Header {
        path,
        size: sparse.real_size().unwrap_or(data_bytes),
        kind,
        mode: block.mode()?,
        uid: pax.uid.map_or_else(|| block.uid(), Ok)?,
        gid: pax.gid.map_or_else(|| block.gid(), Ok)?,
        mtime: match pax.mtime {
            Some(mtime) => mtime,
            None => Mtime { secs: block.mtime_secs()?, nanos: 0 },
        },
        user_name: pax.user_name.clone().unwrap_or_else(|| block.user_name().to_vec()),
        group_name: pax.group_name.clone().unwrap_or_else(|| block.group_name().to_vec()),
        xattrs: pax.xattrs.clone(),
    };
    Ok(Parsed { header, data_bytes, sparse })
}

fn kind(block: &Block, name: &[u8], link: &[u8], size: u64) -> Result<EntryKind, Fault> {
    let has_slash = name.ends_with(b"/");
    Ok(match block.type_flag() {
        // Before POSIX there was no type for directories. GNU's reader also takes `0` so, Go's does not.
        0 if has_slash => EntryKind::Directory,
        b'0' | b'7' if has_slash && size == 0 => EntryKind::Directory,
        b'0' | b'7' | b'S' if has_slash => {
            return Err("a file's name ends with a slash".into());
        }
        0 | b'0' | b'7' | b'S' => EntryKind::File,
        b'1' => {
            let target = RelativePath::parse(link).map_err(|error| error.to_string())?;
            if target.is_root() {
                return Err("a hard link to the root".into());
            }
            EntryKind::HardLink(target)
        }
        b'2' if link.is_empty() => return Err("a symbolic link without a target".into()),
        b'2' => EntryKind::Symlink(link.to_vec()),
        b'3' => {
            let (major, minor) = block.device()?;
            EntryKind::CharDevice { major, minor }
        }
        b'4' => {
            let (major, minor) = block.device()?;
            EntryKind::BlockDevice { major, minor }
        }
        b'5' => EntryKind::Directory,
        b'6' => EntryKind::Fifo,
        other => {
            let other = char::from(other).escape_default();
            return Err(format!("entries of type `{other}` are not supported").into());
        }
    })
}

// GNU's and PAX's long names beside each other: readers differ in which one they take.
fn one_of(
    pax: Option<&Vec<u8>>,
    gnu: Option<&Vec<u8>>,
    what: &str,
    short: impl FnOnce() -> Vec<u8>,
) -> Result<Vec<u8>, Fault> {
    match (pax, gnu) {
        (Some(pax), Some(gnu)) if pax != gnu => {
            Err(format!("PAX and GNU extensions give the {what} differently").into())
        }
        (Some(long), _) | (None, Some(long)) => Ok(long.clone()),
        (None, None) => Ok(short()),
    }
}
