//! From an image to its file tree.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use sealift_archive::{Header, Limits, RelativePath};

use crate::inspection::Inspection;
use crate::merge::{Merge, Node};
use crate::scan::{self, Body, Budget, Scan, ScannedEntry, file_meta};
use crate::{FileKind, FileMeta, FileTree, Image, LayerFact, Note, Removed, RemovedHow, Result};

/// Says whose content is wanted, by path. It is asked for regular files of layers, for files of the merged tree and for
/// symbolic links there, whose targets are then wanted.
pub type Wanted<'a> = dyn Fn(&RelativePath, &FileMeta) -> bool + Sync + 'a;

/// What reading an image takes at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// For the layers' archives.
    pub archive: Limits,
    /// Bytes of one wanted file; a larger one gets a note.
    pub body_bytes_max: u64,
    /// Bytes of all wanted files of one layer; the files behind that get a note.
    pub layer_bodies_bytes_max: u64,
    /// Bytes of all wanted files of all layers; more is an error.
    pub bodies_bytes_max: u64,
    /// Bytes that the facts of all entries of all layers take; more is an error.
    pub facts_bytes_max: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            archive: Limits::default(),
            body_bytes_max: 256 << 20,
            layer_bodies_bytes_max: 1 << 30,
            bodies_bytes_max: 4 << 30,
            facts_bytes_max: 4 << 30,
        }
    }
}

/// Reads all layers, each once and in parallel, verifies them and merges them.
///
/// A layer is read a second time only if it has the content of a wanted file under a name that was not wanted: behind a
/// hard link, a symbolic link, or a directory that is a link.
pub fn read(image: &Image, wanted: &Wanted<'_>, limits: &ReadLimits) -> Result<FileTree> {
    read_all(image, wanted, None, limits)
}

/// The same, with extracts of files that are only looked at. An extract follows its file through hard links; a layer is
/// not read again for one, so a file is inspected by the name that its layer has.
pub fn read_inspected(
    image: &Image,
    wanted: &Wanted<'_>,
    inspection: &Inspection<'_>,
    limits: &ReadLimits,
) -> Result<FileTree> {
    read_all(image, wanted, Some(inspection), limits)
}

fn read_all(
    image: &Image,
    wanted: &Wanted<'_>,
    inspection: Option<&Inspection<'_>>,
    limits: &ReadLimits,
) -> Result<FileTree> {
    let keep = |_: usize, header: &Header| wanted(&header.path, &file_meta(header));
    let budget = Budget::new(limits, inspection);
    let all = (0..image.layers().len()).collect();
    let scans = scan_layers(image, &budget, all, &|_| &keep)?;
    let mut layers: Vec<LayerFact> = image
        .layers()
        .zip(&scans)
        .map(|((descriptor, diff_id), scan)| LayerFact {
            digest: descriptor.digest.clone(),
            diff_id: diff_id.clone(),
            size: descriptor.size,
            uncompressed_size: scan.uncompressed_size,
            entries: scan.entries.len(),
            file_bytes: scan.entries.iter().map(|entry| entry.header.size).sum(),
            hidden_bytes: 0,
            duplicated_bytes: 0,
        })
        .collect();
    let mut draft = merge(scans.into_iter().map(|scan| scan.entries).collect())?;
    count_removed(&mut layers, &draft.tree.removed);
    let missing = draft.missing(wanted);
    if !missing.is_empty() {
        let keep: BTreeMap<usize, _> = missing
            .iter()
            .map(|(layer, set)| (*layer, move |place: usize, _: &Header| set.contains(&place)))
            .collect();
        let again: Vec<usize> = missing.keys().copied().collect();
        let budget = budget.again();
        let scans = scan_layers(image, &budget, again.clone(), &|layer| &keep[&layer])?;
        draft.fill(&again, scans);
    }
    let mut tree = draft.finish();
    tree.layers = layers;
    Ok(tree)
}

/// The tree of layers that are in memory, lowest first: entries with their content. All bodies are kept.
pub fn tree_of(layers: Vec<Vec<(Header, Vec<u8>)>>) -> Result<FileTree> {
    let layers = layers.into_iter().map(|entries| {
        let scanned = |(mut header, content): (Header, Vec<u8>)| {
            let is_file = header.kind == sealift_archive::EntryKind::File;
            header.size = if is_file { content.len() as u64 } else { 0 };
            let body = if is_file { Body::Kept(content.into()) } else { Body::None };
            ScannedEntry { header, body }
        };
        entries.into_iter().map(scanned).collect()
    });
    Ok(merge(layers.collect())?.finish())
}

type Keep<'a> = dyn Fn(usize, &Header) -> bool + Sync + 'a;

fn scan_layers<'a>(
    image: &Image,
    budget: &Budget<'_>,
    layers: Vec<usize>,
    keep: &(dyn Fn(usize) -> &'a Keep<'a> + Sync),
) -> Result<Vec<Scan>> {
    // All are awaited and the lowest layer's error is the one that shows, however the threads ran.
    let scans: Vec<Result<Scan>> =
        layers.into_par_iter().map(|layer| scan::scan(image, layer, budget, keep(layer))).collect();
    scans.into_iter().collect()
}

// The tree with where each file's content is.
struct Draft {
    tree: FileTree,
    /// Layer and place of the entry that has the content, for each fact.
    sources: Vec<(usize, usize)>,
    /// Why content was not kept.
    over: BTreeMap<usize, String>,
}

fn merge(layers: Vec<Vec<ScannedEntry>>) -> Result<Draft> {
    let mut merge = Merge::new();
    for (layer, entries) in layers.into_iter().enumerate() {
        merge.apply(layer, entries)?;
    }
    let (nodes, removed) = merge.finish();
    let mut draft = Draft {
        tree: FileTree { removed, ..FileTree::default() },
        sources: Vec::with_capacity(nodes.len()),
        over: BTreeMap::new(),
    };
    for Node { fact, body, source, .. } in nodes {
        draft.keep(draft.tree.facts.len(), body);
        draft.tree.facts.push(fact);
        draft.sources.push(source);
    }
    Ok(draft)
}

impl Draft {
    fn keep(&mut self, index: usize, body: Body) {
        match body {
            Body::None => {}
            Body::Kept(bytes) => {
                self.tree.bodies.insert(index, bytes);
            }
            Body::Extract(bytes) => {
                self.tree.extracts.insert(index, bytes);
            }
            Body::OverLimit(message) => {
                self.over.insert(index, message);
            }
        }
    }

    // Entries whose content is wanted under the merged tree's names and was not kept: layer to places.
    fn missing(&self, wanted: &Wanted<'_>) -> BTreeMap<usize, BTreeSet<usize>> {
        let mut missing: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (index, fact) in self.tree.facts.iter().enumerate() {
            let is_link = matches!(fact.kind, FileKind::Symlink(_));
            if !(is_link || fact.is_file()) || !wanted(&fact.path, &fact.meta()) {
                continue;
            }
            let target = if is_link { self.tree.resolve_index(&fact.path) } else { Some(index) };
            if let Some(target) = target
                && self.tree.facts[target].is_file()
                && !self.tree.bodies.contains_key(&target)
                && !self.over.contains_key(&target)
            {
                let (layer, place) = self.sources[target];
                missing.entry(layer).or_default().insert(place);
            }
        }
        missing
    }

    fn fill(&mut self, layers: &[usize], scans: Vec<Scan>) {
        let mut bodies: HashMap<(usize, usize), Body> = HashMap::new();
        for (layer, scan) in layers.iter().zip(scans) {
            for (place, entry) in scan.entries.into_iter().enumerate() {
                bodies.insert((*layer, place), entry.body);
            }
        }
        for index in 0..self.sources.len() {
            if let Some(body) = bodies.get(&self.sources[index])
                && !self.tree.bodies.contains_key(&index)
            {
                self.keep(index, body.clone());
            }
        }
    }

    fn finish(mut self) -> FileTree {
        for (index, message) in self.over {
            let path = self.tree.facts[index].path.clone();
            self.tree.notes.push(Note { path, message });
        }
        self.tree
    }
}

fn count_removed(layers: &mut [LayerFact], removed: &[Removed]) {
    for gone in removed {
        layers[gone.layer].hidden_bytes += gone.size;
        if gone.how == RemovedHow::Replaced {
            layers[gone.by].duplicated_bytes += gone.size;
        }
    }
}
