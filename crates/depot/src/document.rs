//! What a manifest says of itself, as far as the registry has to know it. It is read, never written again.

use std::collections::BTreeMap;

use sealift_oci::{Digest, media_type};
use serde::Deserialize;

use crate::{Error, Settings};

/// The deprecated artifact manifest of image-spec 1.1's candidates; some registries still hold them.
const ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
const MEDIA_TYPE_BYTES_MAX: usize = 255;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Entry>,
    layers: Option<Vec<Entry>>,
    manifests: Option<Vec<Entry>>,
    blobs: Option<Vec<Entry>>,
    subject: Option<Entry>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    media_type: Option<String>,
    digest: Digest,
    #[serde(rename = "size")]
    _size: u64,
}

/// What a manifest says of its parts and of itself.
pub struct ManifestParts {
    /// Its media type: the caller's, or its own if the caller has none.
    pub media_type: String,
    /// Blobs that must be in the repository.
    pub blobs: Vec<Digest>,
    /// Layers that are not distributed; they may be here or not.
    pub foreign: Vec<Digest>,
    /// Manifests.
    pub manifests: Vec<Digest>,
    /// What it refers to.
    pub subject: Option<Digest>,
    /// The type as the list of referrers shows it.
    pub artifact_type: Option<String>,
    /// Its annotations, as JSON.
    pub annotations: String,
}

/// Reads what a registry has to know of a manifest, and refuses what cannot be one.
///
/// `media_type` is what it was sent as, or empty.
pub fn manifest_parts(
    media_type: &str,
    bytes: &[u8],
    settings: &Settings,
) -> Result<ManifestParts, Error> {
    let invalid = |reason: String| Error::ManifestInvalid { reason };
    if bytes.len() as u64 > settings.manifest_bytes_max {
        return Err(Error::TooLarge { limit: settings.manifest_bytes_max });
    }
    // RFC 8259 §8.1; the journal has it as text.
    if std::str::from_utf8(bytes).is_err() {
        return Err(invalid("it is not UTF-8".into()));
    }
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    if document.schema_version != Some(2) {
        return Err(invalid("`schemaVersion` is not 2; Docker's schema 1 is not supported".into()));
    }
    let is_index = document.manifests.is_some();
    if is_index && (document.config.is_some() || document.layers.is_some()) {
        return Err(invalid(
            "it has both `manifests` and layers, and could be read in two ways".into(),
        ));
    }
    let media_type = effective_type(media_type, &document, is_index)?;
    let fits = match media_type.as_str() {
        media_type::INDEX | media_type::DOCKER_INDEX => is_index,
        media_type::MANIFEST | media_type::DOCKER_MANIFEST => document.config.is_some(),
        ARTIFACT => !is_index && document.config.is_none() && document.layers.is_none(),
        _ => false,
    };
    if !fits {
        return Err(invalid(format!("its content is not what `{media_type}` has")));
    }
    let artifact_type = document
        .artifact_type
        .filter(|text| !text.is_empty())
        .or_else(|| document.config.as_ref().and_then(|config| config.media_type.clone()));
    let mut parsed = ManifestParts {
        media_type,
        blobs: Vec::new(),
        foreign: Vec::new(),
        manifests: Vec::new(),
        subject: document.subject.map(|subject| subject.digest),
        artifact_type,
        annotations: serde_json::to_string(&document.annotations.unwrap_or_default())
            .map_err(|error| invalid(error.to_string()))?,
    };
    let entries = document.config.into_iter().chain(document.layers.into_iter().flatten());
    for entry in entries.chain(document.blobs.into_iter().flatten()) {
        let is_foreign = entry.media_type.as_deref().is_some_and(is_foreign);
        if is_foreign { &mut parsed.foreign } else { &mut parsed.blobs }.push(entry.digest);
    }
    parsed.manifests.extend(document.manifests.into_iter().flatten().map(|entry| entry.digest));
    for digests in [&mut parsed.blobs, &mut parsed.foreign, &mut parsed.manifests] {
        digests.sort_unstable();
        digests.dedup();
    }
    let n_children = parsed.blobs.len() + parsed.foreign.len() + parsed.manifests.len();
    if n_children > settings.children_max {
        return Err(invalid(format!(
            "it names {n_children} parts, more than the limit of {}",
            settings.children_max
        )));
    }
    Ok(parsed)
}

fn effective_type(said: &str, document: &Document, is_index: bool) -> Result<String, Error> {
    let said = said.split(';').next().unwrap_or("").trim();
    let effective = match (said, document.media_type.as_deref()) {
        ("", Some(own)) => own,
        ("", None) if is_index => media_type::INDEX,
        ("", None) => media_type::MANIFEST,
        (said, Some(own)) if said != own => {
            return Err(Error::ManifestInvalid {
                reason: format!(
                    "its `mediaType` is `{}`, but it was sent as `{}`",
                    cut(own),
                    cut(said)
                ),
            });
        }
        (said, _) => said,
    };
    Ok(cut(effective))
}

fn cut(text: &str) -> String {
    text.chars().take(MEDIA_TYPE_BYTES_MAX).collect()
}

// image-spec, layer.md §Non-Distributable Layers, and Docker's form of them.
fn is_foreign(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.")
        || media_type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        || media_type == "application/vnd.docker.image.rootfs.foreign.diff.tar"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(media_type: &str, text: &str) -> Result<ManifestParts, Error> {
        manifest_parts(media_type, text.as_bytes(), &Settings::default())
    }

    fn refusal(media_type: &str, text: &str) -> String {
        check(media_type, text).err().unwrap().to_string()
    }

    #[test]
    fn hostile_manifests() {
        let digest = Digest::sha256(b"x");
        let entry = format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":1}}"#);
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{}",
            r#"{"schemaVersion":1}"#,
            r#"{"schemaVersion":2}"#,
            r#"{"schemaVersion":2,"config":{"digest":"sha256:ab","size":1}}"#,
            r#"{"schemaVersion":2,"config":{"digest":"../../etc","size":1}}"#,
            &format!(r#"{{"schemaVersion":2,"config":{{"digest":"{digest}","size":-1}}}}"#),
            &format!(r#"{{"schemaVersion":2,"config":{entry},"manifests":[]}}"#),
            &format!(
                r#"{{"schemaVersion":2,"annotations":{}1{}}}"#,
                "[".repeat(5000),
                "]".repeat(5000)
            ),
        ] {
            assert!(check(media_type::MANIFEST, text).is_err(), "{text}");
        }
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{entry}}}"#,
            media_type::MANIFEST
        );
        assert!(refusal(media_type::INDEX, &manifest).contains("was sent as"));
        assert!(
            refusal("text/plain", &format!(r#"{{"schemaVersion":2,"config":{entry}}}"#))
                .contains("text/plain")
        );
        let many = format!(
            r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
            (0..10_001)
                .map(|number: u32| {
                    format!(
                        r#"{{"mediaType":"a/b","digest":"{}","size":1}}"#,
                        Digest::sha256(&number.to_be_bytes())
                    )
                })
                .collect::<Vec<_>>()
                .join(",")
        );
        assert!(refusal("", &many).contains("10001"));
    }

    #[test]
    fn parts_are_told_apart() {
        let [config, layer, foreign] = [b"c", b"l", b"f"].map(|bytes| Digest::sha256(bytes));
        let text = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"x/y","digest":"{config}","size":1}},"layers":[
            {{"mediaType":"a/b","digest":"{layer}","size":1}},{{"mediaType":"a/b","digest":"{layer}","size":1}},
            {{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"{foreign}","size":1,
            "urls":["http://10.0.0.1/"]}}],"subject":null,"annotations":{{"a":"b"}}}}"#
        );
        let parsed = check("", &text).unwrap();
        assert_eq!(parsed.media_type, media_type::MANIFEST);
        assert_eq!(parsed.blobs.len(), 2);
        assert_eq!(parsed.foreign, [foreign]);
        assert_eq!(parsed.artifact_type.as_deref(), Some("x/y"));
        assert_eq!(parsed.annotations, r#"{"a":"b"}"#);
    }
}
