//! Arch Linux's packages, from pacman's local database (libalpm, `be_local.c`): a directory a package, in it `desc` and
//! `files`, with `%FIELD%` lines before the values.

use std::collections::BTreeMap;

use sealift_model::{License, Method, Package, PackageKind, SourcePackage};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::os_purl::{self, Parts};
use crate::{os_license, supplier};

/// `/var/lib/pacman/local/*/desc`.
pub(crate) const LOCAL: Cataloger = Cataloger {
    name: "pacman",
    what: "Arch Linux's packages, as pacman's database lists them",
    evidence: &[Pattern::OneBelow("var/lib/pacman/local", "desc")],
    companions: &[Pattern::OneBelow("var/lib/pacman/local", "files")],
    read,
};

const NAME_BYTES_MAX: usize = 300;
const VALUES_MAX: usize = 1_000_000;
const VALUE_BYTES_MAX: usize = 16 << 10;

type Fields = BTreeMap<String, Vec<String>>;

// Fields and their values, and whether some were left out.
fn parse(bytes: &[u8]) -> (Fields, bool) {
    let mut fields = Fields::new();
    let mut open = String::new();
    let (mut n_values, mut is_cut) = (0, false);
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.len() > VALUE_BYTES_MAX {
            is_cut = true;
            continue;
        }
        let line = String::from_utf8_lossy(line);
        let field = line.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
        if let Some(field) = field.filter(|field| open.is_empty() && !field.is_empty()) {
            field.clone_into(&mut open);
        } else if line.trim().is_empty() {
            open.clear();
        } else if open.is_empty() || n_values >= VALUES_MAX {
            is_cut = true;
        } else {
            n_values += 1;
            fields.entry(open.clone()).or_default().push(line.into_owned());
        }
    }
    (fields, is_cut)
}

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let (fields, is_cut) = parse(bytes);
    if is_cut {
        found
            .notes
            .push(context.note("it has lines that belong to no field or are beyond the limit"));
    }
    if !bytes.ends_with(b"\n\n") {
        found.notes.push(context.note("the last field has no end, the file may be cut off"));
    }
    let first = |field| fields.get(field).and_then(|values: &Vec<String>| values.first()).cloned();
    match first("NAME") {
        Some(name) if name.len() <= NAME_BYTES_MAX => {
            if first("VERSION").is_none() {
                found.notes.push(context.note(format!("package `{name}` has no version")));
            }
            let files = files(context, &mut found);
            found.drafts.push(draft(name, &fields, files, context));
        }
        Some(_) => found.notes.push(context.note("its name is too long")),
        None => found.notes.push(context.note("it has no name")),
    }
    found
}

fn files(context: &Context<'_>, found: &mut Found) -> Vec<String> {
    let folder = context.path_bytes().strip_suffix(b"desc").unwrap_or_default();
    let Some(companion) = context.companion(&[folder, b"files"].concat()) else {
        return Vec::new();
    };
    let (mut fields, is_cut) = parse(companion.bytes);
    if is_cut {
        found.notes.push(context.note("its list of files could not be read whole"));
    }
    let files = fields.remove("FILES").unwrap_or_default();
    // A directory ends in a slash.
    files.into_iter().filter(|file| !file.ends_with('/')).map(|file| format!("/{file}")).collect()
}

fn draft(name: String, fields: &Fields, files: Vec<String>, context: &Context<'_>) -> Draft {
    let all = |field| fields.get(field).map_or(&[][..], Vec::as_slice);
    let first = |field| all(field).first().cloned();
    let version = first("VERSION");
    let architecture = first("ARCH");
    let base = first("BASE").unwrap_or_else(|| name.clone());
    let purl = os_purl::purl(&Parts {
        kind: PackageKind::Alpm,
        name: &name.to_lowercase(),
        version: version.as_deref(),
        architecture: architecture.as_deref(),
        distro: context.distro,
        namespace: Some("arch"),
        upstream: Some(base.as_str()).filter(|base| *base != name),
    });
    let license =
        |declared: &String| License::declared(declared.clone(), os_license::expression(declared));
    let mut provides = vec![name.clone()];
    provides.extend(all("PROVIDES").iter().map(|text| relation(text)));
    Draft {
        built_from: Vec::new(),
        surroundings: String::new(),
        provides,
        requires: all("DEPENDS").iter().map(|text| vec![relation(text)]).collect(),
        package: Package {
            name,
            source: version.clone().map(|version| SourcePackage { name: base, version }),
            purl,
            version,
            architecture,
            licenses: all("LICENSE").iter().map(license).collect(),
            supplier: first("PACKAGER").as_deref().and_then(supplier::supplier),
            homepage: first("URL"),
            summary: first("DESC"),
            evidence: vec![context.evidence(Method::Database)],
            introduced_by: context.introduced(),
            files,
            ..Package::new(PackageKind::Alpm, "")
        },
    }
}

// `glibc>=1:2.38`, `libncursesw.so=6-64`, `lib:libz.so.1`.
fn relation(text: &str) -> String {
    text.split(['<', '>', '=']).next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations() {
        assert_eq!(relation("glibc>=1:2.38"), "glibc");
        assert_eq!(relation("libncursesw.so=6-64"), "libncursesw.so");
        assert_eq!(relation("lib:libz.so.1"), "lib:libz.so.1");
        assert_eq!(relation(""), "");
    }
}
