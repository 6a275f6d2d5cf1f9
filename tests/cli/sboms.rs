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
    let policy = ["policy", "check", "small:1", "--policy", "pack:baseline"];
    assert_one_error(&context.run(&policy), 3, &["1 of 2 layers could not be read"]);
}

#[test]
fn by_a_template() {
    let context = context();
    context.write("old.json", OLD);
    context.write("csv.tmpl", "{{range .artifacts}}{{.name}},{{.version}}\n{{end}}");
    let convert = ["sbom", "convert", "old.json", "-o", "template", "-t", "csv.tmpl"];
    assert_eq!(context.expect(0, &convert).stdout, "zlib1g,1.2\nflask,2.2.2\n");
    context.expect(0, &["sbom", "convert", "old.json", "-o", "template=x.csv", "-t", "csv.tmpl"]);
    assert_eq!(context.read("x.csv"), b"zlib1g,1.2\nflask,2.2.2\n");
    context.write("bad.tmpl", "\n{{range .artifacts}}");
    let bad = ["sbom", "convert", "old.json", "-o", "template", "-t", "bad.tmpl"];
    assert_one_error(&context.run(&bad), 2, &["bad.tmpl", "line 2", "docs/templates.md"]);
    let none = ["sbom", "convert", "old.json", "-o", "template"];
    assert_one_error(&context.run(&none), 2, &["needs a template", "--template"]);
    let idle = ["sbom", "convert", "old.json", "-o", "purls", "-t", "csv.tmpl"];
    assert_one_error(&context.run(&idle), 2, &["no output", "-o template"]);
}

#[test]
fn scoring() {
    let context = with_image();
    context.write("old.json", OLD);
    let text = context.expect(0, &["sbom", "score", "old.json"]).stdout;
    for part in ["ntia 85/100", "bsi ", "cisa ", "fsct ", "author", "flask"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let ntia = ["sbom", "score", "--profile", "ntia", "--min"];
    context.expect(1, &[&ntia[..], &["86", "old.json"]].concat());
    context.expect(0, &[&ntia[..], &["85", "old.json"]].concat());
    let json = ["sbom", "score", "--format", "json", "--profile", "cisa", "old.json"];
    let json: serde_json::Value = serde_json::from_str(&context.expect(0, &json).stdout).unwrap();
    let checks = json["profiles"][0]["checks"].as_array().unwrap();
    let license = checks.iter().find(|check| check["id"] == "license").unwrap();
    assert_eq!(license["failing"], serde_json::json!(["flask 2.2.2"]));
    let named = ["sbom", "score", "--creator", "ACME <sbom@acme.example>", "--profile", "ntia"];
    let text = context.expect(0, &[&named[..], &["--min", "100", "small:1"]].concat()).stdout;
    assert!(text.contains("ntia 100/100"), "{text}");
    let other = ["sbom", "score", "--profile", "iso", "old.json"];
    assert_one_error(&context.run(&other), 2, &["`iso`", "ntia, bsi, cisa, fsct"]);
}

#[test]
fn attesting() {
    let context = with_image();
    context.write(".config/sealift/config.toml", "");
    context.expect(0, &["sbom", "attest", "small:1"]);
    context.expect(0, &["verify", "--require", "sbom", "small:1"]);
    let again = context.expect(0, &["sbom", "attest", "small:1"]).stderr;
    assert!(again.contains("0 made, 2 there already"), "{again}");

    context.expect(0, &["sbom", "small:1", "-o", "syft-json=a.json", "-o", "spdx=a.spdx"]);
    let made = context.expect(0, &["sbom", "attest", "--sbom", "a.json", "small:1"]).stderr;
    assert!(made.contains("1 made"), "{made}");
    let text = ["sbom", "attest", "--sbom", "a.spdx", "small:1"];
    assert_one_error(&context.run(&text), 2, &["JSON only", "convert"]);
    let digest = format!("sha256:{}", "0".repeat(64));
    let other =
        OLD.replace("\"name\":\"app\"", &format!("\"name\":\"app\",\"version\":\"{digest}\""));
    context.write("other.json", other);
    let foreign = ["sbom", "attest", "--sbom", "other.json", "small:1"];
    assert_one_error(&context.run(&foreign), 2, &["another image", "--sbom"]);
    let table = ["sbom", "attest", "-o", "table", "small:1"];
    assert_one_error(&context.run(&table), 2, &["`table` cannot be attested", "spdx-json"]);
}

#[test]
fn what_is_only_named() {
    let context = context();
    context
        .write("app/root/srv/composer.lock", r#"{"packages":[{"name":"a/b","version":"1.0.0"}]}"#);
    context.write("app/Dockerfile", "FROM scratch\nCOPY root /\n");
    context.expect(0, &["build", "--quiet", "-t", "app:1", "app"]);
    assert_eq!(context.expect(0, &["sbom", "app:1", "-o", "purls"]).stdout.trim(), "");
    let declared = ["sbom", "app:1", "--declared", "-o", "purls", "-o", "cyclonedx-json=a.json"];
    assert_eq!(context.expect(0, &declared).stdout, "pkg:composer/a/b@1.0.0\n");
    let document: serde_json::Value = serde_json::from_slice(&context.read("a.json")).unwrap();
    assert_eq!(document["components"][0]["scope"], "excluded");
}

#[test]
fn who_stands_behind_a_document() {
    let context = context();
    context.write("app/file", "content");
    context.write(
        "app/Dockerfile",
        "FROM scratch\nLABEL org.opencontainers.image.vendor=\"ACME <info@acme.example>\" \
         org.opencontainers.image.licenses=\"MIT\"\nCOPY file /\n",
    );
    context.write("sealift.toml", "[sbom]\ncreator = \"Bob <bob@acme.example>\"\n");
    context.expect(0, &["build", "--quiet", "-t", "app:1", "app"]);
    let spdx = context.expect(0, &["sbom", "app:1", "-o", "spdx"]).stdout;
    for part in [
        "Creator: Organization: Bob (bob@acme.example)",
        "PackageSupplier: Organization: ACME (info@acme.example)",
        "PackageLicenseDeclared: MIT",
        "PackageChecksum: SHA512: ",
    ] {
        assert!(spdx.contains(part), "{part}\n{spdx}");
    }
    let named = ["sbom", "app:1", "-o", "spdx", "--creator", "Person: Eve", "--supplier", "Other"];
    let spdx = context.expect(0, &named).stdout;
    assert!(spdx.contains("Creator: Person: Eve\n"), "{spdx}");
    assert!(spdx.contains("PackageSupplier: Organization: Other\n"), "{spdx}");
}

#[test]
fn unowned_bytes_are_counted() {
    let context = with_image();
    context.expect(0, &["sbom", "small:1", "-o", "cyclonedx-json=a.json"]);
    let text = context.expect(0, &["sbom", "analyze", "a.json"]).stdout;
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.ends_with(&["unowned", "1", "7"]), "{text}");
    let json = context.expect(0, &["sbom", "analyze", "a.json", "--format", "json"]).stdout;
    let facts: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(facts["coverage"]["unowned"]["bytes"], 7, "{json}");
}
