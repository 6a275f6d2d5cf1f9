//! Documents converted, compared, joined, validated, counted.

use crate::{assert_one_error, context, with_image};

const OLD: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,
"metadata":{"timestamp":"2026-01-01T00:00:00Z","component":{"type":"container","name":"app"}},"components":[
{"bom-ref":"a","type":"library","name":"zlib1g","version":"1.2","purl":"pkg:deb/debian/zlib1g@1.2?arch=amd64","licenses":[{"license":{"id":"Zlib"}}]},
{"bom-ref":"b","type":"library","name":"flask","version":"2.2.2","purl":"pkg:pypi/flask@2.2.2"}],
"dependencies":[{"ref":"b","dependsOn":["a"]}]}"#;
const NEW: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[
{"bom-ref":"a","type":"library","name":"zlib1g","version":"1.3","purl":"pkg:deb/debian/zlib1g@1.3?arch=amd64","licenses":[{"license":{"id":"Zlib"}}]},
{"bom-ref":"c","type":"library","name":"gcc-12","version":"12","purl":"pkg:deb/debian/gcc-12@12"}]}"#;

#[test]
fn converting() {
    let context = context();
    context.write("old.json", OLD);
    let purls = context.expect(0, &["sbom", "convert", "old.json", "-o", "purls"]).stdout;
    assert_eq!(purls, "pkg:deb/debian/zlib1g@1.2?arch=amd64\npkg:pypi/flask@2.2.2\n");
    for format in
        ["spdx-json", "spdx-json@3", "spdx-json@2.2", "spdx", "cyclonedx", "json", "cdx-json@1.7"]
    {
        let output = format!("{format}=there");
        context.expect(0, &["sbom", "convert", "old.json", "-o", &output]);
        let first = context.read("there");
        context.expect(0, &["sbom", "convert", "old.json", "-o", &output]);
        assert_eq!(context.read("there"), first, "{format}: the same twice");
        let back = context.expect(0, &["sbom", "convert", "there", "-o", "purls"]).stdout;
        assert_eq!(back, purls, "{format}");
        let valid = context.expect(0, &["sbom", "validate", "there"]).stdout;
        assert!(valid.ends_with("2 packages: valid\n"), "{format}: {valid}");
    }
    assert!(!context.store().exists(), "documents need no store");
}

#[test]
fn comparing() {
    let context = context();
    context.write("old.json", OLD);
    context.write("new.json", NEW);
    let diff = context.expect(0, &["sbom", "diff", "old.json", "new.json"]).stdout;
    for part in ["- flask", "+ gcc-12", "~ zlib1g", "1 added, 1 removed, 1 changed"] {
        let plain = diff.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.contains(part), "{part}\n{diff}");
    }
    context.expect(1, &["sbom", "diff", "old.json", "new.json", "--exit-code", "1"]);
    context.expect(0, &["sbom", "diff", "old.json", "old.json", "--exit-code", "1"]);
    let json = context.expect(0, &["sbom", "diff", "--format", "json", "old.json", "new.json"]);
    assert!(json.stdout.contains("\"added\": ["), "{}", json.stdout);
}

#[test]
fn joining() {
    let context = context();
    context.write("old.json", OLD);
    context.write("new.json", NEW);
    let merge =
        ["sbom", "merge", "old.json", "new.json", "--name", "both", "-o", "spdx-json=all.json"];
    context.expect(0, &merge);
    let purls = context.expect(0, &["sbom", "convert", "all.json", "-o", "purls"]).stdout;
    assert_eq!(purls.lines().count(), 4, "{purls}");
    context.expect(0, &["sbom", "validate", "all.json"]);
}

#[test]
fn validating() {
    let context = context();
    context.write("bad.json", OLD.replace("\"dependsOn\":[\"a\"]", "\"dependsOn\":[\"z\"]"));
    let outcome = context.expect(1, &["sbom", "validate", "bad.json"]);
    assert!(outcome.stdout.contains("names `z`, which is not in the document"), "{outcome:?}");
    let outcome = context.expect(1, &["sbom", "validate", "--format", "json", "bad.json"]);
    assert!(outcome.stdout.contains("\"valid\": false"), "{outcome:?}");
    context.write("no.json", "{}");
    for command in ["validate", "convert", "analyze"] {
        assert_one_error(&context.run(&["sbom", command, "no.json"]), 2, &["no SBOM", "CycloneDX"]);
        assert_one_error(&context.run(&["sbom", command, "nowhere"]), 3, &["nowhere"]);
    }
    context.write("old.json", OLD);
    let convert = ["sbom", "convert", "old.json", "-o", "spdx-jsn"];
    assert_one_error(&context.run(&convert), 2, &["did you mean `spdx-json`", "cyclonedx-xml@"]);
}

#[test]
fn counting() {
    let context = context();
    context.write("new.json", NEW);
    let text = context.expect(0, &["sbom", "analyze", "new.json"]).stdout;
    for part in ["2 packages", "Zlib", "NOT FOR PRODUCTION", "gcc-12", "development"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json = context.expect(0, &["sbom", "analyze", "--format", "json", "new.json"]).stdout;
    assert!(json.contains("\"risk\": \"development\""), "{json}");
}

#[test]
fn an_image_in_every_format() {
    let context = with_image();
    for format in ["table", "text", "purls", "spdx", "cyclonedx", "syft-json", "github"] {
        context.expect(0, &["sbom", "small:1", "-o", format]);
    }
    assert_one_error(&context.run(&["sbom"]), 2, &["<IMAGE>"]);
}

#[test]
fn a_layer_is_looked_at_once() {
    let context = with_image();
    context.write("small/package.json", r#"{"name":"a","version":"1.0.0"}"#);
    context.write("small/Dockerfile", "FROM scratch\nCOPY package.json /\n");
    context.expect(0, &["build", "--quiet", "-t", "small:1", "small"]);
    let list = || context.expect(0, &["sbom", "small:1", "-o", "syft-json"]).stdout;
    let first = list();
    assert!(first.contains("1.0.0"), "{first}");
    let kept: Vec<std::path::PathBuf> = std::fs::read_dir(context.store().join("cache/layers"))
        .unwrap()
        .flat_map(|version| std::fs::read_dir(version.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    assert!(!kept.is_empty());
    assert_eq!(list(), first, "from what was kept");
    for damage in [&b""[..], b"sealift1 and no more"] {
        for file in &kept {
            std::fs::write(file, damage).unwrap();
        }
        assert_eq!(list(), first, "what was damaged is read again");
    }
}

#[test]
fn a_damaged_layer_is_reported_and_the_rest_listed() {
    let context = with_image();
    context.write("small/package.json", r#"{"name":"a","version":"1.0.0"}"#);
    context.write("small/other/package.json", r#"{"name":"b","version":"2.0.0"}"#);
    let dockerfile = "FROM scratch\nCOPY package.json /app/\nCOPY other /other\n";
    context.write("small/Dockerfile", dockerfile);
    context.expect(0, &["build", "--quiet", "-t", "small:1", "small"]);
    let facts = context.expect(0, &["inspect", "small:1", "--format", "json"]).stdout;
    let facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
    let layer = facts["manifest"]["layers"][0]["digest"].as_str().unwrap_or_default();
    let blob = context.store().join("blobs").join(layer.replace(':', "/"));
    std::fs::write(blob, "nothing of the kind").unwrap();
    let outcome = context.run(&["sbom", "small:1", "-o", "purls"]);
    assert_eq!(outcome.code, 3, "{outcome:?}");
    assert_eq!(outcome.stdout, "pkg:npm/b@2.0.0\n");
    assert!(outcome.stderr.contains("error: 1 of 2 layers could not be read"), "{outcome:?}");
    let policy = ["policy", "check", "small:1"];
    assert_one_error(&context.run(&policy), 3, &["1 of 2 layers could not be read"]);
}
