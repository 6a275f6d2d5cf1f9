//! Advisories and databases that are bad, old, huge or from another time. `docs/feeds.md` has the table of them.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use sealift_testkit::{FileServer, TestContext};

use crate::{assert_one_error, context};

const SBOM: &str = r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [
  {"type": "library", "name": "flask", "version": "1.5", "purl": "pkg:pypi/flask@1.5"}]}"#;

// The events are those of one range on flask.
fn record(id: &str, events: &str) -> String {
    format!(
        r#"{{"id": "{id}", "affected": [{{"package": {{"ecosystem": "PyPI", "name": "flask"}},
          "ranges": [{{"type": "ECOSYSTEM", "events": {events}}}]}}]}}"#
    )
}

const BELOW_2: &str = r#"[{"introduced": "0"}, {"fixed": "2"}]"#;

// What a scan of flask 1.5 finds, by id.
fn found(context: &TestContext, more: &[&str]) -> Vec<String> {
    context.write("app.cdx.json", SBOM);
    let scan = [&["scan", "sbom:app.cdx.json", "-f", "json"][..], more].concat();
    let report: serde_json::Value = serde_json::from_str(&context.expect(0, &scan).stdout).unwrap();
    let results = report["Results"].as_array().unwrap().iter();
    let findings = results.filter_map(|result| result["Vulnerabilities"].as_array()).flatten();
    let mut ids: Vec<String> =
        findings.map(|it| it["VulnerabilityID"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn records_that_are_odd() {
    let context = context();
    let deep = "[".repeat(200_000);
    let not_text = [&b"{\"id\": \"CVE-1-90\xff"[..], b"\"}"].concat();
    for (name, content, is_found) in [
        ("no-affected", r#"{"id": "CVE-1-1"}"#.to_owned(), false),
        ("null-affected", r#"{"id": "CVE-1-2", "affected": null}"#.to_owned(), false),
        ("integer-versions", record("CVE-1-3", r#"[{"introduced": 0}, {"fixed": 2}]"#), true),
        ("decimal-version", record("CVE-1-4", r#"[{"introduced": 0}, {"fixed": 1.50}]"#), true),
        (
            "unsorted",
            record("CVE-1-5", r#"[{"fixed": "2"}, {"introduced": "3"}, {"introduced": "1"}]"#),
            true,
        ),
        (
            "unsorted-gap",
            record(
                "CVE-1-6",
                r#"[{"fixed": "3"}, {"fixed": "1"}, {"introduced": "2"}, {"introduced": "0"}]"#,
            ),
            false,
        ),
        (
            "overlapping",
            record(
                "CVE-1-7",
                r#"[{"introduced": "0"}, {"introduced": "1"}, {"fixed": "2"}, {"fixed": "3"}]"#,
            ),
            true,
        ),
        (
            "withdrawn",
            record("CVE-1-8", BELOW_2)
                .replacen('{', r#"{"withdrawn": "2024-01-01T00:00:00Z", "#, 1),
            false,
        ),
        (
            "placeholder-dates",
            record("CVE-1-9", BELOW_2).replacen(
                '{',
                r#"{"withdrawn": "0001-01-01T00:00:00Z", "published": "", "modified": "0001-01-01T00:00:00Z", "#,
                1,
            ),
            true,
        ),
        ("deep", format!(r#"{{"id": "CVE-1-10", "affected": {deep}"#), false),
        ("array", format!("[{}]", record("CVE-1-11", BELOW_2)), true),
    ] {
        context.write(&format!("{name}/bad.json"), content);
        context.write(&format!("{name}/not-text.json"), &not_text);
        context.write(&format!("{name}/good.json"), record("CVE-1-99", BELOW_2));
        let ids = found(&context, &["--advisories", name]);
        assert!(ids.contains(&"CVE-1-99".to_owned()), "{name}: {ids:?}");
        assert_eq!(ids.len(), 1 + usize::from(is_found), "{name}: {ids:?}");
    }
}

#[test]
fn one_id_with_two_contents() {
    let context = context();
    context.write("osv/a.json", record("CVE-1-1", r#"[{"introduced": "0"}, {"fixed": "1"}]"#));
    context.write("osv/b.json", record("CVE-1-1", BELOW_2));
    context.write("osv/c.json", record("CVE-1-1", BELOW_2));
    // Neither hides the other, and together they are one finding. What is the same counts once.
    assert_eq!(found(&context, &["--advisories", "osv"]), ["CVE-1-1"]);
    let built = context.expect(0, &["db", "build", "--from", "osv"]).stderr;
    assert!(built.contains("1 flaws in 2 records"), "{built}");
    let scan = context.expect(0, &["scan", "sbom:app.cdx.json", "-f", "table"]).stdout;
    assert!(scan.contains("2 records"), "{scan}");
}

#[test]
fn what_is_withdrawn_goes() {
    let (context, server) = (context(), FileServer::start());
    let url = server.url();
    let list = |days: [u8; 2]| {
        let mut lines = [(days[0], "CVE-1-1"), (days[1], "CVE-1-2")];
        lines.sort_by(|left, right| right.cmp(left));
        lines.map(|(day, id)| format!("2026-01-{day:02}T00:00:00Z,{id}\n")).concat()
    };
    let records = [
        ("CVE-1-1.json", record("CVE-1-1", BELOW_2)),
        ("CVE-1-2.json", record("CVE-1-2", BELOW_2)),
    ];
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in &records {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    server.put("/ecosystems.txt", "PyPI\n");
    server.put("/PyPI/all.zip", zip.finish().unwrap().into_inner());
    server.put("/PyPI/modified_id.csv", list([1, 1]));
    context.expect(0, &["db", "update", "--source", &url]);
    assert_eq!(found(&context, &[]), ["CVE-1-1", "CVE-1-2"]);

    let withdrawn = records[0].1.replacen('{', r#"{"withdrawn": "2026-01-02T00:00:00Z", "#, 1);
    server.put("/PyPI/CVE-1-1.json", withdrawn);
    server.put("/PyPI/modified_id.csv", list([2, 1]));
    let updated = context.expect(0, &["db", "update", "--source", &url]).stderr;
    assert!(updated.contains("fetched PyPI (1 record)"), "{updated}");
    assert_eq!(found(&context, &[]), ["CVE-1-2"]);
    context.expect(1, &["db", "explain", "CVE-1-1"]);
}

type Damage = fn(&mut Vec<u8>);

// What is done to which file, and what the error says of it.
const DAMAGES: [(&str, &str, Damage, &str); 9] = [
    ("cut", "core.db", |it| it.truncate(it.len() / 2), "bytes and should have"),
    ("cut-at-the-head", "core.db", |it| it.truncate(40), "it is no advisory database"),
    ("empty", "core.db", Vec::clear, "it is no advisory database"),
    ("appended", "core.db", |it| it.extend(b"more"), "bytes and should have"),
    ("older", "core.db", |it| it[8] = 0, "its schema is 0"),
    ("newer", "core.db", |it| it[8] = 99, "its schema is 99"),
    (
        "foreign",
        "core.db",
        |it| *it = b"SQLite format 3\0".repeat(99),
        "it is no advisory database",
    ),
    ("altered", "core.db", |it| flip(it, 3), "changed since it was made"),
    ("altered-texts", "texts.db", |it| flip(it, 3), "changed since it was made"),
];

fn flip(bytes: &mut [u8], from_end: usize) {
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
}

fn tar(folder: &Path) -> Vec<u8> {
    let output = std::process::Command::new("tar")
        .args(["--create", "--directory"])
        .arg(folder)
        .args(["core.db", "texts.db"])
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn databases_that_are_bad() {
    let context = context();
    context.write("osv/a.json", record("CVE-1-1", BELOW_2));
    context.write("app.cdx.json", SBOM);
    context.expect(0, &["db", "build", "--from", "osv"]);
    for (name, file, damage, expected) in DAMAGES {
        context.expect(0, &["db", "build", "--from", "osv", "--database", name]);
        let folder = context.work().join(name);
        let mut bytes = fs::read(folder.join(file)).unwrap();
        damage(&mut bytes);
        fs::write(folder.join(file), bytes).unwrap();
        context.write(&format!("{name}.tar"), tar(&folder));

        let refused = context.run(&["db", "import", &format!("{name}.tar")]);
        assert_one_error(&refused, 3, &[name, expected, "hint:"]);
        assert_eq!(found(&context, &[]), ["CVE-1-1"], "{name}");
        let refused = context.run(&["scan", "sbom:app.cdx.json", "--advisories", name]);
        assert_one_error(&refused, 3, &[name, expected, "hint:"]);
        let refused = context.run(&["db", "export", "out.tar.zst", "--database", name]);
        assert_one_error(&refused, 3, &[name, expected, "hint:"]);
        assert!(!context.work().join("out.tar.zst").exists());
        // A good one takes its place.
        context.expect(0, &["db", "build", "--from", "osv", "--database", name]);
        assert_eq!(found(&context, &["--advisories", name]), ["CVE-1-1"]);
    }
}

#[test]
fn exports_that_are_bad() {
    let context = context();
    context.write("osv/a.json", record("CVE-1-1", BELOW_2));
    context.expect(0, &["db", "build", "--from", "osv"]);
    context.expect(0, &["db", "export", "good.tar.zst"]);
    let good = context.read("good.tar.zst");
    context.write("cut.tar.zst", &good[..good.len() / 2]);
    context.write("page.tar.zst", "<!DOCTYPE html><title>Sign in</title>");
    context.write("empty.tar.zst", "");
    context.write("other.tar", {
        context.write("other/core.db", "x");
        context.write("other/texts.db", "x");
        tar(&context.work().join("other"))
    });
    for (name, expected) in [
        ("cut.tar.zst", "hint:"),
        ("page.tar.zst", "is no exported database"),
        ("empty.tar.zst", "hint:"),
        ("other.tar", "it is no advisory database"),
        ("missing.tar", "cannot read"),
    ] {
        let refused = context.run(&["db", "import", name]);
        assert_one_error(&refused, 3, &[name, expected]);
        assert_eq!(found(&context, &[]), ["CVE-1-1"], "{name}");
    }
}

#[test]
fn a_clock_in_the_past() {
    let mut context = context();
    context.write("osv/a.json", record("CVE-1-1", BELOW_2));
    context.write("app.cdx.json", SBOM);
    context.set("SOURCE_DATE_EPOCH", "4000000000");
    context.expect(0, &["db", "build", "--from", "osv"]);
    // It would be fresh for ever.
    let refused = context.run(&["scan", "sbom:app.cdx.json", "--db-max-age", "90000d"]);
    assert_one_error(&refused, 3, &["hours from now", "its age is not known", "set the clock"]);
    let scan = context.expect(0, &["scan", "sbom:app.cdx.json"]);
    let told = [scan.stdout, scan.stderr].concat();
    assert!(told.contains("hours from now by this machine's clock"), "{told}");
    assert!(told.contains("CVE-1-1"), "{told}");
    let status = context.expect(0, &["db", "status"]).stderr;
    assert!(status.contains("days from now by this machine's clock"), "{status}");
}

// The address space is what is limited: what a process holds is less.
const KIB_MAX: u32 = 2 << 20;
const LONG: usize = 100 << 20;

#[test]
fn texts_of_a_hundred_megabytes() {
    let context = context();
    let long = "a".repeat(LONG);
    let good = record("CVE-1-1", BELOW_2);
    context
        .write("osv/details.json", good.replacen('{', &format!(r#"{{"details": "{long}", "#), 1));
    let version = format!(r#"[{{"introduced": "{long}"}}, {{"fixed": "2"}}]"#);
    context.write("osv/version.json", record("CVE-1-2", &version));
    context.write("osv/id.json", record(&long, BELOW_2));
    context.write("osv/name.json", record("CVE-1-3", BELOW_2).replacen("flask", &long, 1));
    context.write("osv/date.json", good.replacen('{', &format!(r#"{{"modified": "{long}", "#), 1));
    let line = format!("ulimit -v {KIB_MAX}; exec \"$0\" db build --from osv");
    let sealift = context.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]).arg(sealift.get_program()).current_dir(context.work()).env_clear();
    shell.envs(sealift.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = shell.env("RAYON_NUM_THREADS", "2").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    // An event that cannot be read opens a range, and there is a note on it.
    assert_eq!(found(&context, &[]), ["CVE-1-1", "CVE-1-2"]);
    let status = context.expect(0, &["db", "status", "--format", "json"]).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let core = fs::metadata(Path::new(status["folder"].as_str().unwrap()).join("core.db")).unwrap();
    assert!(core.len() < 1 << 20, "{} bytes", core.len());
}
