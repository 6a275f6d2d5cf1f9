//! R's installed packages, by the `DESCRIPTION` of each (Writing R Extensions, "The DESCRIPTION file").

use sealift_lockfile::Entry;
use sealift_model::{License, PackageKind, Scope};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{is_test_data, shorten};
use crate::deb822::{LIMITS, Paragraph, parse_first};
use crate::license::id;
use crate::listed::installed;
use crate::supplier::supplier;

/// Packages that R has built and installed.
pub(crate) const PACKAGE: Cataloger = Cataloger {
    name: "r-package",
    what: "R packages that are installed",
    evidence: &[Pattern::Named("", "DESCRIPTION")],
    companions: &[],
    read,
};

const BYTES_MAX: usize = 1 << 20;
const NEEDS_MAX: usize = 1_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let has = |field: &[u8]| memchr::memmem::find(bytes, field).is_some();
    // Many things have a file of this name; only R notes with what it built.
    if !(bytes.starts_with(b"Package:") || has(b"\nPackage:")) || !has(b"\nBuilt:") {
        return found;
    }
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for a description"));
        return found;
    }
    let (fields, complaints) = parse_first(bytes, LIMITS);
    found.notes.extend(complaints.iter().map(|complaint| context.note(complaint)));
    let entry = fields.line("Package").and_then(|name| Entry::new(name, fields.line("Version")));
    let Some(mut entry) = entry else {
        found.notes.push(context.note("it has no name"));
        return found;
    };
    entry.summary = fields.some("Title").map(|text| shorten(&words(text)));
    entry.homepage = fields
        .some("URL")
        .and_then(|urls| urls.split([',', ' ', '\n']).find(|url| !url.is_empty()))
        .map(shorten);
    entry.needs = needs(&fields);
    // `…/library/NAME/DESCRIPTION`: packages of one library prefer each other.
    let path = context.path();
    let library = path.rsplitn(3, '/').nth(2).unwrap_or_default();
    let mut draft = installed(&entry, PackageKind::Cran, library, context);
    if is_bioconductor(&fields) {
        "bioconductor".clone_into(&mut draft.package.purl.kind);
    }
    draft.package.licenses = fields.some("License").map(license).into_iter().collect();
    let maker = fields.some("Maintainer").or_else(|| fields.some("Author"));
    draft.package.supplier = maker.and_then(|text| supplier(&words(text)));
    if is_test_data(&path) {
        draft.package.scope = Scope::TestData;
    }
    found.drafts.push(draft);
    found
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_bioconductor(fields: &Paragraph) -> bool {
    let is_named = |field: &str| {
        fields.some(field).is_some_and(|text| text.to_ascii_lowercase().contains("bioconductor"))
    };
    is_named("Repository") || is_named("git_url")
}

// `R (>= 4.0), methods, stats`. What only compiling needs is not there later.
fn needs(fields: &Paragraph) -> Vec<String> {
    let texts = ["Depends", "Imports"].into_iter().filter_map(|field| fields.some(field));
    let names = texts.flat_map(|text| text.split(','));
    let names = names.filter_map(|need| need.split(['(', ' ', '\n']).find(|part| !part.is_empty()));
    names.map(str::to_owned).filter(|name| name != "R").take(NEEDS_MAX).collect()
}

// R's words for licences (Writing R Extensions, "Licensing"): alternatives with `|`, a file of conditions with `+`.
fn license(text: &str) -> License {
    let text = words(text);
    let mut parts = Vec::new();
    for alternative in text.split('|') {
        let name = alternative.split('+').next().unwrap_or_default().trim();
        // Beside what has a name, the text of a file is one alternative more.
        if name == "file LICENSE" || name == "file LICENCE" {
            continue;
        }
        match one(name) {
            Some(name) => parts.push(name),
            None => return License::declared(shorten(&text), None),
        }
    }
    let spdx = match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(parts.join(" OR ")),
    };
    License::declared(shorten(&text), spdx)
}

fn one(name: &str) -> Option<String> {
    // R itself says so in its file COPYING and on its pages.
    if name.starts_with("Part of R ") {
        return Some("GPL-2.0-only OR GPL-3.0-only".to_owned());
    }
    let exact = match name {
        "GPL" => "GPL-1.0-or-later",
        "LGPL" => "LGPL-2.0-or-later",
        "AGPL" => "AGPL-3.0-or-later",
        "BSD_2_clause" => "BSD-2-Clause",
        "BSD_3_clause" => "BSD-3-Clause",
        "Apache License 2.0" | "Apache License" => "Apache-2.0",
        "Artistic License 2.0" => "Artistic-2.0",
        "Mozilla Public License 2.0" => "MPL-2.0",
        "Mozilla Public License 1.1" => "MPL-1.1",
        "CeCILL-2" => "CECILL-2.0",
        "EUPL" => "EUPL-1.1",
        "Lucent Public License" => "LPL-1.02",
        "BSL-1.0" | "BSL" => "BSL-1.0",
        _ => "",
    };
    if !exact.is_empty() {
        return Some(exact.to_owned());
    }
    if let Some((family, version)) = name.split_once(" (") {
        let family = family.trim();
        let version = version.strip_suffix(')')?.trim();
        let (or_later, number) = match version.strip_prefix(">=") {
            Some(number) => ("-or-later", number.trim()),
            None => ("-only", version.strip_prefix("==")?.trim()),
        };
        return match family {
            "GPL" | "LGPL" | "AGPL" => {
                let number =
                    if number.contains('.') { number.to_owned() } else { format!("{number}.0") };
                id(&format!("{family}-{number}{or_later}"))
            }
            "Apache License" => id(&format!("Apache-{number}")),
            "Mozilla Public License" => id(&format!("MPL-{number}")),
            "Artistic License" => id(&format!("Artistic-{number}")),
            _ => None,
        };
    }
    if let Some((family @ ("GPL" | "LGPL" | "AGPL"), number)) = name.split_once('-') {
        let number = if number.contains('.') { number.to_owned() } else { format!("{number}.0") };
        return id(&format!("{family}-{number}-only"));
    }
    id(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licenses() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(license(text).spdx.as_deref(), expected, "{text}");
        };
        check("GPL (>= 2)", Some("GPL-2.0-or-later"));
        check("GPL-2 | GPL-3", Some("GPL-2.0-only OR GPL-3.0-only"));
        check("MIT + file LICENSE", Some("MIT"));
        check("LGPL (>= 2.1)", Some("LGPL-2.1-or-later"));
        check("Apache License (== 2.0) | file LICENSE", Some("Apache-2.0"));
        check("Apache License 2.0", Some("Apache-2.0"));
        check("BSD_3_clause + file LICENSE", Some("BSD-3-Clause"));
        check("CC0", Some("CC0-1.0"));
        check("Artistic-2.0", Some("Artistic-2.0"));
        check("Part of R 4.2.2", Some("GPL-2.0-only OR GPL-3.0-only"));
        check("file LICENSE", None);
        check("GPL (> x", None);
        check("|", None);
    }
}
