//! Plain lists of packages, for people and for shells.

use std::collections::BTreeSet;

use sealift_model::{Inventory, Package};

use crate::{Subject, text};

const HEADER: [&str; 4] = ["NAME", "VERSION", "TYPE", "LICENSE"];

/// A line a package, in columns.
pub(crate) fn table(inventory: &Inventory, _: &Subject) -> String {
    let mut rows = vec![HEADER.map(str::to_owned)];
    for (_, package) in inventory.components() {
        rows.push([
            text::line(&package.name),
            version(package),
            text::purl_type(package).to_owned(),
            licenses(package),
        ]);
    }
    let mut widths = [0; 4];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// A paragraph a package.
pub(crate) fn paragraphs(inventory: &Inventory, subject: &Subject) -> String {
    let mut lines = vec![format!("[Subject: {}]", text::line(&subject.name))];
    for (_, package) in inventory.components() {
        lines.push(format!("\n[{}]", text::line(&package.name)));
        let mut add = |label: &str, value: Option<String>| {
            let value = value.filter(|value| !value.is_empty());
            lines.extend(value.map(|value| format!(" {label:<9} {value}")));
        };
        add("Version:", Some(version(package)));
        add("Type:", Some(text::purl_type(package).to_owned()));
        add("License:", Some(licenses(package)));
        add("Found by:", package.evidence.first().map(|evidence| text::line(&evidence.path)));
    }
    lines.join("\n") + "\n"
}

/// A package URL a line, sorted.
pub(crate) fn purls(inventory: &Inventory, _: &Subject) -> String {
    let purls: BTreeSet<String> =
        inventory.components().filter_map(|(_, package)| text::purl(package)).collect();
    purls.into_iter().map(|purl| purl + "\n").collect()
}

fn version(package: &Package) -> String {
    package.version.as_deref().map(text::line).unwrap_or_default()
}

fn licenses(package: &Package) -> String {
    let licenses = package.licenses.iter();
    let texts: Vec<String> = licenses
        .map(|license| text::line(license.spdx.as_deref().unwrap_or(&license.declared)))
        .filter(|text| !text.is_empty())
        .collect();
    texts.join(", ")
}
