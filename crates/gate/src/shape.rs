//! What a manifest is to somebody who would run it.

use sealift_oci::{Descriptor, Index, Manifest, media_type};

/// What a manifest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An image that something could run.
    Image,
    /// Manifests for several platforms.
    Index(Vec<Descriptor>),
    /// A signature, an SBOM, a chart: nothing that runs as a container.
    Artifact,
}

/// What it is. What cannot be read may run somewhere, so that it is judged as an image, and refused as one.
pub(crate) fn shape(kind: &str, bytes: &[u8]) -> Shape {
    if media_type::is_index(kind) {
        return match serde_json::from_slice::<Index>(bytes) {
            Ok(index) => Shape::Index(index.manifests),
            Err(_) => Shape::Image,
        };
    }
    let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) else { return Shape::Image };
    let config = manifest.config.media_type.as_str();
    let is_image = matches!(config, media_type::CONFIG | media_type::DOCKER_CONFIG);
    // Signatures of cosign's older form have the config of an image, and no layer that anything could unpack.
    let runs = manifest.layers.is_empty() || manifest.layers.iter().any(is_file_system);
    if is_image && runs { Shape::Image } else { Shape::Artifact }
}

fn is_file_system(layer: &Descriptor) -> bool {
    let kind = layer.media_type.as_str();
    let is_known_other = kind.starts_with("application/vnd.dev.cosign.")
        || kind.starts_with("application/vnd.dsse.");
    !is_known_other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_run_is_an_image() {
        let manifest = |config: &str, layers: &[&str]| {
            let digest = format!("sha256:{}", "0".repeat(64));
            let one =
                |kind: &str| format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":1}}"#);
            let layers: Vec<String> = layers.iter().map(|kind| one(kind)).collect();
            format!(
                r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
                one(config),
                layers.join(",")
            )
        };
        let simple = "application/vnd.dev.cosign.simplesigning.v1+json";
        for (text, expected) in [
            (manifest(media_type::CONFIG, &[media_type::LAYER_GZIP]), Shape::Image),
            (manifest(media_type::DOCKER_CONFIG, &[media_type::DOCKER_LAYER_GZIP]), Shape::Image),
            (manifest(media_type::CONFIG, &[]), Shape::Image),
            (manifest(media_type::CONFIG, &["application/x"]), Shape::Image),
            (manifest(media_type::CONFIG, &[simple]), Shape::Artifact),
            (manifest(media_type::CONFIG, &[simple, media_type::LAYER]), Shape::Image),
            (manifest(media_type::EMPTY, &["application/spdx+json"]), Shape::Artifact),
            ("{".to_owned(), Shape::Image),
        ] {
            assert_eq!(shape(media_type::MANIFEST, text.as_bytes()), expected, "{text}");
        }
        let index = shape(media_type::INDEX, br#"{"schemaVersion":2,"manifests":[]}"#);
        assert_eq!(index, Shape::Index(Vec::new()));
    }
}
