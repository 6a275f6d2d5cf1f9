//! B: what is known of the packages in an image, and what has changed.

use std::fs;

use sealift_testkit::TestContext;

use crate::advisories::{update_from_documents, update_from_public};
use crate::foreign::jq;
use crate::lab::{empty_lab, project, run};

/// An advisory of our own, HIGH, that nothing fixes.
const UNFIXED: &str = r#"{
  "id": "TEST-PYPI-1", "aliases": ["CVE-2099-0001"], "modified": "2026-01-01T00:00:00Z",
  "summary": "nothing helps against this",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
  "affected": [{"package": {"ecosystem": "PyPI", "name": "flask"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]
}"#;

/// `app:latest` with the metadata of these Python and Debian packages, and the advisories that a project brings.
fn app(python: &[(&str, &str)], debian: &[(&str, &str)]) -> TestContext {
    let context = empty_lab().with_fixed_clock();
    context.copy_in(&project().join("examples/secure-app/advisories"));
    let advisories = context.work().join("osv");
    fs::create_dir(&advisories).unwrap();
    run("sh", &["-c", "mv \"$1\"/*.json \"$1\"/osv", "sh", context.work().to_str().unwrap()]);
    context.write("osv/TEST-PYPI-1.json", UNFIXED);
    update_from_documents(&context, &advisories);
    image(&context, "app:latest", python, debian);
    context
}

// An image with the metadata of packages, and nothing else.
pub(crate) fn image(
    context: &TestContext,
    name: &str,
    python: &[(&str, &str)],
    debian: &[(&str, &str)],
) {
    fs::remove_dir_all(context.work().join("root")).ok();
    for (name, version) in python {
        let place = format!(
            "root/opt/venv/lib/python3.11/site-packages/{name}-{version}.dist-info/METADATA"
        );
        context.write(&place, format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"));
    }
    if !debian.is_empty() {
        let release = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
        context.write("root/etc/os-release", release);
    }
    for (name, version) in debian {
        context.write(
            &format!("root/var/lib/dpkg/status.d/{name}"),
            format!("Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\nDescription: x\n"),
        );
    }
    context.write("root/empty", "");
    context.write("Dockerfile", "FROM scratch\nCOPY root/ /\n");
    context.write(".dockerignore", "osv\n");
    context.expect(0, &["build", "--quiet", "-t", name, "."]);
}

pub(crate) fn vulnerable_app() -> TestContext {
    let python =
        [("Flask", "0.12.2"), ("requests", "2.19.1"), ("Django", "1.11.0"), ("PyYAML", "3.13")];
    app(&python, &[("curl", "7.88.1-10+deb12u1"), ("tar", "1.34+dfsg-1.2")])
}

#[test]
fn b4_a_table_by_severity_that_fails_the_build() {
    let context = vulnerable_app();
    let gate = [
        "scan",
        "app:latest",
        "--severity",
        "CRITICAL,HIGH",
        "--ignore-unfixed",
        "--exit-code",
        "1",
    ];
    let table = context.expect(1, &gate).stdout;
    let rows: Vec<&str> = table.lines().filter(|line| line.contains(" CVE-")).collect();
    let row = |id: &str| {
        rows.iter()
            .find(|row| row.contains(id))
            .map(|row| row.split_whitespace().collect::<Vec<_>>())
    };
    for (id, package, installed, severity, fixed) in [
        ("CVE-2018-1000656", "Flask", "0.12.2", "HIGH", "0.12.3"),
        ("CVE-2018-18074", "requests", "2.19.1", "HIGH", "2.20.0"),
        ("CVE-2017-18342", "PyYAML", "3.13", "CRITICAL", "5.1"),
        ("CVE-2019-14234", "Django", "1.11.0", "CRITICAL", "1.11.23"),
        ("CVE-2023-38545", "curl", "7.88.1-10+deb12u1", "CRITICAL", "7.88.1-10+deb12u4"),
    ] {
        let row = row(id).unwrap_or_else(|| panic!("{id} is missing\n{table}"));
        assert_eq!(row[..5], [package, installed, severity, id, fixed], "{table}");
    }
    // Less grave, and without a fix.
    for absent in ["CVE-2017-12794", "CVE-2023-46218", "CVE-2005-2541", "CVE-2099-0001"] {
        assert!(!table.contains(absent), "{absent}\n{table}");
    }
    for row in &rows {
        assert!(row.contains(" CRITICAL ") || row.contains(" HIGH "), "{row}");
    }
    assert!(table.contains("EXAMPLE DATA") || !table.contains("sample"), "{table}");

    // All of them, one by one.
    let all = context.expect(0, &["scan", "app:latest"]).stdout;
    for present in ["CVE-2017-12794", "CVE-2023-46218", "CVE-2005-2541", "CVE-2099-0001"] {
        assert!(all.contains(present), "{present}\n{all}");
    }
    context.expect(7, &["scan", "app:latest", "--severity", "MEDIUM", "--exit-code", "7"]);
    context.expect(1, &["scan", "app:latest", "--fail-on", "critical"]);

    // Upgraded, the same gate is open; what has no fix still shuts a stricter one.
    let python =
        [("Flask", "3.1.3"), ("requests", "2.32.5"), ("Django", "5.2.0"), ("PyYAML", "6.0.2")];
    let upgraded = app(&python, &[("curl", "7.88.1-10+deb12u12")]);
    upgraded.expect(0, &gate);
    let strict = ["scan", "app:latest", "--severity", "CRITICAL,HIGH", "--exit-code", "1"];
    assert!(upgraded.expect(1, &strict).stdout.contains("CVE-2099-0001"));
    // A scan that could not look must not look like one that found nothing.
    upgraded.expect(3, &["scan", "app:latest", "--advisories", "nowhere", "--exit-code", "1"]);
    upgraded.expect(2, &["scan", "app:latest", "--severity", "GRAVE"]);
}

const COUNT: &str = "[.Results[].Vulnerabilities | length] | add";
pub(crate) const LIST: &str = r#".Results[].Vulnerabilities[] | "\(.Severity): \(.PkgName) \(.InstalledVersion) -> \(.FixedVersion) (\(.Title))""#;

// The table's own number.
fn count_of(table: &str) -> &str {
    let line = table.lines().find(|line| line.contains(" findings") || line.contains(" finding:"));
    line.unwrap().split_whitespace().next().unwrap()
}

#[test]
fn b5_json_as_scripts_for_trivy_read_it() {
    let context = vulnerable_app();
    for flags in
        [&[][..], &["--severity", "CRITICAL,HIGH", "--ignore-unfixed"], &["--severity", "UNKNOWN"]]
    {
        context.expect(
            0,
            &[&["scan", "-f", "json", "-o", "report.json", "app:latest"], flags].concat(),
        );
        let table = context.expect(0, &[&["scan", "app:latest"], flags].concat()).stdout;
        let count = jq(&context, COUNT, "report.json");
        assert_eq!(count, count_of(&table), "{flags:?}\n{table}");
        let list = jq(&context, LIST, "report.json");
        assert_eq!(list.lines().count().to_string(), count, "{flags:?}");
        for line in list.lines() {
            let id = line.split_whitespace().nth(1).unwrap();
            assert!(table.contains(id), "{line}");
        }
    }
    context.expect(0, &["scan", "-f", "json", "-o", "report.json", "app:latest"]);
    let list = jq(&context, LIST, "report.json");
    assert!(list.contains("HIGH: Flask 0.12.2 -> 0.12.3 ("), "{list}");
    assert!(list.contains("CRITICAL: curl 7.88.1-10+deb12u1 -> 7.88.1-10+deb12u4 ("), "{list}");
    assert!(list.contains("HIGH: Flask 0.12.2 -> null (nothing helps against this)"), "{list}");
    let head = jq(&context, "[.SchemaVersion, .ArtifactName, .ArtifactType] | @csv", "report.json");
    assert_eq!(head, "2,\"app:latest\",\"container_image\"");
    let kinds = jq(&context, ".Results[] | \"\\(.Class) \\(.Type)\"", "report.json");
    assert_eq!(kinds, "os-pkgs debian\nlang-pkgs python-pkg");
    // stdout has the same document, and nothing else.
    let printed = context.expect(0, &["scan", "-f", "json", "app:latest"]).stdout;
    assert_eq!(printed.as_bytes(), context.read("report.json"));

    // Nothing found, and nothing there to look at.
    for nothing in [app(&[("Flask", "99")], &[("tar", "99")]), app(&[], &[])] {
        fs::remove_file(nothing.work().join("osv/TEST-PYPI-1.json")).unwrap();
        fs::remove_file(nothing.work().join("osv/EXAMPLE-DEBIAN-CVE-2005-2541.json")).unwrap();
        update_from_documents(&nothing, &nothing.work().join("osv"));
        nothing.expect(
            0,
            &["scan", "-f", "json", "-o", "report.json", "app:latest", "--exit-code", "1"],
        );
        assert_eq!(jq(&nothing, COUNT, "report.json"), "0");
        assert_eq!(jq(&nothing, LIST, "report.json"), "");
        assert_eq!(count_of(&nothing.expect(0, &["scan", "app:latest"]).stdout), "0");
    }
}

const OLD: [(&str, &str); 4] =
    [("flask", "0.12.2"), ("requests", "2.19.1"), ("PyYAML", "3.13"), ("django", "1.11.0")];
const NEW: [(&str, &str); 4] =
    [("flask", "2.2.2"), ("requests", "2.28.1"), ("PyYAML", "6.0"), ("django", "4.1.3")];

#[test]
fn b8_what_was_fixed_what_is_left_and_what_to_upgrade_to() {
    let context = empty_lab();
    if !update_from_public(&context, &["PyPI"]) {
        return;
    }
    image(&context, "app:old", &OLD, &[]);
    context.expect(0, &["scan", "app:old", "-f", "json", "-o", "old.json"]);
    image(&context, "app:new", &NEW, &[]);
    let flags = ["scan", "app:new", "--compare-to", "app:old"];
    let table = context.expect(0, &flags).stdout;
    for gone in [
        "CVE-2018-1000656 UNKNOWN in flask 0.12.2",
        "in requests 2.19.1",
        "in PyYAML 3.13",
        "in django 1.11.0",
    ] {
        let is_it = |line: &str| line.trim().starts_with("fixed ") && line.contains(gone);
        assert!(table.lines().any(is_it), "{gone}\n{table}");
    }
    // Django 4 has flaws that 1.11 does not have: they came with it.
    let is_new = |line: &str| {
        line.trim().starts_with("new ") && line.contains("in django 4.1.3, newly introduced")
    };
    assert!(table.lines().any(is_new), "{table}");
    // What is left, and what repairs it.
    for left in ["CVE-2023-30861", "CVE-2023-32681", "CVE-2024-35195"] {
        assert!(
            table.lines().any(|line| line.contains(left) && !line.contains("fixed ")),
            "{table}"
        );
    }
    assert!(table.contains("upgrade requests from 2.28.1 to 2.32.2"), "{table}");
    assert!(table.contains("upgrade flask from 2.2.2 to 2.2.5"), "{table}");

    // The same since a report, for a gate that only asks what is new.
    let expected = numbers(&table);
    let since = ["scan", "app:new", "--baseline", "old.json"];
    assert_eq!(numbers(&context.expect(0, &since).stdout), expected);
    let only = [&since[..], &["--only-new", "-f", "json", "-o", "new.json"]].concat();
    context.expect(0, &only);
    let count = jq(&context, COUNT, "new.json");
    assert_eq!(count, jq(&context, ".Comparison.New | length", "new.json"));
    assert_eq!(expected[2], count);
    let gate = ["scan", "app:old", "--baseline", "old.json", "--only-new", "--exit-code", "1"];
    context.expect(0, &gate);
    context.expect(1, &[&since[..], &["--only-new", "--exit-code", "1"]].concat());
    context.expect(2, &["scan", "app:new", "--only-new"]);
    context.expect(2, &["scan", "app:new", "--baseline", "Dockerfile"]);
}

// Fixed, left, new.
fn numbers(table: &str) -> [String; 3] {
    let line = table.lines().find(|line| line.starts_with("compared with ")).unwrap();
    let words: Vec<&str> = line.split_whitespace().rev().collect();
    [words[5], words[3], words[1]].map(str::to_owned)
}

#[test]
fn b11_an_sbom_instead_of_the_image() {
    let context = vulnerable_app();
    let findings = |target: &str| {
        context.expect(0, &["scan", target, "-f", "json", "-o", "report.json"]);
        let list = jq(&context, LIST, "report.json");
        let mut lines: Vec<String> = list.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let of_image = findings("app:latest");
    assert!(of_image.len() > 10);
    let formats = ["cyclonedx-json", "cyclonedx", "spdx-json", "spdx", "syft-json"];
    for format in formats {
        let file = format!("sbom.{format}");
        context.expect(0, &["sbom", "app:latest", "-o", &format!("{format}={file}")]);
        assert_eq!(findings(&format!("sbom:{file}")), of_image, "{format}");
        // The gate is the same too.
        let gate = ["scan", &format!("sbom:{file}"), "--severity", "CRITICAL", "--exit-code", "1"];
        context.expect(1, &gate);
    }
    context.write("broken.json", r#"{"bomFormat": "CycloneDX", "components": ["#);
    context.expect(2, &["scan", "sbom:broken.json"]);
}

#[test]
fn what_the_base_brought_and_what_another_would_change() {
    let context = vulnerable_app();
    let build = |name: &str, base: &str, folder: &str| {
        context.write("Dockerfile", format!("FROM {base}\nCOPY {folder}/ /{folder}/\n"));
        context.expect(0, &["build", "--quiet", "-t", name, "."]);
    };
    let place =
        |version: &str| format!("Metadata-Version: 2.1\nName: requests\nVersion: {version}\n");
    context.write("own/requests.dist-info/METADATA", place("2.19.1"));
    build("on:1", "app:latest", "own");
    let list = r#"[.Results[].Vulnerabilities[] | .Origin] | group_by(.) | map("\(.[0]) \(length)") | join(", ")"#;
    let count = |flags: &[&str]| {
        let scan = ["scan", "on:1", "-f", "json", "-o", "report.json"];
        context.expect(0, &[&scan[..], flags].concat());
        jq(&context, list, "report.json")
    };
    let origins = count(&[]);
    assert!(origins.starts_with("base ") && origins.contains(", own "), "{origins}");
    assert_eq!(count(&["--base", "app:latest"]), origins);

    // A base in which Flask is repaired, and which brings nothing.
    context.write(
        "root/opt/venv/lib/python3.11/site-packages/Flask-0.12.2.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: Flask\nVersion: 3.1.3\n",
    );
    build("app:next", "scratch", "root");
    let table = context.expect(0, &["scan", "on:1", "--try-base", "app:next"]).stdout;
    assert!(table.contains("base image app:latest, 1 layer: "), "{table}");
    let line = table.lines().find(|line| line.contains("with app:next in its place: ")).unwrap();
    assert!(!line.contains("repairs 0,") && line.ends_with("brings 0"), "{line}");
    // Gates can tell one from the other.
    context.expect(1, &["scan", "on:1", "--fail-on", "own"]);
    context.expect(0, &["scan", "app:latest", "--fail-on", "base"]);

    for wrong in [&["--base", "app:next"][..], &["--base", "nothing:1"]] {
        assert_ne!(context.run(&[&["scan", "on:1"][..], wrong].concat()).code, 0);
    }
    context.expect(2, &["scan", "app:latest", "--try-base", "app:next"]);
}

#[test]
fn b6_reports_for_code_hosts_and_people() {
    let context = vulnerable_app();
    context.write("list.tpl", "{{ range . }}{{ range .Vulnerabilities }}{{ .VulnerabilityID }} {{ .PkgName }} {{ .Severity | lower }}\n{{ end }}{{ end }}");
    let formats = ["sarif", "gitlab", "junit", "html", "cyclonedx", "json"];
    let mut scan = vec!["scan".to_owned(), "app:latest".to_owned()];
    for format in formats {
        scan.extend(["-o".to_owned(), format!("{format}=report.{format}")]);
    }
    context.expect(0, &scan.iter().map(String::as_str).collect::<Vec<_>>());
    let ids = |expression: &str, file: &str| {
        let list = jq(&context, expression, file);
        let mut ids: Vec<String> = list.lines().map(str::to_owned).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let expected = ids(".Results[].Vulnerabilities[].VulnerabilityID", "report.json");
    assert!(expected.len() > 10);
    assert_eq!(ids(".runs[0].results[].ruleId", "report.sarif"), expected);
    let gitlab = r#".vulnerabilities[].identifiers[] | select(.type == "cve") | .value"#;
    assert_eq!(ids(gitlab, "report.gitlab"), expected);
    assert_eq!(ids(".vulnerabilities[].id", "report.cyclonedx"), expected);
    for file in ["report.junit", "report.html"] {
        let text = String::from_utf8(context.read(file)).unwrap();
        for id in &expected {
            assert!(text.contains(id), "{id} is not in {file}");
        }
    }
    let template = ["scan", "app:latest", "-f", "template", "--template", "@list.tpl"];
    let list = context.expect(0, &template).stdout;
    assert!(list.contains("CVE-2018-1000656 Flask high\n"), "{list}");
    assert_eq!(list.lines().count().to_string(), jq(&context, COUNT, "report.json"));
    context.expect(2, &["scan", "app:latest", "-f", "template"]);
}

#[test]
fn b8_a_folder_with_lock_files_and_an_image_of_it() {
    let context = vulnerable_app();
    let requirements: String =
        OLD.iter().flat_map(|(name, version)| [*name, "==", *version, "\n"]).collect();
    context.write("project/requirements.txt", requirements);
    let scan = |target: &str, flags: &[&str]| {
        let scan = ["scan", target, "-f", "json", "-o", "report.json"];
        context.expect(0, &[&scan[..], flags].concat());
        jq(&context, LIST, "report.json").lines().count()
    };
    // In a folder it is all that there is.
    let of_folder = scan("dir:project", &[]);
    assert!(of_folder > 5, "{of_folder}");
    let sbom = context.expect(0, &["sbom", "dir:project", "-o", "purls"]).stdout;
    assert!(sbom.contains("pkg:pypi/flask@0.12.2"), "{sbom}");
    let table = context.expect(0, &["scan", "dir:project"]).stdout;
    assert!(table.contains("in requirements.txt: "), "{table}");

    // In an image nobody knows whether it is there, and the report says so.
    context.write("Dockerfile", "FROM scratch\nCOPY project/ /app/\n");
    context.expect(0, &["build", "--quiet", "-t", "project:1", "."]);
    assert_eq!(scan("project:1", &[]), 0);
    let table = context.expect(0, &["scan", "project:1"]).stdout;
    assert!(table.contains("4 packages that are named and not installed"), "{table}");
    assert_eq!(scan("project:1", &["--declared"]), of_folder);
}
