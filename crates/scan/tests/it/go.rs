//! Go's programs: what functions they have, and main modules without a version.

use sealift_model::{
    Advisory, Confidence, Evidence, Functions, Method, Package, PackageKind, Qualifier,
    QualifierKind,
};

use crate::inventory::{advisory, database, inventory, lines, package, report};

fn module(functions: Option<&[&str]>) -> Package {
    let functions = functions
        .map(|names| Functions::of(names.iter().map(|name| Functions::hash(name)).collect()));
    Package { functions, ..package(PackageKind::Go, "example.org/m", Some("v1.0.0")) }
}

fn naming(id: &str, values: &[&str]) -> Advisory {
    let mut found = advisory(id, &["CVE-1-1"], "Go", "example.org/m", "1.5.0");
    let qualifier =
        |value: &&str| Qualifier { kind: QualifierKind::Symbol, value: (*value).to_owned() };
    found.affected[0].qualifiers = values.iter().map(qualifier).collect();
    found
}

fn check(functions: Option<&[&str]>, advisories: Vec<Advisory>, is_found: bool) {
    let report = report(&inventory(None, vec![module(functions)]), &database(advisories));
    assert_eq!(report.findings.len(), usize::from(is_found), "{functions:?}: {}", lines(&report));
}

#[test]
fn what_is_not_linked_is_not_affected() {
    let plain = || advisory("GHSA-1", &["CVE-1-1"], "Go", "example.org/m", "1.5.0");
    let named = || naming("GO-1", &["example.org/m/x:T.Do,Get", "example.org/m/y"]);
    let others: &[&str] = &["example.org/m/x", "example.org/m/x.Put"];
    check(Some(&["example.org/m/x", "example.org/m/x.T.Do"]), vec![named()], true);
    check(Some(&["example.org/m/y"]), vec![named()], true);
    check(Some(others), vec![named()], false);
    // A program that does not tell may have them all.
    check(None, vec![named()], true);
    check(None, vec![named(), plain()], true);
    // Who names the whole module knows less than who names functions.
    check(Some(others), vec![named(), plain()], false);
    check(Some(others), vec![plain()], true);
    let other = naming("GO-2", &["example.org/m/x:Put"]);
    check(Some(others), vec![named(), other], true);
}

#[test]
fn a_program_of_a_commit_has_no_version_to_compare() {
    let main = |version: &str, method| {
        let evidence =
            Evidence { path: "/app".to_owned(), layer: None, method, confidence: Confidence::High };
        let package = package(PackageKind::Go, "example.org/m", Some(version));
        Package { evidence: vec![evidence], ..package }
    };
    let database = database(vec![naming("GO-1", &[])]);
    let commit = "v0.0.0-20240101000000-0123456789ab";
    let check = |package: Package, expected: &str| {
        assert_eq!(lines(&report(&inventory(None, vec![package]), &database)), expected);
    };
    check(
        main(commit, Method::BuildRecord),
        "note example.org/m: not judged: it was built from a commit, and of which version is not known\n",
    );
    check(
        main(commit, Method::Manifest),
        "example.org/m v0.0.0-20240101000000-0123456789ab CVE-1-1 UNKNOWN 1.5.0\n",
    );
    check(main("v1.0.0", Method::BuildRecord), "example.org/m v1.0.0 CVE-1-1 UNKNOWN 1.5.0\n");
}
