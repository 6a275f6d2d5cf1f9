//! Which entries of a tree a `COPY` or `ADD` takes, and their digest.

use rayon::prelude::*;
use sealift_archive::RelativePath;
use sealift_diagnostic::closest;
use sealift_oci::Digest;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::ignore::{Ignore, Inherited};
use crate::key::KeyHasher;
use crate::pattern::{Pattern, Stars, has_wildcards};
use crate::tree::{Kind, Node, Tree, resolve};
use crate::writer::join;

/// What to take.
pub(crate) struct Wanted<'a> {
    /// The tree to take from.
    pub(crate) tree: &'a dyn Tree,
    /// The same, if it is the context: for better errors.
    pub(crate) context: Option<&'a Context>,
    /// The tree in errors: `the build context`.
    pub(crate) place: String,
    /// Sources as written, variables expanded.
    pub(crate) sources: &'a [String],
    /// `--parents`.
    pub(crate) parents: bool,
    /// `--exclude`.
    pub(crate) exclude: &'a Ignore,
}

/// What was found, in the order in which it is copied.
pub(crate) struct Selection {
    pub(crate) roots: Vec<Root>,
    /// Sources with wildcards that match nothing.
    pub(crate) empty: Vec<String>,
}

/// One source, and all below it.
pub(crate) struct Root {
    /// Name that a file has in a destination directory.
    pub(crate) name: Vec<u8>,
    /// With `--parents`, the path that is kept, from the pivot on.
    pub(crate) kept: Option<RelativePath>,
    /// Where it really lies, links followed.
    pub(crate) path: RelativePath,
    pub(crate) node: Node,
    /// Entries below a directory, parents first.
    pub(crate) entries: Vec<Entry>,
}

/// An entry below a source directory.
pub(crate) struct Entry {
    /// Path from the source directory.
    pub(crate) below: RelativePath,
    /// Path in the tree.
    pub(crate) path: RelativePath,
    pub(crate) node: Node,
}

/// Finds the sources.
pub(crate) fn select(wanted: &Wanted<'_>) -> Result<Selection> {
    let mut selection = Selection { roots: Vec::new(), empty: Vec::new() };
    for source in wanted.sources {
        let (base, rest) = match source.split_once("/./").filter(|_| wanted.parents) {
            Some((base, rest)) => (clean(wanted, source, base)?, clean(wanted, source, rest)?),
            None => (String::new(), clean(wanted, source, source)?),
        };
        let whole = match (base.as_str(), rest.as_str()) {
            ("", rest) => rest.to_owned(),
            (base, "") => base.to_owned(),
            (base, rest) => format!("{base}/{rest}"),
        };
        let matches = if has_wildcards(&whole) {
            expand_wildcards(wanted.tree, &whole)?
        } else {
            vec![parse(&whole)?]
        };
        if matches.is_empty() {
            selection.empty.push(source.clone());
        }
        for path in matches {
            let depth = base.split('/').filter(|part| !part.is_empty()).count();
            let kept = || join_parts(path.parts().skip(depth));
            let kept = if wanted.parents { Some(kept()?) } else { None };
            selection.roots.extend(root(wanted, source, &path, kept)?);
        }
    }
    Ok(selection)
}

/// Digest of everything in a selection but its times.
pub(crate) fn digest(tree: &dyn Tree, selection: &Selection) -> Result<Digest> {
    let mut hasher = KeyHasher::new("inputs");
    for root in &selection.roots {
        hasher.field("root", &root.name);
        hasher.field("kept", root.kept.as_ref().map_or(&b""[..], |path| path.as_bytes()));
        let own = std::iter::once((&root.path, &root.node));
        let below = root.entries.iter().map(|entry| (&entry.path, &entry.node));
        let files: Vec<(&RelativePath, &Node)> = own.chain(below).collect();
        let digests: Result<Vec<Option<Digest>>> = files
            .par_iter()
            .map(|(path, node)| {
                Some(*node)
                    .filter(|node| node.kind == Kind::File)
                    .map(|_| tree.digest(path))
                    .transpose()
            })
            .collect();
        let names = std::iter::once(&b""[..])
            .chain(root.entries.iter().map(|entry| entry.below.as_bytes()));
        for (((path, node), digest), name) in files.iter().zip(digests?).zip(names) {
            hasher.field("path", name);
            hasher.number("mode", u64::from(node.mode));
            hasher.number("uid", u64::from(node.uid));
            hasher.number("gid", u64::from(node.gid));
            match (&node.kind, digest) {
                (_, Some(digest)) => hasher.field("file", digest.hex().as_bytes()),
                (Kind::Symlink(target), None) => hasher.field("symlink", target),
                (kind, None) => hasher.field("kind", format!("{kind:?}").as_bytes()),
            }
            for (name, value) in tree.xattrs(path)? {
                hasher.field("xattr", &name);
                hasher.field("value", &value);
            }
        }
    }
    Ok(hasher.finish())
}

fn root(
    wanted: &Wanted<'_>,
    source: &str,
    written: &RelativePath,
    kept: Option<RelativePath>,
) -> Result<Option<Root>> {
    let path = resolve(&|path| wanted.tree.node(path), written.as_bytes(), true)?;
    let Some(node) = wanted.tree.node(&path)? else { return Err(missing(wanted, source, &path)) };
    let name = written.file_name().unwrap_or_default().to_vec();
    if !node.is_directory() {
        let excluded = wanted.exclude.check(&String::from_utf8_lossy(&name), &Inherited::default());
        if excluded.0 {
            return Ok(None);
        }
    }
    let entries = if node.is_directory() { walk(wanted, &path)? } else { Vec::new() };
    Ok(Some(Root { name, kept, path, node, entries }))
}

fn walk(wanted: &Wanted<'_>, top: &RelativePath) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut pending = vec![(RelativePath::root(), top.clone(), Inherited::default())];
    while let Some((below, path, inherited)) = pending.pop() {
        for name in wanted.tree.children(&path)? {
            let (below, path) = (join(&below, &name)?, join(&path, &name)?);
            let Some(node) = wanted.tree.node(&path)? else { continue };
            let text = below.to_string();
            let (is_excluded, inherited) = wanted.exclude.check(&text, &inherited);
            if is_excluded && !(node.is_directory() && wanted.exclude.may_return_below(&text)) {
                continue;
            }
            if node.is_directory() {
                pending.push((below.clone(), path.clone(), inherited));
            }
            entries.push(Entry { below, path, node });
        }
    }
    entries.sort_by(|left, right| left.below.cmp(&right.below));
    Ok(entries)
}

// Every part of the pattern matches one level; links are not followed on the way.
fn expand_wildcards(tree: &dyn Tree, text: &str) -> Result<Vec<RelativePath>> {
    let parts: Vec<&str> = text.split('/').collect();
    let first = parts.iter().position(|part| has_wildcards(part)).unwrap_or(parts.len());
    let start = parse(&parts[..first].join("/"))?;
    let mut found = vec![resolve(&|path| tree.node(path), start.as_bytes(), true)?];
    for part in &parts[first..] {
        let pattern = Pattern::parse(part, Stars::Shallow).map_err(|reason| Error::Value {
            what: "source",
            value: text.to_owned(),
            reason: reason.to_owned(),
        })?;
        let mut next = Vec::new();
        for directory in found {
            let is_directory = tree.node(&directory)?.is_some_and(|node| node.is_directory());
            for name in if is_directory { tree.children(&directory)? } else { Vec::new() } {
                if pattern.matches(&String::from_utf8_lossy(&name)) {
                    next.push(join(&directory, &name)?);
                }
            }
        }
        found = next;
    }
    Ok(found)
}

fn missing(wanted: &Wanted<'_>, source: &str, path: &RelativePath) -> Error {
    let is_ignored = wanted.context.is_some_and(|context| context.is_excluded(path));
    Error::MissingSource {
        path: source.to_owned(),
        place: wanted.place.clone(),
        is_ignored,
        nearest: if is_ignored { None } else { nearest(wanted.tree, path) },
    }
}

// The first part that is not there is compared with what is.
fn nearest(tree: &dyn Tree, path: &RelativePath) -> Option<String> {
    let mut known = RelativePath::root();
    let mut rest: Vec<&[u8]> = path.parts().collect();
    while !rest.is_empty() {
        let next = known.join(rest[0]).ok()?;
        if tree.node(&next).ok()?.is_none() {
            break;
        }
        known = next;
        rest.remove(0);
    }
    let names: Vec<String> = tree
        .children(&known)
        .ok()?
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    let wrong = String::from_utf8_lossy(rest.first()?).into_owned();
    let right = closest(&wrong, names.iter().map(String::as_str))?;
    let mut text = known.join(right.as_bytes()).ok()?.to_string();
    for part in &rest[1..] {
        text = format!("{text}/{}", String::from_utf8_lossy(part));
    }
    Some(text)
}

// Without `.` and `..`; a path that climbs above the root is refused.
fn clean(wanted: &Wanted<'_>, source: &str, text: &str) -> Result<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| Error::OutsideSource {
                    path: source.to_owned(),
                    place: wanted.place.clone(),
                })?;
            }
            other => parts.push(other),
        }
    }
    Ok(parts.join("/"))
}

fn parse(text: &str) -> Result<RelativePath> {
    RelativePath::parse(text.as_bytes())
        .map_err(|source| Error::Archive { path: text.to_owned(), source })
}

fn join_parts<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Result<RelativePath> {
    let mut path = RelativePath::root();
    for part in parts {
        path = join(&path, part)?;
    }
    Ok(path)
}
