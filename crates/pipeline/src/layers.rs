//! What was found in layers, kept beside the store: a layer that was looked at once is not read again.

use sealift_image::{LayerCache, LayerKey};
use sealift_oci::Digest;
use sealift_store::Store;

use crate::findings::Findings;

/// The findings in layers.
pub(crate) struct Layers(Findings);

impl Layers {
    /// Those beside this store; `None` if there can be no folder for them.
    pub(crate) fn beside(store: &Store) -> Option<Self> {
        Findings::beside(store, "layers").map(Self)
    }
}

fn name(layer: LayerKey<'_>, key: &str) -> String {
    let dash = if key.is_empty() { "" } else { "-" };
    let both = format!("{} {}", layer.digest, layer.diff_id);
    format!("{}{dash}{key}", Digest::sha256(both.as_bytes()).hex())
}

impl LayerCache for Layers {
    fn load(&self, layer: LayerKey<'_>, key: &str) -> Option<Vec<u8>> {
        self.0.load(&name(layer, key))
    }

    fn save(&self, layer: LayerKey<'_>, key: &str, bytes: &[u8]) {
        self.0.save(&name(layer, key), bytes);
    }
}
