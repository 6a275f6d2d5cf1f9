//! Manifests from an upstream, checked and kept.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sealift_client::Answer;
use sealift_depot::{Children, Manifest, NewManifest, Target};
use sealift_oci::{Algorithm, Digest, Hasher, Tag, media_type};
use serde::Deserialize;

use crate::MirrorError;
use crate::mirror::Inner;
use crate::route::Route;
use crate::upstream::Wanted;

/// The specification asks registries for at least 4 MiB.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// Whose work copies are, in the storage's history.
pub const WRITER: &str = "mirror";

impl Inner {
    /// The manifest that an upstream's tag stands for now.
    pub(crate) async fn check_tag(
        &self,
        route: &Route,
        tag: &Tag,
    ) -> Result<Arc<Manifest>, MirrorError> {
        let kept = self.kept(route, &Target::Tag(tag.clone())).await?;
        let result = match kept {
            None => self.fetch_tag(route, tag).await,
            Some(kept) => self.compare_tag(route, tag, kept).await,
        };
        match &result {
            Ok(_) => self.seen.note(route.ours.as_str(), tag.as_str(), true, Instant::now()),
            Err(MirrorError::NotFound { .. }) => {
                self.seen.note(route.ours.as_str(), tag.as_str(), false, Instant::now());
                self.forget_tag(route, tag).await;
            }
            Err(_) => {}
        }
        result
    }

    // Asks whether a tag is still what it was. That is not counted as a pull by those who count.
    async fn compare_tag(
        &self,
        route: &Route,
        tag: &Tag,
        kept: Arc<Manifest>,
    ) -> Result<Arc<Manifest>, MirrorError> {
        let rest = format!("manifests/{tag}");
        let known = format!("\"{}\"", kept.digest);
        let wanted = Wanted { route, rest: &rest, head_only: true, known: Some(&known), from: 0 };
        let answer = match self.upstream(route).ask(wanted).await {
            Ok(answer) => answer,
            // An upstream that does not know HEAD.
            Err(MirrorError::Wrong { .. }) => return self.fetch_tag(route, tag).await,
            Err(error) => return Err(error),
        };
        if answer.status() == 304 {
            return Ok(kept);
        }
        match said_digest(&answer) {
            Some(digest) if digest == kept.digest => Ok(kept),
            Some(digest) => {
                let manifest = self.fetch_digest(route, &digest).await?;
                self.keep(
                    route,
                    Target::Tag(tag.clone()),
                    &manifest.media_type,
                    manifest.bytes.clone(),
                    digest,
                )
                .await
            }
            None => self.fetch_tag(route, tag).await,
        }
    }

    async fn fetch_tag(&self, route: &Route, tag: &Tag) -> Result<Arc<Manifest>, MirrorError> {
        self.fetch(route, Target::Tag(tag.clone()), &format!("manifests/{tag}"), None).await
    }

    /// The manifest with this digest.
    pub(crate) async fn fetch_digest(
        &self,
        route: &Route,
        digest: &Digest,
    ) -> Result<Arc<Manifest>, MirrorError> {
        let target = Target::Digest(digest.clone());
        if let Some(kept) = self.kept(route, &target).await? {
            return Ok(kept);
        }
        let name = digest.to_string();
        let result = self.fetch(route, target, &format!("manifests/{name}"), Some(digest)).await;
        if let Err(MirrorError::NotFound { .. }) = &result {
            self.seen.note(route.ours.as_str(), &name, false, Instant::now());
        }
        result
    }

    async fn fetch(
        &self,
        route: &Route,
        target: Target,
        rest: &str,
        expected: Option<&Digest>,
    ) -> Result<Arc<Manifest>, MirrorError> {
        let upstream = self.upstream(route);
        let wanted = Wanted { route, rest, head_only: false, known: None, from: 0 };
        let answer = upstream.ask(wanted).await?;
        // What the upstream says of itself must be true as well.
        let expected = expected.cloned().or_else(|| said_digest(&answer));
        let said_type = answer.header("content-type").map(str::to_owned);
        let name = wanted.name();
        let body = answer.bytes(&name, MANIFEST_BYTES_MAX);
        let bytes = match tokio::time::timeout(upstream.settings.timeout.0 * 4, body).await {
            Ok(Ok(bytes)) => Bytes::from(bytes),
            Ok(Err(error @ sealift_client::Error::TooLarge { .. })) => {
                return Err(upstream.wrong(&wanted, error.to_string()));
            }
            Ok(Err(error)) => return Err(upstream.broke_off(&wanted, error.to_string())),
            Err(_) => return Err(upstream.broke_off(&wanted, "its body takes too long")),
        };
        upstream.counters.received(bytes.len() as u64);
        let algorithm = expected.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
        let mut hasher = Hasher::new(algorithm);
        hasher.update(&bytes);
        let found = hasher.finish();
        if expected.is_some_and(|expected| expected != found) {
            upstream.counters.mismatch();
            return Err(upstream.wrong(&wanted, format!("its digest is `{found}`")));
        }
        let kind = kind_of(said_type.as_deref(), &bytes)
            .ok_or_else(|| upstream.wrong(&wanted, "it is no manifest"))?;
        self.keep(route, target, &kind, bytes, found).await
    }

    async fn keep(
        &self,
        route: &Route,
        target: Target,
        media_type: &str,
        bytes: Bytes,
        digest: Digest,
    ) -> Result<Arc<Manifest>, MirrorError> {
        // Its parts come when somebody asks for them.
        let children = Children::Optional;
        let new = NewManifest { target, tags: &[], media_type, bytes, by: WRITER, children };
        self.put(route, new, &digest).await
    }
}

fn said_digest(answer: &Answer) -> Option<Digest> {
    answer.header("docker-content-digest")?.parse().ok()
}

// The header if it is a type of manifests, or else what the document says of itself: some registries send text/plain.
fn kind_of(header: Option<&str>, bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        media_type: Option<String>,
        manifests: Option<serde::de::IgnoredAny>,
    }
    let document: Document = serde_json::from_slice(bytes).ok()?;
    let header = header.map(|text| text.split(';').next().unwrap_or(text).trim());
    let is_manifests = |kind: &&str| kind.ends_with("+json") || kind.ends_with("+prettyjws");
    let by_content = match document.manifests {
        Some(_) => media_type::INDEX,
        None => media_type::MANIFEST,
    };
    let kind = header.filter(is_manifests).map(str::to_owned).or(document.media_type);
    Some(kind.unwrap_or_else(|| by_content.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let check = |header, text: &str| kind_of(header, text.as_bytes());
        let index = Some(media_type::INDEX.to_owned());
        assert_eq!(check(Some(media_type::INDEX), "{}"), index);
        assert_eq!(check(Some("text/plain; charset=utf-8"), r#"{"manifests":[]}"#), index);
        assert_eq!(check(None, r#"{"mediaType":"a/b+json"}"#), Some("a/b+json".to_owned()));
        assert_eq!(check(None, "{}"), Some(media_type::MANIFEST.to_owned()));
        for hostile in ["", "[]", "<html>", "{", "\u{0}"] {
            assert_eq!(check(Some(media_type::INDEX), hostile), None, "{hostile}");
        }
    }
}
