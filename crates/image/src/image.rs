//! An image: manifest, config and where its layers come from.

use std::fmt;
use std::sync::Arc;

use sealift_oci::{
    DOCUMENT_BYTES_MAX, Descriptor, Digest, ImageConfig, Index, Manifest, Platform, Raw, media_type,
};

use crate::side_hash::SideHash;
use crate::{BlobSource, Error, LayerReader, Result, read_blob_verified, select_platform};

/// An index may hold an index; nobody nests deeper.
const INDEX_DEPTH_MAX: usize = 3;
/// containerd and overlayfs take no more.
const LAYERS_MAX: usize = 512;

/// An image whose manifest and config are read and verified. Its layers are verified when they are read.
#[derive(Clone)]
pub struct Image {
    /// The manifest with its exact bytes.
    pub manifest: Raw<Manifest>,
    /// The config with its exact bytes.
    pub config: Raw<ImageConfig>,
    /// Points to the manifest.
    pub descriptor: Descriptor,
    /// Name under which it was found.
    pub name: Option<String>,
    blobs: Arc<dyn BlobSource>,
}

impl Image {
    /// The layers, lowest first: blob and digest of the uncompressed bytes.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = (&Descriptor, &Digest)> {
        self.manifest.value().layers.iter().zip(&self.config.value().rootfs.diff_ids)
    }

    /// Where its blobs come from.
    pub fn blobs(&self) -> &Arc<dyn BlobSource> {
        &self.blobs
    }

    /// The platform that its config names.
    pub fn platform(&self) -> Platform {
        let config = self.config.value();
        Platform {
            architecture: config.architecture.clone(),
            os: config.os.clone(),
            os_version: None,
            variant: config.variant.clone(),
        }
    }

    /// The uncompressed bytes of a layer, verified at their end. Panics if there is no such layer.
    pub fn open_layer(&self, layer: usize) -> Result<LayerReader> {
        let (descriptor, diff_id) = self.layers().nth(layer).expect("the caller counts the layers");
        // Where layers leave processors idle, they can hash.
        let idle = rayon::current_num_threads() > self.layers().count();
        let hash = if idle { SideHash::aside } else { SideHash::here };
        LayerReader::open(&*self.blobs, layer, descriptor, diff_id, hash)
    }

    /// The same image under another name.
    #[must_use]
    pub fn named(self, name: Option<String>) -> Self {
        Self { name, ..self }
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Image")
            .field("descriptor", &self.descriptor)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The image that a descriptor points to; an index is followed to this machine's platform.
pub fn image_from_descriptor(blobs: Arc<dyn BlobSource>, descriptor: &Descriptor) -> Result<Image> {
    image_for_platform(blobs, descriptor, &Platform::host())
}

/// The image that a descriptor points to; an index is followed to the platform.
pub fn image_for_platform(
    blobs: Arc<dyn BlobSource>,
    descriptor: &Descriptor,
    platform: &Platform,
) -> Result<Image> {
    let mut descriptor = descriptor.clone();
    for _ in 0..=INDEX_DEPTH_MAX {
        let bytes = read_blob_verified(&*blobs, &descriptor, DOCUMENT_BYTES_MAX as u64)?;
        if !media_type::is_index(&descriptor.media_type) {
            let image = image_from_manifest(bytes, blobs)?;
            return Ok(Image { descriptor, ..image });
        }
        let index: Raw<Index> = Raw::parse(bytes, "image index")?;
        if let Some(own) = index.value().media_type.as_deref()
            && own != descriptor.media_type
        {
            let reason =
                format!("it was listed as `{}` and says that it is `{own}`", descriptor.media_type);
            return Err(Error::Manifest { digest: descriptor.digest, reason });
        }
        descriptor = select_platform(&index.value().manifests, platform)?.clone();
    }
    let reason = format!("indexes are nested more than {INDEX_DEPTH_MAX} deep");
    Err(Error::Manifest { digest: descriptor.digest, reason })
}

/// The image of a manifest's bytes. The caller has verified the bytes; the config is read and verified here.
pub fn image_from_manifest(bytes: Vec<u8>, blobs: Arc<dyn BlobSource>) -> Result<Image> {
    let manifest: Raw<Manifest> = Raw::parse(bytes, "image manifest")?;
    let value = manifest.value();
    let refuse = |reason: String| Error::Manifest { digest: manifest.digest().clone(), reason };
    let media_type = value.media_type.as_deref().unwrap_or(media_type::MANIFEST);
    if !media_type::is_manifest(media_type) {
        return Err(refuse(format!("its media type is `{media_type}`")));
    }
    if value.schema_version != 2 {
        return Err(refuse(format!("its schema version is {}, not 2", value.schema_version)));
    }
    let config_type = &value.config.media_type;
    if !matches!(config_type.as_str(), media_type::CONFIG | media_type::DOCKER_CONFIG) {
        return Err(refuse(format!("its config is `{config_type}`; it is an artifact")));
    }
    let config = read_blob_verified(&*blobs, &value.config, DOCUMENT_BYTES_MAX as u64)?;
    let config: Raw<ImageConfig> = Raw::parse(config, "image config")?;
    let (n_layers, n_diff_ids) = (value.layers.len(), config.value().rootfs.diff_ids.len());
    if n_layers != n_diff_ids {
        return Err(refuse(format!(
            "it has {n_layers} layers, but its config has {n_diff_ids} layer digests"
        )));
    }
    if n_layers > LAYERS_MAX {
        return Err(refuse(format!(
            "it has {n_layers} layers, more than the limit of {LAYERS_MAX}"
        )));
    }
    let descriptor = Descriptor::new(media_type, manifest.digest().clone(), manifest.size());
    Ok(Image { manifest, config, descriptor, name: None, blobs })
}
