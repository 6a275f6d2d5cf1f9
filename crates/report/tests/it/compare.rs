//! Reading older reports back, and showing what has changed.

use expect_test::expect;
use sealift_model::{Comparison, Novelty};
use sealift_report::{ReadError, TableOptions, json, read, table};

use crate::sample;

#[test]
fn a_report_of_ours_is_read_back() {
    let report = sample::report();
    let old = read(json(&report).as_bytes()).unwrap();
    assert_eq!(old.name, report.artifact.name);
    assert_eq!(old.created_secs, report.created_secs);
    let key = |finding: &sealift_model::Finding| {
        let package = &finding.package;
        (finding.id.clone(), package.kind, package.name.clone(), package.version.clone())
    };
    let left: Vec<_> = old.findings.iter().map(key).collect();
    let right: Vec<_> = report.findings.iter().map(key).collect();
    assert_eq!(left, right);
}

#[test]
fn a_report_of_trivy_is_read() {
    let text = r#"{"SchemaVersion":2,"CreatedAt":"2024-05-01T00:00:00Z","ArtifactName":"app","Results":[
        {"Target":"app (debian 12)","Class":"os-pkgs","Type":"debian","Vulnerabilities":[
            {"VulnerabilityID":"CVE-2023-1","PkgName":"curl","InstalledVersion":"7.1","Severity":"HIGH"}]},
        {"Target":"Node.js","Class":"lang-pkgs","Type":"node-pkg"}]}"#;
    let old = read(text.as_bytes()).unwrap();
    assert_eq!(old.created_secs, 1_714_521_600);
    assert_eq!(old.findings.len(), 1);
    assert_eq!(old.findings[0].package.kind, sealift_model::PackageKind::Deb);
    assert!(read(br#"{"SchemaVersion":2,"ArtifactName":"empty"}"#).unwrap().findings.is_empty());
}

#[test]
fn what_is_no_report_is_refused() {
    assert_eq!(read(b"{}").unwrap_err(), ReadError::NoResults);
    assert_eq!(read(br#"{"bomFormat":"CycloneDX"}"#).unwrap_err(), ReadError::NoResults);
    let words = ["", "[", "[]", r#"{"Results":[{"Vulnerabilities":[{}]}]}"#, r#"{"Results":3}"#];
    for text in words {
        assert!(matches!(read(text.as_bytes()), Err(ReadError::Syntax(_))), "{text}");
    }
}

#[test]
fn what_has_come_and_gone() {
    let mut report = sample::report();
    let mut gone = report.findings[0].clone();
    gone.id = "CVE-2000-0001".to_owned();
    gone.package.version = "0.9\u{1b}[31m".to_owned();
    report.comparison = Some(Comparison {
        old_name: "app:1".to_owned(),
        fixed: vec![gone],
        left: vec![0],
        new: vec![(1, Novelty::Disclosed)],
    });
    let text = table(&report, TableOptions { width: 100, color: false });
    let start = text.find("compared with").unwrap();
    let end = start + text[start..].find("\n\n").unwrap();
    expect![[r"
        compared with app:1: 1 fixed, 1 left, 1 new
          fixed  CVE-2000-0001 NEGLIGIBLE in openssl 0.9�[31m, now 1.0
          new    CVE-2020-3 UNKNOWN in zlib1g 1.0, newly disclosed"]]
    .assert_eq(&text[start..end]);
    let document: serde_json::Value = serde_json::from_str(&json(&report)).unwrap();
    expect![[r#"
        {
          "ComparedWith": "app:1",
          "Fixed": [
            {
              "InstalledVersion": "0.9\u001b[31m",
              "PkgName": "openssl",
              "Severity": "NEGLIGIBLE",
              "VulnerabilityID": "CVE-2000-0001"
            }
          ],
          "Left": 1,
          "New": [
            {
              "InstalledVersion": "1.0",
              "PkgName": "zlib1g",
              "Reason": "newly disclosed",
              "Severity": "UNKNOWN",
              "VulnerabilityID": "CVE-2020-3"
            }
          ]
        }"#]]
    .assert_eq(&format!("{:#}", document["Comparison"]));
}
