//! Formats that also say what is inside.

use std::collections::BTreeSet;

use expect_test::{expect, expect_file};
use sealift_model::ArtifactKind;
use serde_json::Value;

use crate::formats::{by_name, hostile, many, parsed, reports, validator};
use crate::sample;

#[test]
fn the_whole_cyclonedx_document() {
    expect_file!["whole.cdx.json"].assert_eq(&by_name("cyclonedx", &sample::report()));
}

// What `sealift sbom` writes, and vulnerabilities; only the number of the document is another.
#[test]
fn cyclonedx_is_the_sbom_and_more() {
    let mut document = parsed("cyclonedx", &sample::report());
    let inventory = sealift_sbom::present(&sample::inventory(), ArtifactKind::Image);
    let plain = sealift_sbom::cyclonedx::encode(&inventory, &sample::subject());
    let mut plain: Value = serde_json::from_str(&plain).unwrap();
    for it in [&mut document, &mut plain] {
        for key in ["vulnerabilities", "serialNumber"] {
            it.as_object_mut().unwrap().remove(key);
        }
        it["metadata"].as_object_mut().unwrap().remove("properties");
    }
    assert_eq!(document, plain);
}

#[test]
fn cyclonedx_refers_to_what_it_lists() {
    for (name, report) in reports().into_iter().chain([("many", many())]) {
        let document = parsed("cyclonedx", &report);
        let list = |key: &str| document[key].as_array().cloned().unwrap_or_default();
        let refs: Vec<Value> =
            list("components").iter().map(|component| component["bom-ref"].clone()).collect();
        for vulnerability in list("vulnerabilities") {
            for affected in vulnerability["affects"].as_array().unwrap() {
                assert!(refs.contains(&affected["ref"]), "{name}: {}", affected["ref"]);
            }
        }
    }
    let document = parsed("cyclonedx", &sample::report());
    let affected: Vec<&str> = document["vulnerabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vulnerability| vulnerability["affects"][0]["ref"].as_str().unwrap())
        .collect();
    let expected = ["flask", "openssl", "zlib1g", "perl", "jinja2", "click"];
    for (reference, name) in affected.iter().zip(expected) {
        assert!(reference.contains(name), "{affected:?}");
    }
}

#[test]
fn cyclonedx_is_valid() {
    const PROGRAM: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for name in sys.argv[1:]:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(name).read())
    if error: sys.exit(f'{name}: {error}'[:3000])";
    let Some(python) = validator("python") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(python);
    command.args(["-c", PROGRAM]);
    for (name, report) in reports() {
        let path = folder.path().join(name);
        std::fs::write(&path, by_name("cyclonedx", &report)).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_whole_grype_document() {
    let mut report = sample::report();
    report.findings.drain(..2);
    report.suppressed.truncate(1);
    expect_file!["whole.grype.json"].assert_eq(&by_name("grype-json", &report));
}

#[test]
fn grype_counts_and_weighs() {
    let document = parsed("grype-json", &hostile());
    let count = |key: &str| document[key].as_array().unwrap().len();
    assert_eq!(count("matches"), hostile().findings.len());
    assert_eq!(count("ignoredMatches"), hostile().suppressed.len());
    let document = parsed("grype-json", &sample::report());
    let risks: Vec<f64> = document["matches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["vulnerability"]["risk"].as_f64().unwrap())
        .collect();
    // Exploited by ransomware, and so all that there is of its severity and a tenth more; nothing known of the others.
    expect!["[0.0, 0.0, 97.075]"].assert_eq(&format!("{risks:?}"));
}

#[test]
fn security_hub_gets_what_it_demands() {
    for (name, report) in reports() {
        let document = parsed("asff", &report);
        let findings = document["Findings"].as_array().unwrap();
        assert_eq!(findings.len(), report.findings.len() + report.suppressed.len(), "{name}");
        let mut ids = BTreeSet::new();
        for finding in findings {
            for key in [
                "SchemaVersion",
                "Id",
                "ProductArn",
                "GeneratorId",
                "AwsAccountId",
                "Types",
                "CreatedAt",
                "UpdatedAt",
                "Severity",
                "Title",
                "Description",
                "Resources",
            ] {
                assert!(!finding[key].is_null() && finding[key] != "", "{name}: {key}");
            }
            let length = |key: &str| finding[key].as_str().unwrap().chars().count();
            assert!(length("Title") <= 256 && length("Description") <= 1024 && length("Id") <= 512);
            assert!(ids.insert(finding["Id"].to_string()), "{name}");
        }
    }
    let findings = parsed("asff", &sample::report())["Findings"].clone();
    let arn = "arn:aws:securityhub:value-of-AWS_REGION:value-of-AWS_ACCOUNT_ID:product/value-of-AWS_ACCOUNT_ID/default";
    assert_eq!(findings[0]["ProductArn"], arn);
    assert_eq!(findings[0]["Severity"]["Label"], "INFORMATIONAL");
    assert_eq!(findings[2]["Severity"]["Label"], "CRITICAL");
    assert_eq!(findings[2]["Vulnerabilities"][0]["ExploitAvailable"], "YES");
    assert_eq!(findings[3]["Workflow"]["Status"], "SUPPRESSED");
}

#[test]
fn a_snapshot_says_for_which_job_it_is() {
    let document = parsed("github", &sample::report());
    assert_eq!(document["ref"], "value-of-GITHUB_REF");
    assert_eq!(document["sha"], "value-of-GITHUB_SHA");
    let job = &document["job"];
    assert_eq!(job["correlator"], "value-of-GITHUB_WORKFLOW_value-of-GITHUB_JOB");
    assert_eq!(job["id"], "value-of-GITHUB_RUN_ID");
    assert_eq!(document["metadata"]["sealift:RepoTag"], "app:1");
}

#[test]
fn spdx_is_the_sbom() {
    let inventory = sealift_sbom::present(&sample::inventory(), ArtifactKind::Image);
    let plain = sealift_sbom::spdx::encode(&inventory, &sample::subject());
    assert_eq!(by_name("spdx-json", &sample::report()), plain);
    assert!(by_name("spdx", &sample::report()).starts_with("SPDXVersion: SPDX-2.3\n"));
}
