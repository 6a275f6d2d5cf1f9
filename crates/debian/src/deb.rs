//! Debian packages (deb(5)): an `ar` archive of `debian-binary`, `control.tar` and `data.tar`.
//!
//! Maintainer scripts are read as data at most; nothing is ever run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{Cursor, Read};
use std::sync::Arc;

use md5::{Digest as _, Md5};
use sealift_archive::{
    Compression, EntryKind, Error as ArchiveError, Header, Limits, RelativePath, ar, tar,
};

use crate::Error;
use crate::control;
use crate::index::Candidate;
use crate::tree::{Kind, Node, Spool};

const CONTROL_BYTES_MAX: u64 = 32 << 20;
const MEMBER_BYTES_MAX: u64 = 1 << 30;
const ENTRIES_MAX: u64 = 500_000;
const ENTRY_BYTES_MAX: u64 = 4 << 30;
const DATA_BYTES_MAX: u64 = 16 << 30;

/// An unpacked package.
#[derive(Debug)]
pub(crate) struct Deb {
    /// The `control` file.
    pub control: String,
    /// The other files of `control.tar`: `md5sums`, `conffiles`, scripts.
    pub extra: BTreeMap<String, ControlFile>,
    /// The wanted files of `data.tar`, in its order.
    pub entries: Vec<(RelativePath, Node)>,
    /// All paths of `data.tar`, in its order.
    pub paths: Vec<RelativePath>,
    /// Configuration files as the package brings them, with their MD5 as dpkg's database wants it.
    pub conffiles: Vec<(RelativePath, String)>,
}

/// A file of `control.tar`.
#[derive(Debug)]
pub(crate) struct ControlFile {
    pub bytes: Vec<u8>,
    pub mode: u32,
}

/// Unpacks a package; files for which `wants` is false are passed over.
pub(crate) fn read(
    bytes: &[u8],
    candidate: &Candidate<'_>,
    spool: &Spool,
    wants: &dyn Fn(&RelativePath) -> bool,
) -> Result<Deb, Error> {
    let package = candidate.name;
    let unpack = |source: ArchiveError| Error::Unpack { package: package.to_owned(), source };
    let refused =
        |reason: &str| Error::Package { package: package.to_owned(), reason: reason.to_owned() };
    let mut archive = ar::Reader::new(bytes).map_err(unpack)?;

    let mut version = member(&mut archive, "debian-binary", 64).map_err(unpack)?;
    match version.take() {
        Some((name, bytes)) if name == "debian-binary" && bytes.starts_with(b"2.") => {}
        _ => return Err(refused("it is not in the deb format 2")),
    }
    let Some((name, bytes)) =
        member(&mut archive, "control.tar", CONTROL_BYTES_MAX).map_err(unpack)?
    else {
        return Err(refused("it has no `control.tar`"));
    };
    let tarball = decoder(&name, "control.tar", bytes).map_err(unpack)?;
    let mut extra =
        read_control(tarball.ok_or_else(|| refused("it has no `control.tar`"))?).map_err(unpack)?;
    let control = extra.remove("control").ok_or_else(|| refused("it has no `control` file"))?;
    let control =
        String::from_utf8(control.bytes).map_err(|_| refused("its `control` is not UTF-8"))?;
    check_control(&control, candidate)?;

    let Some((name, bytes)) = member(&mut archive, "data.tar", MEMBER_BYTES_MAX).map_err(unpack)?
    else {
        return Err(refused("it has no `data.tar`"));
    };
    let tarball = decoder(&name, "data.tar", bytes).map_err(unpack)?;
    let tarball = tarball.ok_or_else(|| refused("it has no `data.tar`"))?;
    let (entries, paths) = read_data(tarball, package, spool, wants)?;
    let conffiles = conffiles(&extra, &entries).map_err(|error| unpack(error.into()))?;
    Ok(Deb { control, extra, entries, paths, conffiles })
}

// The next member that is not a private one (deb(5): names that begin with `_` are passed over).
fn member(
    archive: &mut ar::Reader<&[u8]>,
    what: &'static str,
    limit: u64,
) -> Result<Option<(String, Vec<u8>)>, ArchiveError> {
    while let Some(mut member) = archive.next_member()? {
        let name = member.name().to_owned();
        if name.starts_with('_') {
            continue;
        }
        if member.size() > limit {
            return Err(ArchiveError::Limit { what, limit, path: Some(name) });
        }
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).map_err(ArchiveError::from)?;
        return Ok(Some((name, bytes)));
    }
    Ok(None)
}

// The decompressed tar; `None` if the member has another name. The name decides, as it does for dpkg.
fn decoder(
    name: &str,
    stem: &str,
    bytes: Vec<u8>,
) -> Result<Option<Box<dyn Read + Send>>, ArchiveError> {
    let compression = match name.strip_prefix(stem) {
        Some("") => Compression::None,
        Some(".gz") => Compression::Gzip,
        Some(".xz") => Compression::Xz,
        Some(".zst") => Compression::Zstd,
        _ => return Ok(None),
    };
    sealift_archive::decoder(Box::new(Cursor::new(bytes)), compression).map(Some)
}

fn read_control(
    tarball: Box<dyn Read + Send>,
) -> Result<BTreeMap<String, ControlFile>, ArchiveError> {
    let limits = Limits {
        entries_max: 1000,
        entry_bytes_max: CONTROL_BYTES_MAX,
        total_bytes_max: CONTROL_BYTES_MAX,
        ..Limits::default()
    };
    let mut reader = tar::Reader::new(tarball, limits);
    let mut files = BTreeMap::new();
    while let Some(mut entry) = reader.next_entry()? {
        let header = entry.header();
        let mode = header.mode;
        // Only plain files at the top count.
        let name = match (header.path.as_str(), &header.kind) {
            (Some(name), EntryKind::File) if !name.contains('/') => name.to_owned(),
            _ => continue,
        };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(ArchiveError::from)?;
        files.insert(name, ControlFile { bytes, mode });
    }
    Ok(files)
}

// The package must be what the index says that it is.
fn check_control(text: &str, candidate: &Candidate<'_>) -> Result<(), Error> {
    let what = format!("control of {}", candidate.name);
    let paragraph = control::single(text, &what)?;
    for (field, expected) in [
        ("Package", candidate.name),
        ("Version", candidate.version),
        ("Architecture", candidate.architecture),
    ] {
        let actual = paragraph.get(field).unwrap_or_default();
        if actual != expected {
            return Err(Error::Package {
                package: candidate.name.to_owned(),
                reason: format!("its `{field}` is `{actual}`, but the index says `{expected}`"),
            });
        }
    }
    Ok(())
}

type Entries = (Vec<(RelativePath, Node)>, Vec<RelativePath>);

fn read_data(
    tarball: Box<dyn Read + Send>,
    package: &str,
    spool: &Spool,
    wants: &dyn Fn(&RelativePath) -> bool,
) -> Result<Entries, Error> {
    let unpack = |source: ArchiveError| Error::Unpack { package: package.to_owned(), source };
    let limits = Limits {
        entries_max: ENTRIES_MAX,
        entry_bytes_max: ENTRY_BYTES_MAX,
        total_bytes_max: DATA_BYTES_MAX,
        ..Limits::default()
    };
    let mut reader = tar::Reader::new(tarball, limits);
    let mut entries = Vec::new();
    let mut paths = Vec::new();
    let mut files: HashMap<RelativePath, Node> = HashMap::new();
    while let Some(mut entry) = reader.next_entry().map_err(unpack)? {
        let header = entry.header().clone();
        paths.push(header.path.clone());
        if header.path.is_root() || !wants(&header.path) {
            continue;
        }
        let refused = |reason: String| Error::Package { package: package.to_owned(), reason };
        // dpkg's lists have one path a line.
        if header.path.as_bytes().iter().any(u8::is_ascii_control) {
            return Err(refused(format!("the path {:?} has a control character", header.path)));
        }
        let kind = match &header.kind {
            EntryKind::Directory => Kind::Directory,
            EntryKind::Symlink(target) => Kind::Symlink(target.clone()),
            // dpkg does not know them, and a hole of gigabytes costs the archive nothing.
            EntryKind::File if entry.is_sparse() => {
                return Err(refused(format!("`/{}` is a sparse file", header.path)));
            }
            EntryKind::File => {
                let body = spool.take(&mut entry, header.size);
                Kind::File(Arc::new(body.map_err(|error| unpack(error.into()))?))
            }
            // One file has one mode and one owner, whatever its other names claim.
            EntryKind::HardLink(target) => {
                let node = files.get(target).cloned().ok_or_else(|| {
                    let path = &header.path;
                    refused(format!(
                        "`/{path}` is a hard link to `/{target}`, which it does not have"
                    ))
                })?;
                files.insert(header.path.clone(), node.clone());
                entries.push((header.path, node));
                continue;
            }
            _ => return Err(refused(format!("`/{}` is a device or a pipe", header.path))),
        };
        let node = node(kind, &header);
        if matches!(node.kind, Kind::File(_)) {
            files.insert(header.path.clone(), node.clone());
        }
        entries.push((header.path, node));
    }
    Ok((entries, paths))
}

// deb-conffiles(5). MD5 is dpkg's format, nothing here relies on it.
fn conffiles(
    extra: &BTreeMap<String, ControlFile>,
    entries: &[(RelativePath, Node)],
) -> std::io::Result<Vec<(RelativePath, String)>> {
    let Some(list) = extra.get("conffiles") else { return Ok(Vec::new()) };
    let list = String::from_utf8_lossy(&list.bytes);
    let wanted: HashSet<&str> =
        list.lines().map(|line| line.trim().trim_start_matches('/')).collect();
    let mut found = Vec::new();
    for (path, node) in entries {
        if let (Kind::File(body), true) =
            (&node.kind, path.as_str().is_some_and(|path| wanted.contains(path)))
        {
            let mut hash = Md5::new();
            std::io::copy(&mut body.reader(), &mut HashWriter(&mut hash))?;
            let mut hex = String::new();
            for byte in hash.finalize() {
                let _ = write!(hex, "{byte:02x}");
            }
            found.push((path.clone(), hex));
        }
    }
    Ok(found)
}

struct HashWriter<'h>(&'h mut Md5);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn node(kind: Kind, header: &Header) -> Node {
    Node {
        kind,
        mode: header.mode,
        uid: header.uid,
        gid: header.gid,
        mtime_secs: header.mtime.secs,
        xattrs: header.xattrs.clone(),
        owner: None,
    }
}
