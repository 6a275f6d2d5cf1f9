//! What a path leads to, by what lies there.

use std::io::{Read, Seek};
use std::path::Path;

use sealift_archive::{Compression, FileSlice, Limits, RelativePath, tar};

use crate::members::open_file;
use crate::{Error, Result, Target};

/// Where tag-value documents have said what they are.
const START_BYTES: u64 = 4096;
const TAR_BLOCK_BYTES: usize = 512;

/// What a path leads to: a layout or another folder, an archive of images or of a root file system, an SBOM.
pub fn detect(path: &Path, name: Option<&str>) -> Result<Target> {
    let (own, name) = (path.to_owned(), name.map(str::to_owned));
    let metadata = std::fs::metadata(path).map_err(|error| Error::io(path, error))?;
    if metadata.is_dir() {
        let is_layout = path.join("oci-layout").is_file();
        return Ok(if is_layout { Target::OciDir { path: own, name } } else { Target::Dir(own) });
    }
    let mut file = open_file(path)?;
    let mut start = Vec::new();
    let io_error = |error| Error::io(path, error);
    file.by_ref().take(START_BYTES).read_to_end(&mut start).map_err(io_error)?;
    file.rewind().map_err(io_error)?;
    let compression = Compression::sniff(&start);
    if compression == Compression::None && is_document(&start) {
        return Ok(Target::Sbom(own));
    }
    if compression == Compression::None && !is_tar(&start) {
        let what = "an image, a tar or an SBOM";
        let reason = "its first bytes are those of none of them".to_owned();
        return Err(Error::NotAnImage { path: own, what, reason });
    }
    let found = if compression == Compression::None {
        FileSlice::whole(file)
            .map_err(sealift_archive::Error::from)
            .and_then(|slice| content(&mut tar::Reader::seekable(slice, Limits::default())))
    } else {
        sealift_archive::decoder(Box::new(file), compression)
            .and_then(|reader| content(&mut tar::Reader::new(reader, Limits::default())))
    };
    Ok(match found.map_err(|source| Error::Archive { path: own.clone(), source })? {
        Content::Layout => Target::OciArchive { path: own, name },
        Content::Docker => Target::DockerArchive { path: own, name },
        Content::Files => Target::Rootfs(own),
    })
}

// JSON, XML, or SPDX's lines of tags.
fn is_document(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    if text.starts_with(b"{") || text.starts_with(b"<") {
        return true;
    }
    let is_tag = |line: &[u8]| line.trim_ascii_start().starts_with(b"SPDXVersion:");
    text.split(|byte| *byte == b'\n').any(is_tag)
}

// POSIX and GNU say so; older ones have a sum only, over bytes of which the sum itself counts as spaces.
fn is_tar(start: &[u8]) -> bool {
    let Some(header) = start.get(..TAR_BLOCK_BYTES) else { return false };
    if &header[257..262] == b"ustar" || header.iter().all(|byte| *byte == 0) {
        return true;
    }
    let bytes = header.iter().enumerate();
    let sum: u64 = bytes
        .map(|(place, byte)| u64::from(if (148..156).contains(&place) { b' ' } else { *byte }))
        .sum();
    let stated = String::from_utf8_lossy(&header[148..156]);
    let stated = stated.trim_matches(|character: char| !character.is_ascii_digit());
    u64::from_str_radix(stated, 8) == Ok(sum)
}

enum Content {
    Layout,
    Docker,
    Files,
}

// The first entry that an archive of images would not have decides, or else the first that only such archives have.
fn content<R: Read>(archive: &mut tar::Reader<R>) -> sealift_archive::Result<Content> {
    while let Some(entry) = archive.next_entry()? {
        let path = &entry.header().path;
        match path.as_bytes() {
            b"oci-layout" => return Ok(Content::Layout),
            b"manifest.json" => return Ok(Content::Docker),
            b"index.json" | b"repositories" | b"" => {}
            _ if is_of_an_image(path) => {}
            _ => break,
        }
    }
    Ok(Content::Files)
}

// `blobs/…`, and what `docker save` and its kin name by digest.
fn is_of_an_image(path: &RelativePath) -> bool {
    let first = path.parts().next().unwrap_or_default();
    let first = first.strip_prefix(b"sha256:").unwrap_or(first);
    let (stem, rest) = first.split_at(first.len().min(64));
    let is_digest = stem.len() == 64 && stem.iter().all(u8::is_ascii_hexdigit);
    first == b"blobs" || is_digest && (rest.is_empty() || rest.starts_with(b"."))
}
