//! SBOMs, read and written again, and written by templates.

use std::sync::LazyLock;

use sealift_model::Inventory;
use sealift_oci::{Digest, Reference};
use sealift_sbom::read::{Limits, check, read};
use sealift_sbom::{Output, Subject, fill};
use sealift_template::{Template, TemplateLimits};

use crate::text;

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

static INVENTORY: LazyLock<Inventory> = LazyLock::new(|| {
    crate::catalog::inventory(include_bytes!("../../../fuzz/seeds/catalog/debian"))
});

/// A template: it is filled with the same result each time, and what is wrong with it is on one of its lines.
pub fn template(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let reference = Reference::parse("registry.example/app:1").expect("a constant");
    let subject = Subject::image(&reference, &Digest::sha256(b""), 0);
    // Far below the usual ones, at which one input would take seconds.
    let limits =
        TemplateLimits { steps_max: 2_000, output_bytes_max: 64 << 10, made_bytes_max: 1 << 20 };
    let filled = || fill(&Template::parse(text)?, &INVENTORY, &subject, &limits);
    let (filled, again) = (filled(), filled());
    assert_eq!(filled, again, "a template has two results");
    match filled {
        Ok(document) => assert!(document.len() <= limits.output_bytes_max, "it is too long"),
        Err(error) => {
            let lines = 1..=text.split('\n').count();
            assert!(lines.contains(&error.line), "line {} is not in {lines:?}", error.line);
        }
    }
}
