//! Whose advisories judge a package, by which name, version and order.

use std::collections::BTreeSet;

use sealift_advisory::{Ecosystem, debian_release, normalize};
use sealift_model::{Distro, Inventory, Method, Package, PackageKind, Scope};
use sealift_version::Scheme;

use crate::product::Products;

/// The ecosystems whose advisories an inventory needs.
pub fn wanted(inventory: &Inventory) -> Vec<Ecosystem> {
    let all: BTreeSet<Ecosystem> = inventory
        .components()
        .filter_map(|(_, package)| ecosystem(package.kind, inventory.distro.as_ref()).ok())
        .flat_map(|it| subscriptions(&it).into_iter().chain([it]))
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
    /// What else advisories may file it under: with Red Hat, all packages of its source; with Photon and SUSE, the package.
    pub(crate) group_name: Option<String>,
    /// The package itself, for conditions on its build.
    pub(crate) package: &'a Package,
    /// The products that it may be part of.
    pub(crate) products: &'a Products,
}

/// How a package is looked up, or why it cannot be.
pub(crate) fn question<'a>(
    package: &'a Package,
    distro: Option<&Distro>,
    products: &'a Products,
) -> Result<Question<'a>, String> {
    let ecosystem = ecosystem(package.kind, distro)?;
    let scheme = order(&ecosystem)?;
    let no_version = || "its version is not known".to_owned();
    let own = package.version.as_deref().filter(|text| !text.is_empty());
    let (name, version, source_name) = match package.kind {
        PackageKind::Deb | PackageKind::Apk => {
            let source = package.source.as_ref();
            let name = source.map_or(&package.name, |source| &source.name);
            let version = source.map(|source| source.version.as_str()).or(own);
            (name.clone(), version.filter(|text| !text.is_empty()), Some(name.as_str()))
        }
        PackageKind::Rpm if is_by_source(&ecosystem.name) => {
            let name = package.source.as_ref().map_or(&package.name, |source| &source.name);
            (name.clone(), rpm_version(package)?, Some(name.as_str()))
        }
        PackageKind::Go if own == Some("(devel)") => {
            return Err("it was built from a working copy without a version".to_owned());
        }
        // Of a program itself that is a commit without a tag before it, and not older than all versions.
        PackageKind::Go if is_main(package) && own.is_some_and(|it| it.starts_with("v0.0.0-")) => {
            return Err("it was built from a commit, and of which version is not known".to_owned());
        }
        _ => (normalize(&ecosystem.name, &language_name(package)?), own, None),
    };
    let mut version = version.ok_or_else(no_version)?;
    // SUSE's feeds leave epochs out.
    if matches!(ecosystem.name.as_str(), "SUSE" | "openSUSE") {
        version = version.split_once(':').map_or(version, |(_, plain)| plain);
    }
    let group_name = match ecosystem.name.as_str() {
        "Red Hat" => {
            let source = package.source.as_ref().map_or(&package.name, |source| &source.name);
            Some(sealift_advisory::source_name(source))
        }
        // Their own feeds name packages, OSV their sources.
        "Photon OS" | "SUSE" | "openSUSE" => Some(package.name.clone()).filter(|own| *own != name),
        _ => None,
    };
    Ok(Question { ecosystem, scheme, name, version, source_name, group_name, package, products })
}

fn is_main(package: &Package) -> bool {
    let is_program = package.evidence.first().is_some_and(|it| it.method == Method::BuildRecord);
    is_program && package.scope == Scope::Installed
}

// The record of a package names its source without the epoch, so only a package of its source's version can be compared.
fn rpm_version(package: &Package) -> Result<Option<&str>, String> {
    let (Some(own), Some(source)) = (package.version.as_deref(), &package.source) else {
        return Ok(package.version.as_deref());
    };
    let plain = own.split_once(':').map_or(own, |(_, plain)| plain);
    if plain == source.version {
        return Ok(Some(own));
    }
    Err("its version is not that of its source package, whose epoch is not known".to_owned())
}

// These publishers name source packages, the others the packages that are installed.
fn is_by_source(ecosystem: &str) -> bool {
    matches!(
        ecosystem,
        "Rocky Linux" | "openSUSE" | "SUSE" | "Photon OS" | "Mariner" | "Azure Linux"
    )
}

// A package URL has the parts of a name apart; Go's is in lower case, which its module path is not.
fn language_name(package: &Package) -> Result<String, String> {
    let purl = &package.purl;
    let joint = match package.kind {
        PackageKind::Maven => ":",
        PackageKind::Npm | PackageKind::Composer | PackageKind::Swift => "/",
        _ => return Ok(package.name.clone()),
    };
    match &purl.namespace {
        Some(namespace) => Ok(format!("{namespace}{joint}{}", purl.name)),
        None if package.kind == PackageKind::Maven && !package.name.contains(':') => {
            Err("its group is not known".to_owned())
        }
        None => Ok(package.name.clone()),
    }
}

fn order(ecosystem: &Ecosystem) -> Result<Scheme, String> {
    let unknown = || format!("the order of versions of {} is not known yet", ecosystem.name);
    sealift_database::scheme(&ecosystem.name).ok_or_else(unknown)
}

fn ecosystem(kind: PackageKind, distro: Option<&Distro>) -> Result<Ecosystem, String> {
    let name = match kind {
        PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm | PackageKind::Alpm => {
            return distribution(kind, distro);
        }
        PackageKind::Python => "PyPI",
        PackageKind::Npm => "npm",
        PackageKind::Go => "Go",
        PackageKind::Cargo => "crates.io",
        PackageKind::Maven => "Maven",
        PackageKind::Gem => "RubyGems",
        PackageKind::Composer => "Packagist",
        PackageKind::Nuget => "NuGet",
        PackageKind::Hex => "Hex",
        PackageKind::Pub => "Pub",
        PackageKind::Swift => "SwiftURL",
        PackageKind::Cran => "CRAN",
        PackageKind::Hackage => "Hackage",
        PackageKind::Conan => "ConanCenter",
        PackageKind::Bitnami => "Bitnami",
        other => return Err(format!("`{}` packages cannot be judged yet", other.purl_type())),
    };
    let ecosystem = Ecosystem { name: name.to_owned(), release: None };
    // What cannot be compared need not be read either.
    order(&ecosystem).map(|_| ecosystem)
}

/// Whose advisories judge a distribution's packages.
pub(crate) fn distribution(
    kind: PackageKind,
    distro: Option<&Distro>,
) -> Result<Ecosystem, String> {
    let known = distro.ok_or("the image does not say which distribution it is")?;
    let version = known.version_id.as_deref().filter(|text| !text.is_empty());
    let numbered = |name: &str, n_parts: usize| {
        let release = version.and_then(|text| numbers(text, n_parts));
        let release = release
            .ok_or_else(|| format!("the image does not say which release of {name} it is"))?;
        Ok(Ecosystem { name: name.to_owned(), release: Some(release) })
    };
    let rolling = |name: &str| Ok(Ecosystem { name: name.to_owned(), release: None });
    match (kind, known.id.as_str()) {
        (PackageKind::Deb, "ubuntu") => numbered("Ubuntu", 2).map(ubuntu),
        (PackageKind::Deb, _) => debian(distro),
        (PackageKind::Apk, "alpine") => alpine(version, || numbered("Alpine", 2)),
        (PackageKind::Apk, "wolfi") => rolling("Wolfi"),
        (PackageKind::Apk, "chainguard") => rolling("Chainguard"),
        (PackageKind::Rpm, "rhel") => numbered("Red Hat", 1),
        (PackageKind::Rpm, "centos") => centos(known, || numbered("Red Hat", 1)),
        (PackageKind::Rpm, "almalinux") => numbered("AlmaLinux", 1),
        (PackageKind::Rpm, "rocky") => numbered("Rocky Linux", 1),
        (PackageKind::Rpm, "ol") => numbered("Oracle Linux", 1),
        (PackageKind::Rpm, "photon") => numbered("Photon OS", 2),
        (PackageKind::Rpm, "mariner") => numbered("Mariner", 2),
        (PackageKind::Rpm, "azurelinux") => numbered("Azure Linux", 1),
        // Its first release is named by a date.
        (PackageKind::Rpm, "amzn") => match version {
            Some(text) if text.starts_with("2018.") || text.starts_with("2017.") => {
                Ok(Ecosystem::parse("Amazon Linux:1"))
            }
            _ => numbered("Amazon Linux", 1),
        },
        (PackageKind::Rpm, "opensuse-tumbleweed") => Ok(Ecosystem::parse("openSUSE:Tumbleweed")),
        (PackageKind::Rpm, "opensuse-leap") => {
            let leap = numbered("openSUSE", 2)?;
            let release = leap.release.map(|release| format!("Leap {release}"));
            Ok(Ecosystem { release, ..leap })
        }
        (PackageKind::Rpm, "sles" | "sled" | "sles_sap" | "sle_hpc") => suse(version, ""),
        (PackageKind::Rpm, "sle-micro" | "sl-micro" | "suse-microos") => suse(version, "Micro "),
        (PackageKind::Alpm, "arch") => rolling("Arch"),
        (_, id) => Err(format!("distribution `{id}` cannot be judged yet")),
    }
}

/// Whose advisories say more of a distribution's packages: those for who pays for longer support, or for builds that are
/// certified. An image without these has the same flaws, and gets the repairs only so.
pub(crate) fn subscriptions(ecosystem: &Ecosystem) -> Vec<Ecosystem> {
    let Some(release) = ecosystem.release.as_deref().filter(|_| ecosystem.name == "Ubuntu") else {
        return Vec::new();
    };
    let of = |series: &str| Ecosystem {
        name: ecosystem.name.clone(),
        release: Some(format!("{series}:{release}")),
    };
    ["Pro", "Pro:FIPS-updates", "Pro:FIPS"].map(of).to_vec()
}

// The first of a series has no number of its service pack.
fn suse(version: Option<&str>, series: &str) -> Result<Ecosystem, String> {
    let release = version.and_then(|text| numbers(text, 2).or_else(|| numbers(text, 1)));
    let release = release.ok_or("the image does not say which release of SUSE it is")?;
    Ok(Ecosystem { name: "SUSE".to_owned(), release: Some(format!("{series}{release}")) })
}

// CentOS Linux was Red Hat's sources built anew. CentOS Stream is ahead of them, and its builds are repaired apart.
fn centos(
    distro: &Distro,
    numbered: impl Fn() -> Result<Ecosystem, String>,
) -> Result<Ecosystem, String> {
    let is_stream = distro.pretty_name.as_deref().is_some_and(|name| name.contains("Stream"));
    let is_younger = |release: &str| release.parse::<u32>().is_ok_and(|number| number > 8);
    let plain = numbered()?;
    if is_stream || plain.release.as_deref().is_some_and(is_younger) {
        return Err("nobody publishes advisories for CentOS Stream".to_owned());
    }
    Ok(plain)
}

// The first numbers of a release, `3.19` of `3.19.1`.
fn numbers(version: &str, n_parts: usize) -> Option<String> {
    let parts: Vec<&str> = version.split('.').take(n_parts).collect();
    let is_number =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (parts.len() == n_parts && parts.iter().all(is_number)).then(|| parts.join("."))
}

// Releases of April in even years are supported for long, and OSV says so in their names.
fn ubuntu(plain: Ecosystem) -> Ecosystem {
    let release = plain.release.unwrap_or_default();
    let year = release.strip_suffix(".04").and_then(|year| year.parse::<u32>().ok());
    let is_long = year.is_some_and(|year| year % 2 == 0);
    let release = if is_long { format!("{release}:LTS") } else { release };
    Ecosystem { name: plain.name, release: Some(release) }
}

fn alpine(
    version: Option<&str>,
    numbered: impl Fn() -> Result<Ecosystem, String>,
) -> Result<Ecosystem, String> {
    // A snapshot between releases is `3.21_alpha20240807`.
    if version.is_some_and(|text| text.contains("_alpha") || text == "edge") {
        return Ok(Ecosystem::parse("Alpine:edge"));
    }
    let plain = numbered()?;
    let release = plain.release.map(|release| format!("v{release}"));
    Ok(Ecosystem { release, ..plain })
}

// A derivative has versions of its own: Debian's advisories would be wrong for it, in both directions.
fn debian(distro: Option<&Distro>) -> Result<Ecosystem, String> {
    let distro = distro.ok_or("the image does not say which distribution it is")?;
    if distro.id != "debian" {
        return Err(format!("distribution `{}` cannot be judged yet", distro.id));
    }
    let from_version = distro.version_id.as_deref().and_then(|version| version.split('.').next());
    // Releases without VERSION_ID are told by their codename.
    let from_codename = || debian_release(distro.codename.as_deref()?);
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
        let kind = match id {
            "alpine" | "wolfi" => PackageKind::Apk,
            "debian" | "ubuntu" | "linuxmint" => PackageKind::Deb,
            "arch" => PackageKind::Alpm,
            _ => PackageKind::Rpm,
        };
        let actual = match ecosystem(kind, Some(&distro)) {
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
        check(
            "linuxmint",
            Some("22"),
            None,
            expect!["distribution `linuxmint` cannot be judged yet"],
        );
        check("ubuntu", Some("22.04"), None, expect!["Ubuntu:22.04:LTS"]);
        check("ubuntu", Some("23.10"), None, expect!["Ubuntu:23.10"]);
        check("ubuntu", Some("23.04"), None, expect!["Ubuntu:23.04"]);
        check("alpine", Some("3.19.1"), None, expect!["Alpine:v3.19"]);
        check("alpine", Some("3.21_alpha20240807"), None, expect!["Alpine:edge"]);
        check(
            "alpine",
            Some("3"),
            None,
            expect!["the image does not say which release of Alpine it is"],
        );
        check("wolfi", Some("20230201"), None, expect!["Wolfi"]);
        check("arch", None, None, expect!["Arch"]);
    }

    #[test]
    fn releases_with_rpm() {
        check("almalinux", Some("8.10"), None, expect!["AlmaLinux:8"]);
        check("rocky", Some("9.3"), None, expect!["Rocky Linux:9"]);
        check("ol", Some("8.9"), None, expect!["Oracle Linux:8"]);
        check("amzn", Some("2018.03"), None, expect!["Amazon Linux:1"]);
        check("amzn", Some("2023"), None, expect!["Amazon Linux:2023"]);
        check("photon", Some("3.0"), None, expect!["Photon OS:3.0"]);
        check("mariner", Some("2.0"), None, expect!["Mariner:2.0"]);
        check("azurelinux", Some("3.0"), None, expect!["Azure Linux:3"]);
        check("opensuse-leap", Some("15.5"), None, expect!["openSUSE:Leap 15.5"]);
        check("rhel", Some("9.3"), None, expect!["Red Hat:9"]);
        check("sles", Some("15.5"), None, expect!["SUSE:15.5"]);
        check("sles", Some("15"), None, expect!["SUSE:15"]);
        check("sl-micro", Some("6.1"), None, expect!["SUSE:Micro 6.1"]);
        check("centos", Some("7"), None, expect!["Red Hat:7"]);
        check("centos", Some("9"), None, expect!["nobody publishes advisories for CentOS Stream"]);
        check("fedora", Some("41"), None, expect!["distribution `fedora` cannot be judged yet"]);
    }
}
