//! SBOMs, read and written again.

use sealift_sbom::Output;
use sealift_sbom::read::{Limits, check, read};

/// The formats that can be read again.
const READABLE: [&str; 6] = ["spdx-json", "spdx-json@3", "spdx", "cdx-json", "cyclonedx", "json"];

/// A document of any format: what was read can be written in every format, and then has as many packages as before.
pub fn sbom(bytes: &[u8]) {
    let limits = Limits {
        bytes_max: 1 << 20,
        packages_max: 1000,
        relations_max: 1000,
        elements_max: 10_000,
        ..Limits::default()
    };
    let Ok((document, _)) = check(bytes, &limits) else { return };
    for format in READABLE {
        let output = Output::parse(format).expect("a known format");
        let text = output.encode(&document.inventory, &document.subject);
        let again = read(text.as_bytes(), &Limits::default()).expect("our own document");
        assert_eq!(
            again.inventory.packages.len(),
            document.inventory.packages.len(),
            "packages lost in {format}"
        );
    }
}
