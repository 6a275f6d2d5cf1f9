//! What people say of findings: ignore files, VEX documents, settings; and the gate that they open.

use sealift_crypto::Secret;
use sealift_oci::{Descriptor, Reference};
use sealift_pipeline::keys;
use sealift_store::Store;
use sealift_testkit::TestContext;

use crate::{assert_one_error, context};

const RECORDS: &str = r#"[
  {"id": "PYSEC-2018-1", "aliases": ["CVE-2018-1000656"], "modified": "2024-01-01T00:00:00Z", "summary": "a denial of service",
   "affected": [{"package": {"ecosystem": "PyPI", "name": "Flask"},
     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.12.3"}]}]}]}
]"#;

const SBOM: &str = r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [
  {"type": "library", "name": "flask", "version": "0.12.2", "purl": "pkg:pypi/flask@0.12.2"}]}"#;

const SCAN: [&str; 6] = ["scan", "sbom:app.cdx.json", "--advisories", "osv", "--fail-on", "low"];

fn with_finding() -> TestContext {
    let context = context();
    context.write("osv/a.json", RECORDS);
    context.write("app.cdx.json", SBOM);
    context.expect(1, &SCAN);
    context
}

fn with(flags: &[&'static str]) -> Vec<&'static str> {
    SCAN.iter().chain(flags).copied().collect()
}

#[test]
fn ignore_files_are_picked_up_by_their_names() {
    for (file, text) in [
        (".trivyignore", "CVE-2018-1000656 # not reachable\n"),
        (".trivyignore.yaml", "vulnerabilities:\n- id: PYSEC-2018-1\n"),
        (".grype.yaml", "ignore:\n- package: {name: flask}\n"),
        ("osv-scanner.toml", "[[IgnoredVulns]]\nid = \"PYSEC-2018-1\"\n"),
        (".sealift-ignore.toml", "[[ignore]]\nid = \"CVE-2018-1000656\"\nreason = \"x\"\n"),
        ("sealift.toml", "[[scan.ignore]]\nid = \"CVE-2018-1000656\"\nreason = \"x\"\n"),
    ] {
        let context = with_finding();
        context.write(file, text);
        let scan = context.run(&SCAN);
        assert_eq!(scan.code, 0, "{file}: {}", scan.stderr);
        context.expect(0, &with(&["--strict-ignores"]));
        // A file that is named takes the place of those that are found; settings stay.
        context.write("none", "");
        let code = i32::from(file != "sealift.toml");
        context.expect(code, &with(&["--ignorefile", "none"]));
    }
}

#[test]
fn entries_without_effect_are_refused_if_asked() {
    let context = with_finding();
    context.write("a.txt", "CVE-2018-1000656\nCVE-1-1\nCVE-1-2 exp:2001-01-01\n");
    context.expect(0, &with(&["--ignorefile", "a.txt"]));
    let strict = context.run(&with(&["--ignorefile", "a.txt", "--strict-ignores"]));
    assert_eq!(strict.code, 1, "{}", strict.stderr);
    for part in
        ["no finding asks for CVE-1-1 at a.txt:2", "CVE-1-2 at a.txt:3 is over since 2001-01-01"]
    {
        assert!(strict.stderr.contains(part), "{}", strict.stderr);
    }
    let code =
        context.run(&with(&["--ignorefile", "a.txt", "--strict-ignores", "--exit-code", "7"]));
    assert_eq!(code.code, 7, "{}", code.stderr);
}

#[test]
fn an_ignore_file_that_is_not_understood_is_refused() {
    let context = with_finding();
    let missing = context.run(&with(&["--ignorefile", "absent"]));
    assert_one_error(&missing, 3, &["absent"]);
    context
        .write("x.yaml", "ignore:\n- vulnerability: CVE-2018-1000656\n  pakage: {name: django}\n");
    let unknown = context.run(&with(&["--ignorefile", "x.yaml"]));
    assert_one_error(
        &unknown,
        2,
        &["x.yaml:3", "`pakage` is not known here", "docs/exceptions.md"],
    );
    context.write("sealift.toml", "[[scan.ignore]]\nid = \"CVE-2018-1000656\"\n");
    let reasonless = context.run(&SCAN);
    assert_one_error(&reasonless, 2, &["sealift.toml:1", "has no `reason`", "say why"]);
}

#[test]
fn vex_documents_suppress() {
    let context = with_finding();
    let vex = |status: &str| {
        format!(
            r#"{{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "timestamp": "2024-01-01T00:00:00Z", "statements": [
                {{"vulnerability": {{"name": "CVE-2018-1000656"}}, "products": [{{"@id": "pkg:pypi/flask"}}],
                  "status": "{status}", "justification": "vulnerable_code_not_present"}}]}}"#
        )
    };
    context.write("a.json", vex("not_affected"));
    context.expect(0, &with(&["--vex", "a.json"]));
    context.write("a.json", vex("affected"));
    context.expect(1, &with(&["--vex", "a.json"]));
    context.write("a.json", "{}");
    let refused = context.run(&with(&["--vex", "a.json"]));
    assert_one_error(&refused, 2, &["a.json", "neither OpenVEX nor CSAF nor CycloneDX"]);
}

#[test]
fn statuses_of_a_repair_are_left_out() {
    let context = with_finding();
    context.expect(0, &with(&["--ignore-status", "fixed,will_not_fix"]));
    context.expect(1, &with(&["--ignore-status", "affected"]));
    let wrong = context.run(&with(&["--ignore-status", "wontfix"]));
    assert_one_error(&wrong, 2, &["`wontfix` is no status of a repair", "will_not_fix"]);
}

#[test]
fn a_gate_is_an_expression() {
    let context = with_finding();
    let fail_on = |text: &'static str| {
        let scan = ["scan", "sbom:app.cdx.json", "--advisories", "osv", "--fail-on", text];
        context.run(&scan)
    };
    for (text, code) in [
        ("fixable && python", 1),
        ("severity < high", 0),
        ("never", 0),
        ("CRITICAL", 1),
        ("npm", 0),
    ] {
        let scan = fail_on(text);
        assert_eq!(scan.code, code, "{text}: {}", scan.stderr);
    }
    // A gate on what the database knows nothing of would always be open.
    let ignorant = fail_on("kev || severity < high");
    assert_one_error(&ignorant, 2, &["kev"]);
    let shut = fail_on("fixable && python");
    assert!(shut.stderr.contains("1 finding where fixable && python"), "{}", shut.stderr);
    let error = fail_on("critical || kve");
    let parts = ["critical || kve\n              ^^^", "did you mean `kev`?"];
    for part in parts {
        assert!(error.stderr.contains(part), "{}", error.stderr);
    }
    assert_eq!(error.code, 2);
}

#[test]
fn what_could_not_be_judged_fails_if_asked() {
    let context = with_finding();
    context.write(
        "b.cdx.json",
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [
            {"type": "library", "name": "x", "purl": "pkg:pypi/x"}]}"#,
    );
    let scan = ["scan", "sbom:b.cdx.json", "--advisories", "osv"];
    context.expect(0, &scan);
    let strict: Vec<&str> = scan.into_iter().chain(["--fail-on-incomplete"]).collect();
    let refused = context.run(&strict);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("1 package could not be judged"), "{}", refused.stderr);
}

#[test]
fn a_flaw_is_explained() {
    let context = with_finding();
    let scan = ["scan", "sbom:app.cdx.json", "--advisories", "osv", "--explain"];
    let explain =
        |more: &[&'static str]| context.run(&scan.iter().chain(more).copied().collect::<Vec<_>>());
    let text = explain(&["PYSEC-2018-1"]);
    assert_eq!(text.code, 0, "{}", text.stderr);
    for part in [
        "CVE-2018-1000656\n  also PYSEC-2018-1\n",
        "  flask 0.12.2 (pypi): reported, UNKNOWN, repaired in 0.12.3\n",
        "PYSEC-2018-1: PyPI flask: affected: < 0.12.3; 0.12.2 is among these",
    ] {
        assert!(text.stdout.contains(part), "{}", text.stdout);
    }
    let json = explain(&["CVE-2018-1000656", "-f", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json[0]["packages"][0]["verdict"], "reported");
    assert_eq!(json[0]["packages"][0]["rows"][0]["outcome"], "affected");
    context.write(".trivyignore", "CVE-2018-1000656");
    let ignored = explain(&["CVE-2018-1000656", "--explain-package", "flask"]);
    assert!(ignored.stdout.contains("suppressed: ignored by .trivyignore:1"), "{}", ignored.stdout);
    assert_eq!(explain(&["CVE-1-1"]).code, 1);
    assert_eq!(explain(&["CVE-1-1", "-f", "sarif"]).code, 2);
}

// An image with a finding, to which a document is attached that says `fixed` of it and names no product.
fn with_attached_vex(key: &str) -> (TestContext, Descriptor) {
    let context = context();
    context.write("osv/a.json", RECORDS);
    let metadata = "Metadata-Version: 2.1\nName: Flask\nVersion: 0.12.2\n";
    context.write("small/METADATA", metadata);
    let place = "/usr/lib/python3/dist-packages/Flask-0.12.2.dist-info/METADATA";
    context.write("small/Dockerfile", format!("FROM scratch\nCOPY METADATA {place}\n"));
    context.expect(0, &["build", "--quiet", "-t", "small:1", "small"]);
    let document = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "timestamp": "2024-01-01T00:00:00Z",
        "statements": [{"vulnerability": {"name": "CVE-2018-1000656"}, "status": "fixed"}]}"#;
    let signer = keys::create(&context.work().join(key), &Secret::new(Vec::new())).unwrap();
    let store = Store::open(context.store()).unwrap();
    let image = store.resolve(&Reference::parse("small:1").unwrap()).unwrap().unwrap();
    let subject = sealift_sign::Subject { descriptor: &image, name: None };
    let kind = "https://openvex.dev/ns/v0.2.0";
    let now = jiff::Timestamp::UNIX_EPOCH;
    let artifact =
        sealift_sign::attest(&signer.key, &subject, kind, document.as_bytes(), now).unwrap();
    for blob in &artifact.blobs {
        store.put_blob(&blob.bytes).unwrap();
    }
    let attached = store.add_referrer(&artifact.manifest).unwrap();
    (context, attached)
}

#[test]
fn attached_vex_counts_if_a_trusted_key_signed_it() {
    let (context, attached) = with_attached_vex("team.key");
    let scan = ["scan", "small:1", "--advisories", "osv", "--fail-on", "low", "--vex", "oci"];
    // Nobody asked for it.
    context.expect(1, &scan[..6]);
    // Nobody trusts the key: that is said, and nothing is suppressed.
    let foreign = context.run(&scan);
    assert_eq!(foreign.code, 1, "{}", foreign.stderr);
    let note = format!("VEX attestation {}: does not count", attached.digest);
    assert!(foreign.stdout.contains(&note), "{}", foreign.stdout);
    let with_key = |key: &'static str| {
        context.run(&scan.into_iter().chain(["--vex-key", key]).collect::<Vec<_>>())
    };
    let trusted = with_key("team.pub");
    assert_eq!(trusted.code, 0, "{}", trusted.stderr);
    assert!(trusted.stdout.contains("CVE-2018-1000656"), "{}", trusted.stdout);
    // The bytes were changed since.
    let store = Store::open(context.store()).unwrap();
    let manifest = store.read_blob(&attached.digest).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap().parse().unwrap();
    let path = store.blob_path(&digest);
    let bundle = std::fs::read_to_string(&path).unwrap();
    let changed = bundle.replacen("\"payload\":\"ey", "\"payload\":\"eY", 1);
    assert_ne!(bundle, changed);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, changed).unwrap();
    let forged = with_key("team.pub");
    assert_eq!(forged.code, 1, "{}", forged.stderr);
    assert!(forged.stdout.contains("does not count"), "{}", forged.stdout);
}
