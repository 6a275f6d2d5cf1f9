//! Documents in zip and tar files.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use rayon::prelude::*;
use sealift_archive::tar::Reader;
use sealift_archive::zip::Archive;

use crate::load::{Batch, Budget};
use crate::sources::CHANGED;
use crate::{Error, Limits, Wanted};

// So many documents, or bytes of them, are in memory at once.
const CHUNK_ENTRIES_MAX: usize = 1024;
const CHUNK_BYTES_MAX: usize = 64 << 20;

/// Reads the documents of a zip file.
pub(crate) fn read_zip(
    path: &Path,
    wanted: Wanted<'_>,
    limits: &Limits,
    budget: &Budget,
) -> Result<Vec<Batch>, Error> {
    let damaged = |source| Error::Archive { path: path.to_owned(), source };
    let archive = Archive::open(path, archive_limits(limits)).map_err(damaged)?;
    let replaced = replaced(path)?;
    let read = (0..archive.len()).into_par_iter().with_min_len(64).map_init(
        || archive.clone(),
        |archive, index| {
            let name = archive.name(index).unwrap_or_default();
            if !is_document(&name) || replaced.contains(&name) {
                return Ok(None);
            }
            // A damaged entry means a damaged file: nothing else in it is to be trusted.
            let bytes = archive.read(index).map_err(damaged)?;
            budget.take(path, bytes.len() as u64)?;
            Ok(Some(Batch::of_entry(path, &name, &bytes, wanted)))
        },
    );
    read.filter_map(Result::transpose).collect()
}

// The names of the records beside a zip that stand before those in it.
fn replaced(zip: &Path) -> Result<HashSet<String>, Error> {
    let Some(folder) = zip.parent().map(|folder| folder.join(CHANGED)).filter(|it| it.is_dir())
    else {
        return Ok(HashSet::new());
    };
    let read = |source| Error::Read { path: folder.clone(), source };
    let mut names = HashSet::new();
    for entry in fs::read_dir(&folder).map_err(read)? {
        names.extend(entry.map_err(read)?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Reads the documents of a tar file, which may be compressed.
pub(crate) fn read_tar(
    path: &Path,
    wanted: Wanted<'_>,
    limits: &Limits,
    budget: &Budget,
) -> Result<Vec<Batch>, Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let damaged = |source| Error::Archive { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let stream = sealift_archive::open(Box::new(file)).map_err(damaged)?;
    let mut reader = Reader::new(stream, archive_limits(limits));
    let mut batches = Vec::new();
    loop {
        let mut chunk: Vec<(String, Vec<u8>)> = Vec::new();
        let mut chunk_bytes = 0;
        while chunk.len() < CHUNK_ENTRIES_MAX && chunk_bytes < CHUNK_BYTES_MAX {
            let Some(mut entry) = reader.next_entry().map_err(damaged)? else { break };
            let name = entry.header().path.to_string();
            if !is_document(&name) {
                continue;
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(read)?;
            budget.take(path, bytes.len() as u64)?;
            chunk_bytes += bytes.len();
            chunk.push((name, bytes));
        }
        if chunk.is_empty() {
            return Ok(batches);
        }
        let parsed =
            chunk.par_iter().map(|(name, bytes)| Batch::of_entry(path, name, bytes, wanted));
        batches.par_extend(parsed);
    }
}

fn archive_limits(limits: &Limits) -> sealift_archive::Limits {
    sealift_archive::Limits {
        entries_max: limits.files_max,
        entry_bytes_max: limits.file_bytes_max,
        total_bytes_max: limits.total_bytes_max,
        ..sealift_archive::Limits::default()
    }
}

fn is_document(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| matches!(end, "json" | "xml"))
}
