//! Upgrades that repair something, and how to get them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sealift_model::{Finding, LayerRef, PackageKind, Remedy};
use sealift_version::Version;

/// The upgrades that the findings call for: what repairs the worst first, then what repairs most. A package that two
/// layers have is upgraded in both.
pub(crate) fn remedies(
    findings: &[Finding],
    instruction: impl Fn(&LayerRef) -> Option<String>,
) -> Vec<Remedy> {
    type Key<'a> = (PackageKind, &'a str, &'a str, Option<&'a LayerRef>);
    let mut groups: BTreeMap<Key<'_>, Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.fix.version().is_some()) {
        let package = &finding.package;
        let name = package.source_name.as_deref().unwrap_or(&package.name);
        let key = (package.kind, name, package.version.as_str(), package.layer.as_ref());
        groups.entry(key).or_default().push(finding);
    }
    let mut remedies: Vec<Remedy> = groups
        .into_iter()
        .filter_map(|((kind, name, from, layer), findings)| {
            let packages: BTreeSet<&String> =
                findings.iter().map(|finding| &finding.package.name).collect();
            let to = highest(&findings)?;
            Some(Remedy {
                kind,
                name: name.to_owned(),
                packages: packages.into_iter().cloned().collect(),
                from: from.to_owned(),
                action: action(&findings, &to),
                to,
                repairs: findings.len(),
                severity: findings.iter().map(|finding| finding.severity).max()?,
                layer: layer.cloned(),
                instruction: layer.and_then(&instruction),
            })
        })
        .collect();
    // A stable sort: equals stay in the order of kind and name.
    remedies.sort_by_key(|remedy| (Reverse(remedy.severity), Reverse(remedy.repairs)));
    remedies
}

fn highest(findings: &[&Finding]) -> Option<String> {
    let reason = findings.iter().find_map(|finding| finding.reasons.first())?;
    let scheme = sealift_database::scheme(&reason.ecosystem.name)?;
    let fixes = findings.iter().filter_map(|finding| finding.fix.version());
    let highest = fixes.filter_map(|text| Version::parse(scheme, text).ok()).max()?;
    Some(highest.to_string())
}

// What to type, or what line to write. Names come from the image, versions from feeds: what would mean something to a
// shell is in no command.
fn action(findings: &[&Finding], to: &str) -> Option<String> {
    let first = findings.first()?;
    let is_plain = |text: &str| {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._+:~@/-".contains(&byte);
        !text.is_empty() && !text.starts_with('-') && text.bytes().all(is_safe)
    };
    let packages: BTreeSet<&str> =
        findings.iter().map(|finding| finding.package.name.as_str()).collect();
    if !is_plain(to) || !packages.iter().all(|name| is_plain(name)) {
        return None;
    }
    // A fix is a version of the source package; the packages built of it may have their own.
    let is_of_source = |finding: &&Finding| {
        finding.reasons.first().is_none_or(|reason| reason.installed == finding.package.version)
    };
    let has_version = findings.iter().all(is_of_source);
    let each = |between: &str| {
        let with_version = |name: &&str| format!("{name}{between}{to}");
        let words: Vec<String> = packages
            .iter()
            .map(|name| if has_version { with_version(name) } else { (*name).to_owned() })
            .collect();
        words.join(" ")
    };
    let name = first.package.name.as_str();
    let file = first.package.path.as_deref().map(|path| path.trim_start_matches('/'));
    // Where a name may come in any case, pip does not care either.
    let is_text =
        |path: &&str| Path::new(path).extension().is_some_and(|it| it.eq_ignore_ascii_case("txt"));
    let file = file.filter(|path| is_text(path) && is_plain(path));
    let requirements = file.unwrap_or("the requirements");
    Some(match first.package.kind {
        PackageKind::Deb => format!("apt-get install --only-upgrade {}", each("=")),
        PackageKind::Apk => {
            let words: Vec<String> =
                packages.iter().map(|name| format!("'{name}>={to}'")).collect();
            let words = if has_version { words.join(" ") } else { each("") };
            format!("apk add --upgrade {words}")
        }
        PackageKind::Rpm => match first.reasons.first()?.ecosystem.name.as_str() {
            "openSUSE" | "SUSE" => format!("zypper update {}", joined(&packages)),
            "Photon OS" | "Mariner" | "Azure Linux" => format!("tdnf update {}", joined(&packages)),
            _ => format!("dnf upgrade {}", joined(&packages)),
        },
        PackageKind::Alpm => "pacman -Syu".to_owned(),
        PackageKind::Python => format!("in {requirements}: {name}>={to}"),
        PackageKind::Npm => format!("npm install {name}@{to}"),
        PackageKind::Go if name == "stdlib" => format!("build it with Go {to}"),
        PackageKind::Go => format!("go get {name}@v{}", to.trim_start_matches('v')),
        PackageKind::Cargo => format!("cargo update -p {name} --precise {to}"),
        PackageKind::Gem => format!("in the Gemfile: gem \"{name}\", \">= {to}\""),
        PackageKind::Maven => format!("in pom.xml: <version>{to}</version> of {name}"),
        PackageKind::Composer => format!("composer require {name}:^{}", to.trim_start_matches('v')),
        PackageKind::Nuget => format!("dotnet add package {name} --version {to}"),
        PackageKind::Hex => format!("in mix.exs: {{:{name}, \">= {to}\"}}"),
        PackageKind::Pub => format!("in pubspec.yaml: {name}: ^{to}"),
        _ => return None,
    })
}

fn joined(packages: &BTreeSet<&str>) -> String {
    packages.iter().copied().collect::<Vec<_>>().join(" ")
}
