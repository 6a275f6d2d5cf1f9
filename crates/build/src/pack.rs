//! From a layer folder to a compressed layer in the store, hashed before and after compression in one go.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sealift_archive::{GzipWriter, Header, Mtime, tar};
use sealift_oci::{Algorithm, Descriptor, Hasher, media_type};
use sealift_store::Store;

use crate::cache::{Packed, PackedLayer};
use crate::differ::{Change, changes};
use crate::error::{Error, Result};
use crate::view::{Flavor, View, open_nofollow};

const GZIP_LEVEL: u32 = 6;

/// How to pack.
pub(crate) struct Packing<'a> {
    pub(crate) store: &'a Store,
    pub(crate) flavor: Flavor,
    /// Later times become this one.
    pub(crate) epoch: Option<i64>,
    pub(crate) cancel: &'a AtomicBool,
}

/// Packs a layer folder; also says what could not be packed.
pub(crate) fn pack(
    packing: &Packing<'_>,
    upper: &Path,
    lower: &View,
) -> Result<(Packed, Vec<String>)> {
    let changes = changes(upper, lower, packing.flavor)?;
    if changes.entries.is_empty() {
        return Ok((Packed { layer: None }, changes.warnings));
    }
    let blob = packing.store.blob_writer()?;
    let output = Tee { output: GzipWriter::new(blob, GZIP_LEVEL), hasher: diff_hasher() };
    let mut archive = tar::Writer::new(output);
    for change in &changes.entries {
        if packing.cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        append(&mut archive, change, packing.epoch)?;
    }
    let failed = |source| Error::Archive { path: "layer".to_owned(), source };
    let output = archive.finish().map_err(failed)?;
    let diff_id = output.hasher.finish();
    let blob = output.output.finish().map_err(Error::io("write", packing.store.root()))?;
    let (digest, size) = blob.commit(None)?;
    let descriptor = Descriptor::new(media_type::LAYER_GZIP, digest, size);
    Ok((Packed { layer: Some(PackedLayer { descriptor, diff_id }) }, changes.warnings))
}

fn append<W: Write>(
    archive: &mut tar::Writer<W>,
    change: &Change,
    epoch: Option<i64>,
) -> Result<()> {
    let header = Header { mtime: clamped(change.header.mtime, epoch), ..change.header.clone() };
    let result = match &change.content {
        Some(path) => archive.append(&header, &mut open_nofollow(path)?),
        None => archive.append(&header, &mut io::empty()),
    };
    result.map_err(|source| Error::Archive { path: format!("/{}", header.path), source })
}

fn clamped(mtime: Mtime, epoch: Option<i64>) -> Mtime {
    match epoch {
        Some(epoch) => mtime.min(Mtime { secs: epoch, nanos: 0 }),
        None => mtime,
    }
}

fn diff_hasher() -> Hasher {
    Hasher::new(Algorithm::Sha256)
}

struct Tee<W> {
    output: W,
    hasher: Hasher,
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
