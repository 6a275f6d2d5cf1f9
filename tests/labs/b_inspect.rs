//! B: what is wrong with a Dockerfile, and what is in an image.

use std::fs;

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::foreign::{blob, jq, manifest};
use crate::lab::{empty_lab, project, run, static_program};

const VULNERABLE: &str = r#"FROM ubuntu:latest
RUN apt-get update && apt-get install -y curl wget netcat
ENV API_KEY=sk_live_abcd1234
COPY . /app
WORKDIR /app
RUN chmod 777 -R /app
EXPOSE 22 80 443 3306 5432 6379 8080 9090
CMD ["python", "app.py"]
"#;

/// What is wrong with it: line, rule, and a word of what is said.
const PROBLEMS: [(u64, &str, &str); 20] = [
    (1, "SL2001", "ubuntu:latest"),
    (1, "SL2002", "digest"),
    (1, "SL1012", "root"),
    (1, "SL4008", "HEALTHCHECK"),
    (2, "SL4001", "package lists"),
    (2, "SL4002", "recommended"),
    (2, "SL2003", "`curl`, `wget`, `netcat`"),
    (2, "SL4003", "`curl` and `wget`"),
    (2, "SL1013", "netcat"),
    (2, "SL3010", "netcat"),
    (3, "SL1001", "API_KEY"),
    (3, "SL1002", "Stripe"),
    (4, "SL4005", ".dockerignore"),
    (6, "SL1006", "777"),
    (7, "SL1008", "port 22"),
    (7, "SL1009", "port 3306"),
    (7, "SL1009", "port 5432"),
    (7, "SL1009", "port 6379"),
    (7, "SL1009", "port 9090"),
    (8, "SL3009", "python"),
];

#[test]
fn b1_every_problem_of_the_vulnerable_dockerfile() {
    let context = empty_lab();
    context.write("Dockerfile", VULNERABLE);
    context.write("app.py", "print('hello')\n");
    let machine = context.expect(1, &["lint", "--format", "json", "Dockerfile"]).stdout;
    let document: Value = serde_json::from_str(&machine).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let person = context.expect(1, &["lint", "Dockerfile"]).stdout;
    for (line, rule, word) in PROBLEMS {
        let found = findings.iter().find(|finding| {
            finding["line"] == line
                && finding["rule"] == rule
                && finding["message"].as_str().unwrap().contains(word)
        });
        let found =
            found.unwrap_or_else(|| panic!("line {line}: no {rule} about {word}\n{person}"));
        // Explained: why it matters, and what to do.
        for part in ["message", "why", "help"] {
            let text = found[part].as_str().unwrap();
            assert!(text.len() > 10, "{rule}: {part} is `{text}`");
            assert!(person.contains(text), "{rule}: `{text}` is not shown to people");
        }
        assert!(person.contains(&format!("[{rule}]")), "{rule}");
        assert!(person.contains(&format!("Dockerfile:{line}:")), "{rule}: line {line}");
    }
    assert!(person.contains("EXPOSE 22 80 443 3306"), "the source is not shown: {person}");
    for text in [&machine, &person] {
        assert!(!text.contains("abcd1234"), "the key is shown");
    }
    // Neither 80 nor 443 nor 8080 is a problem, and the names of other tools' rules are known.
    for port in ["port 80 ", "port 443 ", "port 8080 "] {
        assert!(!person.contains(port), "{port}");
    }
    let fewer = context.expect(1, &["lint", "--ignore", "DL3007,SL1012", "Dockerfile"]).stdout;
    assert!(!fewer.contains("[SL2001]") && !fewer.contains("[SL1012]"), "{fewer}");
    // The example's Dockerfile is none of this.
    context.expect(0, &["lint", project().join("examples/secure-app").to_str().unwrap()]);
}

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
    context.write("sealift.toml", "[scan]\nadvisories = \"osv\"\n");
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
    context.expect(0, &["build", "--quiet", "-t", "app:latest", "."]);
    context
}

fn vulnerable_app() -> TestContext {
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
const LIST: &str = r#".Results[].Vulnerabilities[] | "\(.Severity): \(.PkgName) \(.InstalledVersion) -> \(.FixedVersion) (\(.Title))""#;

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
        nothing.expect(
            0,
            &["scan", "-f", "json", "-o", "report.json", "app:latest", "--exit-code", "1"],
        );
        assert_eq!(jq(&nothing, COUNT, "report.json"), "0");
        assert_eq!(jq(&nothing, LIST, "report.json"), "");
        assert_eq!(count_of(&nothing.expect(0, &["scan", "app:latest"]).stdout), "0");
    }
}

#[test]
fn b13_layers_folders_and_wasted_bytes() {
    const MEGABYTE: usize = 1_000_000;
    let context = empty_lab();
    context.write("busybox", static_program());
    context.write("removed", noise(3 * MEGABYTE));
    context.write("twice", noise(2 * MEGABYTE));
    context.write("kept", noise(4 * MEGABYTE));
    context.write(
        "Dockerfile",
        "FROM scratch\n\
         COPY --chmod=755 busybox /bin/busybox\n\
         COPY removed /data/cache/removed\n\
         COPY twice kept /data/files/\n\
         RUN [\"/bin/busybox\", \"rm\", \"/data/cache/removed\"]\n\
         RUN [\"/bin/busybox\", \"chmod\", \"600\", \"/data/files/twice\"]\n",
    );
    context.expect(0, &["build", "-t", "app", "."]);
    let document = context.expect(0, &["inspect", "--layers", "--format", "json", "app"]).stdout;
    let document: Value = serde_json::from_str(&document).unwrap();
    let layers = document["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 5);

    // The sizes are those that others find.
    let manifest = manifest(&context, "app:latest");
    for (layer, described) in layers.iter().zip(manifest["layers"].as_array().unwrap()) {
        assert_eq!(layer["digest"], described["digest"]);
        assert_eq!(layer["sizeBytes"], described["size"]);
        let path = blob(&context, &layer["digest"]);
        let unpacked = run("sh", &["-c", "zcat \"$1\" | wc -c", "sh", path.to_str().unwrap()]);
        assert_eq!(layer["uncompressedBytes"].to_string(), unpacked.trim());
        let entries = run("tar", &["-tzf", path.to_str().unwrap()]);
        assert_eq!(layer["entries"].to_string(), entries.lines().count().to_string());
    }
    // Layer 2 is undone, and one file of layer 3 is there twice.
    let wasted = |layer: usize| layers[layer]["hiddenBytes"].as_u64().unwrap();
    let megabyte = MEGABYTE as u64;
    assert_eq!([0, 1, 2, 3, 4].map(wasted), [0, 3 * megabyte, 2 * megabyte, 0, 0]);
    assert_eq!(layers[4]["duplicatedBytes"], 2 * megabyte);

    let text = context.expect(0, &["inspect", "--layers", "app"]).stdout;
    assert!(text.contains("wasted: 5.0 MB"), "{text}");
    assert!(text.lines().any(|line| line.trim_end().ends_with("6.0 MB  /data/files")), "{text}");
    assert!(text.contains("MB  /bin\n") && !text.contains("/data/cache\n"), "{text}");
    assert!(text.contains("COPY removed /data/cache/removed"), "{text}");
    let row = text.lines().find(|line| line.contains("COPY twice kept")).unwrap();
    assert!(row.starts_with('3') && row.contains("6.0 MB"), "{row}");
}

// Bytes that do not compress, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = length as u64 | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}
