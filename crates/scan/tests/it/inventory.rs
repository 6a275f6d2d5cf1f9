//! Small inventories and advisories.

use sealift_advisory::Feed;
use sealift_database::{Contents, Database, Source, build};
use sealift_model::{
    Advisory, Affected, Artifact, Distro, Ecosystem, Inventory, Package, PackageKind, Purl,
    RangeEvent, Report, SourcePackage,
};
use sealift_scan::{Options, scan};

pub(crate) fn package(kind: PackageKind, name: &str, version: Option<&str>) -> Package {
    Package {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        purl: Purl::new(kind.purl_type(), name),
        ..Package::new(kind, "")
    }
}

pub(crate) fn python(name: &str, version: &str) -> Package {
    package(PackageKind::Python, name, Some(version))
}

pub(crate) fn deb(name: &str, source: &str, version: &str) -> Package {
    let source = SourcePackage { name: source.to_owned(), version: version.to_owned() };
    Package { source: Some(source), ..package(PackageKind::Deb, name, Some(version)) }
}

pub(crate) fn debian(release: &str) -> Distro {
    Distro { id: "debian".to_owned(), version_id: Some(release.to_owned()), ..Distro::default() }
}

pub(crate) fn inventory(distro: impl Into<Option<Distro>>, packages: Vec<Package>) -> Inventory {
    Inventory { distro: distro.into(), packages, ..Inventory::default() }
}

/// An advisory on one package, all versions below `fixed`.
pub(crate) fn advisory(
    id: &str,
    aliases: &[&str],
    ecosystem: &str,
    name: &str,
    fixed: &str,
) -> Advisory {
    let affected = Affected {
        ecosystem: Ecosystem::parse(ecosystem),
        name: name.to_owned(),
        ranges: vec![vec![
            RangeEvent::Introduced("0".to_owned()),
            RangeEvent::Fixed(fixed.to_owned()),
        ]],
        ..Affected::default()
    };
    Advisory {
        id: id.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        affected: vec![affected],
        ..Advisory::default()
    }
}

pub(crate) fn report(inventory: &Inventory, advisories: &Database) -> Report {
    scan(inventory, advisories, &Options::default(), Artifact::default(), 0).unwrap()
}

pub(crate) fn database(advisories: Vec<Advisory>) -> Database {
    of(Contents { advisories, ..Contents::default() })
}

/// The database of a feed.
pub(crate) fn database_of(feed: Feed) -> Database {
    let info = feed.info;
    let source = Source {
        location: info.source,
        records: info.records as u64,
        newest: info.newest_modified,
        is_example: info.example_only,
        ..Source::default()
    };
    let contents =
        Contents { advisories: feed.advisories, sources: vec![source], ..Contents::default() };
    of(contents)
}

fn of(contents: Contents) -> Database {
    let built = build(contents);
    Database::of_bytes(built.core, Some(built.texts)).unwrap()
}

/// One line a finding, then the notes.
pub(crate) fn lines(report: &Report) -> String {
    let mut lines: Vec<String> = Vec::new();
    for finding in &report.findings {
        lines.push(format!(
            "{} {} {} {} {}",
            finding.package.name,
            finding.package.version,
            finding.id,
            finding.severity,
            finding.fix.version().unwrap_or(finding.fix.as_str()),
        ));
    }
    for note in &report.notes {
        lines.push(format!("note {}: {}", note.subject, note.message));
    }
    lines.push(String::new());
    lines.join("\n")
}
