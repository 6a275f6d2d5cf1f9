//! Whose advisories judge a package, by which name, version and order.

use std::collections::BTreeSet;

use sealift_advisory::{Ecosystem, normalize};
use sealift_model::{Distro, Inventory, Package, PackageKind};
use sealift_version::Scheme;

// Releases without VERSION_ID are told by their codename.
const DEBIAN_CODENAMES: [(&str, &str); 6] = [
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
];

/// The ecosystems whose advisories an inventory needs.
pub fn wanted(inventory: &Inventory) -> Vec<Ecosystem> {
    let all: BTreeSet<Ecosystem> = inventory
        .components()
        .filter_map(|(_, package)| ecosystem(package.kind, inventory.distro.as_ref()).ok())
        .collect();
    all.into_iter().collect()
}

/// How a package is looked up.
pub(crate) struct Question<'a> {
    pub(crate) ecosystem: Ecosystem,
    pub(crate) scheme: Scheme,
    /// Name as advisories write it.
    pub(crate) name: String,
    /// Version that advisories speak of: the source package's, for a distribution.
    pub(crate) version: &'a str,
    /// The source package, if the advisories speak of that.
    pub(crate) source_name: Option<&'a str>,
}

/// How a package is looked up, or why it cannot be.
pub(crate) fn question<'a>(
    package: &'a Package,
    distro: Option<&Distro>,
) -> Result<Question<'a>, String> {
    let ecosystem = ecosystem(package.kind, distro)?;
    let no_version = || "its version is not known".to_owned();
    match package.kind {
        PackageKind::Deb => {
            let source = package.source.as_ref();
            let own = package.version.as_deref();
            let version = source.map(|source| source.version.as_str()).or(own);
            Ok(Question {
                ecosystem,
                scheme: Scheme::Dpkg,
                name: source.map_or(&package.name, |source| &source.name).clone(),
                version: version.filter(|text| !text.is_empty()).ok_or_else(no_version)?,
                source_name: Some(source.map_or(&package.name, |source| &source.name)),
            })
        }
        PackageKind::Python => Ok(Question {
            name: normalize(&ecosystem.name, &package.name),
            ecosystem,
            scheme: Scheme::Pep440,
            version: package.version.as_deref().ok_or_else(no_version)?,
            source_name: None,
        }),
        other => Err(format!("`{}` packages cannot be judged yet", other.purl_type())),
    }
}

fn ecosystem(kind: PackageKind, distro: Option<&Distro>) -> Result<Ecosystem, String> {
    match kind {
        PackageKind::Deb => debian(distro),
        PackageKind::Python => Ok(Ecosystem { name: "PyPI".to_owned(), release: None }),
        other => Err(format!("`{}` packages cannot be judged yet", other.purl_type())),
    }
}

// A derivative has versions of its own: Debian's advisories would be wrong for it, in both directions.
fn debian(distro: Option<&Distro>) -> Result<Ecosystem, String> {
    let distro = distro.ok_or("the image does not say which distribution it is")?;
    if distro.id != "debian" {
        return Err(format!("distribution `{}` cannot be judged yet", distro.id));
    }
    let from_version = distro.version_id.as_deref().and_then(|version| version.split('.').next());
    let from_codename = || {
        let codename = distro.codename.as_deref()?;
        DEBIAN_CODENAMES.iter().find(|(name, _)| *name == codename).map(|(_, release)| *release)
    };
    let release = from_version.filter(|text| !text.is_empty()).or_else(from_codename);
    match release {
        Some(release) if release.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Ecosystem { name: "Debian".to_owned(), release: Some(release.to_owned()) })
        }
        Some(release) => Err(format!("`{release}` is not a release of Debian")),
        None => Err("the image does not say which release of Debian it is".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(id: &str, version_id: Option<&str>, codename: Option<&str>, expected: Expect) {
        let distro = Distro {
            id: id.to_owned(),
            version_id: version_id.map(str::to_owned),
            codename: codename.map(str::to_owned),
            ..Distro::default()
        };
        let actual = match ecosystem(PackageKind::Deb, Some(&distro)) {
            Ok(ecosystem) => ecosystem.to_string(),
            Err(reason) => reason,
        };
        expected.assert_eq(&actual);
    }

    #[test]
    fn releases() {
        check("debian", Some("12"), None, expect!["Debian:12"]);
        check("debian", Some("12.5"), Some("bookworm"), expect!["Debian:12"]);
        check("debian", None, Some("trixie"), expect!["Debian:13"]);
        check(
            "debian",
            None,
            None,
            expect!["the image does not say which release of Debian it is"],
        );
        check(
            "debian",
            Some("../x"),
            None,
            expect!["the image does not say which release of Debian it is"],
        );
        check("debian", Some("sid"), None, expect!["`sid` is not a release of Debian"]);
        check("ubuntu", Some("22.04"), None, expect!["distribution `ubuntu` cannot be judged yet"]);
    }
}
