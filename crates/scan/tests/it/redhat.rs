//! Packages of Red Hat: products, modules, and minor releases that are repaired apart.

use std::collections::BTreeMap;
use std::fs;

use expect_test::{Expect, expect};
use sealift_advisory::{Feed, Wanted};
use sealift_database::{Contents, Database, build};
use sealift_model::{Distro, Package, PackageKind, Qualifier, QualifierKind, SourcePackage};

use crate::inventory::{advisory, inventory, lines, package, report};

// Red Hat's statements, with product, package and status of each; `F` is repaired in the package's version.
fn vex(cve: &str, said: &[(&str, &str, &str)]) -> String {
    let mut branches = Vec::new();
    let mut relations = Vec::new();
    let mut statuses: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (place, (cpe, purl, status)) in said.iter().enumerate() {
        let helper = |kind: &str, id: &str, value: &str| {
            format!(
                r#"{{"product": {{"product_id": "{id}", "product_identification_helper": {{"{kind}": "{value}"}}}}}}"#
            )
        };
        branches.push(helper("cpe", &format!("c{place}"), &format!("cpe:/o:redhat:{cpe}")));
        branches.push(helper("purl", &format!("p{place}"), &format!("pkg:rpm/redhat/{purl}")));
        relations.push(format!(
            r#"{{"full_product_name": {{"product_id": "r{place}"}}, "product_reference": "p{place}", "relates_to_product_reference": "c{place}"}}"#
        ));
        statuses.entry(status).or_default().push(format!("\"r{place}\""));
    }
    let statuses: Vec<String> =
        statuses.iter().map(|(name, ids)| format!("\"{name}\": [{}]", ids.join(", "))).collect();
    format!(
        r#"{{"document": {{"category": "csaf_vex", "csaf_version": "2.0", "publisher": {{"namespace": "https://www.redhat.com"}}, "tracking": {{}}}},
            "product_tree": {{"branches": [{}], "relationships": [{}]}},
            "vulnerabilities": [{{"cve": "{cve}", "product_status": {{{}}}}}]}}"#,
        branches.join(", "),
        relations.join(", "),
        statuses.join(", ")
    )
}

fn database(said: &[(&str, &str, &str)]) -> Database {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), vex("CVE-2023-0001", said)).unwrap();
    let repositories = r#"{"data": {
        "base": {"cpes": ["cpe:/o:redhat:enterprise_linux:9::baseos"]},
        "extended": {"cpes": ["cpe:/o:redhat:rhel_eus:9.2::baseos"]},
        "openshift": {"cpes": ["cpe:/a:redhat:openshift:4.12::el9"]}}}"#;
    fs::write(folder.path().join("repository-to-cpe.json"), repositories).unwrap();
    let feed = Feed::read(folder.path(), Wanted::All).unwrap();
    assert!(feed.notes.is_empty(), "{:?}", feed.notes);
    let contents = Contents {
        advisories: feed.advisories,
        repositories: feed.repositories,
        ..Contents::default()
    };
    let built = build(contents);
    Database::of_bytes(built.core, Some(built.texts)).unwrap()
}

fn curl(version: &str) -> Package {
    let source = SourcePackage { name: "curl".to_owned(), version: String::new() };
    Package { source: Some(source), ..package(PackageKind::Rpm, "libcurl", Some(version)) }
}

fn check_of(
    release: &str,
    package: Package,
    repositories: &[&str],
    said: &[(&str, &str, &str)],
    expected: Expect,
) {
    let distro =
        Distro { id: "rhel".to_owned(), version_id: Some(release.to_owned()), ..Distro::default() };
    let mut inventory = inventory(distro, vec![package]);
    inventory.repositories = repositories.iter().map(|it| (*it).to_owned()).collect();
    expected.assert_eq(&lines(&report(&inventory, &database(said))));
}

fn check(version: &str, repositories: &[&str], said: &[(&str, &str, &str)], expected: Expect) {
    check_of("9.3", curl(version), repositories, said, expected);
}

const REPAIRED: [(&str, &str, &str); 4] = [
    ("enterprise_linux:9::baseos", "libcurl@7.76.1-23.el9_2.4?arch=x86_64", "fixed"),
    ("enterprise_linux:9::baseos", "libcurl@7.76.1-26.el9_3.2?arch=x86_64", "fixed"),
    ("rhel_eus:9.0::baseos", "libcurl@7.76.1-14.el9_0.9?arch=x86_64", "fixed"),
    ("openshift:4.12::el9", "libcurl@8.0-1.el9?arch=x86_64", "fixed"),
];

#[test]
fn minor_releases() {
    let base = ["base"];
    check(
        "7.76.1-14.el9",
        &base,
        &REPAIRED,
        expect![[r"
        libcurl 7.76.1-14.el9 CVE-2023-0001 UNKNOWN 7.76.1-26.el9_3.2
    "]],
    );
    check(
        "7.76.1-23.el9_2.3",
        &base,
        &REPAIRED,
        expect![[r"
        libcurl 7.76.1-23.el9_2.3 CVE-2023-0001 UNKNOWN 7.76.1-26.el9_3.2
    "]],
    );
    check("7.76.1-23.el9_2.4", &base, &REPAIRED, expect![[""]]);
    check(
        "7.76.1-26.el9_3.1",
        &base,
        &REPAIRED,
        expect![[r"
        libcurl 7.76.1-26.el9_3.1 CVE-2023-0001 UNKNOWN 7.76.1-26.el9_3.2
    "]],
    );
    check("7.76.1-26.el9_3.2", &base, &REPAIRED, expect![[""]]);
    // Repaired for extended updates, whatever the image says of its repositories.
    check("7.76.1-14.el9_0.9", &base, &REPAIRED, expect![[""]]);
    check("7.76.1-29.el9", &base, &REPAIRED, expect![[""]]);
    // The first repair was not enough.
    let again = ("enterprise_linux:9::baseos", "libcurl@7.76.1-23.el9_2.6?arch=x86_64", "fixed");
    let twice = [REPAIRED[0], REPAIRED[1], again];
    check(
        "7.76.1-23.el9_2.4",
        &base,
        &twice,
        expect![[r"
        libcurl 7.76.1-23.el9_2.4 CVE-2023-0001 UNKNOWN 7.76.1-26.el9_3.2
    "]],
    );
    check("7.76.1-23.el9_2.6", &base, &twice, expect![[""]]);
}

#[test]
fn products() {
    let extended = [
        ("rhel_eus:9.2::baseos", "libcurl@7.76.1-23.el9_2.9?arch=x86_64", "fixed"),
        ("openshift:4.12::el9", "libcurl@9-1.el9?arch=x86_64", "fixed"),
    ];
    check("7.76.1-23.el9_2.4", &["base"], &extended, expect![[""]]);
    check(
        "7.76.1-23.el9_2.4",
        &[],
        &extended,
        expect![[r"
        note Red Hat:9: the image does not say where its packages come from: they are judged as those of Red Hat Enterprise Linux, without extended updates and without other products
    "]],
    );
    check(
        "7.76.1-23.el9_2.4",
        &["extended"],
        &extended,
        expect![[r"
        libcurl 7.76.1-23.el9_2.4 CVE-2023-0001 UNKNOWN 7.76.1-23.el9_2.9
    "]],
    );
    check(
        "7.76.1-23.el9_2.4",
        &["base", "openshift"],
        &extended,
        expect![[r"
        libcurl 7.76.1-23.el9_2.4 CVE-2023-0001 UNKNOWN 9-1.el9
    "]],
    );
    check(
        "7.76.1-23.el9_2.4",
        &["base", "lost"],
        &extended,
        expect![[r"
        note Red Hat:9: the products of a repository are not known: lost
    "]],
    );
    check(
        "7.76.1-23.el9_2.4",
        &["lost"],
        &extended,
        expect![[r"
        note Red Hat:9: no product of its repositories is known: they are judged as those of Red Hat Enterprise Linux, without extended updates and without other products
    "]],
    );
}

#[test]
fn the_distribution_itself() {
    // An image of extended updates has what only the main releases repair.
    let main = [("enterprise_linux:9::baseos", "libcurl@7.76.1-26.el9_3.2?arch=x86_64", "fixed")];
    check(
        "7.76.1-23.el9_2.4",
        &["extended"],
        &main,
        expect![[r"
        libcurl 7.76.1-23.el9_2.4 CVE-2023-0001 UNKNOWN 7.76.1-26.el9_3.2
    "]],
    );
    // What has no repair yet is said of all that the release is.
    let open = [("enterprise_linux:9", "curl?arch=src", "known_affected")];
    check(
        "7.76.1-23.el9_2.4",
        &["extended"],
        &open,
        expect![[r"
        libcurl 7.76.1-23.el9_2.4 CVE-2023-0001 UNKNOWN affected
    "]],
    );
    check_of(
        "8.9",
        curl("7.76.1-23.el8"),
        &["base"],
        &open,
        expect![[r"
        note libcurl: not judged: there are no advisories for Red Hat:8
    "]],
    );
}

#[test]
fn sources_and_denials() {
    let source = |status| [("enterprise_linux:9", "curl?arch=src", status)];
    let binary = |status| [("enterprise_linux:9", "curl", status)];
    check(
        "1",
        &["base"],
        &source("under_investigation"),
        expect![[r"
        libcurl 1 CVE-2023-0001 UNKNOWN under_investigation
    "]],
    );
    // The package `curl` is not the source of that name.
    check("1", &["base"], &binary("known_affected"), expect![[""]]);
    let both = [
        ("enterprise_linux:9", "curl?arch=src", "known_affected"),
        ("enterprise_linux:9", "libcurl", "known_not_affected"),
    ];
    check("1", &["base"], &both, expect![[""]]);
}

#[test]
fn modules() {
    let of_module = |label: &str, release: &str| {
        let mut node = package(PackageKind::Rpm, "nodejs", Some(&format!("1:18.1-1.{release}")));
        if !label.is_empty() {
            node.purl.qualifiers.insert("rpmmod".to_owned(), label.to_owned());
        }
        node
    };
    let check = |package: Package, said: &[(&str, &str, &str)], expected: Expect| {
        check_of("9.3", package, &["base"], said, expected);
    };
    let eighteen = || of_module("nodejs:18:9030:ab", "module+el9.3.0+1+a");
    let plain = || of_module("", "el9");
    let fixed = [(
        "enterprise_linux:9::baseos",
        "nodejs@18.9-1.module%2Bel9.3.0%2B1%2Ba?arch=x86_64&epoch=1&rpmmod=nodejs:18",
        "fixed",
    )];
    check(
        eighteen(),
        &fixed,
        expect![[r"
        nodejs 1:18.1-1.module+el9.3.0+1+a CVE-2023-0001 UNKNOWN 1:18.9-1.module+el9.3.0+1+a
    "]],
    );
    check(of_module("nodejs:20:9030:ab", "module+el9.3.0+1+a"), &fixed, expect![[""]]);
    check(plain(), &fixed, expect![[""]]);
    // An inventory of another tool may lack the label.
    check(
        of_module("", "module+el9.3.0+1+a"),
        &fixed,
        expect![[r"
        nodejs 1:18.1-1.module+el9.3.0+1+a CVE-2023-0001 UNKNOWN 1:18.9-1.module+el9.3.0+1+a
        note REDHAT-CVE-2023-0001: it holds for some builds of `nodejs` only, and whether for this one is not known: module nodejs:18
    "]],
    );
    let open = [("enterprise_linux:9", "nodejs", "known_affected")];
    check(eighteen(), &open, expect![[""]]);
    check(
        plain(),
        &open,
        expect![[r"
        nodejs 1:18.1-1.el9 CVE-2023-0001 UNKNOWN affected
    "]],
    );
}

#[test]
fn several_advisories_on_one_flaw() {
    let of = |id: &str, fixed: &str| {
        let mut advisory = advisory(id, &["CVE-2023-0001"], "Red Hat:9", "libcurl", fixed);
        let value = "enterprise_linux:9::baseos".to_owned();
        advisory.affected[0].qualifiers = vec![Qualifier { kind: QualifierKind::Product, value }];
        advisory
    };
    let check = |version: &str, expected: Expect| {
        let distro = Distro {
            id: "rhel".to_owned(),
            version_id: Some("9.2".to_owned()),
            ..Distro::default()
        };
        let database = crate::inventory::database(vec![
            of("RHSA-1", "7.76.1-23.el9_2.4"),
            of("RHSA-2", "7.76.1-26.el9_3.2"),
            of("RHSA-3", "7.76.1-23.el9_2.6"),
        ]);
        let report = report(&inventory(distro, vec![curl(version)]), &database);
        let found: Vec<String> =
            report.findings.iter().map(|it| format!("{} {:?}", it.id, it.advisories)).collect();
        expected.assert_eq(&found.join("\n"));
    };
    check("7.76.1-23.el9_2.1", expect![[r#"CVE-2023-0001 ["RHSA-1", "RHSA-2", "RHSA-3"]"#]]);
    // The first repair was not enough.
    check("7.76.1-23.el9_2.4", expect![[r#"CVE-2023-0001 ["RHSA-2", "RHSA-3"]"#]]);
    check("7.76.1-23.el9_2.6", expect![[""]]);
    check("7.76.1-26.el9_3.1", expect![[r#"CVE-2023-0001 ["RHSA-2"]"#]]);
}
