//! What a Debian package's copyright file says about it.

use sealift_license::copyright;
use sealift_model::License;

/// The licences that a copyright file names, each once.
pub(crate) fn licenses(bytes: &[u8]) -> Vec<License> {
    copyright::licenses(bytes)
        .into_iter()
        .map(|named| License::declared(named.declared, named.spdx))
        .collect()
}
