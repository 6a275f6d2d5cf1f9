//! The answers that a copy of the public advisories is known to give.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;

use sealift_advisory::{Ecosystem, Feed, Wanted};
use sealift_database::Database;
use sealift_model::{Distro, Package, PackageKind, Purl, Severity, SourcePackage};
use sealift_scan::{Expression, Thresholds, gate};

use crate::inventory::{database_of, deb, debian, inventory, package, python, report};

// The copy lies beside the repository or where SEALIFT_SHARED says.
fn advisories() -> Option<&'static Database> {
    static ADVISORIES: OnceLock<Option<Database>> = OnceLock::new();
    let load = || {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        let shared = std::env::var_os("SEALIFT_SHARED").map_or(beside, PathBuf::from);
        let path = shared.join("advisories/osv");
        if !path.is_dir() {
            eprintln!("SKIPPED: no public advisories in `{}`", path.display());
            return None;
        }
        let names = [
            "Debian:11",
            "Debian:12",
            "PyPI",
            "Alpine",
            "npm",
            "Maven",
            "Go",
            "RubyGems",
            "Packagist",
            "Bitnami",
        ];
        let wanted = names.map(Ecosystem::parse);
        Some(database_of(Feed::read(&path, Wanted::Only(&wanted)).unwrap()))
    };
    ADVISORIES.get_or_init(load).as_ref()
}

fn check(release: &str, package: Package, expected: usize, named: &[&str]) {
    check_on(debian(release), package, expected, named);
}

fn check_on(distro: Distro, package: Package, expected: usize, named: &[&str]) {
    let Some(advisories) = advisories() else { return };
    let name = format!("{} {}", package.name, package.version.as_deref().unwrap_or_default());
    let report = report(&inventory(distro, vec![package]), advisories);
    let ids: Vec<&str> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
    // Debian's advisories that name no CVE are findings of their own.
    let cves = ids.iter().filter(|id| id.starts_with("CVE-")).count();
    assert_eq!(cves, expected, "{name}: {ids:#?}");
    for id in named {
        assert!(ids.contains(id), "{name}: {id} is not in {ids:#?}");
    }
    assert!(report.findings.iter().all(|finding| !finding.reasons.is_empty()));
    assert!(report.notes.is_empty(), "{:#?}", report.notes);
}

#[test]
fn python_packages() {
    check(
        "12",
        python("Flask", "0.12.2"),
        3,
        &["CVE-2018-1000656", "CVE-2019-1010083", "CVE-2023-30861"],
    );
    check(
        "12",
        python("requests", "2.19.1"),
        3,
        &["CVE-2018-18074", "CVE-2023-32681", "CVE-2024-35195"],
    );
    check("12", python("PyYAML", "3.13"), 2, &["CVE-2017-18342", "CVE-2020-14343"]);
    check("12", python("django", "1.11.0"), 16, &[]);
    check("12", python("urllib3", "1.24"), 7, &[]);
    check("12", python("jinja2", "2.10"), 4, &["CVE-2024-56326"]);
    check("12", python("gunicorn", "20.1.0"), 1, &["CVE-2024-1135"]);
    check("12", python("gunicorn", "22.0.0"), 0, &[]);
}

#[test]
fn debian_packages() {
    check("12", deb("libssl3", "openssl", "3.0.9-1"), 40, &["CVE-2023-5363"]);
    check("12", deb("libssl3", "openssl", "3.0.19-1~deb12u2"), 9, &[]);
    check("12", deb("curl", "curl", "7.88.1-10"), 20, &["DSA-5460-1"]);
    check("12", deb("libc6", "glibc", "2.36-9"), 22, &[]);
    check("12", deb("zlib1g", "zlib", "1:1.2.13.dfsg-1"), 0, &[]);
    check("11", deb("libssl1.1", "openssl", "1.1.1k-1"), 39, &[]);
    check("11", deb("curl", "curl", "7.74.0-1.3"), 23, &[]);
    check("11", deb("zlib1g", "zlib", "1:1.2.11.dfsg-2"), 2, &[]);
    check("11", deb("libc6", "glibc", "2.31-13"), 13, &[]);
}

#[test]
fn alpine_packages() {
    for (release, name, version, expected) in [
        ("3.17.0", "openssl", "3.0.7-r0", 9),
        ("3.17.0", "curl", "7.86.0-r0", 5),
        ("3.17.0", "zlib", "1.2.12-r0", 1),
        ("3.18.0", "openssl", "3.1.0-r4", 9),
        ("3.18.0", "curl", "8.0.1-r0", 4),
        ("3.19.0", "openssl", "3.1.4-r2", 3),
        ("3.19.0", "curl", "8.4.0-r0", 2),
        ("3.19.0", "zlib", "1.3-r0", 0),
    ] {
        let distro = Distro { id: "alpine".to_owned(), ..debian(release) };
        let source = SourcePackage { name: name.to_owned(), version: version.to_owned() };
        let binary = package(PackageKind::Apk, &format!("lib{name}"), Some(version));
        check_on(distro, Package { source: Some(source), ..binary }, expected, &[]);
    }
}

#[test]
fn packages_of_other_languages() {
    let check = |kind, name: &str, version: &str, expected, named: &[&str]| {
        check("12", package(kind, name, Some(version)), expected, named);
    };
    check(PackageKind::Npm, "express", "4.17.1", 2, &[]);
    // Four flaws, of which one has no CVE.
    check(PackageKind::Npm, "express", "4.0.0", 3, &["RETIRE-express-express-0-npm"]);
    check(PackageKind::Npm, "minimist", "0.0.8", 1, &[]);
    check(PackageKind::Gem, "nokogiri", "1.10.0", 26, &[]);
    check(PackageKind::Gem, "rack", "2.0.1", 36, &[]);
    check(PackageKind::Go, "stdlib", "1.20.0", 88, &[]);
    check(PackageKind::Bitnami, "nginx", "1.20.0", 23, &[]);
}

#[test]
fn java_packages() {
    let log4j = |version| {
        let mut log4j = package(PackageKind::Maven, "log4j-core", Some(version));
        log4j.purl.namespace = Some("org.apache.logging.log4j".to_owned());
        log4j
    };
    let ids = ["CVE-2021-44228", "CVE-2021-45046", "CVE-2021-45105", "CVE-2021-44832"];
    check("12", log4j("2.14.0"), 4, &ids);
    check("12", log4j("2.17.1"), 0, &[]);
}

// Packages whose flaws have no CVE throughout: flaws after the merge of aliases, and records that speak of them.
fn check_records(package: Package, flaws: usize, records: usize) {
    let Some(advisories) = advisories() else { return };
    let name = format!("{} {}", package.name, package.version.as_deref().unwrap_or_default());
    let report = report(&inventory(debian("12"), vec![package]), advisories);
    let ids: Vec<_> =
        report.findings.iter().map(|finding| (&finding.id, &finding.advisories)).collect();
    let said: BTreeSet<&String> =
        report.findings.iter().flat_map(|finding| &finding.advisories).collect();
    assert_eq!((ids.len(), said.len()), (flaws, records), "{name}: {ids:#?}");
}

#[test]
fn records_before_and_flaws_after_the_merge_of_aliases() {
    // Ten CVEs, two of which share their records with others, and two flaws without one.
    check_records(package(PackageKind::Npm, "lodash", Some("4.17.4")), 12, 15);
    // A thirteenth record ends at `1.9.0b1`, which npm does not allow; that is a note.
    check_records(package(PackageKind::Npm, "jquery", Some("1.12.4")), 9, 12);
    let mut beans = package(PackageKind::Maven, "spring-beans", Some("5.3.17"));
    beans.purl.namespace = Some("org.springframework".to_owned());
    check_records(beans, 1, 2);
    // Twenty-five CVEs and a flaw without one.
    let crypto = "v0.0.0-20200115085410-6d4e4cb37c7d";
    check_records(package(PackageKind::Go, "golang.org/x/crypto", Some(crypto)), 26, 26);
    let mut symfony = package(PackageKind::Composer, "symfony/symfony", Some("4.4.0"));
    symfony.purl = Purl::new("composer", "symfony");
    symfony.purl.namespace = Some("symfony".to_owned());
    check_records(symfony, 27, 27);
}

#[test]
fn the_fix_of_the_branch() {
    let Some(advisories) = advisories() else { return };
    let report = report(&inventory(None, vec![python("flask", "0.12.2")]), advisories);
    let finding = report.findings.iter().find(|finding| finding.id == "CVE-2023-30861").unwrap();
    assert_eq!(finding.fix.version(), Some("2.2.5"));
}

#[test]
fn what_nobody_rated_does_not_pass_a_threshold() {
    let Some(advisories) = advisories() else { return };
    let report = report(&inventory(None, vec![python("django", "1.11.0")]), advisories);
    let thresholds =
        Thresholds { fail_on: Some(Expression::at_least(Severity::High)), ..Thresholds::default() };
    let result = gate(&report, &thresholds);
    assert!(!result.passed());
    let hint = result.failures[0].hint(&report).unwrap();
    assert!(hint.starts_with("upgrade `django` from 1.11.0 to "), "{hint}");
}
