//! OCI layouts, as a folder and as a tar (image-spec, image-layout.md).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_archive::read_bounded;
use sealift_oci::{
    ANNOTATION_REF_NAME, DOCUMENT_BYTES_MAX, Descriptor, Index, Platform, Raw, media_type,
};

use crate::members::{Members, open_file};
use crate::{BlobSource, Error, Image, Result, image_for_platform, select_platform};

const WHAT: &str = "an OCI layout";

/// Opens an image of an OCI layout in a folder.
pub fn open_oci_dir(path: &Path, name: Option<&str>, platform: &Platform) -> Result<Image> {
    let blobs = Arc::new(Folder(path.to_owned()));
    let (marker, index) = (read(path, "oci-layout")?, read(path, "index.json")?);
    open(path, marker, index, blobs, Choice { name, platform })
}

/// What an OCI layout in a folder lists under a name: the image itself, or the index that it stands in. Signatures are of that.
pub fn listed_in_oci_dir(
    path: &Path,
    name: Option<&str>,
    platform: &Platform,
) -> Result<Descriptor> {
    let (marker, index) = (read(path, "oci-layout")?, read(path, "index.json")?);
    let index = check(path, marker, index)?;
    choose(path, &index.value().manifests, &Choice { name, platform }).cloned()
}

fn read(path: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    let file = path.join(name);
    if !file.exists() {
        return Ok(None);
    }
    let bytes = read_bounded(open_file(&file)?, DOCUMENT_BYTES_MAX as u64)
        .map_err(|source| Error::Archive { path: file.clone(), source })?;
    Ok(Some(bytes))
}

/// Opens an image of a tar of an OCI layout, compressed or not.
pub fn open_oci_archive(path: &Path, name: Option<&str>, platform: &Platform) -> Result<Image> {
    let members = Members::open(path)?;
    let marker = members.read("oci-layout", DOCUMENT_BYTES_MAX as u64)?;
    let index = members.read("index.json", DOCUMENT_BYTES_MAX as u64)?;
    open(path, marker, index, Arc::new(Archive(members)), Choice { name, platform })
}

struct Choice<'a> {
    name: Option<&'a str>,
    platform: &'a Platform,
}

fn open(
    path: &Path,
    marker: Option<Vec<u8>>,
    index: Option<Vec<u8>>,
    blobs: Arc<dyn BlobSource>,
    choice: Choice<'_>,
) -> Result<Image> {
    let index = check(path, marker, index)?;
    let descriptor = choose(path, &index.value().manifests, &choice)?;
    let image = image_for_platform(blobs, descriptor, choice.platform)?;
    Ok(image.named(name_of(descriptor).map(str::to_owned)))
}

fn check(path: &Path, marker: Option<Vec<u8>>, index: Option<Vec<u8>>) -> Result<Raw<Index>> {
    let refuse = |reason: String| Error::NotAnImage { path: path.to_owned(), what: WHAT, reason };
    let marker = marker.ok_or_else(|| refuse("there is no `oci-layout`".to_owned()))?;
    check_version(&marker).map_err(refuse)?;
    let index = index.ok_or_else(|| refuse("there is no `index.json`".to_owned()))?;
    Ok(Raw::parse(index, "layout index")?)
}

fn check_version(marker: &[u8]) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Marker {
        image_layout_version: String,
    }
    let marker: Marker = serde_json::from_slice(marker)
        .map_err(|error| format!("its `oci-layout` cannot be read: {error}"))?;
    if !marker.image_layout_version.starts_with("1.") {
        return Err(format!("its version is `{}`, not 1", marker.image_layout_version));
    }
    Ok(())
}

// By name if there is one; without a name the only image, or the one for the platform if all have the same name.
fn choose<'a>(
    path: &Path,
    manifests: &'a [Descriptor],
    choice: &Choice<'_>,
) -> Result<&'a Descriptor> {
    let images = manifests.iter().filter(|descriptor| is_image(descriptor));
    let candidates: Vec<&Descriptor> = match choice.name {
        None => images.collect(),
        Some(wanted) => images.filter(|descriptor| has_name(descriptor, wanted)).collect(),
    };
    let available =
        || manifests.iter().filter(|descriptor| is_image(descriptor)).map(shown).collect();
    match (candidates.as_slice(), choice.name) {
        ([only], _) => Ok(only),
        ([], Some(name)) => Err(Error::Name {
            path: path.to_owned(),
            name: name.to_owned(),
            available: available(),
        }),
        ([], None) => Err(Error::NotAnImage {
            path: path.to_owned(),
            what: WHAT,
            reason: "its `index.json` has no image".to_owned(),
        }),
        ([first, rest @ ..], _) => {
            if rest.iter().all(|other| other.digest == first.digest) {
                return Ok(first);
            }
            let of_one_image = rest.iter().all(|other| name_of(other) == name_of(first))
                && candidates.iter().all(|descriptor| descriptor.platform.is_some());
            if !of_one_image {
                return Err(Error::Ambiguous { path: path.to_owned(), available: available() });
            }
            let owned: Vec<Descriptor> = candidates.iter().copied().cloned().collect();
            let chosen = select_platform(&owned, choice.platform)?;
            let digest = &chosen.digest;
            Ok(candidates.iter().copied().find(|other| other.digest == *digest).unwrap_or(first))
        }
    }
}

// Signatures and other artifacts may stand in the same index.
fn is_image(descriptor: &Descriptor) -> bool {
    let is_image_type = media_type::is_index(&descriptor.media_type)
        || media_type::is_manifest(&descriptor.media_type);
    let is_attached = name_of(descriptor).is_some_and(|name| {
        let tag = name.rsplit(':').next().unwrap_or(name);
        tag.starts_with("sha256-")
    });
    let is_artifact = descriptor
        .artifact_type
        .as_deref()
        .is_some_and(|kind| !matches!(kind, media_type::CONFIG | media_type::DOCKER_CONFIG | ""));
    // cosign's older signatures look like images; ours says of what they are.
    let is_about = descriptor.annotations.contains_key(crate::referrers::ANNOTATION_SUBJECT);
    is_image_type && !is_attached && !is_artifact && !is_about
}

fn has_name(descriptor: &Descriptor, wanted: &str) -> bool {
    let full = descriptor.annotations.get("io.containerd.image.name");
    descriptor.digest.to_string() == wanted
        || name_of(descriptor) == Some(wanted)
        || full.is_some_and(|full| full == wanted)
}

fn name_of(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(ANNOTATION_REF_NAME).map(String::as_str)
}

fn shown(descriptor: &Descriptor) -> String {
    name_of(descriptor).map_or_else(|| descriptor.digest.to_string(), str::to_owned)
}

fn blob_name(descriptor: &Descriptor) -> String {
    let digest = &descriptor.digest;
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

struct Folder(PathBuf);

impl BlobSource for Folder {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>> {
        let path = self.0.join(blob_name(descriptor));
        match open_file(&path) {
            Ok(file) => Ok(Box::new(file)),
            Err(Error::Io { source, .. }) => {
                Err(Error::blob(&descriptor.digest, &path.display().to_string(), source))
            }
            Err(other) => Err(other),
        }
    }
}

struct Archive(Members);

impl BlobSource for Archive {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>> {
        let name = blob_name(descriptor);
        let found = name.parse().ok().and_then(|name| self.0.get(&name));
        let Some((slice, _)) = found else {
            let place = self.0.path().display().to_string();
            let missing = std::io::ErrorKind::NotFound.into();
            return Err(Error::blob(&descriptor.digest, &place, missing));
        };
        Ok(Box::new(slice))
    }
}
