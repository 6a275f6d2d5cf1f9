//! SPDX 2 as tags and values (SPDX 2.3 §5.2).

use super::document::{Document, SpdxPackage};

/// Writes the document.
pub(super) fn encode(document: &Document) -> String {
    let mut out = Lines(String::new());
    out.tag("SPDXVersion", document.spdx_version);
    out.tag("DataLicense", document.data_license);
    out.tag("SPDXID", document.spdx_id);
    out.tag("DocumentName", &document.name);
    out.tag("DocumentNamespace", &document.namespace);
    out.tag("LicenseListVersion", &document.creation_info.license_list_version);
    for creator in &document.creation_info.creators {
        out.tag("Creator", creator);
    }
    out.tag("Created", &document.creation_info.created);
    if let Some(comment) = &document.creation_info.comment {
        out.text("CreatorComment", comment);
    }
    for package in &document.packages {
        self::package(&mut out, package);
    }
    if !document.extracted.is_empty() {
        out.heading("Licenses", "");
    }
    for license in &document.extracted {
        out.tag("LicenseID", &license.license_id);
        out.text("ExtractedText", &license.extracted_text);
        out.tag("LicenseName", &license.name);
        out.blank();
    }
    out.heading("Relationships", "");
    for relationship in &document.relationships {
        let value = format!("{} {} {}", relationship.from, relationship.kind, relationship.to);
        out.tag("Relationship", &value);
    }
    out.0
}

fn package(out: &mut Lines, package: &SpdxPackage) {
    out.heading("Package: ", &package.name);
    out.tag("PackageName", &package.name);
    out.tag("SPDXID", &package.spdx_id);
    out.optional("PackageVersion", package.version.as_deref());
    out.tag("PackageSupplier", &package.supplier);
    out.tag("PackageDownloadLocation", &package.download_location);
    out.optional("PrimaryPackagePurpose", package.purpose);
    out.tag("FilesAnalyzed", if package.files_analyzed { "true" } else { "false" });
    out.optional("PackageHomePage", package.homepage.as_deref());
    for checksum in &package.checksums {
        out.tag("PackageChecksum", &format!("{}: {}", checksum.algorithm, checksum.value));
    }
    if let Some(info) = &package.source_info {
        out.text("PackageSourceInfo", info);
    }
    out.tag("PackageLicenseConcluded", &package.license_concluded);
    out.tag("PackageLicenseDeclared", &package.license_declared);
    if package.copyright_text == super::NO_ASSERTION {
        out.tag("PackageCopyrightText", &package.copyright_text);
    } else {
        out.text("PackageCopyrightText", &package.copyright_text);
    }
    if let Some(summary) = &package.summary {
        out.text("PackageSummary", summary);
    }
    if let Some(comment) = &package.comment {
        out.text("PackageComment", comment);
    }
    for reference in &package.external_refs {
        let value = format!("{} {} {}", reference.category, reference.kind, reference.locator);
        out.tag("ExternalRef", &value);
    }
}

struct Lines(String);

impl Lines {
    fn tag(&mut self, tag: &str, value: &str) {
        // A name that begins like a text of several lines would never end.
        self.raw(tag, &value.replace("<text>", "< text>"));
    }

    fn raw(&mut self, tag: &str, value: &str) {
        self.0.push_str(tag);
        self.0.push_str(": ");
        self.0.push_str(value);
        self.0.push('\n');
    }

    fn optional(&mut self, tag: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.tag(tag, value);
        }
    }

    // A value that may have more than one line; nothing in it may end it.
    fn text(&mut self, tag: &str, value: &str) {
        let value = value.replace("</text>", "</ text>").replace("<text>", "< text>");
        let value: String =
            value.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        self.raw(tag, &format!("<text>{value}</text>"));
    }

    fn heading(&mut self, kind: &str, name: &str) {
        self.0.push_str("\n##### ");
        self.0.push_str(kind);
        self.0.push_str(name);
        self.0.push_str("\n\n");
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }
}
