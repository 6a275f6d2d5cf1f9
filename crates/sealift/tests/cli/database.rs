//! The advisory database: made, asked, carried elsewhere.

use sealift_testkit::TestContext;

use crate::{assert_one_error, context};

const RECORDS: &str = r#"[
  {"id": "PYSEC-2018-1", "aliases": ["CVE-2018-1000656"], "modified": "2024-01-01T00:00:00Z", "summary": "a denial of service",
   "affected": [{"package": {"ecosystem": "PyPI", "name": "Flask"},
     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.12.3"}]}]}]},
  {"id": "X-1", "affected": [{"package": {"ecosystem": "Nowhere", "name": "x"}, "versions": ["1"]}]}
]"#;

const SBOM: &str = r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [
  {"type": "library", "name": "flask", "version": "0.12.2", "purl": "pkg:pypi/flask@0.12.2"}]}"#;

fn with_database() -> TestContext {
    let context = context();
    context.write("osv/a.json", RECORDS);
    let built = context.expect(0, &["db", "build", "--from", "osv"]);
    assert!(built.stderr.contains("2 flaws in 2 records, 1 entries"), "{}", built.stderr);
    context
}

#[test]
fn it_is_made_and_asked() {
    let context = context();
    context.write("osv/a.json", RECORDS);
    let missing = context.run(&["db", "status"]);
    assert_one_error(&missing, 2, &["there is no advisory database", "sealift db build"]);
    let context = with_database();
    let status = context.expect(0, &["db", "status", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["ecosystems"][0]["ecosystem"], "PyPI");
    assert_eq!(status["notes"], 1);

    let known = context.expect(0, &["db", "explain", "PYSEC-2018-1"]);
    assert!(
        known.stdout.starts_with("CVE-2018-1000656\n  also PYSEC-2018-1\n"),
        "{}",
        known.stdout
    );
    assert!(known.stdout.contains("PyPI flask: affected: < 0.12.3"), "{}", known.stdout);
    context.expect(1, &["db", "explain", "CVE-1-1"]);
    assert!(context.expect(0, &["db", "search", "fla"]).stdout.contains("flask"));
    context.expect(1, &["db", "search", "absent"]);
}

#[test]
fn a_scan_uses_it() {
    let context = with_database();
    context.write("app.cdx.json", SBOM);
    let scan = context.expect(0, &["scan", "sbom:app.cdx.json", "-f", "json"]);
    assert!(scan.stdout.contains("CVE-2018-1000656"), "{}", scan.stdout);
    // Something else in its place is refused and never an empty answer.
    let core = context.expect(0, &["db", "status", "--format", "json"]);
    let core: serde_json::Value = serde_json::from_str(&core.stdout).unwrap();
    let path = std::path::Path::new(core["folder"].as_str().unwrap()).join("core.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() - 5;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let refused = context.run(&["scan", "sbom:app.cdx.json"]);
    assert_one_error(
        &refused,
        3,
        &["cannot be used", "changed since it was made", "sealift db build"],
    );
}

#[test]
fn it_is_carried_elsewhere() {
    let context = with_database();
    context.expect(0, &["db", "export", "advisories.tar.zst"]);
    context.expect(0, &["db", "import", "advisories.tar.zst", "--database", "elsewhere"]);
    let known =
        context.expect(0, &["db", "explain", "CVE-2018-1000656", "--database", "elsewhere"]);
    assert!(known.stdout.contains("a denial of service"), "{}", known.stdout);

    context.write("cut.tar.zst", "no database");
    let refused = context.run(&["db", "import", "cut.tar.zst", "--database", "elsewhere"]);
    assert_one_error(&refused, 3, &["cut.tar.zst"]);
    context.expect(0, &["db", "explain", "CVE-2018-1000656", "--database", "elsewhere"]);
}
