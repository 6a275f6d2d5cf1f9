//! What can be looked into besides images: folders.

use crate::{assert_one_error, context};

const PACKAGE: &str = "Metadata-Version: 2.1\nName: flask\nVersion: 2.2.2\n";
const ADVISORY: &str = r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[
{"package":{"ecosystem":"PyPI","name":"flask"},"versions":["2.2.2"]}]}"#;
const POLICY: &str = "package a\ndeny[m] { p := input.packages[_]; p.name == \"flask\"; m := \"no flask\" }\ndeny[m] { input.image.runs_as_root; m := \"root\" }\n";

#[test]
fn a_folder() {
    let context = context();
    context.write("root/usr/lib/python3/site-packages/flask-2.2.2.dist-info/METADATA", PACKAGE);
    context.write("osv/x.json", ADVISORY);
    context.write("deny.rego", POLICY);
    check(&context, "dir:root", "root");
    let refused = context.run(&["inspect", "dir:root"]);
    assert_one_error(&refused, 2, &["cannot be opened as an image", "hint:", "sealift sbom"]);
    assert_one_error(&context.run(&["sbom", "dir:nothing"]), 3, &["nothing"]);
}

// What `sbom`, `scan` and `policy` say of files that hold `flask` and no image.
fn check(context: &sealift_testkit::TestContext, target: &str, name: &str) {
    let purls = context.expect(0, &["sbom", target, "-o", "purls"]).stdout;
    assert_eq!(purls, "pkg:pypi/flask@2.2.2\n");
    let document = context.expect(0, &["sbom", target, "-o", "cyclonedx-json"]).stdout;
    assert!(document.contains(&format!("\"name\": \"{name}\"")), "{document}");
    assert!(document.contains("2026-01-02T03:04:05Z"), "{document}");
    let again = context.expect(0, &["sbom", target, "-o", "cyclonedx-json"]).stdout;
    assert_eq!(document, again, "the same twice");
    let report = context.expect(0, &["scan", "-f", "json", "--advisories", "osv", target]).stdout;
    assert!(report.contains("\"ArtifactType\": \"filesystem\""), "{report}");
    assert!(report.contains("GHSA-1"), "{report}");
    let judged = context.run(&["policy", "check", "--policy", "deny.rego", target]);
    assert_eq!(judged.code, 1, "{judged:?}");
    assert!(judged.stdout.contains("no flask") && judged.stdout.contains("root"), "{judged:?}");
    assert!(judged.stderr.contains("this is no image"), "{judged:?}");
}
