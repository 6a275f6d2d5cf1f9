//! The registry's storage, as the mirror uses it.

use std::sync::Arc;

use sealift_depot::{Blob, Manifest, NewManifest, Target};
use sealift_oci::{Digest, Tag};

use crate::MirrorError;
use crate::fetching::WRITER;
use crate::mirror::Inner;
use crate::route::Route;
use crate::transfer::Landed;

impl Inner {
    /// The copy of a manifest.
    pub(crate) async fn kept(
        &self,
        route: &Route,
        target: &Target,
    ) -> Result<Option<Arc<Manifest>>, MirrorError> {
        let name = || match target {
            Target::Tag(tag) => tag.to_string(),
            Target::Digest(digest) => digest.to_string(),
        };
        let found = self.depot.manifest(&route.ours, target).await;
        found.map_err(|error| storage(&name(), &error))
    }

    /// The copy of a blob.
    pub(crate) async fn kept_blob(
        &self,
        route: &Route,
        digest: &Digest,
    ) -> Result<Option<Blob>, MirrorError> {
        let found = self.depot.blob(&route.ours, digest).await;
        found.map_err(|error| storage(&digest.to_string(), &error))
    }

    /// Keeps a manifest that was checked.
    pub(crate) async fn put(
        &self,
        route: &Route,
        new: NewManifest<'_>,
        digest: &Digest,
    ) -> Result<Arc<Manifest>, MirrorError> {
        let what = digest.to_string();
        let put = self.depot.put_manifest(&route.ours, new).await;
        let put = put.map_err(|error| storage(&what, &error))?;
        let kept = self.kept(route, &Target::Digest(put.digest)).await?;
        kept.ok_or_else(|| MirrorError::Storage {
            what,
            reason: "it was taken away as soon as it came".to_owned(),
        })
    }

    /// Keeps a blob that was checked.
    pub(crate) async fn keep_blob(&self, route: &Route, digest: &Digest, landed: Landed) {
        let Some(file) = landed.file else { return };
        let blob = Blob { digest: digest.clone(), size: landed.size };
        let adopted = self.depot.adopt(&route.ours, &blob, &file).await;
        // Those who asked for it have it; the next one fetches it again.
        if adopted.is_err() {
            self.upstream(route).counters.unkept();
        }
    }

    /// The upstream has a tag no longer; its manifest stays until nothing refers to it.
    pub(crate) async fn forget_tag(&self, route: &Route, tag: &Tag) {
        // A tag that was never here is none to forget, and one that may not be changed stays.
        let _ = self.depot.delete_tag(&route.ours, tag, WRITER).await;
    }
}

fn storage(what: &str, error: &sealift_depot::Error) -> MirrorError {
    MirrorError::Storage { what: what.to_owned(), reason: error.to_string() }
}
