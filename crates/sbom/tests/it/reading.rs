//! Documents read back, our own and hostile ones.

use std::collections::BTreeSet;

use sealift_model::{Inventory, RelationKind};
use sealift_sbom::read::{self, Document, Error, Limits};
use sealift_sbom::{Output, Subject};

use crate::{inventories, subject};

const READABLE: [&str; 19] = [
    "spdx-json@2.2",
    "spdx-json@2.3",
    "spdx-json@3.0.1",
    "spdx@2.1",
    "spdx@2.2",
    "spdx@2.3",
    "cyclonedx-json@1.2",
    "cyclonedx-json@1.3",
    "cyclonedx-json@1.4",
    "cyclonedx-json@1.5",
    "cyclonedx-json@1.6",
    "cyclonedx-json@1.7",
    "cyclonedx-xml@1.2",
    "cyclonedx-xml@1.3",
    "cyclonedx-xml@1.4",
    "cyclonedx-xml@1.5",
    "cyclonedx-xml@1.6",
    "cyclonedx-xml@1.7",
    "syft-json",
];

fn encode(format: &str, inventory: &Inventory, subject: &Subject) -> String {
    Output::parse(format).unwrap().encode(inventory, subject)
}

fn read(document: &str) -> Result<Document, Error> {
    read::read(document.as_bytes(), &Limits::default())
}

// What every format keeps: names, versions, package URLs, licences, edges, notes aside.
fn essence(inventory: &Inventory) -> (Vec<String>, BTreeSet<(String, String)>) {
    let label = |place: usize| {
        let package = &inventory.packages[place];
        let version = package.version.as_deref().unwrap_or_default();
        format!("{} {version} {}", package.name, package.purl)
    };
    let mut packages: Vec<String> = inventory
        .components()
        .map(|(id, package)| {
            let licenses: Vec<&str> = package
                .licenses
                .iter()
                .map(|license| license.spdx.as_deref().unwrap_or(&license.declared))
                .collect();
            format!("{} [{}]", label(id.0), licenses.join(", "))
        })
        .collect();
    packages.sort();
    let edges = inventory.relations.iter().filter(|edge| edge.kind == RelationKind::DependsOn);
    let edges = edges.map(|edge| (label(edge.from.0), label(edge.to.0))).collect();
    (packages, edges)
}

#[test]
fn every_format_keeps_the_essence() {
    let original = inventories::debian_and_python();
    // An owned package is not written; an edge to it leads to its owner.
    let mut written = original.clone();
    written.packages.pop();
    written.relations = vec![inventories::needs(1, 0), inventories::needs(2, 1)];
    for format in READABLE {
        let document = read(&encode(format, &original, &subject())).unwrap();
        assert_eq!(essence(&document.inventory), essence(&written), "{format}");
        assert_eq!(document.subject.name, subject().name, "{format}");
        assert_eq!(document.subject.digest, subject().digest, "{format}");
        assert_eq!(document.subject.created_secs, subject().created_secs, "{format}");
        let distro = document.inventory.distro.unwrap();
        assert_eq!((distro.id.as_str(), distro.version_id.as_deref()), ("debian", Some("12")));
        if format != "cyclonedx-json@1.2" && format != "cyclonedx-xml@1.2" {
            let libc = document.inventory.packages.iter().find(|it| it.name == "libc6").unwrap();
            assert_eq!(libc.source, original.packages[0].source, "{format}");
        }
    }
}

// From any format to any other and back: nothing more is lost than at the first writing.
#[test]
fn round_trips() {
    let original = inventories::debian_and_python();
    for there in READABLE {
        let first = read(&encode(there, &original, &subject())).unwrap();
        for back in READABLE {
            let second = read(&encode(back, &first.inventory, &first.subject)).unwrap();
            let third = read(&encode(there, &second.inventory, &second.subject)).unwrap();
            assert_eq!(essence(&third.inventory), essence(&first.inventory), "{there} {back}");
        }
    }
}

#[test]
fn odd_documents_are_read() {
    for format in READABLE {
        for inventory in [inventories::odd(), Inventory::default()] {
            let document = read(&encode(format, &inventory, &subject())).unwrap();
            assert_eq!(
                document.inventory.packages.len(),
                inventory.components().count(),
                "{format}"
            );
        }
    }
}

#[test]
fn truncated_and_altered_documents() {
    for format in READABLE {
        let document = encode(format, &inventories::debian_and_python(), &subject());
        for end in (0..document.len()).step_by(97) {
            // Whether it is read or refused does not matter; that it ends does.
            let _ = read(&document[..end]);
            let mut bytes = document.clone().into_bytes();
            bytes[end] = bytes[end].wrapping_add(1);
            let _ = read::read(&bytes, &Limits::default());
        }
    }
}

#[track_caller]
fn refused(document: &str, expected: &str) {
    let error = read(document).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn hostile_documents() {
    refused("", "no SBOM");
    refused("hello", "no SBOM");
    refused("{}", "no SBOM");
    refused("[]", "no SBOM");
    refused("<html/>", "no SBOM");
    refused("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"9\"}", "version `9`");
    refused("{\"spdxVersion\":\"SPDX-7\"}", "version `7`");
    refused("{\"@context\":\"\",\"@graph\":[]}", "version ``");
    refused("{\"artifacts\":[],\"schema\":{\"version\":\"99.0\"}}", "version `99.0`");
    refused(&"{\"a\":".repeat(100_000), "recursion limit");
    refused(&"<a>".repeat(100_000), "more than 64 levels");
    refused("<!DOCTYPE x [<!ENTITY a \"b\">]><bom/>", "document type");
    refused("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\">&a;</bom>", "not well-formed");
    refused("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"><a></bom>", "not well-formed");
    refused("SPDXVersion: SPDX-2.3\nPackageSummary: <text>never", "line 2 never ends");
    refused("SPDXVersion: SPDX-2.3\nwhat is this", "line 2 has no tag");
    let error = read::read(b"\xff\xfe", &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("byte 0 is not UTF-8"), "{error}");
}

#[test]
fn limits() {
    let document = encode("cyclonedx-json", &inventories::debian_and_python(), &subject());
    let check = |limits: Limits, expected: &str| {
        let error = read::read(document.as_bytes(), &limits).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(Limits { bytes_max: 10, ..Limits::default() }, "at most 10 are read");
    check(Limits { packages_max: 1, ..Limits::default() }, "more than 1 packages");
    let xml = encode("cyclonedx-xml", &inventories::debian_and_python(), &subject());
    let few = Limits { elements_max: 9, ..Limits::default() };
    let error = read::read(xml.as_bytes(), &few).unwrap_err().to_string();
    assert!(error.contains("more than 9 elements"), "{error}");
    check(Limits { relations_max: 1, ..Limits::default() }, "more than 1 relations");
}

#[test]
fn wrong_types_are_passed_over() {
    let document = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":[],"components":
        [1,null,{"name":3,"licenses":{},"purl":"nonsense"},{"type":"library","name":"a","version":["1"],
        "components":[{"name":"b","version":"2","purl":"pkg:npm/%40s/b@2","bom-ref":"b"}]}],
        "dependencies":[{"ref":"b","dependsOn":["nothing",7]},{}]}"#;
    let read = read(document).unwrap();
    let names: Vec<&str> =
        read.inventory.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["", "", "", "a", "b"]);
    assert_eq!(read.inventory.notes[0].message, "1 relations name no package of the document");
}

#[test]
fn syft_and_groups() {
    let document = r#"{"bomFormat":"CycloneDX","specVersion":"1.4","components":[
        {"type":"library","group":"@babel","name":"core","version":"7.0.0","purl":"pkg:npm/%40babel/core@7.0.0",
         "licenses":[{"expression":"(MIT OR Apache-2.0) AND ISC"},{"license":{"name":"Own"}}]},
        {"type":"library","group":"org.x","name":"y","version":"UNKNOWN","purl":"pkg:maven/org.x/y"},
        {"type":"file","name":"/etc/passwd"},
        {"type":"library","name":"libc6","version":"2","purl":"pkg:deb/debian/libc6@2?upstream=glibc%403&arch=amd64"}]}"#;
    let read = read(document).unwrap();
    let (packages, _) = essence(&read.inventory);
    assert_eq!(
        packages,
        [
            "@babel/core 7.0.0 pkg:npm/%40babel/core@7.0.0 [MIT OR Apache-2.0, ISC, Own]",
            "libc6 2 pkg:deb/debian/libc6@2?arch=amd64&upstream=glibc%403 []",
            "org.x:y  pkg:maven/org.x/y []",
        ]
    );
    let source = read.inventory.packages[0].source.as_ref().unwrap();
    assert_eq!((source.name.as_str(), source.version.as_str()), ("glibc", "3"));
}
