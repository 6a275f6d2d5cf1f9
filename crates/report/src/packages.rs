//! All packages, as trivy's JSON lists them when it is asked to.

use std::collections::BTreeMap;

use sealift_model::{Inventory, Package, PackageKind, RelationKind};
use serde::Serialize;

use crate::wire::Layer;

/// A package.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PackageEntry<'a> {
    #[serde(rename = "ID")]
    id: String,
    name: &'a str,
    identifier: Identifier,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    release: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    epoch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    src_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    src_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    src_release: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    src_epoch: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<Layer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_path: Option<&'a str>,
}

#[derive(Serialize)]
struct Identifier {
    #[serde(rename = "PURL")]
    purl: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The packages that are components of their own, by what installs them.
pub(crate) fn packages(inventory: &Inventory) -> BTreeMap<PackageKind, Vec<PackageEntry<'_>>> {
    let mut needs: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for relation in inventory.relations.iter().filter(|it| it.kind == RelationKind::DependsOn) {
        if let Some(to) = inventory.package(relation.to).filter(|to| to.owner.is_none()) {
            needs.entry(relation.from.0).or_default().push(id(to));
        }
    }
    let mut by_kind: BTreeMap<PackageKind, Vec<PackageEntry<'_>>> = BTreeMap::new();
    for (place, package) in inventory.components() {
        let mut depends_on = needs.remove(&place.0).unwrap_or_default();
        depends_on.sort_unstable();
        depends_on.dedup();
        by_kind.entry(package.kind).or_default().push(entry(package, depends_on));
    }
    by_kind
}

fn entry(package: &Package, depends_on: Vec<String>) -> PackageEntry<'_> {
    let (epoch, version, release) =
        parts(package.kind, package.version.as_deref().unwrap_or_default());
    let source = package.source.as_ref();
    let (src_epoch, src_version, src_release) =
        parts(package.kind, source.map(|source| source.version.as_str()).unwrap_or_default());
    let licenses = package.licenses.iter();
    PackageEntry {
        id: id(package),
        name: &package.name,
        identifier: Identifier { purl: package.purl.to_string() },
        version,
        release,
        epoch,
        arch: package.architecture.as_deref(),
        src_name: source.map(|source| source.name.as_str()).unwrap_or_default(),
        src_version,
        src_release,
        src_epoch,
        licenses: licenses
            .map(|license| license.spdx.as_deref().unwrap_or(&license.declared))
            .collect(),
        depends_on,
        layer: package
            .introduced_by
            .as_ref()
            .map(|layer| Layer { diff_id: layer.diff_id.to_string() }),
        // An operating system's packages are all in one database; its path says nothing.
        file_path: package
            .evidence
            .first()
            .filter(|_| !package.kind.is_os())
            .map(|evidence| evidence.path.trim_start_matches('/')),
    }
}

fn id(package: &Package) -> String {
    match &package.version {
        Some(version) => format!("{}@{version}", package.name),
        None => package.name.clone(),
    }
}

// Epoch, version and release, where versions have them.
fn parts(kind: PackageKind, text: &str) -> (u64, &str, &str) {
    if !matches!(kind, PackageKind::Deb | PackageKind::Rpm) {
        return (0, text, "");
    }
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => match epoch.parse() {
            Ok(epoch) => (epoch, rest),
            Err(_) => (0, text),
        },
        None => (0, text),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, version, release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_parts() {
        assert_eq!(parts(PackageKind::Deb, "1:2.3-4-5"), (1, "2.3-4", "5"));
        assert_eq!(parts(PackageKind::Rpm, "2.3"), (0, "2.3", ""));
        assert_eq!(parts(PackageKind::Deb, "x:2"), (0, "x:2", ""));
        assert_eq!(parts(PackageKind::Apk, "1.2-r3"), (0, "1.2-r3", ""));
    }
}
