//! Reports of scans: in what formats, where to, and by templates.

use serde_json::Value;

use super::{assert_one_error, context};

const PACKAGE: &str = "Metadata-Version: 2.1\nName: flask\nVersion: 2.2.2\n";
const ADVISORY: &str = r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2023-1"],"summary":"Bad",
"affected":[{"package":{"ecosystem":"PyPI","name":"flask"},
"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.2.5"}]}]}]}"#;

fn with_flask() -> sealift_testkit::TestContext {
    let context = context();
    context.write("root/usr/lib/python3/site-packages/flask-2.2.2.dist-info/METADATA", PACKAGE);
    context.write("osv/x.json", ADVISORY);
    context
}

const SCAN: [&str; 4] = ["scan", "dir:root", "--advisories", "osv"];

fn scan<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&SCAN[..], arguments].concat()
}

#[test]
fn where_reports_go() {
    let context = with_flask();
    let run = |arguments: &[&str]| context.expect(0, &scan(arguments)).stdout;
    assert!(run(&[]).contains("CVE-2023-1"));
    // A file for the one format, or files for several; the format alone goes to stdout.
    assert_eq!(run(&["-f", "json", "-o", "a.json"]), "");
    assert!(run(&["-o", "json=b.json", "-o", "sarif=c.sarif", "-o", "markdown"]).starts_with("# "));
    assert_eq!(context.read("a.json"), context.read("b.json"));
    assert!(context.read("c.sarif").starts_with(b"{"));
    assert!(run(&["-f", "csv", "-o", "table=d.txt"]).starts_with("Severity,"));
    assert!(run(&["-o", "sarif"]).starts_with('{'));
    assert_eq!(run(&["-o", "./sarif"]), "");
    assert!(context.read("sarif").windows(10).any(|part| part == b"CVE-2023-1"));
    let twice = context.run(&scan(&["-f", "json", "-o", "x", "-o", "y"]));
    assert_one_error(&twice, 2, &["`-o y` is a second file", "-o json=a.json"]);
    let unknown = context.run(&scan(&["-o", "sarfi=x"]));
    assert_one_error(
        &unknown,
        2,
        &["`sarfi` is not a format", "did you mean `sarif`?", "template"],
    );
}

#[test]
fn every_format_is_written() {
    let context = with_flask();
    let formats = [
        "table",
        "json",
        "sarif",
        "gitlab",
        "gitlab-codequality",
        "junit",
        "markdown",
        "csv",
        "html",
        "openvex",
        "cosign-vuln",
        "cyclonedx",
        "spdx",
        "spdx-json",
        "github",
        "grype-json",
        "asff",
    ];
    let help = context.expect(0, &["scan", "--help"]).stdout;
    for format in formats {
        let text = context.expect(0, &scan(&["-f", format])).stdout;
        assert!(text.contains("flask"), "{format}: {text}");
        assert!(help.contains(format), "the help lacks {format}");
    }
}

#[test]
fn packages_are_listed_if_asked_for() {
    let context = with_flask();
    let text = context.expect(0, &scan(&["-f", "json", "--list-all-pkgs"])).stdout;
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["Results"][0]["Packages"][0]["ID"], "flask@2.2.2");
    let template = "{{ range . }}{{ range .Packages }}{{ .Name }}{{ end }}{{ end }}";
    let listed =
        |flags: &[&str]| context.expect(0, &[&scan(&["-t", template]), flags].concat()).stdout;
    assert_eq!((listed(&[]).trim(), listed(&["--list-all-pkgs"]).trim()), ("", "flask"));
}

#[test]
fn security_hub_needs_an_account() {
    let mut context = with_flask();
    let warned = context.expect(0, &scan(&["-f", "asff"])).stderr;
    assert!(warned.contains("`AWS_REGION` is not set") && warned.contains("`AWS_ACCOUNT_ID`"));
    context.set("AWS_DEFAULT_REGION", "eu-west-1");
    context.set("AWS_ACCOUNT_ID", "123456789012");
    let told = context.expect(0, &scan(&["-f", "asff"]));
    assert!(!told.stderr.contains("AWS"), "{told:?}");
    assert!(
        told.stdout
            .contains("arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default")
    );
}

#[test]
fn cyclonedx_is_the_sbom_with_vulnerabilities() {
    let context = with_flask();
    let parsed = |arguments: &[&str]| -> Value {
        serde_json::from_str(&context.expect(0, arguments).stdout).unwrap()
    };
    let document = parsed(&scan(&["-o", "cyclonedx"]));
    let plain = parsed(&["sbom", "dir:root", "-o", "cyclonedx-json"]);
    for part in ["components", "dependencies", "compositions", "specVersion"] {
        assert_eq!(document[part], plain[part], "{part}");
    }
    let found = &document["vulnerabilities"][0];
    assert_eq!(found["id"], "CVE-2023-1");
    assert_eq!(found["affects"][0]["ref"], plain["components"][0]["bom-ref"]);
}

#[test]
fn by_a_template() {
    let context = with_flask();
    let text = "{{ range . }}{{ .Target }}: {{ range .Vulnerabilities }}{{ .VulnerabilityID }} {{ .FixedVersion }}{{ end }}{{ end }}\n";
    context.write("a.tpl", text);
    context.write(
        "a.md.j2",
        "{% for it in Results[0].Vulnerabilities %}{{ it.PkgName }}{% endfor %}\n",
    );
    let expected = "Python: CVE-2023-1 2.2.5\n";
    let run = |arguments: &[&str]| context.expect(0, &scan(arguments)).stdout;
    assert_eq!(run(&["-f", "template", "--template", "@a.tpl"]), expected);
    assert_eq!(run(&["-f", "template", "-t", text]), expected);
    assert_eq!(run(&["--template", "a.tpl"]), expected);
    assert_eq!(run(&["-o", "template=a.txt", "-o", "json=a.json", "-t", "@a.tpl"]), "");
    assert_eq!(context.read("a.txt"), expected.as_bytes());
    assert_eq!(run(&["-t", "@a.md.j2"]), "flask\n");
    let check = |arguments: &[&str], expected: &[&str]| {
        assert_one_error(&context.run(&scan(arguments)), 2, expected);
    };
    check(&["-f", "template"], &["needs a template", "--template @FILE"]);
    check(&["-f", "json", "-t", "@a.tpl"], &["no output", "-f template"]);
    check(&["-t", "\n{{ range . }}"], &["line 2", "docs/templates.md"]);
    check(&["-t", "{{ nosuch }}"], &["`nosuch`", "docs/templates.md"]);
    let missing = context.run(&scan(&["-t", "@no.tpl"]));
    assert!(missing.stderr.contains("no.tpl"), "{missing:?}");
}
