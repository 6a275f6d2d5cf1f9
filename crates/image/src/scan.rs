//! One pass over one layer: facts of all entries, bodies of the wanted ones.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealift_archive::{EntryKind, Header, tar};

use crate::inspection::{Gate, Inspection, Watch, fill};
use crate::read::ReadLimits;
use crate::records::{Packer, Record, Records};
use crate::{Error, FileKind, FileMeta, Image, LayerReader, Result};

/// What one pass over a layer finds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) records: Records,
    /// What was kept of entries, by place, ascending.
    pub(crate) bodies: Vec<(u32, Body)>,
    /// What was found in passing, by place, ascending.
    pub(crate) marks: Marks,
    pub(crate) uncompressed_size: u64,
}

/// What was kept of an entry's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nobody wanted it.
    #[default]
    None,
    /// The content.
    Kept(Arc<[u8]>),
    /// What an inspection found in it.
    Extract(Arc<[u8]>),
    /// It is wanted, but above a limit; the text says which.
    OverLimit(String),
}

/// What all layers together may take of memory. Whether it is enough does not depend on the order of the threads.
pub(crate) struct Budget<'a> {
    limits: &'a ReadLimits,
    inspection: Option<&'a Inspection<'a>>,
    gate: Gate,
    bodies_bytes: AtomicU64,
    facts_bytes: AtomicU64,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(limits: &'a ReadLimits, inspection: Option<&'a Inspection<'a>>) -> Self {
        Self {
            limits,
            inspection,
            gate: Gate::default(),
            bodies_bytes: AtomicU64::new(0),
            facts_bytes: AtomicU64::new(0),
        }
    }

    /// For reading layers again, without the inspection, which is done.
    pub(crate) fn again(self) -> Self {
        Self { inspection: None, ..self }
    }

    // What an inspection keeps of an entry that nobody wants as a whole.
    fn inspect(
        &self,
        header: &Header,
        content: impl Read,
        buffer: &mut Vec<u8>,
    ) -> Result<Body, EntryError> {
        let Some(inspection) = self.inspection else { return Ok(Body::None) };
        if header.kind != EntryKind::File || !(inspection.wanted)(&header.path, &file_meta(header))
        {
            return Ok(Body::None);
        }
        let body = inspection
            .body(&header.path, header.size, content, buffer, (&self.gate, self.limits))
            .map_err(EntryError::Archive)?;
        if let Body::Extract(bytes) = &body {
            self.take_body(bytes.len() as u64).map_err(EntryError::Memory)?;
        }
        Ok(body)
    }

    /// Under which the cache has what a watch found.
    pub(crate) fn watch_key(&self) -> Option<&'a str> {
        self.inspection?.watch.map(|watch| watch.key)
    }

    /// Who looks into this file.
    pub(crate) fn watch(&self, header: &Header) -> Option<&'a Watch<'a>> {
        let watch = self.inspection?.watch?;
        let is_wanted =
            header.kind == EntryKind::File && (watch.wanted)(&header.path, &file_meta(header));
        is_wanted.then_some(watch)
    }

    fn take_mark(&self, mark: Option<Vec<u8>>) -> Result<Option<Arc<[u8]>>> {
        let Some(mark) = mark else { return Ok(None) };
        self.take_body(mark.len() as u64)?;
        Ok(Some(mark.into()))
    }

    fn take_body(&self, bytes: u64) -> Result<()> {
        let before = self.bodies_bytes.fetch_add(bytes, Ordering::Relaxed);
        let limit = self.limits.bodies_bytes_max;
        if before.saturating_add(bytes) > limit {
            return Err(Error::Memory { what: "the wanted files", limit });
        }
        Ok(())
    }

    // Charges for the entries that came since the last time.
    fn take_facts(&self, bytes: u64) -> Result<()> {
        let before = self.facts_bytes.fetch_add(bytes, Ordering::Relaxed);
        let limit = self.limits.facts_bytes_max;
        if before.saturating_add(bytes) > limit {
            return Err(Error::Memory { what: "the entries", limit });
        }
        Ok(())
    }

    /// Charges for what a cache has of a layer.
    pub(crate) fn take_scan(&self, scan: &Scan) -> Result<()> {
        self.take_facts(
            (scan.records.len() * size_of::<Record>() + scan.records.text.len()) as u64,
        )?;
        for (_, mark) in &scan.marks {
            self.take_body(mark.len() as u64)?;
        }
        for (_, body) in &scan.bodies {
            if let Body::Kept(bytes) | Body::Extract(bytes) = body {
                self.take_body(bytes.len() as u64)?;
            }
        }
        Ok(())
    }
}

enum EntryError {
    Archive(sealift_archive::Error),
    Memory(Error),
}

/// Reads a layer once, to its end, and verifies it. `keep` says whose content is wanted, by the entry's place.
pub(crate) fn scan(
    image: &Image,
    layer: usize,
    budget: &Budget<'_>,
    keep: &dyn Fn(usize, &Header) -> bool,
) -> Result<Scan> {
    let (descriptor, _) = image.layers().nth(layer).expect("the caller counts the layers");
    let reader = image.open_layer(layer)?;
    let mut archive = tar::Reader::new(reader, budget.limits.archive.clone());
    let of_layer = |error| Error::of_layer(layer, &descriptor.digest, error);
    let entries = entries(&mut archive, budget, keep, &of_layer);
    let mut reader: LayerReader = archive.into_inner().into_inner();
    let (records, bodies, marks) = entries.map_err(|error| match error {
        Error::Memory { .. } => error,
        other => reader.explain(other),
    })?;
    reader.finish_mut()?;
    Ok(Scan { records, bodies, marks, uncompressed_size: reader.count() })
}

pub(crate) type Bodies = Vec<(u32, Body)>;
pub(crate) type Marks = Vec<(u32, Arc<[u8]>)>;

/// Reads the entries of a layer's archive.
pub(crate) fn entries(
    archive: &mut tar::Reader<impl Read>,
    budget: &Budget<'_>,
    keep: &dyn Fn(usize, &Header) -> bool,
    of_layer: &dyn Fn(sealift_archive::Error) -> Error,
) -> Result<(Records, Bodies, Marks)> {
    let mut packer = Packer::default();
    let mut bodies = Bodies::new();
    let mut marks = Marks::new();
    let mut kept_bytes = 0;
    let mut charged = 0;
    let (mut buffer, mut head) = (Vec::new(), Vec::new());
    while let Some(mut entry) = archive.next_entry().map_err(of_layer)? {
        let header = entry.header();
        let size = header.size;
        let place = packer.len();
        let limit = u32::MAX.into();
        packer.push(header).ok_or(Error::Memory { what: "the names of a layer", limit })?;
        budget.take_facts(packer.bytes() - charged)?;
        charged = packer.bytes();
        let is_wanted = header.kind == EntryKind::File && keep(place, header);
        let watch = budget.watch(header);
        let over = is_wanted.then(|| over_limit(size, kept_bytes, budget.limits)).flatten();
        let of_entry = |error| match error {
            EntryError::Archive(error) => of_layer(error),
            EntryError::Memory(error) => error,
        };
        let mut mark = None;
        let body = if let Some(over) = over {
            over
        } else if !is_wanted {
            let header = header.clone();
            if let Some(watch) = watch {
                mark = watch
                    .begin(&header.path, &mut entry, &mut head)
                    .map_err(|error| of_layer(error.into()))?;
                let content = head.as_slice().chain(&mut entry);
                budget.inspect(&header, content, &mut buffer).map_err(of_entry)?
            } else {
                budget.inspect(&header, &mut entry, &mut buffer).map_err(of_entry)?
            }
        } else {
            kept_bytes += size;
            budget.take_body(size)?;
            // Within the limit above; memory that is not written costs nothing.
            let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
            let count = fill(&mut entry, &mut bytes).map_err(|error| of_layer(error.into()))?;
            bytes.truncate(count);
            mark = watch.and_then(|watch| watch.whole(&entry.header().path, &bytes));
            Body::Kept(bytes.into())
        };
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        marks.extend(budget.take_mark(mark)?.map(|mark| (place, mark)));
        if !matches!(body, Body::None) {
            bodies.push((place, body));
        }
    }
    Ok((packer.finish(), bodies, marks))
}

/// Says so if a body may not be kept.
pub(crate) fn over_limit(size: u64, kept_bytes: u64, limits: &ReadLimits) -> Option<Body> {
    if size > limits.body_bytes_max {
        return Some(Body::OverLimit(format!(
            "not read: it has {size} bytes, more than the limit of {}",
            limits.body_bytes_max
        )));
    }
    if kept_bytes.saturating_add(size) > limits.layer_bodies_bytes_max {
        return Some(Body::OverLimit(format!(
            "not read: the wanted files of its layer have more than the limit of {} bytes",
            limits.layer_bodies_bytes_max
        )));
    }
    None
}

/// The part of a regular file's header that says whether it is wanted.
pub(crate) fn file_meta(header: &Header) -> FileMeta {
    FileMeta {
        kind: FileKind::File,
        mode: header.mode,
        uid: header.uid,
        gid: header.gid,
        size: header.size,
        mtime: header.mtime,
    }
}
