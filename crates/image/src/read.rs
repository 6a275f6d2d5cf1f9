//! From an image to its file tree.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use sealift_archive::{EntryKind, Header, Limits, RelativePath};
use sealift_oci::Digest;

use crate::cache::{self, LayerCache, LayerKey};
use crate::inspection::Inspection;
use crate::merge::Merge;
use crate::records::{Record, Records};
use crate::scan::{self, Body, Budget, Scan, file_meta};
use crate::tree::{RemovedNode, UnreadLayer};
use crate::{Error, FileMeta, FileTree, Image, LayerFact, Note, RemovedHow, Result};

// So many entries that cannot be are reported.
const REFUSED_MAX: usize = 1000;

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
    let keep = Reading { wanted, inspection: None, limits, cache: None, damage: Damage::Refuse };
    read_all(image, &keep)
}

/// The same, with extracts of files that are only looked at. An extract follows its file through hard links; a layer is
/// not read again for one, so a file is inspected by the name that its layer has.
///
/// A layer that the cache knows is not read at all, and its blob not asked for: that this blob has this `diff_id` was
/// verified when it was read. `wanted`, `inspection` and `limits` must be those with which the cache was
/// filled.
///
/// What is wrong with one layer hides nothing of the others: a layer that is encrypted, damaged, not what its digest
/// says, or a foreign one that is not there is among [`FileTree::unread_layers`], and an entry that cannot be is among
/// [`FileTree::refused`]. Whoever must not go on without them looks there.
pub fn read_inspected(
    image: &Image,
    wanted: &Wanted<'_>,
    inspection: &Inspection<'_>,
    limits: &ReadLimits,
    cache: Option<&dyn LayerCache>,
) -> Result<FileTree> {
    let inspection = Some(inspection);
    read_all(image, &Reading { wanted, inspection, limits, cache, damage: Damage::Note })
}

// What to read of an image, and how.
struct Reading<'a> {
    wanted: &'a Wanted<'a>,
    inspection: Option<&'a Inspection<'a>>,
    limits: &'a ReadLimits,
    cache: Option<&'a dyn LayerCache>,
    damage: Damage,
}

// What to do about a layer that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Refuse,
    Note,
}

fn read_all(image: &Image, reading: &Reading<'_>) -> Result<FileTree> {
    let &Reading { wanted, inspection, limits, cache, damage } = reading;
    let keep = |_: usize, header: &Header| wanted(&header.path, &file_meta(header));
    let budget = Budget::new(limits, inspection);
    let all = (0..image.layers().len()).collect();
    let job = Job { image, budget: &budget, cache };
    let mut unread = Vec::new();
    let mut scans = Vec::new();
    for (index, scan) in job.run(all, &|_| (&keep, String::new())).into_iter().enumerate() {
        scans.push(match scan {
            Err(error) if damage == Damage::Note && is_of_layer(&error, image, index) => {
                unread.push(UnreadLayer { index, reason: error.to_string() });
                Scan::default()
            }
            other => other?,
        });
    }
    let mut layers: Vec<LayerFact> = image
        .layers()
        .zip(&scans)
        .map(|((descriptor, diff_id), scan)| LayerFact {
            digest: descriptor.digest.clone(),
            diff_id: diff_id.clone(),
            size: descriptor.size,
            uncompressed_size: scan.uncompressed_size,
            entries: scan.records.len(),
            file_bytes: scan.records.entries.iter().map(|record| record.size).sum(),
            hidden_bytes: 0,
            duplicated_bytes: 0,
        })
        .collect();
    let mut draft = merge(scans, damage)?;
    count_removed(&mut layers, draft.tree.removed_nodes());
    let missing = draft.missing(wanted);
    if !missing.is_empty() {
        let keep: BTreeMap<usize, _> = missing
            .iter()
            .map(|(layer, set)| (*layer, move |place: usize, _: &Header| set.contains(&place)))
            .collect();
        let again: Vec<usize> = missing.keys().copied().collect();
        let budget = budget.again();
        let job = Job { image, budget: &budget, cache };
        let scans = job.run(again.clone(), &|layer| (&keep[&layer], key_of(&missing[&layer])));
        draft.fill(&again, scans.into_iter().collect::<Result<_>>()?);
    }
    let mut tree = draft.finish();
    tree.layers = layers;
    tree.unread = unread;
    Ok(tree)
}

// True if an error says something of one layer and nothing of where the layers come from.
fn is_of_layer(error: &Error, image: &Image, index: usize) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error {
        Error::Layer { source: sealift_archive::Error::Io(error), .. } => {
            matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
        }
        Error::Digest { .. } | Error::Size { .. } | Error::Layer { .. } | Error::Entry { .. } => {
            true
        }
        // Not meant to be there: such layers are fetched from elsewhere, if at all.
        Error::Blob { .. } => image.layers().nth(index).is_some_and(|(descriptor, _)| {
            let media_type = &descriptor.media_type;
            media_type.contains("nondistributable") || media_type.contains("foreign")
        }),
        _ => false,
    }
}

/// The tree of layers that are in memory, lowest first: entries with their content. All bodies are kept.
pub fn tree_of(layers: Vec<Vec<(Header, Vec<u8>)>>) -> Result<FileTree> {
    let scan = |entries: Vec<(Header, Vec<u8>)>| {
        let mut bodies = Vec::new();
        let mut headers = Vec::new();
        for (place, (mut header, content)) in (0..).zip(entries) {
            let is_file = header.kind == EntryKind::File;
            header.size = if is_file { content.len() as u64 } else { 0 };
            if is_file {
                bodies.push((place, Body::Kept(content.into())));
            }
            headers.push(header);
        }
        let limit = u32::MAX.into();
        let records = Records::of(headers.iter())
            .ok_or(Error::Memory { what: "the names of a layer", limit })?;
        Ok(Scan { records, bodies, ..Scan::default() })
    };
    let scans = layers.into_iter().map(scan).collect::<Result<_>>()?;
    Ok(merge(scans, Damage::Refuse)?.finish())
}

/// The tree of one layer that was read already.
pub(crate) fn tree_of_scan(scan: Scan) -> Result<FileTree> {
    Ok(merge(vec![scan], Damage::Refuse)?.finish())
}

type Keep<'a> = dyn Fn(usize, &Header) -> bool + Sync + 'a;

// Reading layers.
struct Job<'a> {
    image: &'a Image,
    budget: &'a Budget<'a>,
    cache: Option<&'a dyn LayerCache>,
}

impl Job<'_> {
    // `keep` says what to keep of a layer, and under which key the cache has that.
    fn run<'a>(
        &self,
        layers: Vec<usize>,
        keep: &(dyn Fn(usize) -> (&'a Keep<'a>, String) + Sync),
    ) -> Vec<Result<Scan>> {
        // The largest first: whoever is free takes the next one, and none is left alone with a large one at the end.
        let mut order: Vec<usize> = (0..layers.len()).collect();
        order.sort_by_key(|place| Reverse(self.size(layers[*place])));
        let taken = AtomicUsize::new(0);
        // All are awaited and the lowest layer's error is the one that shows, however the threads ran.
        let mut scans: Vec<(usize, Result<Scan>)> = layers
            .par_iter()
            .with_max_len(1)
            .map(|_| {
                let place = order[taken.fetch_add(1, Ordering::Relaxed)];
                let layer = layers[place];
                let (keep, key) = keep(layer);
                (place, self.layer(layer, keep, &key))
            })
            .collect();
        scans.sort_by_key(|(place, _)| *place);
        scans.into_iter().map(|(_, scan)| scan).collect()
    }

    fn size(&self, layer: usize) -> u64 {
        self.image.layers().nth(layer).map_or(0, |(descriptor, _)| descriptor.size)
    }

    fn layer(&self, layer: usize, keep: &Keep<'_>, key: &str) -> Result<Scan> {
        let (descriptor, diff_id) =
            self.image.layers().nth(layer).expect("the caller counts the layers");
        let known = LayerKey { digest: &descriptor.digest, diff_id };
        let watch_key = self.budget.watch_key();
        if let Some(cache) = self.cache
            && let Some(mut scan) = cache.load(known, key).and_then(|bytes| cache::decode(&bytes))
            && let Some(marks) = watch_key.map_or(Some(Vec::new()), |key| {
                let bytes = cache.load(known, key)?;
                cache::decode_marks(&bytes, scan.records.len())
            })
        {
            scan.marks = marks;
            self.budget.take_scan(&scan)?;
            return Ok(scan);
        }
        let scan = scan::scan(self.image, layer, self.budget, keep)?;
        if let Some(cache) = self.cache {
            cache.save(known, key, &cache::encode(&scan));
            if let Some(key) = watch_key {
                cache.save(known, key, &cache::encode_marks(&scan.marks));
            }
        }
        Ok(scan)
    }
}

// Of a set of places.
fn key_of(places: &BTreeSet<usize>) -> String {
    let bytes: Vec<u8> = places.iter().flat_map(|place| (*place as u64).to_le_bytes()).collect();
    Digest::sha256(&bytes).hex().to_owned()
}

/// The tree, and why content was not kept.
pub(crate) struct Draft {
    pub(crate) tree: FileTree,
    over: BTreeMap<u32, String>,
}

/// Puts layers that were read one over the other.
pub(crate) fn merge(scans: Vec<Scan>, damage: Damage) -> Result<Draft> {
    let mut merge = Merge::new();
    let mut refused: Vec<Note> = Vec::new();
    let mut refuse = |error: Error| match error {
        Error::Entry { layer, path, reason } if damage == Damage::Note => {
            if refused.len() < REFUSED_MAX {
                let path = RelativePath::parse(path.as_bytes()).unwrap_or_default();
                let message = format!("left out, as layer {layer} has it: it {reason}");
                refused.push(Note { path, message });
            }
            Ok(())
        }
        other => Err(other),
    };
    let mut bodies = HashMap::new();
    let mut marks = Vec::new();
    for (layer, scan) in (0..=u16::MAX).zip(scans) {
        marks.extend(scan.marks.into_iter().map(|(place, mark)| (layer, place, mark)));
        merge.apply(scan.records, &mut refuse)?;
        bodies.extend(scan.bodies.into_iter().map(|(place, body)| ((layer, place), body)));
    }
    let mut draft = Draft { tree: merge.finish(), over: BTreeMap::new() };
    draft.tree.refused = refused;
    draft.tree.keep_marks(marks);
    draft.keep(&bodies);
    draft.tree.since = since(&draft.tree, &bodies);
    Ok(draft)
}

// The layers that files come from whose bytes a later layer wrote again, as a change of mode or owner does. Bytes that
// were away for a layer are new when they come back.
fn since(tree: &FileTree, bodies: &HashMap<(u16, u32), Body>) -> HashMap<u32, u16> {
    let stock = tree.stock();
    let body = |node: u32| match bodies.get(&stock.content(node)?)? {
        body @ (Body::Kept(_) | Body::Extract(_)) => Some(body),
        Body::None | Body::OverLimit(_) => None,
    };
    let earlier: HashMap<(RelativePath, u16), u32> = tree
        .removed_nodes()
        .iter()
        .filter(|gone| gone.how == RemovedHow::Replaced && body(gone.node).is_some())
        .map(|gone| ((stock.path(gone.node), gone.by), gone.node))
        .collect();
    let mut since = HashMap::new();
    if earlier.is_empty() {
        return since;
    }
    for node in tree.nodes().filter(|node| body(*node).is_some()) {
        let path = stock.path(node);
        let mut layer = stock.nodes[node as usize].layer;
        // What was replaced is of a lower layer than what replaced it, so that this ends.
        while let Some(before) = earlier.get(&(path.clone(), layer))
            && body(*before) == body(node)
        {
            layer = stock.nodes[*before as usize].layer;
            since.insert(node, layer);
        }
    }
    since
}

impl Draft {
    // Gives the files what was kept of their entries.
    fn keep(&mut self, bodies: &HashMap<(u16, u32), Body>) {
        if bodies.is_empty() {
            return;
        }
        let found: Vec<(u32, &Body)> = self
            .tree
            .nodes()
            .filter_map(|node| Some((node, bodies.get(&self.tree.stock().content(node)?)?)))
            .collect();
        for (node, body) in found {
            match body {
                Body::None => {}
                _ if self.tree.has_body(node) => {}
                Body::Kept(bytes) => self.tree.keep_body(node, bytes.clone()),
                Body::Extract(bytes) => self.tree.keep_extract(node, bytes.clone()),
                Body::OverLimit(message) => {
                    self.over.insert(node, message.clone());
                }
            }
        }
    }

    /// Entries whose content is wanted under the merged tree's names and was not kept: layer to places.
    pub(crate) fn missing(&self, wanted: &Wanted<'_>) -> BTreeMap<usize, BTreeSet<usize>> {
        let mut missing: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        let stock = self.tree.stock();
        for node in self.tree.nodes() {
            let Some(((layer, place), record)) = stock.content(node).zip(stock.record(node)) else {
                continue;
            };
            let is_link = record.is_symlink();
            // Whether an entry is wanted was asked when its layer was read.
            let was_asked = !is_link && stock.nodes[node as usize].is_as_written();
            if was_asked || !(is_link || record.is_file()) || self.tree.has_body(node) {
                continue;
            }
            let path = stock.path(node);
            if !wanted(&path, &stock.layers[usize::from(layer)].meta(place)) {
                continue;
            }
            let target = if is_link { self.tree.resolve_node(&path) } else { Some(node) };
            if let Some(target) = target
                && stock.record(target).is_some_and(Record::is_file)
                && !self.tree.has_body(target)
                && !self.over.contains_key(&target)
                && let Some((layer, place)) = stock.content(target)
            {
                missing.entry(layer.into()).or_default().insert(place as usize);
            }
        }
        missing
    }

    /// Takes what a second reading of some layers kept.
    pub(crate) fn fill(&mut self, layers: &[usize], scans: Vec<Scan>) {
        let mut bodies = HashMap::new();
        for (layer, scan) in layers.iter().zip(scans) {
            let layer = u16::try_from(*layer).unwrap_or(u16::MAX);
            bodies.extend(scan.bodies.into_iter().map(|(place, body)| ((layer, place), body)));
        }
        self.keep(&bodies);
    }

    pub(crate) fn finish(self) -> FileTree {
        let Self { mut tree, over } = self;
        let notes =
            over.into_iter().map(|(node, message)| Note { path: tree.stock().path(node), message });
        let mut notes: Vec<Note> = notes.collect();
        notes.sort();
        tree.notes = notes;
        tree
    }
}

/// Counts what later entries hide.
pub(crate) fn count_removed(layers: &mut [LayerFact], removed: &[RemovedNode]) {
    for gone in removed {
        layers[usize::from(gone.layer)].hidden_bytes += gone.size;
        if gone.how == RemovedHow::Replaced {
            layers[usize::from(gone.by)].duplicated_bytes += gone.size;
        }
    }
}
