//! Reading and parsing, on all cores.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use sealift_model::Note;

use crate::kind::{FeedKind, Found};
use crate::packed;
use crate::sources::Sources;
use crate::wire::{self, Outcome, Parsed};
use crate::{Error, Limits, Wanted, csaf};

// Few documents of OSV are larger.
const OSV_BYTES_USUAL: usize = 32 << 10;

/// What was read.
#[derive(Default)]
pub(crate) struct Loaded {
    /// Advisories with wanted packages, by id and then by file.
    pub(crate) parsed: Vec<Parsed>,
    /// How many advisories there were, wanted or not.
    pub(crate) seen: usize,
    /// Other feeds, each with its file.
    pub(crate) others: Vec<(PathBuf, FeedKind, Found)>,
    /// What could not be read.
    pub(crate) notes: Vec<Note>,
}

/// Reads all sources.
pub(crate) fn load(
    path: &Path,
    sources: &Sources,
    wanted: Wanted<'_>,
    limits: &Limits,
) -> Result<Loaded, Error> {
    let budget = Budget { used: AtomicU64::new(0), limit: limits.total_bytes_max };
    let mut batches = Vec::new();
    let files: Vec<Batch> = sources
        .files
        .par_iter()
        .map(|file| {
            let name = file.strip_prefix(path).unwrap_or(file).display().to_string();
            read_file(file, name, wanted, limits, &budget)
        })
        .collect::<Result<_, Error>>()?;
    batches.extend(files);
    for zip in &sources.zips {
        batches.extend(packed::read_zip(zip, wanted, limits, &budget)?);
    }
    for tar in &sources.tars {
        batches.extend(packed::read_tar(tar, wanted, limits, &budget)?);
    }
    let mut loaded = Loaded::default();
    let mut named = Vec::new();
    for batch in batches {
        if let Some((file, kind, mut found)) = batch.other {
            let subject = || batch.name.clone();
            let messages = std::mem::take(&mut found.notes).into_iter();
            loaded.notes.extend(messages.map(|message| Note { subject: subject(), message }));
            loaded.others.push((file, kind, found));
        }
        for outcome in batch.outcomes {
            match outcome {
                Ok(Outcome::Wanted(parsed)) => {
                    loaded.seen += 1;
                    let subject = &parsed.advisory.id;
                    loaded.notes.extend(parsed.remarks.iter().map(|remark| Note {
                        subject: subject.clone(),
                        message: (*remark).to_owned(),
                    }));
                    named.push((batch.name.clone(), parsed));
                }
                Ok(Outcome::Other) => loaded.seen += 1,
                Err(message) => {
                    loaded.notes.push(Note { subject: batch.name.clone(), message });
                }
            }
        }
    }
    named.sort_by(|(left_file, left), (right_file, right)| {
        (&left.advisory.id, left_file).cmp(&(&right.advisory.id, right_file))
    });
    loaded.parsed = named.into_iter().map(|(_, parsed)| *parsed).collect();
    Ok(loaded)
}

/// What one file held.
pub(crate) struct Batch {
    name: String,
    outcomes: Vec<Result<Outcome, String>>,
    other: Option<(PathBuf, FeedKind, Found)>,
}

impl Batch {
    /// Reads a document of an archive.
    pub(crate) fn of_entry(archive: &Path, name: &str, bytes: &[u8], wanted: Wanted<'_>) -> Self {
        let (outcomes, other) = match parse(bytes, wanted) {
            Document::Osv(outcomes) => (outcomes, None),
            Document::Other(kind, found) => (Vec::new(), Some((archive.join(name), kind, found))),
        };
        Self { name: name.chars().take(200).collect(), outcomes, other }
    }
}

/// What all files together may have.
pub(crate) struct Budget {
    used: AtomicU64,
    limit: u64,
}

impl Budget {
    /// Counts bytes of a file; an error if they are too many.
    pub(crate) fn take(&self, path: &Path, bytes: u64) -> Result<(), Error> {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= self.limit {
            return Ok(());
        }
        Err(Error::TooMuch { path: path.to_owned(), what: "bytes", limit: self.limit })
    }
}

fn read_file(
    path: &Path,
    name: String,
    wanted: Wanted<'_>,
    limits: &Limits,
    budget: &Budget,
) -> Result<Batch, Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(read)?;
    let mut other = None;
    let bad = |message| vec![Err(message)];
    let outcomes = match sealift_archive::open(Box::new(file)) {
        Err(error) => bad(format!("it cannot be decompressed: {error}")),
        Ok(stream) => {
            let all = stream.take(limits.file_bytes_max.saturating_add(1)).read_to_end(&mut bytes);
            budget.take(path, bytes.len() as u64)?;
            match all {
                Err(error) if error.raw_os_error().is_some() => return Err(read(error)),
                Err(error) => bad(format!("it cannot be decompressed: {error}")),
                Ok(_) if bytes.len() as u64 > limits.file_bytes_max => {
                    bad(format!("it is larger than {} bytes", limits.file_bytes_max))
                }
                Ok(_) => match parse(&bytes, wanted) {
                    Document::Osv(outcomes) => outcomes,
                    Document::Other(kind, found) => {
                        other = Some((path.to_owned(), kind, found));
                        Vec::new()
                    }
                },
            }
        }
    };
    Ok(Batch { name, outcomes, other })
}

enum Document {
    Osv(Vec<Result<Outcome, String>>),
    Other(FeedKind, Found),
}

fn other(kind: FeedKind, bytes: &[u8]) -> Document {
    match kind.read(bytes) {
        Ok(found) => Document::Other(kind, found),
        Err(message) => Document::Osv(vec![Err(message)]),
    }
}

// OSV first: there are a hundred thousands of these and few of all others.
fn parse(bytes: &[u8], wanted: Wanted<'_>) -> Document {
    // Documents of CSAF are many too, and large: they are not read in vain.
    let is_csaf = bytes.len() > OSV_BYTES_USUAL && csaf::is_document(bytes);
    if is_csaf && let Some(kind) = FeedKind::detect(bytes) {
        return other(kind, bytes);
    }
    let outcomes = wire::parse_file(bytes, wanted);
    if let Some(Err(_)) = outcomes.first()
        && let Some(kind) = FeedKind::detect(bytes)
    {
        return other(kind, bytes);
    }
    Document::Osv(outcomes)
}
