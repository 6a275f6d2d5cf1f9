//! Archives and compression.

use std::io::{Cursor, Read};

use sealift_archive::tar::{Reader, Writer};
use sealift_archive::{
    Compression, GzipWriter, Header, Limits, RelativePath, ar as unix_ar, read_bounded, whiteout,
    zip as pkzip,
};

use crate::memory::MemoryFile;

const CONTENT_BYTES_MAX: u64 = 1 << 20;

fn limits() -> Limits {
    Limits {
        entries_max: 1000,
        entry_bytes_max: CONTENT_BYTES_MAX,
        total_bytes_max: 4 * CONTENT_BYTES_MAX,
        extension_bytes_max: 64 << 10,
        ..Limits::default()
    }
}

type Entries = Vec<(Header, Vec<u8>)>;

/// tar: reading by stream, by seeking and without looking at contents agree; what was read can be written and is the
/// same when it is read again.
pub fn tar(bytes: &[u8]) {
    check_tar(bytes);
    check_tar(&with_checksums(bytes));
}

/// The same with right checksums in all tar headers, so that a fuzzer's changes come past the first check.
pub(crate) fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let magics: Vec<usize> = memchr::memmem::find_iter(&bytes, b"ustar").collect();
    for start in magics.into_iter().filter_map(|magic| magic.checked_sub(257)) {
        let Some(block) = bytes.get_mut(start..start + 512) else { continue };
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
    bytes
}

fn check_tar(bytes: &[u8]) {
    let streamed = entries(Reader::new(bytes, limits()));
    let sought = entries(Reader::seekable(Cursor::new(bytes), limits()));
    assert_eq!(streamed, sought, "a stream and a file of the same bytes differ");
    let skipped = headers(Reader::new(bytes, limits()));
    let jumped = headers(Reader::seekable(Cursor::new(bytes), limits()));
    assert_eq!(skipped, jumped, "passing over contents by reading and by seeking differ");
    assert_eq!(streamed.is_ok(), skipped.is_ok(), "contents decide whether an archive is one");
    let Ok(entries_read) = streamed else { return };
    for (header, _) in &entries_read {
        whiteout(&header.path);
        let shown = RelativePath::parse(header.path.as_bytes());
        assert_eq!(shown.ok().as_ref(), Some(&header.path), "a path is not stable");
    }
    let mut writer = Writer::new(Vec::new());
    for (header, content) in &entries_read {
        if writer.append(header, &mut content.as_slice()).is_err() {
            return;
        }
    }
    let written = writer.finish().unwrap();
    let again = entries(Reader::new(written.as_slice(), limits()));
    assert_eq!(again, Ok(entries_read), "what was written is not what was read");
}

fn entries<R: Read>(mut reader: Reader<R>) -> Result<Entries, String> {
    let mut entries = Vec::new();
    while let Some(mut entry) = reader.next_entry().map_err(|error| error.to_string())? {
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| error.to_string())?;
        let header = entry.into_header();
        assert_eq!(content.len() as u64, header.size, "a header's size is not the content's");
        entries.push((header, content));
    }
    Ok(entries)
}

fn headers<R: Read>(mut reader: Reader<R>) -> Result<Vec<Header>, String> {
    let mut headers = Vec::new();
    while let Some(entry) = reader.next_entry().map_err(|error| error.to_string())? {
        headers.push(entry.into_header());
    }
    Ok(headers)
}

/// ar: all members.
pub fn ar(bytes: &[u8]) {
    let Ok(mut reader) = unix_ar::Reader::new(bytes) else { return };
    while let Ok(Some(mut member)) = reader.next_member() {
        let size = member.size();
        let mut content = Vec::new();
        if member.read_to_end(&mut content).is_ok() {
            assert_eq!(content.len() as u64, size, "a member is not as long as it says");
        }
    }
}

/// zip: the directory and all entries.
pub fn zip(bytes: &[u8]) {
    let file = MemoryFile::new(bytes).into_file();
    let Ok(mut archive) = pkzip::Archive::new(file, limits()) else { return };
    for index in 0..archive.len() {
        let name = archive.name(index);
        if let Ok(content) = archive.read(index) {
            assert!(content.len() as u64 <= CONTENT_BYTES_MAX, "{name:?} is above the limit");
        }
    }
    // The same within the limit of all entries together.
    let mut total = 0;
    let done = archive.for_each(|_, content| total += content.len() as u64);
    assert!(done.is_err() || total <= 4 * CONTENT_BYTES_MAX, "the archive is above the limit");
}

/// gzip, zstd, xz: the stream does not depend on how it is read; what our own writer wrote comes back.
pub fn compressed(bytes: &[u8]) {
    let Ok(mut decoded) = sealift_archive::open(Box::new(Cursor::new(bytes.to_vec()))) else {
        return;
    };
    let mut slowly = Vec::new();
    let mut byte = [0];
    while slowly.len() < 4096 && matches!(decoded.read(&mut byte), Ok(1)) {
        slowly.push(byte[0]);
    }
    let whole = sealift_archive::open(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
    if let Ok(whole) = read_bounded(whole, CONTENT_BYTES_MAX) {
        assert!(whole.starts_with(&slowly), "a stream depends on how it is read");
    }
    let mut writer = GzipWriter::new(Vec::new(), 1);
    std::io::Write::write_all(&mut writer, bytes).unwrap();
    let packed = writer.finish().unwrap();
    assert_eq!(Compression::sniff(&packed), Compression::Gzip);
    let unpacked = sealift_archive::open(Box::new(Cursor::new(packed))).unwrap();
    assert_eq!(read_bounded(unpacked, bytes.len() as u64).unwrap(), bytes, "gzip lost something");
}
