//! A tar of a root file system: one layer, without an image around it.
//!
//! Nothing says which digest it should have; both digests are computed while it is read. It is read a second time only
//! for the content of links, as a layer is.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sealift_archive::{Compression, Header, tar};
use sealift_oci::{Algorithm, Digest};

use crate::inspection::Inspection;
use crate::members::open_file;
use crate::read::{Damage, ReadLimits, Wanted, count_removed, merge};
use crate::scan::{Budget, Scan, entries, file_meta};
use crate::side_hash::SideHash;
use crate::{Error, FileTree, LayerFact, Result};

const WHAT: &str = "a tar of a root file system";

/// Reads a tar of a root file system, compressed or not, with extracts of files that are only looked at.
pub fn open_rootfs(
    path: &Path,
    wanted: &Wanted<'_>,
    inspection: &Inspection<'_>,
    limits: &ReadLimits,
) -> Result<FileTree> {
    let budget = Budget::new(limits, Some(inspection));
    let keep = |_: usize, header: &Header| wanted(&header.path, &file_meta(header));
    let (scan, fact) = pass(path, limits, &budget, &keep)?;
    let mut draft = merge(vec![scan], Damage::Note)?;
    let mut layers = vec![fact];
    count_removed(&mut layers, draft.tree.removed_nodes());
    if let Some(places) = draft.missing(wanted).get(&0) {
        let keep = |place: usize, _: &Header| places.contains(&place);
        let (scan, again) = pass(path, limits, &budget.again(), &keep)?;
        if again.digest != layers[0].digest {
            let what = format!("`{}`, when it was read again,", path.display());
            let expected = layers.remove(0).digest;
            return Err(Error::Digest { what, expected, actual: again.digest });
        }
        draft.fill(&[0], vec![scan]);
    }
    let mut tree = draft.finish();
    tree.layers = layers;
    Ok(tree)
}

// Reads all of the file once.
fn pass(
    path: &Path,
    limits: &ReadLimits,
    budget: &Budget<'_>,
    keep: &dyn Fn(usize, &Header) -> bool,
) -> Result<(Scan, LayerFact)> {
    let archive_error = |source| Error::Archive { path: path.to_owned(), source };
    let file = open_file(path)?;
    let limit = limits.archive.total_bytes_max;
    let raw = Tap::new(Box::new(file) as Box<dyn Read + Send>, limit, true);
    let (compression, start) =
        sealift_archive::detect(Box::new(raw.clone())).map_err(archive_error)?;
    let is_compressed = compression != Compression::None;
    let decoded = sealift_archive::decoder(start, compression).map_err(archive_error)?;
    let unpacked = Tap::new(decoded, limit, is_compressed);
    let mut archive = tar::Reader::new(unpacked.clone(), limits.archive.clone());
    let (records, bodies, marks) = entries(&mut archive, budget, keep, &archive_error)?;
    drop(archive);
    let io_error = |error| archive_error(sealift_archive::Error::from(error));
    let (diff_id, uncompressed_size) = unpacked.finish().map_err(io_error)?;
    let (digest, size) = raw.finish().map_err(io_error)?;
    if uncompressed_size == 0 {
        let reason = "it is empty".to_owned();
        return Err(Error::NotAnImage { path: path.to_owned(), what: WHAT, reason });
    }
    let digest = digest.expect("the file's own bytes are always hashed");
    let fact = LayerFact {
        // What is not compressed is hashed once.
        diff_id: diff_id.unwrap_or_else(|| digest.clone()),
        digest,
        size,
        uncompressed_size,
        entries: records.len(),
        file_bytes: records.entries.iter().map(|record| record.size).sum(),
        hidden_bytes: 0,
        duplicated_bytes: 0,
    };
    Ok((Scan { records, bodies, marks, uncompressed_size }, fact))
}

// Counts and hashes what goes through; the decoder reads it, and then we what the decoder left.
#[derive(Clone)]
struct Tap(Arc<Mutex<Flow>>);

struct Flow {
    input: Box<dyn Read + Send>,
    hash: Option<SideHash>,
    count: u64,
    limit: u64,
}

impl Tap {
    fn new(input: Box<dyn Read + Send>, limit: u64, is_hashed: bool) -> Self {
        let hash = is_hashed.then(|| SideHash::aside(Algorithm::Sha256));
        Self(Arc::new(Mutex::new(Flow { input, hash, count: 0, limit })))
    }

    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Reads what nobody read.
    fn finish(mut self) -> io::Result<(Option<Digest>, u64)> {
        io::copy(&mut self, &mut io::sink())?;
        let mut flow = self.lock();
        Ok((flow.hash.take().map(SideHash::finish), flow.count))
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut flow = self.lock();
        let count = flow.input.read(buffer)?;
        flow.count += count as u64;
        if flow.count > flow.limit {
            let (what, limit) = ("size of the archive", flow.limit);
            return Err(sealift_archive::Error::Limit { what, limit, path: None }.into());
        }
        if let Some(hash) = &mut flow.hash {
            hash.update(&buffer[..count]);
        }
        Ok(count)
    }
}
