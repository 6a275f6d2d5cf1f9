//! What a Debian package's copyright file says about it.

use std::collections::HashMap;

use sealift_license::copyright;
use sealift_model::{License, LicenseSource};

/// What copyright files say. Packages of one source have the same file, which is read once.
#[derive(Default)]
pub(crate) struct Copyrights<'a> {
    known: HashMap<&'a [u8], copyright::Copyright>,
}

impl<'a> Copyrights<'a> {
    /// The licences that a file names, each once, and the lines that say who holds the copyright.
    pub(crate) fn read(&mut self, bytes: &'a [u8]) -> (Vec<License>, Option<String>) {
        let copyright = self.known.entry(bytes).or_insert_with(|| copyright::read(bytes));
        let licenses = copyright
            .licenses
            .iter()
            .map(|named| License {
                declared: named.declared.clone(),
                spdx: named.spdx.clone(),
                source: if named.is_detected {
                    LicenseSource::Detected
                } else {
                    LicenseSource::Declared
                },
            })
            .collect();
        (licenses, copyright.holders.clone())
    }
}
