//! What is inside an image: one cataloger per package database.
//!
//! Entry: [`wanted`] says which files to keep while the layers are read, [`catalog`] makes the
//! [`Inventory`] of them. To add a cataloger, write a file with its [`Cataloger`] and name that in [`CATALOGERS`].
//!
//! Invariants: analyses are total, whatever cannot be read is in the notes; a cataloger is a function from bytes;
//! order of the result depends on nothing but the files.

mod bytes;
mod cataloger;
mod complaints;
mod component;
mod distro;
mod inspection;
mod link;
mod sqlite;

mod apk;
mod cargo_lock;
mod dpkg;
mod go_binary;
mod go_mod;
mod java;
mod nix;
mod node;
mod node_lock;
mod pacman;
mod php;
mod portage;
mod python;
mod rpm;
mod ruby;
mod rust_binary;
mod zip_view;

mod copyright;
mod dpkg_relations;
mod markers;
mod os_purl;
mod supplier;

use sealift_archive::RelativePath;
use sealift_deb822 as deb822;
use sealift_image::FileTree;
use sealift_license::{name as license, os as os_license};
use sealift_model::{Inventory, Note};

pub use cataloger::{Cataloger, Pattern};
pub use inspection::{INSPECTION, INSPECTORS, Inspector};

/// All catalogers. The order is of no importance.
pub const CATALOGERS: &[Cataloger] = &[
    apk::INSTALLED,
    dpkg::STATUS,
    dpkg::STATUS_DIRECTORY,
    cargo_lock::LOCK,
    go_mod::MODULE,
    nix::DATABASE,
    node::PACKAGE,
    node_lock::NPM,
    node_lock::YARN,
    php::INSTALLED,
    php::LOCK,
    python::WHEEL,
    python::EGG,
    ruby::GEM,
    pacman::LOCAL,
    portage::DATABASE,
    rpm::DATABASE,
    rpm::MANIFEST,
];

/// True for files whose content [`catalog`] looks at.
pub fn wanted(path: &RelativePath) -> bool {
    let path = path.as_bytes();
    distro::PATHS.iter().any(|known| known.as_bytes() == path)
        || CATALOGERS.iter().any(|cataloger| {
            let mut patterns = cataloger.evidence.iter().chain(cataloger.companions);
            patterns.any(|pattern| pattern.matches(path))
        })
}

/// What is inside an image, by the files of its tree.
pub fn catalog(tree: &FileTree) -> Inventory {
    let (distro, mut notes) = distro::read(tree);
    let mut drafts = Vec::new();
    for (fact, extract) in tree.extracts() {
        let context = cataloger::Context::new(tree, &fact, distro.as_ref());
        let found = inspection::read(extract, &context);
        drafts.extend(found.drafts);
        notes.extend(found.notes);
    }
    for (fact, bytes) in tree.bodies() {
        let path = fact.path.as_bytes();
        let context = cataloger::Context::new(tree, &fact, distro.as_ref());
        let found = inspection::inspect(&fact.meta(), bytes, &context);
        drafts.extend(found.drafts);
        notes.extend(found.notes);
        for cataloger in CATALOGERS {
            if !cataloger.evidence.iter().any(|pattern| pattern.matches(path)) {
                continue;
            }
            let found = (cataloger.read)(bytes, &context);
            drafts.extend(found.drafts);
            notes.extend(found.notes);
        }
    }
    let is_inspected = |path: &RelativePath| {
        tree.get(path).is_some_and(|fact| inspection::wanted(path, &fact.meta()))
    };
    notes.extend(
        tree.notes()
            .iter()
            .filter(|note| wanted(&note.path) || is_inspected(&note.path))
            .map(|note| Note { subject: format!("/{}", note.path), message: note.message.clone() }),
    );
    let folders = nix::folders(tree, distro.as_ref(), &drafts);
    drafts.extend(folders.drafts);
    notes.extend(folders.notes);
    java::name_by_repository(&mut drafts, tree);
    link::link(drafts, distro, notes, tree)
}
