//! VEX documents.

use expect_test::{Expect, expect};
use sealift_exception::Exceptions;
use sealift_oci::Digest;

use crate::sample::show;

fn check(documents: &[&str], expected: Expect) {
    let mut exceptions = Exceptions::default();
    for (number, document) in documents.iter().enumerate() {
        let text = document.replace("DIGEST", &Digest::sha256(b"manifest").to_string());
        exceptions.read_vex(&format!("{number}.json"), text.as_bytes()).unwrap();
    }
    expected.assert_eq(&show(&exceptions));
}

fn openvex(statements: &str) -> String {
    format!(
        r#"{{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "timestamp": "2024-01-01T00:00:00Z",
            "statements": [{statements}]}}"#
    )
}

#[test]
fn openvex_on_packages() {
    check(
        &[&openvex(
            r#"{"vulnerability": {"name": "CVE-1-1"}, "products": [{"@id": "pkg:pypi/pyyaml"}],
                "status": "not_affected", "justification": "vulnerable_code_not_present"},
               {"vulnerability": {"name": "X", "aliases": ["CVE-1-2"]}, "products": [{"identifiers": {"purl": "pkg:pypi/pyyaml@1.0"}}],
                "status": "fixed", "status_notes": "patched"},
               {"vulnerability": {"@id": "https://nvd.nist.gov/vuln/detail/CVE-1-1"}, "products": [{"@id": "pkg:pypi/flask@1.0"}],
                "status": "fixed"},
               {"vulnerability": {"name": "CVE-1-3"}, "products": [{"@id": "pkg:deb/debian/libssl3?arch=arm64"}], "status": "fixed"}"#,
        )],
        expect![[r"
            CVE-1-1 PyYAML NotAffected by 0.json (x), vulnerable_code_not_present
            CVE-1-2 PyYAML Fixed by 0.json (x), patched
        "]],
    );
}

#[test]
fn openvex_on_the_image() {
    let statement = |product: &str, part: &str| {
        openvex(&format!(
            r#"{{"vulnerability": {{"name": "CVE-1-1"}}, "status": "not_affected", "impact_statement": "no",
                "products": [{{"@id": "{product}", "subcomponents": [{part}]}}]}}"#
        ))
    };
    let yaml = r#"{"@id": "pkg:pypi/pyyaml@1.0"}"#;
    for product in [
        "team/app:1.0",
        "registry.example.com/team/app@DIGEST",
        "pkg:oci/app@DIGEST?repository_url=registry.example.com/team/app",
        "pkg:oci/app@DIGEST?repository_url=registry.example.com/team&arch=amd64&tag=1.0",
        "pkg:oci/app",
    ] {
        check(
            &[&statement(product, yaml)],
            expect![[r"
            CVE-1-1 PyYAML NotAffected by 0.json (x), no
        "]],
        );
    }
    check(
        &[&statement("pkg:oci/app", "")],
        expect![[r"
        CVE-1-1 PyYAML NotAffected by 0.json (x), no
        CVE-1-1 flask NotAffected by 0.json (x), no
    "]],
    );
    for other in [
        "team/app:2.0",
        "pkg:oci/other",
        "pkg:oci/app@sha256:00",
        "pkg:oci/app?tag=2.0",
        "pkg:oci/app?arch=arm64",
        "pkg:oci/app?repository_url=registry.example.org/team/app",
        "pkg:oci/app?color=red",
        "pkg:maven/org/app@1",
        "",
    ] {
        check(&[&statement(other, yaml)], expect![""]);
    }
}

#[test]
fn the_last_statement_counts() {
    let said = |status: &str, day: &str| {
        openvex(&format!(
            r#"{{"vulnerability": {{"name": "CVE-1-2"}}, "products": [{{"@id": "pkg:pypi/pyyaml"}}],
                "status": "{status}", "timestamp": "2024-01-{day}T00:00:00Z"}}"#
        ))
    };
    let fixed = expect![[r"
        CVE-1-2 PyYAML Fixed by 1.json (x)
    "]];
    check(&[&said("affected", "01"), &said("fixed", "02")], fixed);
    check(&[&said("affected", "03"), &said("fixed", "02")], expect![""]);
    check(&[&said("under_investigation", "02"), &said("fixed", "02")], expect![""]);
    check(&[&said("fixed", "02"), &said("affected", "02")], expect![""]);
}

#[test]
fn what_does_not_count() {
    check(
        &[&openvex(
            r#"{"vulnerability": {"name": "CVE-1-2"}, "products": [{"@id": "pkg:pypi/pyyaml"}], "status": "not_affected"},
               {"vulnerability": {"name": "CVE-1-2"}, "products": [{"@id": "pkg:pypi/pyyaml"}], "status": "harmless"},
               {"vulnerability": {"name": "CVE-1-2"}, "status": "fixed"},
               {"products": [{"@id": "pkg:pypi/pyyaml"}], "status": "fixed"},
               {"vulnerability": {"name": "CVE-1-2"}, "products": [{"@id": "pkg:pypi/pyyaml"}], "status": "affected"},
               5"#,
        )],
        expect![[r"
            note 0.json, statement 1: does not say why the product is not affected, and does not count
            note 0.json, statement 2: has no flaw or no known status, and does not count
            note 0.json, statement 3: names no product, and does not count
            note 0.json, statement 4: has no flaw or no known status, and does not count
            note 0.json, statement 6: has no flaw or no known status, and does not count
        "]],
    );
}

#[test]
fn an_attached_document_is_about_its_image() {
    let text = openvex(r#"{"vulnerability": {"name": "CVE-1-2"}, "status": "fixed"}"#);
    let mut exceptions = Exceptions::default();
    exceptions.read_attached_vex("sha256:0", text.as_bytes()).unwrap();
    expect![[r"
        CVE-1-2 PyYAML Fixed by sha256:0 (x)
    "]]
    .assert_eq(&show(&exceptions));
}

#[test]
fn cyclonedx() {
    check(
        &[r#"{"bomFormat": "CycloneDX", "serialNumber": "urn:uuid:1",
            "metadata": {"timestamp": "2024-01-01T00:00:00Z"},
            "components": [{"bom-ref": "a", "components": [{"bom-ref": "yaml", "purl": "pkg:pypi/pyyaml@1.0"}]}],
            "vulnerabilities": [
              {"id": "CVE-1-1", "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "never"},
               "affects": [{"ref": "yaml"}, {"ref": "gone"}]},
              {"id": "X", "references": [{"id": "CVE-1-1"}], "analysis": {"state": "resolved"},
               "affects": [{"ref": "urn:cdx:uuid/1#pkg%3Apypi%2Fflask%400.9"}]},
              {"id": "CVE-1-2", "analysis": {"state": "false_positive"},
               "affects": [{"ref": "yaml", "versions": [{"version": "0.9"}, {"range": "vers:pypi/<2"}]}]},
              {"id": "CVE-1-3", "analysis": {"state": "in_triage"}, "affects": [{"ref": "pkg:deb/debian/libssl3"}]},
              {"id": "CVE-1-3"},
              {"id": "CVE-1-3", "analysis": {"state": "fine"}}
            ]}"#],
        expect![[r"
            CVE-1-1 PyYAML NotAffected by 0.json (urn:uuid:1), code_not_reachable, never
            CVE-1-1 flask Fixed by 0.json (urn:uuid:1)
            note 0.json, vulnerability 1: `gone` is no package that is known here
            note 0.json, vulnerability 6: has no id or no known state, and does not count
        "]],
    );
    let of_image = |image: &str, reference: &str| {
        format!(
            r#"{{"bomFormat": "CycloneDX", "metadata": {{"component": {{"bom-ref": "root", "purl": "{image}"}}}},
                "vulnerabilities": [{{"id": "CVE-1-1", "analysis": {{"state": "not_affected"}},
                "affects": [{{"ref": "{reference}"}}]}}]}}"#
        )
    };
    check(
        &[&of_image("pkg:oci/app@DIGEST", "pkg:pypi/flask")],
        expect![[r"
        CVE-1-1 flask NotAffected by 0.json
    "]],
    );
    check(
        &[&of_image("pkg:oci/app@DIGEST", "root")],
        expect![[r"
        CVE-1-1 PyYAML NotAffected by 0.json
        CVE-1-1 flask NotAffected by 0.json
    "]],
    );
    check(&[&of_image("pkg:oci/other", "pkg:pypi/flask")], expect![""]);
}

#[test]
fn csaf() {
    check(
        &[r#"{"document": {"category": "csaf_vex", "csaf_version": "2.0",
              "tracking": {"id": "EX-1", "current_release_date": "2024-01-01T00:00:00Z"}},
            "product_tree": {
              "branches": [{"category": "vendor", "branches": [
                {"category": "product_version", "product": {"product_id": "yaml", "product_identification_helper": {"purl": "pkg:pypi/pyyaml@1.0"}}},
                {"category": "product_version", "product": {"product_id": "flask", "product_identification_helper": {"purl": "pkg:pypi/flask"}}},
                {"category": "product_name", "product": {"product_id": "app", "product_identification_helper": {"purl": "pkg:oci/app"}}},
                {"category": "product_name", "product": {"product_id": "os", "product_identification_helper": {"cpe": "cpe:/o:x"}}}]}],
              "relationships": [
                {"category": "default_component_of", "product_reference": "flask", "relates_to_product_reference": "app",
                 "full_product_name": {"product_id": "app:flask"}},
                {"category": "default_component_of", "product_reference": "flask", "relates_to_product_reference": "os",
                 "full_product_name": {"product_id": "os:flask"}}],
              "product_groups": [{"group_id": "g", "product_ids": ["yaml"]}]},
            "vulnerabilities": [
              {"cve": "CVE-1-1", "product_status": {"known_not_affected": ["yaml", "os:flask"], "fixed": ["app:flask"]},
               "flags": [{"label": "component_not_present", "group_ids": ["g"]}],
               "threats": [{"category": "impact", "details": "none", "product_ids": ["app:flask"]}]},
              {"cve": "CVE-1-2", "product_status": {"known_affected": ["yaml"], "fixed": ["yaml"]}},
              {"title": "no id", "product_status": {"fixed": ["yaml"]}}
            ]}"#],
        expect![[r"
            CVE-1-1 PyYAML NotAffected by 0.json (EX-1), component_not_present
            CVE-1-1 flask Fixed by 0.json (EX-1), none
            note 0.json, vulnerability 3: has no id, and does not count
            note 0.json: 1 of its statements name no product by a package URL, and do not count
        "]],
    );
}

#[test]
fn what_is_no_vex_is_refused() {
    for (text, expected) in [
        ("", "x: no JSON: EOF while parsing a value at line 1 column 0"),
        ("{}", "x: is neither OpenVEX nor CSAF nor CycloneDX in JSON"),
        ("[]", "x: is neither OpenVEX nor CSAF nor CycloneDX in JSON"),
        (
            r#"{"@context": "https://example.com"}"#,
            "x: is neither OpenVEX nor CSAF nor CycloneDX in JSON",
        ),
    ] {
        let error = Exceptions::default().read_vex("x", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
