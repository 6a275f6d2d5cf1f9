//! What of an inventory a match needs.

use sealift_model::Inventory;

/// The inventory without what no match asks for: files, licences and the like, most of its bytes. For whoever keeps many
/// inventories and matches them again whenever there are new advisories.
pub fn essence(mut inventory: Inventory) -> Inventory {
    inventory.relations.clear();
    inventory.coverage = None;
    for package in &mut inventory.packages {
        package.files.clear();
        package.licenses.clear();
        package.cpes.clear();
        package.hashes.clear();
        package.supplier = None;
        package.homepage = None;
        package.summary = None;
        package.download_url = None;
        package.copyright = None;
        // The first shows where it is.
        package.evidence.truncate(1);
    }
    inventory
}
