//! The tree of distribution's file system driver, 2.8 and 3: blobs of all repositories together, and in each
//! repository files that hold digests. Uploads that were not ended are not looked at.
//! Follows <https://pkg.go.dev/github.com/distribution/distribution/v3/registry/storage>, "paths".

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sealift_oci::{Digest, Tag};

use crate::Report;
use crate::source::{Blobs, Error, Found, Repositories, Walk, names, read_small};

// `sha512:` and 128 letters, and perhaps a newline.
const LINK_BYTES_MAX: u64 = 160;

/// The repositories of a tree; the path is the root directory, or what is `docker/registry/v2` in it.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Repositories>, Error> {
    let candidates = [path.join("docker/registry/v2"), path.to_owned()];
    let root = candidates.into_iter().find(|root| root.join("repositories").is_dir());
    let root = root.ok_or_else(|| Error::NoSource {
        path: path.to_owned(),
        kind: "tree of distribution's registry",
        reason: "it has no `docker/registry/v2/repositories`".to_owned(),
    })?;
    Ok(Box::new(Tree { blobs: root.join("blobs"), walk: Walk::new(root.join("repositories")) }))
}

struct Tree {
    blobs: PathBuf,
    walk: Walk,
}

impl Repositories for Tree {
    fn next(&mut self, report: &mut Report) -> Option<Found> {
        let has_manifests = |folder: &Path| folder.join("_manifests").is_dir();
        let (folder, name) = self.walk.next(&has_manifests, &|_| false, report)?;
        let mut found = Found {
            name,
            manifests: BTreeMap::new(),
            media_types: BTreeMap::new(),
            blobs: Blobs::Distribution(self.blobs.clone()),
        };
        revisions(&folder, &mut found, report);
        tags(&folder, &mut found, report);
        Some(found)
    }
}

fn revisions(folder: &Path, found: &mut Found, report: &mut Report) {
    let revisions = folder.join("_manifests/revisions");
    for algorithm in ["sha256", "sha512"] {
        let folder = revisions.join(algorithm);
        let hexes = names(&folder, true).unwrap_or_else(|reason| {
            report.damage(found.name.as_str(), "revisions", reason);
            Vec::new()
        });
        for hex in hexes {
            let text = format!("{algorithm}:{hex}");
            let digest: Result<Digest, _> = text.parse();
            match (digest, link(&folder.join(&hex).join("link"))) {
                (Ok(digest), Ok(linked)) if digest == linked => {
                    found.manifests.insert(digest, BTreeSet::new());
                }
                (Ok(_), Ok(_)) => {
                    report.damage(found.name.as_str(), &text, "its link names another manifest");
                }
                // Deleted: distribution removes the link and leaves the folder.
                (Ok(_), Err(Link::Missing)) => {}
                (Ok(_), Err(Link::Wrong(reason))) => {
                    report.damage(found.name.as_str(), &text, reason);
                }
                (Err(_), _) => report.damage(found.name.as_str(), &text, "it is no digest"),
            }
        }
    }
}

fn tags(folder: &Path, found: &mut Found, report: &mut Report) {
    let folder = folder.join("_manifests/tags");
    let tags = names(&folder, true).unwrap_or_else(|reason| {
        report.damage(found.name.as_str(), "tags", reason);
        Vec::new()
    });
    for text in tags {
        let tag = match Tag::parse(&text) {
            Ok(tag) => tag,
            Err(error) => {
                report.damage(found.name.as_str(), &text, error.to_string());
                continue;
            }
        };
        match link(&folder.join(&text).join("current/link")) {
            Ok(digest) => {
                if let Some(tags) = found.manifests.get_mut(&digest) {
                    tags.insert(tag);
                } else {
                    let reason = format!("its manifest `{digest}` is not in the repository");
                    report.damage(found.name.as_str(), &text, reason);
                }
            }
            Err(Link::Missing) => {
                report.damage(found.name.as_str(), &text, "the tag names no manifest");
            }
            Err(Link::Wrong(reason)) => report.damage(found.name.as_str(), &text, reason),
        }
    }
}

enum Link {
    Missing,
    Wrong(String),
}

fn link(path: &Path) -> Result<Digest, Link> {
    if !path.exists() {
        return Err(Link::Missing);
    }
    let bytes = read_small(path, LINK_BYTES_MAX).map_err(Link::Wrong)?;
    let text = String::from_utf8_lossy(&bytes);
    text.trim().parse().map_err(|_| Link::Wrong("its link is damaged".to_owned()))
}
