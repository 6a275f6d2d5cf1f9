//! Inventories of images that were listed before, kept beside the store.
//!
//! The bytes come from this machine's own cache. They are checked all the same: a file that was cut off or changed is as
//! if there were none.

use sealift_image::Image;
use sealift_model::Inventory;
use sealift_oci::Digest;
use sealift_store::Store;

use crate::findings::Findings;

/// The inventories.
pub(crate) struct Inventories(Findings);

impl Inventories {
    /// Those beside this store; `None` if there can be no folder for them.
    pub(crate) fn beside(store: &Store) -> Option<Self> {
        Findings::beside(store, "inventories").map(Self)
    }

    /// That of an image, if it was listed before.
    pub(crate) fn load(&self, image: &Image) -> Option<Inventory> {
        decode(&self.0.load(&name(image))?)
    }

    /// Keeps the inventory of an image. One that lacks a layer is not kept: the layer may be there the next time.
    pub(crate) fn save(&self, image: &Image, inventory: &Inventory) {
        if inventory.unread_layers().next().is_none()
            && let Some(bytes) = encode(inventory)
        {
            self.0.save(&name(image), &bytes);
        }
    }
}

// An inventory tells of the layers as they were stored and of the instructions in the config.
fn name(image: &Image) -> String {
    let config = std::iter::once(image.config.digest().to_string());
    let layers = image.layers().map(|(descriptor, diff_id)| {
        format!("{} {} {diff_id}", descriptor.digest, descriptor.size)
    });
    let text = config.chain(layers).collect::<Vec<_>>().join("\n");
    Digest::sha256(text.as_bytes()).hex().to_owned()
}

fn encode(inventory: &Inventory) -> Option<Vec<u8>> {
    let mut bytes = postcard::to_stdvec(inventory).ok()?;
    bytes.extend_from_slice(&checksum(&bytes));
    Some(bytes)
}

fn decode(bytes: &[u8]) -> Option<Inventory> {
    let (bytes, sum) = bytes.split_last_chunk()?;
    if checksum(bytes) != *sum {
        return None;
    }
    match postcard::take_from_bytes(bytes) {
        Ok((inventory, [])) => Some(inventory),
        _ => None,
    }
}

// Against accidents, not against intent: whoever can write here can do as they like.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32fast::hash(bytes).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use sealift_model::{Package, PackageKind};

    use super::*;

    #[test]
    fn inventories_come_back() {
        let package =
            Package { files: vec!["/a".to_owned()], ..Package::new(PackageKind::Deb, "bash") };
        let inventory = Inventory { packages: vec![package], ..Inventory::default() };
        let bytes = encode(&inventory).unwrap();
        assert_eq!(decode(&bytes), Some(inventory));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None);
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            assert_eq!(decode(&changed), None, "byte {at}");
        }
    }
}
