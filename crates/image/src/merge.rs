//! Layers laid upon each other (image-spec, layer.md; containerd's `archive.Apply` where that is silent).

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use sealift_archive::{RelativePath, Whiteout, whiteout};

use crate::records::{Record, Records};
use crate::tree::{FileTree, LINKS_MAX, RemovedNode, parts};
use crate::{Error, RemovedHow, Result};

pub(crate) const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;
// One entry may imply two thousand.
const IMPLIED_MAX: usize = 10_000_000;
/// No layer has an entry for it.
const IMPLIED: u16 = 1;
/// It has the content of another entry.
const LINKED: u16 = 2;
/// It was taken away.
const GONE: u16 = 4;
/// Its path is not the one that its entry has: a directory above it is a link.
const MOVED: u16 = 8;

/// A file of the tree: where its entry is, and its place among the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) parent: u32,
    /// Place of its entry in its layer; of an implied directory, in the list of their names.
    pub(crate) place: u32,
    /// While layers are laid upon each other the first child, then where the children begin.
    pub(crate) first: u32,
    /// While layers are laid upon each other the next child of the same parent, then the number of children.
    pub(crate) next: u32,
    pub(crate) layer: u16,
    flags: u16,
}

/// Whose content a hard link has.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// Layer and place of the entry.
    pub(crate) content: (u16, u32),
    /// The other name.
    pub(crate) target: RelativePath,
}

/// The layers' entries and the files made of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stock {
    pub(crate) layers: Vec<Records>,
    pub(crate) nodes: Vec<Node>,
    /// By node.
    pub(crate) links: HashMap<u32, Link>,
    implied: Vec<Box<[u8]>>,
}

impl Node {
    pub(crate) fn is_implied(self) -> bool {
        self.flags & IMPLIED != 0
    }

    /// True if its entry has the same path and the content itself.
    pub(crate) fn is_as_written(self) -> bool {
        self.flags & (MOVED | LINKED) == 0
    }

    fn is_gone(self) -> bool {
        self.flags & GONE != 0
    }
}

impl Stock {
    /// The last part of a file's path.
    pub(crate) fn name(&self, node: u32) -> &[u8] {
        let Node { layer, place, .. } = self.nodes[node as usize];
        if self.nodes[node as usize].is_implied() {
            &self.implied[place as usize]
        } else {
            self.layers[usize::from(layer)].name(place)
        }
    }

    /// Layer and place of the entry that has a file's content; an implied directory has none.
    pub(crate) fn content(&self, node: u32) -> Option<(u16, u32)> {
        let of = self.nodes[node as usize];
        match of.flags & (IMPLIED | LINKED) {
            0 => Some((of.layer, of.place)),
            LINKED => self.links.get(&node).map(|link| link.content),
            _ => None,
        }
    }

    /// The entry that has a file's content.
    pub(crate) fn record(&self, node: u32) -> Option<Record> {
        let (layer, place) = self.content(node)?;
        Some(self.layers[usize::from(layer)].entries[place as usize])
    }

    /// Target of a symbolic link.
    pub(crate) fn symlink(&self, node: u32) -> Option<&[u8]> {
        let (layer, place) = self.content(node)?;
        let records = &self.layers[usize::from(layer)];
        let is_symlink = records.entries[place as usize].is_symlink();
        if is_symlink { records.target(place) } else { None }
    }

    pub(crate) fn is_directory(&self, node: u32) -> bool {
        self.record(node).is_none_or(Record::is_directory)
    }

    /// A file's path.
    pub(crate) fn path(&self, node: u32) -> RelativePath {
        let mut names = Vec::new();
        let mut here = node;
        while here != ROOT {
            names.push(self.name(here));
            here = self.nodes[here as usize].parent;
        }
        names.reverse();
        RelativePath::parse(&names.join(&b'/')).unwrap_or_default()
    }

    /// Bytes that a file takes in its layer.
    fn stored(&self, node: u32) -> u64 {
        let of = self.nodes[node as usize];
        if of.flags & (IMPLIED | LINKED) != 0 {
            return 0;
        }
        self.layers[usize::from(of.layer)].entries[of.place as usize].size
    }
}

/// The tree while layers are laid upon it.
pub(crate) struct Merge {
    stock: Stock,
    /// Nodes by parent and name.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    removed: Vec<RemovedNode>,
    /// Where the current layer's directories are, with the generation in which that was found out.
    places: Vec<Place>,
    /// Counted up whenever a directory may have moved.
    generation: u32,
    /// Directories below which the current layer has hidden everything of lower ones: looking there again for each of
    /// many whiteouts would take for ever.
    cleared: HashSet<u32>,
}

/// Where a layer's directory is.
#[derive(Clone, Copy)]
struct Place {
    generation: u32,
    node: u32,
    is_moved: bool,
}

/// Where a path leads while not all of it is there.
struct Walked {
    /// The last part that is there.
    node: u32,
    /// The parts that are not.
    missing: Vec<Vec<u8>>,
}

impl Merge {
    pub(crate) fn new() -> Self {
        let mut merge = Self {
            stock: Stock::default(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            removed: Vec::new(),
            places: Vec::new(),
            generation: 1,
            cleared: HashSet::new(),
        };
        let root = merge.implied(ROOT, b"", 0);
        merge.stock.nodes.push(root);
        merge
    }

    /// Lays a layer upon the tree. An entry that cannot be goes to `refuse`, which may let it be left out.
    pub(crate) fn apply(
        &mut self,
        records: Records,
        refuse: &mut dyn FnMut(Error) -> Result<()>,
    ) -> Result<()> {
        let layer = u16::try_from(self.stock.layers.len())
            .map_err(|_| Error::TooMany { what: "layers", limit: u16::MAX.into() })?;
        let unknown = Place { generation: 0, node: NONE, is_moved: false };
        self.places = vec![unknown; records.directories.len()];
        self.generation += 1;
        self.cleared.clear();
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        self.reserve(records.len());
        self.stock.layers.push(records);
        for place in 0..count {
            let applied = match mark(&self.stock.layers[usize::from(layer)], place) {
                Some(mark) => self.apply_whiteout(layer, place, &mark),
                None => self.apply_entry(layer, place),
            };
            applied.or_else(&mut *refuse)?;
            if self.stock.implied.len() > IMPLIED_MAX {
                let what = "directories that have no entry of their own";
                return Err(Error::TooMany { what, limit: IMPLIED_MAX as u64 });
            }
        }
        Ok(())
    }

    // At once, since memory that grows leaves holes behind it.
    fn reserve(&mut self, count: usize) {
        self.stock.nodes.reserve_exact(count);
        let (stock, hasher) = (&self.stock, &self.hasher);
        self.table.reserve(count, |found| {
            hasher.hash_one((stock.nodes[*found as usize].parent, stock.name(*found)))
        });
    }

    /// The tree, without any content.
    pub(crate) fn finish(self) -> FileTree {
        let Self { mut stock, removed, .. } = self;
        let mut counts = vec![0_u32; stock.nodes.len()];
        for node in stock.nodes.iter().skip(1).filter(|node| !node.is_gone()) {
            counts[node.parent as usize] += 1;
        }
        let mut start = 0;
        for (node, count) in stock.nodes.iter_mut().zip(&counts) {
            (node.first, node.next) = (start, 0);
            start += count;
        }
        drop(counts);
        let mut children = vec![NONE; start as usize];
        for (index, place) in (1..).zip(1..stock.nodes.len()) {
            let node = stock.nodes[place];
            if !node.is_gone() {
                let parent = &mut stock.nodes[node.parent as usize];
                children[(parent.first + parent.next) as usize] = index;
                parent.next += 1;
            }
        }
        for node in &stock.nodes {
            let mine = &mut children[node.first as usize..(node.first + node.next) as usize];
            mine.sort_unstable_by(|left, right| stock.name(*left).cmp(stock.name(*right)));
        }
        FileTree::new(stock, children, removed)
    }

    fn apply_whiteout(&mut self, layer: u16, place: u32, mark: &Whiteout) -> Result<()> {
        match mark {
            Whiteout::Entry(path) => {
                let there = self.walk(path, Last::IsItself);
                if there.missing.is_empty() && there.node != ROOT {
                    self.delete_lower(layer, there.node, Scope::Whole);
                }
            }
            Whiteout::Opaque(directory) => {
                let there = self.walk(directory, Last::IsFollowed);
                if there.missing.is_empty() {
                    self.delete_lower(layer, there.node, Scope::Content);
                }
            }
            Whiteout::Metadata => {}
            Whiteout::Malformed => {
                return Err(self.refusal(layer, place, "is a whiteout that names no entry"));
            }
        }
        Ok(())
    }

    fn refusal(&self, layer: u16, place: u32, reason: impl Into<String>) -> Error {
        Error::Entry {
            layer: usize::from(layer),
            path: self.stock.layers[usize::from(layer)].path(place).to_string(),
            reason: reason.into(),
        }
    }

    fn apply_entry(&mut self, layer: u16, place: u32) -> Result<()> {
        let records = &self.stock.layers[usize::from(layer)];
        let record = records.entries[place as usize];
        if record.name_len == 0 {
            if !record.is_directory() {
                return Err(self.refusal(layer, place, "is the root, but not a directory"));
            }
            let root = &mut self.stock.nodes[ROOT as usize];
            (root.layer, root.place, root.flags) = (layer, place, 0);
            return Ok(());
        }
        let Place { node: parent, is_moved, .. } = self.directory(layer, record.directory);
        let link = if record.is_hard_link() { self.link(layer, place, parent)? } else { None };
        if link.is_none() && record.is_hard_link() {
            return Ok(());
        }
        let moved = if is_moved { MOVED } else { 0 };
        let name = self.stock.layers[usize::from(layer)].name(place);
        let old = self.find(parent, name);
        match old {
            // Two directories become one; the upper one's owner and mode count.
            Some(old) if record.is_directory() && self.stock.is_directory(old) => {
                let node = &mut self.stock.nodes[old as usize];
                (node.layer, node.place, node.flags) = (layer, place, moved);
                return Ok(());
            }
            Some(old) => self.replace(layer, old),
            None => {}
        }
        if !record.is_directory() && !record.is_file() {
            self.generation += 1;
        }
        let flags = if link.is_some() { LINKED | moved } else { moved };
        let node = self.insert(Node { parent, place, layer, flags, first: NONE, next: NONE });
        if let Some(link) = link {
            self.stock.links.insert(node, link);
        }
        Ok(())
    }

    // A hard link is another name of what it links to, in this layer or a lower one.
    fn link(&self, layer: u16, place: u32, parent: u32) -> Result<Option<Link>> {
        let records = &self.stock.layers[usize::from(layer)];
        let written = records.target(place).unwrap_or_default();
        let written = RelativePath::parse(written).unwrap_or_default();
        let there = self.walk(&written, Last::IsItself);
        let mut target = self.stock.path(there.node);
        for part in &there.missing {
            target = target.join(part).unwrap_or(target);
        }
        let own = self.stock.path(parent).join(records.name(place)).unwrap_or_default();
        if target == own {
            return Ok(None);
        }
        if !there.missing.is_empty() {
            let reason = format!("is a hard link to `{target}`, which is not there");
            return Err(self.refusal(layer, place, reason));
        }
        match self.stock.content(there.node) {
            Some(content) if !self.stock.is_directory(there.node) => {
                Ok(Some(Link { content, target }))
            }
            _ => {
                let reason = format!("is a hard link to the directory `{target}`");
                Err(self.refusal(layer, place, reason))
            }
        }
    }

    // Takes away a file with all below it, of whatever layer.
    fn replace(&mut self, layer: u16, node: u32) {
        self.generation += 1;
        for gone in self.subtree(node, &HashSet::new()) {
            self.take(gone);
            self.remember(gone, layer, RemovedHow::Replaced);
        }
    }

    // A whiteout hides lower layers only: what its own layer brought stays, with the directories above it.
    fn delete_lower(&mut self, layer: u16, top: u32, scope: Scope) {
        if self.cleared.contains(&top) {
            return;
        }
        self.generation += 1;
        let cleared = std::mem::take(&mut self.cleared);
        let mut needed: HashSet<u32> = HashSet::new();
        let mut gone = Vec::new();
        for node in self.subtree(top, &cleared).into_iter().rev() {
            if scope == Scope::Content && node == top || node == ROOT {
                continue;
            }
            let Node { parent, layer: of, .. } = self.stock.nodes[node as usize];
            let is_needed = needed.contains(&node)
                || cleared.contains(&node) && !self.live_children(node).is_empty();
            if of >= layer {
                needed.insert(parent);
            } else if is_needed {
                needed.insert(parent);
                let name = self.stock.name(node).to_vec();
                let implied = self.implied(parent, &name, layer);
                let node = &mut self.stock.nodes[node as usize];
                (node.layer, node.place, node.flags) = (layer, implied.place, implied.flags);
            } else {
                gone.push(node);
            }
        }
        for node in gone.into_iter().rev() {
            self.take(node);
            self.remember(node, layer, RemovedHow::Deleted);
        }
        self.cleared = cleared;
        self.cleared.insert(top);
    }

    // A file and everything below it, each directory before what is in it, in the order of names. What is below a
    // cleared directory is left out: it has nothing of lower layers.
    fn subtree(&mut self, top: u32, cleared: &HashSet<u32>) -> Vec<u32> {
        let mut found = Vec::new();
        let mut pending = vec![top];
        while let Some(node) = pending.pop() {
            found.push(node);
            if node != top && cleared.contains(&node) {
                continue;
            }
            let mut children = self.live_children(node);
            children.sort_unstable_by(|left, right| {
                self.stock.name(*right).cmp(self.stock.name(*left))
            });
            pending.append(&mut children);
        }
        found
    }

    // Those of a directory that are still there; the others are forgotten, so that they are met but once.
    fn live_children(&mut self, node: u32) -> Vec<u32> {
        let nodes = &mut self.stock.nodes;
        let mut live = Vec::new();
        let mut child = nodes[node as usize].first;
        while child != NONE {
            let Node { next, .. } = nodes[child as usize];
            if !nodes[child as usize].is_gone() {
                live.push(child);
            }
            child = next;
        }
        let mut next = NONE;
        for child in live.iter().rev() {
            nodes[*child as usize].next = next;
            next = *child;
        }
        nodes[node as usize].first = next;
        live
    }

    fn take(&mut self, node: u32) {
        let hash = self.hash(self.stock.nodes[node as usize].parent, self.stock.name(node));
        if let Ok(entry) = self.table.find_entry(hash, |found| *found == node) {
            entry.remove();
        }
        self.stock.nodes[node as usize].flags |= GONE;
    }

    fn remember(&mut self, node: u32, by: u16, how: RemovedHow) {
        let Node { layer, .. } = self.stock.nodes[node as usize];
        if !self.stock.nodes[node as usize].is_implied() && layer < by {
            let size = self.stock.stored(node);
            self.removed.push(RemovedNode { node, size, layer, by, how });
        }
    }

    fn insert(&mut self, node: Node) -> u32 {
        let index = u32::try_from(self.stock.nodes.len()).unwrap_or(NONE);
        let parent = &mut self.stock.nodes[node.parent as usize];
        let next = std::mem::replace(&mut parent.first, index);
        self.stock.nodes.push(Node { next, ..node });
        let hash = self.hash(node.parent, self.stock.name(index));
        let (stock, hasher) = (&self.stock, &self.hasher);
        let rehash = |found: &u32| {
            let parent = stock.nodes[*found as usize].parent;
            hasher.hash_one((parent, stock.name(*found)))
        };
        self.table.insert_unique(hash, index, rehash);
        index
    }

    fn hash(&self, parent: u32, name: &[u8]) -> u64 {
        self.hasher.hash_one((parent, name))
    }

    fn find(&self, parent: u32, name: &[u8]) -> Option<u32> {
        let stock = &self.stock;
        let is_it = |found: &u32| {
            stock.nodes[*found as usize].parent == parent && stock.name(*found) == name
        };
        self.table.find(self.hash(parent, name), is_it).copied()
    }

    // A directory that no entry is for.
    fn implied(&mut self, parent: u32, name: &[u8], layer: u16) -> Node {
        let place = u32::try_from(self.stock.implied.len()).unwrap_or(NONE);
        self.stock.implied.push(name.into());
        Node { parent, place, layer, flags: IMPLIED, first: NONE, next: NONE }
    }

    // Where a directory of the current layer is, as `make` finds or makes it.
    fn directory(&mut self, layer: u16, number: u32) -> Place {
        let known = self.places[number as usize];
        if known.generation == self.generation {
            return known;
        }
        let path = self.stock.layers[usize::from(layer)].directory(number).to_vec();
        let node = self.make(&path, layer);
        let is_moved = self.stock.path(node).as_bytes() != path;
        let place = Place { generation: self.generation, node, is_moved };
        self.places[number as usize] = place;
        place
    }

    // Where a directory is, links followed beneath the root. Missing parts become directories of the layer, and so do
    // parts that are no directories and links that go in circles, as they do under overlayfs.
    fn make(&mut self, path: &[u8], layer: u16) -> u32 {
        let mut here = ROOT;
        let mut links = 0;
        let mut parts: VecDeque<Vec<u8>> = self::parts(path).collect();
        while let Some(part) = parts.pop_front() {
            if part == b".." {
                here = self.stock.nodes[here as usize].parent;
                continue;
            }
            let found = self.find(here, &part);
            if let Some(node) = found {
                if self.stock.is_directory(node) {
                    here = node;
                    continue;
                }
                if let Some(target) = self.stock.symlink(node)
                    && links < LINKS_MAX
                {
                    links += 1;
                    follow(target, &mut here, &mut parts);
                    continue;
                }
                self.replace(layer, node);
            }
            let implied = self.implied(here, &part, layer);
            here = self.insert(implied);
        }
        here
    }

    // Where a path leads beneath the root, links followed.
    fn walk(&self, path: &RelativePath, last: Last) -> Walked {
        let mut walked = Walked { node: ROOT, missing: Vec::new() };
        let mut links = 0;
        let mut parts: VecDeque<Vec<u8>> = self::parts(path.as_bytes()).collect();
        let own = match last {
            Last::IsItself => parts.pop_back(),
            Last::IsFollowed => None,
        };
        while let Some(part) = parts.pop_front() {
            if part == b".." {
                if walked.missing.pop().is_none() {
                    walked.node = self.stock.nodes[walked.node as usize].parent;
                }
                continue;
            }
            match self.find(walked.node, &part).filter(|_| walked.missing.is_empty()) {
                Some(node) => match self.stock.symlink(node) {
                    Some(target) if links < LINKS_MAX => {
                        links += 1;
                        follow(target, &mut walked.node, &mut parts);
                    }
                    _ => walked.node = node,
                },
                None => walked.missing.push(part),
            }
        }
        if let Some(own) = own {
            match self.find(walked.node, &own).filter(|_| walked.missing.is_empty()) {
                Some(node) => walked.node = node,
                None => walked.missing.push(own),
            }
        }
        walked
    }
}

// Goes on with the parts of a link's target, from the root if it is absolute.
fn follow(target: &[u8], here: &mut u32, parts: &mut VecDeque<Vec<u8>>) {
    if target.starts_with(b"/") {
        *here = ROOT;
    }
    for part in self::parts(target).rev() {
        parts.push_front(part);
    }
}

// What an entry is as a whiteout.
fn mark(records: &Records, place: u32) -> Option<Whiteout> {
    let record = records.entries[place as usize];
    let is_marked = records.name(place).starts_with(b".wh.")
        || memchr::memmem::find(records.directory(record.directory), b".wh..wh.").is_some();
    if is_marked { whiteout(&records.path(place)) } else { None }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Whole,
    Content,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The last part of a path is not followed if it is a link.
    IsItself,
    /// It is.
    IsFollowed,
}
