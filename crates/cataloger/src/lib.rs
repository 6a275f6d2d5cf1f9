//! What a cataloger is, what it sees, and what catalogers have in common.
//!
//! Entry: [`Cataloger`], a declaration of patterns and a function from bytes to [`Found`]. Invariant: the function is pure,
//! and whatever it cannot read is in its notes.

pub mod complaints;
pub mod component;
pub mod extract;
pub mod supplier;

use std::collections::BTreeMap;

use sealift_archive::RelativePath;
use sealift_image::{FileFact, FileTree};
use sealift_model::{Distro, Evidence, LayerRef, Method, Note, Package};

// So many files of a package tell the layer that brought it.
const LAYER_FILES_MAX: usize = 1000;
// So much below a directory is looked at for what is in it.
const CHILDREN_MAX: usize = 2_000;

/// A reader of one kind of package database.
pub struct Cataloger {
    /// Its name.
    pub name: &'static str,
    /// What it finds, in a few words; the table of catalogers in the documentation has it.
    pub what: &'static str,
    /// Files that show packages; each is read by itself.
    pub evidence: &'static [Pattern],
    /// Files that tell more about these packages.
    pub companions: &'static [Pattern],
    /// Reads a file of evidence.
    pub read: fn(&[u8], &Context<'_>) -> Found,
}

/// Which paths; without a slash at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This path.
    Exact(&'static str),
    /// Files in this directory, not below it, with a name that ends so.
    In(&'static str, &'static str),
    /// Files of this name in a directory of this one.
    OneBelow(&'static str, &'static str),
    /// Files of this name two directories below this one.
    TwoBelow(&'static str, &'static str),
    /// Files of this name in any directory whose name ends so.
    Named(&'static str, &'static str),
    /// Files anywhere with a name that begins and ends so.
    Around(&'static str, &'static str),
    /// Files anywhere with a name that ends so.
    Ending(&'static str),
    /// Files with a name that ends so in any directory whose path ends with these parts.
    InAny(&'static str, &'static str),
    /// Files with a name that ends so in a directory of any directory whose path ends with these parts.
    OneBelowAny(&'static str, &'static str),
}

impl Pattern {
    /// Bytes with which every path that is one of these ends.
    pub fn ending(&self) -> &'static str {
        match self {
            Self::Exact(end)
            | Self::In(_, end)
            | Self::OneBelow(_, end)
            | Self::TwoBelow(_, end)
            | Self::Named(_, end)
            | Self::Around(_, end)
            | Self::Ending(end)
            | Self::InAny(_, end)
            | Self::OneBelowAny(_, end) => end,
        }
    }

    /// The pattern as people write such: `*` is any text without a slash, `**` any folders.
    pub fn glob(&self) -> String {
        match self {
            Self::Exact(path) => format!("/{path}"),
            Self::In(parent, end) => format!("/{parent}/*{end}"),
            Self::OneBelow(parent, name) => format!("/{parent}/*/{name}"),
            Self::TwoBelow(parent, name) => format!("/{parent}/*/*/{name}"),
            Self::Named("", name) => format!("**/{name}"),
            Self::Named(end, name) => format!("**/*{end}/{name}"),
            Self::Around(start, end) => format!("**/{start}*{end}"),
            Self::Ending(end) => format!("**/*{end}"),
            Self::InAny(parts, end) => format!("**/{parts}/*{end}"),
            Self::OneBelowAny(parts, end) => format!("**/{parts}/*/*{end}"),
        }
    }

    /// True if the path is one of these.
    pub fn matches(&self, path: &[u8]) -> bool {
        let (directory, name) = match memrchr(path) {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&path[..0], path),
        };
        match self {
            Self::Exact(exact) => path == exact.as_bytes(),
            Self::In(parent, end) => {
                directory == parent.as_bytes() && name.ends_with(end.as_bytes())
            }
            Self::OneBelow(grandparent, exact) => {
                name == exact.as_bytes()
                    && memrchr(directory)
                        .is_some_and(|slash| directory[..slash] == *grandparent.as_bytes())
            }
            Self::TwoBelow(ancestor, exact) => {
                let mut parts = directory.rsplitn(3, |byte| *byte == b'/').skip(2);
                name == exact.as_bytes() && parts.next() == Some(ancestor.as_bytes())
            }
            Self::Named(end, exact) => {
                name == exact.as_bytes() && directory.ends_with(end.as_bytes())
            }
            Self::Around(start, end) => {
                name.len() >= start.len() + end.len()
                    && name.starts_with(start.as_bytes())
                    && name.ends_with(end.as_bytes())
            }
            Self::Ending(end) => name.ends_with(end.as_bytes()),
            Self::InAny(parts, end) => {
                name.ends_with(end.as_bytes()) && ends_with_parts(directory, parts.as_bytes())
            }
            Self::OneBelowAny(parts, end) => {
                name.ends_with(end.as_bytes())
                    && memrchr(directory)
                        .is_some_and(|slash| ends_with_parts(&directory[..slash], parts.as_bytes()))
            }
        }
    }
}

// `x/a/b` ends with the parts `a/b`, `xa/b` does not.
fn ends_with_parts(directory: &[u8], parts: &[u8]) -> bool {
    directory.strip_suffix(parts).is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
}

fn memrchr(path: &[u8]) -> Option<usize> {
    path.iter().rposition(|byte| *byte == b'/')
}

/// What a cataloger sees beside the bytes.
pub struct Context<'a> {
    tree: &'a FileTree,
    fact: &'a FileFact,
    /// The distribution.
    pub distro: Option<&'a Distro>,
}

/// A file that tells more.
pub struct Companion<'a> {
    /// Its content.
    pub bytes: &'a [u8],
    /// Its layer.
    pub layer: Option<LayerRef>,
}

impl<'a> Context<'a> {
    /// What is around the file with this fact.
    pub fn new(tree: &'a FileTree, fact: &'a FileFact, distro: Option<&'a Distro>) -> Self {
        Self { tree, fact, distro }
    }

    /// Absolute path of the evidence, for people.
    pub fn path(&self) -> String {
        format!("/{}", self.fact.path)
    }

    /// Path of the evidence, without a slash at the beginning.
    pub fn path_bytes(&self) -> &'a [u8] {
        self.fact.path.as_bytes()
    }

    /// The layer of the evidence.
    pub fn layer(&self) -> Option<LayerRef> {
        layer_ref(self.tree, self.fact.layer)
    }

    /// The layer since which the file of evidence has had these bytes: where a record is of one package, this layer brought
    /// the version. Writing the same again, as a change of its mode does, brings nothing.
    pub fn introduced(&self) -> Option<LayerRef> {
        layer_ref(self.tree, self.fact.since)
    }

    /// A companion file, links followed.
    pub fn companion(&self, path: &[u8]) -> Option<Companion<'a>> {
        let path = RelativePath::parse(path).ok()?;
        let bytes = self.tree.read(&path)?;
        let layer = self.tree.resolve(&path).and_then(|fact| layer_ref(self.tree, fact.layer));
        Some(Companion { bytes, layer })
    }

    /// The layer that brought most of these files, the lower of two that brought as many. A database in one file is
    /// written again for every package; the files of a package are there since it was installed.
    pub fn layer_of(&self, files: &[String]) -> Option<LayerRef> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for file in files.iter().take(LAYER_FILES_MAX) {
            if let Some(layer) = self.tree.layer_of_text(file.as_bytes()) {
                *counts.entry(layer).or_default() += 1;
            }
        }
        let (layer, _) = counts.into_iter().rev().max_by_key(|(_, count)| *count)?;
        layer_ref(self.tree, layer)
    }

    /// The files below a directory, links and devices among them, as far as the limit goes; without a slash at the
    /// beginning.
    pub fn files_below(&self, directory: &str, files_max: usize) -> Vec<String> {
        let Ok(directory) = RelativePath::parse(directory.as_bytes()) else { return Vec::new() };
        let files = self.tree.below(&directory).filter(|fact| !fact.is_directory());
        files.take(files_max).map(|fact| format!("/{}", fact.path)).collect()
    }

    /// True if there is such a directory itself, not a link to one.
    pub fn has_directory(&self, path: &str) -> bool {
        let path = RelativePath::parse(path.as_bytes()).ok();
        path.and_then(|path| self.tree.get(&path)).is_some_and(|fact| fact.is_directory())
    }

    /// Where a path leads, links followed; both without a slash at the beginning.
    pub fn resolved(&self, path: &str) -> Option<String> {
        Some(self.tree.resolve_text(path.as_bytes())?.path.to_string())
    }

    /// Paths of the files in a directory, sorted; without a slash at the beginning. Links are not followed.
    pub fn files_in(&self, directory: &str) -> Vec<String> {
        let Ok(directory) = RelativePath::parse(directory.as_bytes()) else { return Vec::new() };
        let below = self.tree.below(&directory).take(CHILDREN_MAX);
        below
            .filter(|fact| fact.is_file() && fact.path.parent().as_ref() == Some(&directory))
            .map(|fact| fact.path.to_string())
            .collect()
    }

    /// The file as evidence.
    pub fn evidence(&self, method: Method) -> Evidence {
        Evidence { path: self.path(), layer: self.layer(), method, confidence: method.confidence() }
    }

    /// Something to say of the file.
    pub fn note(&self, message: impl Into<String>) -> Note {
        Note { subject: self.path(), message: message.into() }
    }
}

fn layer_ref(tree: &FileTree, index: usize) -> Option<LayerRef> {
    // The tree of a directory has no layers.
    let layer = tree.layers().get(index)?;
    Some(LayerRef { index, diff_id: layer.diff_id.clone() })
}

/// What a file of evidence shows.
#[derive(Debug, Default)]
pub struct Found {
    /// Packages.
    pub drafts: Vec<Draft>,
    /// What could not be read.
    pub notes: Vec<Note>,
}

/// A package whose relations are not known yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The package.
    pub package: Package,
    /// Packages of the same surroundings (architecture, directory) prefer each other.
    pub surroundings: String,
    /// Names under which others may need it, its own first.
    pub provides: Vec<String>,
    /// What it needs: for each need the names that satisfy it.
    pub requires: Vec<Vec<String>>,
    /// The sources whose code it contains: name and version of a package of scope [`sealift_model::Scope::BuiltFrom`].
    pub built_from: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: Pattern, path: &str, expected: bool| {
            assert_eq!(pattern.matches(path.as_bytes()), expected, "{pattern:?} {path}");
        };
        check(Pattern::Exact("a/b"), "a/b", true);
        check(Pattern::Exact("a/b"), "x/a/b", false);
        check(Pattern::In("a/b", ".list"), "a/b/c.list", true);
        check(Pattern::In("a/b", ".list"), "a/b/c/d.list", false);
        check(Pattern::In("a/b", ""), "a/b/c", true);
        check(Pattern::OneBelow("a", "copyright"), "a/b/copyright", true);
        check(Pattern::OneBelow("a", "copyright"), "a/copyright", false);
        check(Pattern::OneBelow("a", "copyright"), "a/b/c/copyright", false);
        check(Pattern::TwoBelow("a/b", "C"), "a/b/c/d/C", true);
        check(Pattern::TwoBelow("a/b", "C"), "a/b/c/C", false);
        check(Pattern::TwoBelow("a/b", "C"), "x/a/b/c/d/C", false);
        check(Pattern::TwoBelow("a/b", "C"), "C", false);
        check(Pattern::Named(".dist-info", "METADATA"), "x/y.dist-info/METADATA", true);
        check(Pattern::Named(".dist-info", "METADATA"), "METADATA", false);
        check(Pattern::Around("ab", "bc"), "x/abbc", true);
        check(Pattern::Around("ab", "bc"), "x/abc", false);
        check(Pattern::Ending(".egg-info"), "a.egg-info", true);
        check(Pattern::Ending(".egg-info"), "a.egg-info/b", false);
        check(Pattern::InAny("a/b", ".yml"), "a/b/c.yml", true);
        check(Pattern::InAny("a/b", ".yml"), "x/a/b/c.yml", true);
        check(Pattern::InAny("a/b", ".yml"), "xa/b/c.yml", false);
        check(Pattern::InAny("a/b", ".yml"), "a/b/c/d.yml", false);
        check(Pattern::InAny("a/b", ".yml"), "c.yml", false);
        check(Pattern::OneBelowAny("a/b", ".php"), "a/b/c/d.php", true);
        check(Pattern::OneBelowAny("a/b", ".php"), "x/a/b/c/d.php", true);
        check(Pattern::OneBelowAny("a/b", ".php"), "xa/b/c/d.php", false);
        check(Pattern::OneBelowAny("a/b", ".php"), "a/b/d.php", false);
        check(Pattern::OneBelowAny("a/b", ".php"), "d.php", false);
    }
}
