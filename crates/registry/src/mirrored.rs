//! The mirror as a hook: what the depot lacks comes from upstreams.

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use sealift_depot::Target;
use sealift_mirror::{Mirror, MirrorError, MirroredBlob};
use sealift_oci::{Descriptor, Digest, RepositoryName, Tag};

use crate::hooks::{
    Upstream, UpstreamBlob, UpstreamFault, UpstreamList, UpstreamState, Upstreamed,
};

impl Upstream for Mirror {
    fn route(
        &self,
        repository: &RepositoryName,
        namespace: Option<&str>,
    ) -> Option<RepositoryName> {
        Some(Mirror::route(self, repository, namespace)?.repository().clone())
    }

    fn accepts_pushes(&self, repository: &RepositoryName) -> bool {
        Mirror::route(self, repository, None).is_none_or(|route| route.accepts_pushes())
    }

    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        namespace: Option<&'a str>,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Upstreamed, UpstreamFault>> {
        Box::pin(async move {
            let route = Mirror::route(self, repository, namespace).ok_or(UpstreamFault::Unknown)?;
            let found = Mirror::manifest(self, &route, target).await.map_err(fault)?;
            Ok(Upstreamed { manifest: found.manifest, warning: found.warning })
        })
    }

    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        namespace: Option<&'a str>,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<UpstreamBlob, UpstreamFault>> {
        Box::pin(async move {
            let route = Mirror::route(self, repository, namespace).ok_or(UpstreamFault::Unknown)?;
            let coming = match Mirror::blob(self, &route, digest).await.map_err(fault)? {
                MirroredBlob::Kept(_) => return Ok(UpstreamBlob::Kept),
                MirroredBlob::Coming(coming) => coming,
            };
            if let Some(size) = coming.size() {
                return Ok(UpstreamBlob::Coming { size, bytes: Box::pin(coming.read(0..size)) });
            }
            // An answer has a length: who does not say one is waited for.
            let mut body = coming.read(0..u64::MAX);
            while let Some(piece) = body.next().await {
                piece.map_err(|error| UpstreamFault::Unavailable(error.to_string()))?;
            }
            match Mirror::blob(self, &route, digest).await.map_err(fault)? {
                MirroredBlob::Kept(_) => Ok(UpstreamBlob::Kept),
                MirroredBlob::Coming(coming) => {
                    let size = coming.size().ok_or_else(|| {
                        UpstreamFault::Unavailable("it does not say how long it is".to_owned())
                    })?;
                    Ok(UpstreamBlob::Coming { size, bytes: Box::pin(coming.read(0..size)) })
                }
            }
        })
    }

    fn blob_size<'a>(
        &'a self,
        repository: &'a RepositoryName,
        namespace: Option<&'a str>,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<u64, UpstreamFault>> {
        Box::pin(async move {
            let route = Mirror::route(self, repository, namespace).ok_or(UpstreamFault::Unknown)?;
            Mirror::blob_size(self, &route, digest).await.map_err(fault)
        })
    }

    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
        namespace: Option<&'a str>,
    ) -> BoxFuture<'a, Result<UpstreamList<Tag>, UpstreamFault>> {
        Box::pin(async move {
            let route = Mirror::route(self, repository, namespace).ok_or(UpstreamFault::Unknown)?;
            let found = Mirror::tags(self, &route).await.map_err(fault)?;
            Ok(UpstreamList { items: found.items, warning: found.warning })
        })
    }

    fn referrers<'a>(
        &'a self,
        repository: &'a RepositoryName,
        namespace: Option<&'a str>,
        subject: &'a Digest,
    ) -> BoxFuture<'a, Result<UpstreamList<Descriptor>, UpstreamFault>> {
        Box::pin(async move {
            let route = Mirror::route(self, repository, namespace).ok_or(UpstreamFault::Unknown)?;
            let found = Mirror::referrers(self, &route, subject).await.map_err(fault)?;
            Ok(UpstreamList { items: found.items, warning: found.warning })
        })
    }

    fn metrics(&self) -> String {
        Mirror::metrics(self)
    }

    fn states(&self) -> Vec<UpstreamState> {
        Mirror::states(self)
    }
}

fn fault(error: MirrorError) -> UpstreamFault {
    match &error {
        MirrorError::NotFound { .. } => UpstreamFault::Unknown,
        MirrorError::Denied { .. } => UpstreamFault::Denied(error.to_string()),
        MirrorError::Unavailable { after: Some(after), .. } => {
            UpstreamFault::Busy { seconds: after.as_secs().max(1), reason: error.to_string() }
        }
        _ => UpstreamFault::Unavailable(error.to_string()),
    }
}
