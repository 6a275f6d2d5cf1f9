//! What `docker save` and `podman save` write: `manifest.json`, a config and layers in a tar.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use sealift_archive::{Compression, RelativePath};
use sealift_oci::{
    Algorithm, DOCUMENT_BYTES_MAX, Descriptor, Digest, Hasher, ImageConfig, Manifest, Raw,
    Reference, media_type,
};
use serde::Deserialize;

use crate::members::Members;
use crate::{BlobSource, Error, Image, Result, image_from_manifest};

const WHAT: &str = "a Docker archive";

/// Opens an image that `docker save` wrote, compressed or not. Such archives have no manifest of the registry's kind;
/// one is made, so that the image's digest is not the one that a registry has for it.
pub fn open_docker_archive(path: &Path, name: Option<&str>) -> Result<Image> {
    let members = Members::open(path)?;
    let refuse = |reason: String| Error::NotAnImage { path: path.to_owned(), what: WHAT, reason };
    let list = members
        .read("manifest.json", DOCUMENT_BYTES_MAX as u64)?
        .ok_or_else(|| refuse("there is no `manifest.json`".to_owned()))?;
    let list: Vec<Saved> = serde_json::from_slice(&list)
        .map_err(|error| refuse(format!("its `manifest.json` cannot be read: {error}")))?;
    let saved = choose(path, &list, name)?;
    let config = members
        .read(&saved.config, DOCUMENT_BYTES_MAX as u64)?
        .ok_or_else(|| refuse(format!("its config `{}` is missing", saved.config)))?;
    let config: Raw<ImageConfig> = Raw::parse(config, "image config")?;
    check_config_name(&saved.config, &config).map_err(refuse)?;
    let diff_ids = &config.value().rootfs.diff_ids;
    if diff_ids.len() != saved.layers.len() {
        return Err(refuse(format!(
            "it has {} layers, but its config has {} layer digests",
            saved.layers.len(),
            diff_ids.len()
        )));
    }
    let mut places = HashMap::new();
    let mut layers = Vec::new();
    for (layer, diff_id) in saved.layers.iter().zip(diff_ids) {
        let (descriptor, place) = describe(&members, layer, diff_id)?;
        places.insert(descriptor.digest.clone(), place);
        layers.push(descriptor);
    }
    let descriptor =
        Descriptor::new(media_type::DOCKER_CONFIG, config.digest().clone(), config.size());
    let mut manifest = Manifest::new(descriptor, layers);
    manifest.media_type = Some(media_type::DOCKER_MANIFEST.to_owned());
    let manifest = Raw::encode(manifest);
    let blobs = Archive { members, places, config: config.bytes().to_vec() };
    let image = image_from_manifest(manifest.bytes().to_vec(), Arc::new(blobs))?;
    Ok(image.named(saved.tags().first().cloned()))
}

// One image of `manifest.json`, in Go's spelling.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Vec<String>,
}

impl Saved {
    fn tags(&self) -> &[String] {
        self.repo_tags.as_deref().unwrap_or_default()
    }
}

fn choose<'a>(path: &Path, list: &'a [Saved], name: Option<&str>) -> Result<&'a Saved> {
    let available = || -> Vec<String> {
        let shown = |saved: &Saved| match saved.tags() {
            [] => vec![saved.config.clone()],
            tags => tags.to_vec(),
        };
        list.iter().flat_map(shown).collect()
    };
    let Some(name) = name else {
        return match list {
            [only] => Ok(only),
            [] => Err(Error::NotAnImage {
                path: path.to_owned(),
                what: WHAT,
                reason: "its `manifest.json` has no image".to_owned(),
            }),
            _ => Err(Error::Ambiguous { path: path.to_owned(), available: available() }),
        };
    };
    let same = |tag: &str| {
        let parse = |text| Reference::parse(text).map(Reference::or_latest).ok();
        tag == name || parse(tag).is_some_and(|tag| parse(name) == Some(tag))
    };
    list.iter()
        .find(|saved| saved.config == name || saved.tags().iter().any(|tag| same(tag)))
        .ok_or_else(|| Error::Name {
            path: path.to_owned(),
            name: name.to_owned(),
            available: available(),
        })
}

// The config is named after its digest: `HEX.json`, or `blobs/sha256/HEX`. Other names prove nothing.
fn check_config_name(name: &str, config: &Raw<ImageConfig>) -> Result<(), String> {
    let stem = name.rsplit('/').next().unwrap_or(name);
    let stem = stem.strip_suffix(".json").unwrap_or(stem);
    let is_digest = stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest && stem != config.digest().hex() {
        return Err(format!("its config `{name}` has the digest `{}`", config.digest()));
    }
    Ok(())
}

fn describe(members: &Members, name: &str, diff_id: &Digest) -> Result<(Descriptor, RelativePath)> {
    let missing = || Error::NotAnImage {
        path: members.path().to_owned(),
        what: WHAT,
        reason: format!("its layer `{name}` is missing"),
    };
    let place: RelativePath = name.parse().map_err(|_| missing())?;
    let (mut slice, size) = members.get(&place).ok_or_else(missing)?;
    let io = |error| Error::io(members.path(), error);
    let mut start = Vec::new();
    slice.by_ref().take(6).read_to_end(&mut start).map_err(io)?;
    let (kind, digest) = match Compression::sniff(&start) {
        // The blob is the uncompressed layer; its digest is checked when it is read.
        Compression::None => (media_type::DOCKER_LAYER, diff_id.clone()),
        compression => {
            let kind = match compression {
                Compression::Zstd => media_type::LAYER_ZSTD,
                _ => media_type::DOCKER_LAYER_GZIP,
            };
            let mut hasher = Hasher::new(Algorithm::Sha256);
            hasher.update(&start);
            std::io::copy(&mut slice, &mut hasher).map_err(io)?;
            (kind, hasher.finish())
        }
    };
    Ok((Descriptor::new(kind, digest, size), place))
}

struct Archive {
    members: Members,
    places: HashMap<Digest, RelativePath>,
    config: Vec<u8>,
}

impl BlobSource for Archive {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>> {
        if let Some((slice, _)) =
            self.places.get(&descriptor.digest).and_then(|place| self.members.get(place))
        {
            return Ok(Box::new(slice));
        }
        if descriptor.digest.matches(&self.config) {
            return Ok(Box::new(std::io::Cursor::new(self.config.clone())));
        }
        let place = self.members.path().display().to_string();
        Err(Error::blob(&descriptor.digest, &place, std::io::ErrorKind::NotFound.into()))
    }
}
