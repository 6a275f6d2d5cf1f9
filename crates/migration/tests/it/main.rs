//! Trees of other registries, brought into a depot.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod debian;
mod trees;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sealift_depot::{Depot, Settings, Target};
use sealift_migration::{Kind, Options, Report, import};
use sealift_oci::{Digest, RepositoryName, Tag};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn depot(folder: &Path) -> Depot {
    Depot::open_folder(folder, &Settings::default()).unwrap()
}

async fn bring(depot: &Depot, path: &Path, kind: Kind) -> Report {
    let options = Options { kind, repository: None, by: "import".to_owned() };
    import(depot, path, &options, &mut |_| ()).await.unwrap()
}

fn repository(name: &str) -> RepositoryName {
    RepositoryName::parse(name).unwrap()
}

async fn tagged(depot: &Depot, name: &str, tag: &str) -> Option<Digest> {
    let target = Target::Tag(Tag::parse(tag).unwrap());
    let manifest = depot.manifest(&repository(name), &target).await.unwrap();
    manifest.map(|manifest| manifest.digest.clone())
}

// All that somebody else could see of a tree: content, modes, times. Links count, and change.
fn state(root: &Path) -> BTreeMap<PathBuf, (u64, u32, i64, Vec<u8>)> {
    let mut state = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::metadata(&path).unwrap();
            if metadata.is_dir() {
                waiting.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                let seen = (metadata.ino(), metadata.mode(), metadata.mtime_nsec(), content);
                state.insert(path, seen);
            }
        }
    }
    state
}

fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    serde_json::json!({
        "mediaType": media_type, "digest": Digest::sha256(bytes).to_string(), "size": bytes.len()
    })
}

fn image(config: &[u8], layers: &[&[u8]]) -> Vec<u8> {
    let layer = |layer: &&[u8]| descriptor("application/vnd.oci.image.layer.v1.tar", layer);
    let layers: Vec<_> = layers.iter().map(layer).collect();
    let config = descriptor("application/vnd.oci.image.config.v1+json", config);
    let image = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers
    });
    serde_json::to_vec(&image).unwrap()
}

fn index(images: &[&[u8]]) -> Vec<u8> {
    let images: Vec<_> = images.iter().map(|image| descriptor(MANIFEST, image)).collect();
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": images });
    serde_json::to_vec(&index).unwrap()
}
