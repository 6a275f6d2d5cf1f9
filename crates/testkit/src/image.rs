//! Small images, made by code.

use std::fs;
use std::path::Path;

use sealift_oci::{
    ANNOTATION_REF_NAME, Descriptor, Digest, ImageConfig, Index, Manifest, Raw, media_type,
};

/// A file, folder or link of a layer.
#[derive(Clone, Debug)]
pub struct LayerFile<'a> {
    /// Path without leading slash; with a trailing one it is a folder.
    pub path: &'a str,
    /// Content.
    pub content: &'a [u8],
    /// Permission bits.
    pub mode: u32,
}

/// An image in memory.
#[derive(Clone, Debug)]
pub struct TestImage {
    /// The manifest.
    pub manifest: Raw<Manifest>,
    /// The config.
    pub config: Raw<ImageConfig>,
    /// The layers' bytes, uncompressed tar.
    pub layers: Vec<Vec<u8>>,
}

impl TestImage {
    /// An image of layers made by [`layer`].
    pub fn new(layers: Vec<Vec<u8>>, adjust: impl FnOnce(&mut ImageConfig)) -> Self {
        let mut config = ImageConfig {
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            ..ImageConfig::default()
        };
        config.rootfs.diff_ids = layers.iter().map(|layer| Digest::sha256(layer)).collect();
        adjust(&mut config);
        let config = Raw::encode(config);
        let descriptors = layers
            .iter()
            .map(|layer| {
                Descriptor::new(media_type::LAYER, Digest::sha256(layer), layer.len() as u64)
            })
            .collect();
        let config_descriptor =
            Descriptor::new(media_type::CONFIG, config.digest().clone(), config.size());
        let manifest = Raw::encode(Manifest::new(config_descriptor, descriptors));
        Self { manifest, config, layers }
    }

    /// The descriptor of the manifest.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(media_type::MANIFEST, self.manifest.digest().clone(), self.manifest.size())
    }

    /// Every blob: manifest, config, layers.
    pub fn blobs(&self) -> impl Iterator<Item = &[u8]> {
        [self.manifest.bytes(), self.config.bytes()]
            .into_iter()
            .chain(self.layers.iter().map(Vec::as_slice))
    }
}

/// A layer, uncompressed, written byte by byte in ustar so that it does not lean on the code under test.
pub fn layer(files: &[LayerFile<'_>]) -> Vec<u8> {
    let mut tar = Vec::new();
    for file in files {
        let kind = if file.path.ends_with('/') { b'5' } else { b'0' };
        tar.extend(ustar_header(file.path, kind, file.mode, file.content.len()));
        tar.extend_from_slice(file.content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn ustar_header(path: &str, kind: u8, mode: u32, size: usize) -> [u8; 512] {
    let mut header = [0u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    let mut put = |place: usize, text: String| {
        header[place..place + text.len()].copy_from_slice(text.as_bytes());
    };
    put(100, format!("{mode:07o}\0"));
    put(108, "0000000\0".to_owned());
    put(116, "0000000\0".to_owned());
    put(124, format!("{size:011o}\0"));
    put(136, "00000000000\0".to_owned());
    put(148, "        ".to_owned());
    put(257, "ustar\x0000".to_owned());
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

/// Writes an OCI layout with one named image.
pub fn write_layout(folder: &Path, name: &str, image: &TestImage) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    for blob in image.blobs() {
        fs::write(blobs.join(Digest::sha256(blob).hex()), blob).expect("a file");
    }
    let mut entry = image.descriptor();
    entry.annotations.insert(ANNOTATION_REF_NAME.to_owned(), name.to_owned());
    fs::write(folder.join("index.json"), Raw::encode(Index::new(vec![entry])).bytes())
        .expect("a file");
    fs::write(folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#).expect("a file");
}
