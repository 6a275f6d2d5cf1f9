//! The databases of distributions' package managers: dpkg, apk, RPM, opkg, pacman, portage, Nix.
//!
//! Entry: [`CATALOGERS`]; and [`nix_folders`] for stores without a database.

mod copyright;
mod dpkg_relations;
mod os_purl;
mod sqlite;

mod apk;
mod dpkg;
mod nix;
mod opkg;
mod pacman;
mod portage;
mod rpm;

use sealift_cataloger as cataloger;
use sealift_cataloger::{Cataloger, complaints, component, supplier};
use sealift_deb822 as deb822;
use sealift_license::{name as license, os as os_license};
use sealift_program::bytes;

pub use nix::folders as nix_folders;

/// All catalogers of distributions.
pub const CATALOGERS: &[Cataloger] = &[
    apk::INSTALLED,
    dpkg::STATUS,
    dpkg::STATUS_DIRECTORY,
    nix::DATABASE,
    opkg::STATUS,
    pacman::LOCAL,
    portage::DATABASE,
    rpm::DATABASE,
    rpm::MANIFEST,
];
