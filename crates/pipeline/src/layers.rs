//! What was found in layers, kept beside the store: a layer that was looked at once is not read again.

use sealift_image::LayerCache;
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

fn name(diff_id: &Digest, key: &str) -> String {
    let dash = if key.is_empty() { "" } else { "-" };
    format!("{}{dash}{key}", diff_id.to_string().replace(':', "-"))
}

impl LayerCache for Layers {
    fn load(&self, diff_id: &Digest, key: &str) -> Option<Vec<u8>> {
        self.0.load(&name(diff_id, key))
    }

    fn save(&self, diff_id: &Digest, key: &str, bytes: &[u8]) {
        self.0.save(&name(diff_id, key), bytes);
    }
}
