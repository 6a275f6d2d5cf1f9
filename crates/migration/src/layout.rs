//! OCI image layouts: one, or zot's tree with one for each repository. A tag is the annotation
//! `org.opencontainers.image.ref.name` of an entry of `index.json`.
//! Follows <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sealift_oci::{Digest, RepositoryName, Tag};
use serde::Deserialize;

use crate::Report;
use crate::source::{Blobs, Error, Found, Repositories, Walk, read_small};

// zot keeps all manifests of a repository in it.
const INDEX_BYTES_MAX: u64 = 256 << 20;
const NAME: &str = "org.opencontainers.image.ref.name";

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// zot's root directory.
pub(crate) fn open_tree(path: &Path) -> Result<Box<dyn Repositories>, Error> {
    if !path.is_dir() {
        return Err(no_source(path, "tree of zot", "it is no folder"));
    }
    let mut tree = Tree { walk: Walk::new(path.to_owned()), first: None };
    // So that a wrong path is told at once, and not an empty report.
    let mut report = Report::default();
    tree.first = tree.next_found(&mut report).map(|found| (found, report));
    if tree.first.is_none() {
        return Err(no_source(path, "tree of zot", "no folder in it has `index.json` and `blobs`"));
    }
    Ok(Box::new(tree))
}

/// One layout.
pub(crate) fn open(
    path: &Path,
    repository: Option<&RepositoryName>,
) -> Result<Box<dyn Repositories>, Error> {
    if !is_layout(path) {
        return Err(no_source(path, "OCI layout", "it has no `index.json` and `blobs`"));
    }
    let name = if let Some(name) = repository {
        name.clone()
    } else {
        let folder = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        RepositoryName::parse(&folder).map_err(|_| {
            no_source(path, "layout with a name", "name the repository with --repository")
        })?
    };
    Ok(Box::new(One(Some((path.to_owned(), name)))))
}

fn no_source(path: &Path, kind: &'static str, reason: &str) -> Error {
    Error::NoSource { path: path.to_owned(), kind, reason: reason.to_owned() }
}

fn is_layout(folder: &Path) -> bool {
    folder.join("index.json").is_file() && folder.join("blobs").is_dir()
}

struct Tree {
    walk: Walk,
    first: Option<(Found, Report)>,
}

impl Tree {
    fn next_found(&mut self, report: &mut Report) -> Option<Found> {
        let (folder, name) = self.walk.next(&is_layout, &|part| part == "blobs", report)?;
        Some(read(&folder, name, report))
    }
}

impl Repositories for Tree {
    fn next(&mut self, report: &mut Report) -> Option<Found> {
        if let Some((found, before)) = self.first.take() {
            report.n_damages += before.n_damages;
            report.damages.extend(before.damages);
            return Some(found);
        }
        self.next_found(report)
    }
}

struct One(Option<(PathBuf, RepositoryName)>);

impl Repositories for One {
    fn next(&mut self, report: &mut Report) -> Option<Found> {
        let (folder, name) = self.0.take()?;
        Some(read(&folder, name, report))
    }
}

fn read(folder: &Path, name: RepositoryName, report: &mut Report) -> Found {
    let mut found = Found {
        name,
        manifests: BTreeMap::new(),
        media_types: BTreeMap::new(),
        blobs: Blobs::Layout(folder.join("blobs")),
    };
    let index = read_small(&folder.join("index.json"), INDEX_BYTES_MAX)
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
    let index: Index = index.unwrap_or_else(|reason| {
        report.damage(found.name.as_str(), "index.json", reason);
        Index { manifests: Vec::new() }
    });
    for entry in index.manifests {
        let Ok(digest) = entry.digest.parse::<Digest>() else {
            report.damage(found.name.as_str(), &entry.digest, "it is no digest");
            continue;
        };
        let tags: &mut BTreeSet<Tag> = found.manifests.entry(digest.clone()).or_default();
        if !entry.media_type.is_empty() {
            found.media_types.insert(digest, entry.media_type);
        }
        let Some(text) = entry.annotations.get(NAME) else { continue };
        // podman and buildah write the whole name there.
        let short = text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
        let tag = Tag::parse(text).or_else(|error| match short {
            Some((_, tag)) => Tag::parse(tag),
            None => Err(error),
        });
        match tag {
            Ok(tag) => {
                tags.insert(tag);
            }
            Err(error) => report.damage(found.name.as_str(), text, error.to_string()),
        }
    }
    found
}
