//! Debian keeps Maven's names of its archives as links in a repository; those are right where archives say nothing, or
//! something else.

use std::collections::BTreeMap;

use sealift_archive::RelativePath;
use sealift_image::{FileKind, FileTree};
use sealift_model::{Confidence, Method, PackageKind, Scope};

use super::identity::Identity;
use super::{is_archive, rename};
use crate::cataloger::Draft;

const REPOSITORY: &str = "usr/share/maven-repo";

/// Names archives as the repository does.
pub(crate) fn name_by_repository(drafts: &mut [Draft], tree: &FileTree) {
    let Ok(root) = RelativePath::parse(REPOSITORY.as_bytes()) else { return };
    let mut names: BTreeMap<String, Identity> = BTreeMap::new();
    for fact in tree.below(&root) {
        let is_link = matches!(fact.kind, FileKind::Symlink(_));
        let path = fact.path.to_string();
        if !(is_link || fact.is_file()) || !is_archive(path.as_bytes()) {
            continue;
        }
        let Some(identity) = by_path(&path) else { continue };
        let Some(real) = tree.resolve(&fact.path) else { continue };
        // `debian` stands for any version.
        let is_better = |old: &Identity| old.version.is_none() && identity.version.is_some();
        let real = format!("/{}", real.path);
        if names.get(&real).is_none_or(is_better) {
            names.insert(real, identity);
        }
    }
    for draft in drafts.iter_mut().filter(|it| it.package.kind == PackageKind::Maven) {
        let identity = draft.package.evidence.first().and_then(|it| names.get(&it.path));
        let Some(identity) = identity.filter(|_| draft.package.scope == Scope::Installed) else {
            continue;
        };
        rename(draft, identity.group.as_deref(), &identity.artifact);
        if let Some(version) = &identity.version {
            draft.package.version = Some(version.clone());
            draft.package.purl.version = Some(version.clone());
        }
        draft.package.evidence[0].method = Method::Manifest;
        draft.package.evidence[0].confidence = Confidence::High;
    }
}

// `org/apache/commons/commons-lang3/3.12.0/commons-lang3-3.12.0.jar`.
fn by_path(path: &str) -> Option<Identity> {
    let mut parts = path.strip_prefix(REPOSITORY)?.strip_prefix('/')?.rsplitn(4, '/');
    let (_, version, artifact) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Identity {
        group: Some(parts.next()?.replace('/', ".")),
        artifact: artifact.to_owned(),
        version: (version != "debian").then(|| version.to_owned()),
    })
}
