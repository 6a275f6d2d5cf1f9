//! Documents of whole inventories. With `SEALIFT_SBOM_PYTHON` set to a Python that has `spdx-tools` and
//! `cyclonedx-python-lib[validation]`, the same documents go through those validators too.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod inventories;

use std::io::Write;
use std::process::{Command, Stdio};

use expect_test::expect_file;
use sealift_model::Inventory;
use sealift_oci::Digest;
use sealift_sbom::{Subject, cyclonedx, spdx};
use serde_json::Value;

const SPDX_VALIDATOR: &str = r#"
import sys, json
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
document = JsonLikeDictParser().parse(json.load(sys.stdin))
messages = validate_full_spdx_document(document, "SPDX-2.3")
for message in messages: print(message)
sys.exit(1 if messages else 0)
"#;

const CYCLONEDX_VALIDATOR: &str = r"
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
if error: print(error)
sys.exit(1 if error else 0)
";

fn subject() -> Subject {
    let reference = "registry.local:5000/team/app:1.4".parse().unwrap();
    let mut subject = Subject::image(&reference, &Digest::sha256(b"manifest"), 1_769_817_600);
    subject.architecture = Some("amd64".to_owned());
    subject
}

fn validate(script: &str, document: &str) {
    let Ok(python) = std::env::var("SEALIFT_SBOM_PYTHON") else {
        eprintln!("SKIPPED: outside validation, as SEALIFT_SBOM_PYTHON is not set");
        return;
    };
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let says = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{says}");
}

// Both documents: valid for the validators, the same twice, and every component within the root's reach.
#[track_caller]
fn check(inventory: &Inventory, subject: &Subject) -> (String, String) {
    let spdx = spdx::encode(inventory, subject);
    let cyclonedx = cyclonedx::encode(inventory, subject);
    assert_eq!(spdx, spdx::encode(inventory, subject));
    assert_eq!(cyclonedx, cyclonedx::encode(inventory, subject));
    all_in_reach(&serde_json::from_str(&cyclonedx).unwrap());
    validate(SPDX_VALIDATOR, &spdx);
    validate(CYCLONEDX_VALIDATOR, &cyclonedx);
    (spdx, cyclonedx)
}

fn all_in_reach(document: &Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut pending = vec![text(&document["metadata"]["component"]["bom-ref"])];
    let mut reached = std::collections::BTreeSet::new();
    while let Some(reference) = pending.pop() {
        if !reached.insert(reference.clone()) {
            continue;
        }
        let entry = document["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["ref"] == reference.as_str())
            .unwrap();
        pending.extend(entry["dependsOn"].as_array().into_iter().flatten().map(text));
    }
    for component in document["components"].as_array().unwrap() {
        assert!(reached.contains(&text(&component["bom-ref"])), "{component}");
    }
}

#[test]
fn debian_and_python() {
    let (spdx, cyclonedx) = check(&inventories::debian_and_python(), &subject());
    expect_file!["./debian.spdx.json"].assert_eq(&spdx);
    expect_file!["./debian.cdx.json"].assert_eq(&cyclonedx);
}

#[test]
fn empty() {
    check(&Inventory::default(), &subject());
    let nameless = Subject {
        name: String::new(),
        reference: None,
        digest: None,
        architecture: None,
        supplier: Some("ACME (Ltd.) <info@acme.example>".to_owned()),
        created_secs: i64::MAX,
    };
    check(&Inventory::default(), &nameless);
}

#[test]
fn odd() {
    check(&inventories::odd(), &subject());
}

#[test]
fn every_licence_of_the_list() {
    check(&inventories::every_license(), &subject());
}

#[test]
fn the_content_makes_the_names() {
    let of = |inventory: &Inventory, subject: &Subject| -> (String, String) {
        let spdx: Value = serde_json::from_str(&spdx::encode(inventory, subject)).unwrap();
        let cyclonedx: Value =
            serde_json::from_str(&cyclonedx::encode(inventory, subject)).unwrap();
        (spdx["documentNamespace"].to_string(), cyclonedx["serialNumber"].to_string())
    };
    let first = of(&Inventory::default(), &subject());
    let second = of(&inventories::odd(), &subject());
    let later = Subject { created_secs: 0, ..subject() };
    let third = of(&Inventory::default(), &later);
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
    assert_ne!(first.0, third.0);
    assert_ne!(first.1, third.1);
}
