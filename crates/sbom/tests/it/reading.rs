//! Documents read back, our own and hostile ones.

use std::collections::BTreeSet;

use sealift_model::{Inventory, RelationKind};
use sealift_sbom::read::{self, Document, Error, Limits};
use sealift_sbom::{Output, Subject, analyze, diff, merge};

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
        let text = encode(format, &original, &subject());
        let (_, problems) = read::check(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(problems, [], "{format}");
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

#[test]
fn what_is_known_comes_back() {
    let mut original = inventories::rich();
    let last = original.packages.last_mut().unwrap();
    (last.version, last.purl.version) = (None, None);
    last.modified_secs = Some(1_700_000_000);
    let mut subject = subject();
    subject.creator = Some("ACME <sbom@acme.example>".to_owned());
    subject.supplier = Some("ACME <info@acme.example>".to_owned());
    subject.license = Some("MIT".to_owned());
    subject.homepage = Some("https://acme.example/app".to_owned());
    subject.config_digest = Some(sealift_oci::Digest::sha256(b"config"));
    subject.take_manifest(b"manifest");
    assert!(subject.manifest_sha512.is_some());
    let formats = READABLE.iter().filter(|format| !format.ends_with("@1.2"));
    for format in formats {
        let document = read(&encode(format, &original, &subject)).unwrap();
        let is_syft = *format == "syft-json";
        let is_old = *format == "spdx@2.1";
        let read = &document.inventory;
        assert_eq!(read.layers, original.layers, "{format}");
        assert_eq!(read.coverage, original.coverage, "{format}");
        for (package, expected) in read.packages.iter().zip(&original.packages) {
            let mut package = package.clone();
            let mut expected = expected.clone();
            if is_syft {
                expected.hashes.clear();
                expected.download_url = None;
                expected.copyright = None;
            }
            if is_old {
                expected.hashes.retain(|hash| hash.algorithm == sealift_model::HashAlgorithm::Md5);
            }
            // CycloneDX 1.5 and older do not say how a licence is known.
            if ["1.3", "1.4", "1.5"].iter().any(|old| format.ends_with(old)) {
                let licenses = expected.licenses.iter_mut();
                licenses.for_each(|it| it.source = sealift_model::LicenseSource::Declared);
            }
            // Said in another way: the licence's name is the expression.
            package.purl = expected.purl.clone();
            assert_eq!(package, expected, "{format}");
        }
        let kinds: Vec<RelationKind> = read.relations.iter().map(|edge| edge.kind).collect();
        assert_eq!(kinds, [RelationKind::BuiltFrom, RelationKind::DependsOn], "{format}");
        let mut expected = subject.clone();
        if is_syft {
            (expected.creator, expected.license, expected.homepage) = (None, None, None);
        }
        assert_eq!(document.subject, expected, "{format}");
    }
}

#[test]
fn expressions_with_names_of_their_own_come_back() {
    let mut original = Inventory::default();
    for expression in ["MIT OR LicenseRef-own", "MIT OR atc-game"] {
        let mut package = sealift_model::Package::new(sealift_model::PackageKind::Python, "a");
        let spdx = Some(expression.to_owned());
        package.licenses = vec![sealift_model::License::declared(expression, spdx)];
        original.packages = vec![package];
        for format in ["spdx-json@2.2", "spdx-json@2.3", "spdx-json@3.0.1", "spdx@2.3"] {
            let document = read(&encode(format, &original, &subject())).unwrap();
            let licenses = &document.inventory.packages[0].licenses;
            assert_eq!(*licenses, original.packages[0].licenses, "{format}");
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
    let mut names: Vec<&str> =
        read.inventory.packages.iter().map(|package| package.name.as_str()).collect();
    names.sort_unstable();
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
    let libc = read.inventory.packages.iter().find(|package| package.name == "libc6").unwrap();
    let source = libc.source.as_ref().unwrap();
    assert_eq!((source.name.as_str(), source.version.as_str()), ("glibc", "3"));
}

#[test]
fn problems() {
    let check = |document: &str, expected: &[&str]| {
        let (_, problems) = read::check(document.as_bytes(), &Limits::default()).unwrap();
        let found: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.place, problem.message))
            .collect();
        assert_eq!(found, expected);
    };
    check(
        r#"{"bomFormat":"CycloneDX","specVersion":"1.3","serialNumber":"1","metadata":{"timestamp":"now"},
            "components":[{"type":"library","name":"a","version":"1","bom-ref":"x"},
            {"type":"library","name":"b","bom-ref":"x","purl":"b","licenses":[{"license":{"id":"Nope"}},{"expression":"MIT AND"}]},
            {}],"dependencies":[{"ref":"y","dependsOn":["x","z"]}]}"#,
        &[
            "metadata.timestamp: `now` is no time in RFC 3339",
            "serialNumber: `1` is no `urn:uuid:`",
            "components[1]: has no `version`, which this version of the format demands",
            "components[1]: the identifier `x` is not unique",
            "components[1]: `b` is no package URL",
            "components[1]: the SPDX list has no licence `Nope`",
            "components[1]: `MIT AND` is no licence expression: expected one of `<license>`, `(` here",
            "components[2]: has no `type`",
            "components[2]: has no `name`",
            "components[2]: has no `version`, which this version of the format demands",
            "dependencies[0]: names `y`, which is not in the document",
            "dependencies[0]: names `z`, which is not in the document",
        ],
    );
    check(
        "SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\nPackageName: a\nSPDXID: a\nRelationship: a CONTAINS b\n",
        &[
            "document: has no `dataLicense`",
            "document: has no `name`",
            "document: has no `documentNamespace`",
            "creationInfo: has no `created`",
            "creationInfo: has no `creators`",
            "packages[0]: has no `downloadLocation`",
            "packages[0]: `a` is no identifier of SPDX",
            "relationships[0]: names `b`, which is not in the document",
        ],
    );
}

#[test]
fn a_package_without_a_name() {
    let document = "SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: d\n\nSPDXID: SPDXRef-a\n\
        PackageVersion: 1\n\nPackageName: b\nSPDXID: SPDXRef-b\n\nSPDXID: SPDXRef-c\n";
    let (document, problems) = read::check(document.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(document.inventory.packages.len(), 3);
    let nameless = problems.iter().filter(|problem| problem.message == "has no `name`");
    let places: Vec<&str> = nameless.map(|problem| problem.place.as_str()).collect();
    assert_eq!(places, ["packages[0]", "packages[2]"]);
}

#[test]
fn comparing_and_merging() {
    let old = inventories::debian_and_python();
    let mut new = old.clone();
    new.packages[0].version = Some("2.37".to_owned());
    new.packages[1].licenses = inventories::odd().packages[1].licenses.clone();
    new.packages[2].purl.name = "quart".to_owned();
    assert!(diff(&old, &old).is_empty());
    assert_eq!(diff(&old, &old).same, 3);
    let difference = diff(&old, &new);
    let names = |packages: &[&sealift_model::Package]| -> Vec<String> {
        packages.iter().map(|package| package.purl.name.clone()).collect()
    };
    assert_eq!(names(&difference.added), ["quart"]);
    assert_eq!(names(&difference.removed), ["flask"]);
    assert_eq!(difference.changed, [(&old.packages[0], &new.packages[0])]);
    assert_eq!(difference.relicensed, [(&old.packages[1], &new.packages[1])]);
    assert_eq!(difference.same, 0);

    let one = merge(&[("a".to_owned(), old.clone()), ("b".to_owned(), old.clone())]);
    assert_eq!(essence(&one), essence(&merge(&[("a".to_owned(), old.clone())])));
    assert_eq!(one.packages.len(), 3);
    assert_eq!(one.relations.len(), 2);
    let mut other = inventories::odd();
    other.distro.as_mut().unwrap().id = "alpine".to_owned();
    let both = merge(&[("a".to_owned(), old), ("b".to_owned(), other)]);
    // Three of `odd` are one and the same.
    assert_eq!(both.packages.len(), 3 + 5);
    let notes: Vec<&str> = both.notes.iter().map(|note| note.message.as_str()).collect();
    assert!(notes.iter().any(|note| note.contains("is not that of the first")), "{notes:?}");
}

#[test]
fn analysing() {
    let mut inventory = inventories::debian_and_python();
    let names = [
        "libc6-dev",
        "gcc-12",
        "gcc-12-base",
        "libgcc-s1",
        "gdb",
        "python3-dbg",
        "make",
        "git-man",
    ];
    for name in names {
        let mut package = inventory.packages[1].clone();
        package.name = name.to_owned();
        package.version = None;
        inventory.packages.push(package);
    }
    let mut pytest = inventory.packages[2].clone();
    pytest.name = "pytest-cov".to_owned();
    inventory.packages.push(pytest);
    let analysis = analyze(&inventory);
    assert_eq!(analysis.packages, 12);
    assert_eq!(analysis.by_type, [("deb", 10), ("pypi", 2)]);
    assert_eq!(analysis.licenses[0], ("BSD-3-Clause".to_owned(), 2));
    assert_eq!(analysis.without_version.len(), 8);
    let risky: Vec<(&str, &str)> = analysis
        .risky
        .iter()
        .map(|(package, risk)| (package.name.as_str(), risk.as_str()))
        .collect();
    assert_eq!(
        risky,
        [
            ("libc6-dev", "development"),
            ("gcc-12", "development"),
            ("gdb", "debugging"),
            ("python3-dbg", "debugging"),
            ("make", "development"),
            ("pytest-cov", "testing"),
        ]
    );
}
