//! The advisory database: made, asked, carried elsewhere.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use sealift_oci::Digest;
use sealift_testkit::{
    Access, Faults, FileServer, LayerFile, Mischief, Registry, TestContext, layer,
};

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

#[test]
fn a_release_that_is_over_has_an_exit_code() {
    let context = with_database();
    let sbom = |release: &str| {
        format!(
            r#"{{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [
              {{"type": "operating-system", "name": "debian", "version": "{release}"}},
              {{"type": "library", "name": "curl", "version": "7", "purl": "pkg:deb/debian/curl@7?distro=debian-{release}"}}]}}"#
        )
    };
    context.write("old.cdx.json", sbom("9"));
    context.write("new.cdx.json", sbom("15"));
    let old =
        context.expect(7, &["scan", "sbom:old.cdx.json", "--exit-on-eol", "7", "--exit-code", "5"]);
    let line = "Debian 9 is no longer supported since 2022-06-30";
    assert!(old.stdout.contains(line), "{}", old.stdout);
    context.expect(0, &["scan", "sbom:old.cdx.json"]);
    context.expect(0, &["scan", "sbom:old.cdx.json", "--exit-on-eol", "0"]);
    context.expect(0, &["scan", "sbom:new.cdx.json", "--exit-on-eol", "7"]);
}

fn zip(records: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in records {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn record(id: &str, name: &str) -> String {
    format!(
        r#"{{"id": "{id}", "affected": [{{"package": {{"ecosystem": "PyPI", "name": "{name}"}},
          "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "2"}}]}}]}}]}}"#
    )
}

fn bucket() -> FileServer {
    let server = FileServer::start();
    server.put("/ecosystems.txt", "PyPI\nRocky Linux\n../evil\n");
    for (folder, id) in [("PyPI", "CVE-1-1"), ("Rocky Linux", "CVE-1-2")] {
        server.put(&format!("/{folder}/modified_id.csv"), format!("2026-01-01T00:00:00Z,{id}\n"));
        server.put(&format!("/{folder}/all.zip"), zip(&[("a.json", &record(id, "one"))]));
    }
    server
}

#[test]
fn only_what_has_changed_is_fetched() {
    let (context, server) = (context(), bucket());
    let url = server.url();
    let update = || context.expect(0, &["db", "update", "--source", &url]);
    let first = update();
    assert!(first.stderr.contains("fetched PyPI, Rocky Linux;"), "{}", first.stderr);
    assert_eq!(server.log().len(), 5);
    context.expect(0, &["db", "explain", "CVE-1-1"]);

    assert!(update().stderr.contains("nothing has changed"));
    let statuses: Vec<String> = server.log();
    assert!(statuses.iter().all(|line| line.ends_with(" 304")), "{statuses:?}");
    assert_eq!(statuses.len(), 3);

    server.put("/PyPI/modified_id.csv", "2026-02-01T00:00:00Z,CVE-1-9\n");
    server.put("/PyPI/all.zip", zip(&[("b.json", &record("CVE-1-9", "two"))]));
    let third = update();
    assert!(third.stderr.contains("fetched PyPI; 1 had not changed"), "{}", third.stderr);
    context.expect(0, &["db", "explain", "CVE-1-9"]);
    // What is gone there is gone here.
    context.expect(1, &["db", "explain", "CVE-1-1"]);
}

#[test]
fn few_changes_are_fetched_one_by_one() {
    let (context, server) = (context(), bucket());
    let url = server.url();
    let update = || context.expect(0, &["db", "update", "--source", &url]);
    server.put(
        "/PyPI/all.zip",
        zip(&[
            ("CVE-1-1.json", &record("CVE-1-1", "one")),
            ("CVE-1-5.json", &record("CVE-1-5", "a")),
        ]),
    );
    server.put(
        "/PyPI/modified_id.csv",
        "2026-01-01T00:00:00Z,CVE-1-1\n2026-01-01T00:00:00Z,CVE-1-5\n",
    );
    update();
    server.log();
    // One is new and one has changed; the zip is not asked for, and would not have them.
    let changes = "2026-02-02T00:00:00Z,CVE-1-9\n2026-02-01T00:00:00Z,CVE-1-1\n2026-01-01T00:00:00Z,CVE-1-5\n";
    server.put("/PyPI/modified_id.csv", changes);
    server.put("/PyPI/CVE-1-1.json", record("CVE-1-1", "uno"));
    server.put("/PyPI/CVE-1-9.json", record("CVE-1-8", "impostor"));
    server.spoil("/PyPI/CVE-1-1.json", Mischief::WebPage);
    // Broken off: the old database stays, and the change is not forgotten.
    let refused = context.run(&["db", "update", "--source", &url]);
    assert_one_error(&refused, 3, &["web page"]);
    server.put("/PyPI/CVE-1-9.json", record("CVE-1-9", "nine"));
    server.log();
    let second = update();
    assert!(second.stderr.contains("fetched PyPI (2 records); 1 had not"), "{}", second.stderr);
    assert!(server.log().iter().all(|line| !line.starts_with("/PyPI/all.zip")));
    let explain = |id: &str| context.expect(0, &["db", "explain", id]).stdout;
    assert!(explain("CVE-1-1").contains("PyPI uno"), "{}", explain("CVE-1-1"));
    assert!(!explain("CVE-1-1").contains("PyPI one"), "{}", explain("CVE-1-1"));
    assert!(explain("CVE-1-9").contains("nine") && explain("CVE-1-5").contains("PyPI a"));

    // A record that is not what it should be, or is not there, is no reason to trust: the zip comes.
    server.put("/PyPI/modified_id.csv", changes.replace("2026-02-02", "2026-03-02"));
    server.put("/PyPI/CVE-1-9.json", record("CVE-1-8", "impostor"));
    server.put("/PyPI/all.zip", zip(&[("CVE-1-9.json", &record("CVE-1-9", "from-zip"))]));
    let third = update();
    assert!(third.stderr.contains("fetched PyPI; 1 had not changed"), "{}", third.stderr);
    assert!(explain("CVE-1-9").contains("from-zip"));
    context.expect(1, &["db", "explain", "CVE-1-1"]);
}

#[test]
fn feeds_beside_the_bucket() {
    let (context, server) = (context(), bucket());
    let kev = r#"{"catalogVersion":"1","dateReleased":"2026-01-02T00:00:00Z",
      "vulnerabilities":[{"cveID":"CVE-2026-0001","dateAdded":"2026-01-01"}]}"#;
    let record = record("CVE-2026-0001", "one");
    server.put("/PyPI/all.zip", zip(&[("a.json", &record)]));
    server.put("/kev/today.json", kev);
    let scores =
        "#model_version:v1,score_date:2026-01-01\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\n";
    server.put("/scores-2026-01-01.csv", scores);
    let url = server.url();
    let (osv, kev) = (format!("osv={url}"), format!("kev={url}/kev/today.json"));
    let epss = format!("epss={url}/scores.csv");
    server.put("/scores.csv", scores);
    server.spoil("/scores.csv", Mischief::Redirect("/scores-2026-01-01.csv".to_owned()));
    let update = ["db", "update", "--source", &osv, "--source", &kev, "--source", &epss];
    let first = context.expect(0, &update);
    assert!(first.stderr.contains("fetched PyPI, Rocky Linux, kev, epss; 0"), "{}", first.stderr);
    let log = server.log();
    assert!(log.iter().any(|line| line == "/scores-2026-01-01.csv 200"), "{log:?}");
    let known = context.expect(0, &["db", "explain", "CVE-2026-0001"]).stdout;
    assert!(known.contains("exploited") && known.contains("50"), "{known}");
    assert!(context.expect(0, &update).stderr.contains("nothing has changed"));
    // What was named must come; and a feed alone is a database too.
    let refused =
        context.run(&["db", "update", "--source", &osv, "--source", &format!("kev={url}/no.json")]);
    assert_one_error(&refused, 3, &["no.json"]);
    let tracker = r#"{"curl": {"CVE-2026-0002": {"releases": {"bookworm": {"status": "open", "urgency": "low"}}}}}"#;
    server.put("/data/json", tracker);
    context.expect(0, &["db", "update", "--source", &format!("debian={url}/data/json")]);
    context.expect(0, &["db", "explain", "CVE-2026-0002"]);
    let usage = context.run(&["db", "update", "--source", "kev="]);
    assert_one_error(&usage, 2, &["`kev` has no address"]);
}

#[test]
fn it_is_made_of_what_lies_elsewhere() {
    let (context, server) = (context(), bucket());
    // Only as an archive does it make sense, and only its name says that it is one.
    let document = record("CVE-1-7", "seven");
    let file = LayerFile { path: "feed/one.json", content: document.as_bytes(), mode: 0o644 };
    let archive = layer(&[file]);
    server.put("/feeds/some.tar", archive);
    let (bucket, file) = (server.url(), format!("{}/feeds/some.tar", server.url()));
    context.expect(0, &["db", "build", "--from", &bucket, "--from", &file]);
    for id in ["CVE-1-1", "CVE-1-2", "CVE-1-7"] {
        context.expect(0, &["db", "explain", id]);
    }
    // One of them is gone: nothing is made of the rest.
    let gone = format!("{}/feeds/gone.json", server.url());
    assert_ne!(context.run(&["db", "build", "--from", &bucket, "--from", &gone]).code, 0);
    context.expect(0, &["db", "explain", "CVE-1-7"]);
}

#[test]
fn a_feed_that_fails_leaves_the_old_database() {
    let (context, server) = (context(), bucket());
    let url = server.url();
    context.expect(0, &["db", "update", "--source", &url]);
    server.put("/PyPI/modified_id.csv", "2026-02-01T00:00:00Z,CVE-1-9\n");
    server.put("/PyPI/all.zip", zip(&[("b.json", &record("CVE-1-9", "two"))]));
    let check = |mischief: Mischief, times: usize, expected: &str| {
        for _ in 0..times {
            server.spoil("/PyPI/all.zip", mischief.clone());
        }
        let refused = context.run(&["db", "update", "--source", &url]);
        assert_one_error(&refused, 3, &[expected]);
        context.expect(0, &["db", "explain", "CVE-1-1"]);
    };
    check(Mischief::Busy, 4, "429");
    check(Mischief::WebPage, 1, "web page");
    check(Mischief::Redirect("http://localhost:1/x".to_owned()), 1, "another host");
    check(Mischief::Cut(10), 4, "127.0.0.1");
    server.log();
    // What had come is not fetched again.
    context.expect(0, &["db", "update", "--source", &url]);
    let log = server.log();
    assert!(log.iter().any(|line| line == "/PyPI/all.zip bytes=10- 206"), "{log:?}");
    context.expect(0, &["db", "explain", "CVE-1-9"]);

    // A zip that is none is refused too, and the old database stays.
    server.put("/PyPI/modified_id.csv", "2026-03-01T00:00:00Z,CVE-1-10\n");
    server.put("/PyPI/all.zip", "PK but no more");
    let refused = context.run(&["db", "update", "--source", &url]);
    assert_one_error(&refused, 3, &["zip"]);
    context.expect(0, &["db", "explain", "CVE-1-9"]);
}

#[test]
fn where_feeds_are_not_taken_from() {
    let context = context();
    for (source, expected) in [
        ("http://feeds.example.com", "plain HTTP"),
        ("ftp://feeds.example.com", "neither http nor https"),
        ("feeds", "not a URL"),
    ] {
        let refused = context.run(&["db", "update", "--source", source]);
        assert_one_error(&refused, 3, &[expected]);
    }
}

#[test]
fn a_database_may_be_too_old() {
    let context = with_database();
    context.write("app.cdx.json", SBOM);
    // SOURCE_DATE_EPOCH says when it was made.
    context.expect(0, &["scan", "sbom:app.cdx.json", "--db-max-age", "90000d"]);
    let refused = context.run(&["scan", "sbom:app.cdx.json", "--db-max-age", "1h"]);
    assert_one_error(&refused, 3, &["hours old, more than the 1 allowed", "sealift db update"]);
    let usage = context.run(&["scan", "sbom:app.cdx.json", "--db-max-age", "soon"]);
    assert_one_error(&usage, 2, &["`soon` is no age"]);
}

fn records(count: usize, more: &[&str]) -> Vec<(String, String)> {
    let name = |number: usize| format!("CVE-2020-{number:05}");
    let mut all: Vec<(String, String)> = (0..count)
        .map(|number| {
            // Texts that do not compress to nothing.
            let noise: String = (0..80)
                .map(|round| Digest::sha256(format!("{number} {round}").as_bytes()).to_string())
                .collect();
            let id = name(number);
            let text = record(&id, &format!("package-{}", number % 50));
            let text = text.replacen('{', &format!(r#"{{"details": "{noise}", "#), 1);
            (format!("{id}.json"), text)
        })
        .collect();
    all.extend(more.iter().map(|id| (format!("{id}.json"), record(id, "new"))));
    all
}

fn build_of(context: &TestContext, records: &[(String, String)], secs: &str) {
    let borrowed: Vec<(&str, &str)> =
        records.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    context.write("all.zip", zip(&borrowed));
    let mut command = context.command(&["db", "build", "--from", "all.zip"]);
    let status = command.env("SOURCE_DATE_EPOCH", secs).stderr(Stdio::null()).status().unwrap();
    assert!(status.success());
}

#[test]
fn it_is_sent_to_a_registry_and_fetched_in_pieces() {
    let registry = Registry::start(Access::Open, Faults::default());
    let name = format!("{}/security/advisories:latest", registry.host());
    let source = format!("oci://{name}");
    let (maker, user) = (context(), context());
    build_of(&maker, &records(2_000, &[]), "1700000000");
    let sent = maker.expect(0, &["db", "push", &name]);
    assert!(sent.stderr.contains("1 artifacts"), "{}", sent.stderr);
    fs::copy(maker.home().join(".config/sealift/keys/default.pub"), user.work().join("maker.pub"))
        .unwrap();

    // Without its maker's key nothing is believed.
    let update = ["db", "update", "--source", &source];
    assert_one_error(&user.run(&update), 2, &["no public key is trusted"]);
    let trusted = [&update[..], &["--key", "maker.pub"]].concat();
    let all = user.expect(0, &trusted).stderr;
    let pieces = |text: &str| -> (usize, usize) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let place = words.iter().position(|word| *word == "fetched").unwrap();
        (words[place + 1].parse().unwrap(), words[place + 3].parse().unwrap())
    };
    let (fetched, count) = pieces(&all);
    assert!(fetched == count && count > 5, "{all}");
    user.expect(0, &["db", "explain", "CVE-2020-01234"]);
    assert_eq!(pieces(&user.expect(0, &trusted).stderr), (0, count));

    // Of a new state, what is new.
    build_of(&maker, &records(2_000, &["CVE-2020-01000-1", "CVE-2021-1"]), "1700090000");
    maker.expect(0, &["db", "push", &name]);
    let more = user.expect(0, &trusted).stderr;
    let (fetched, count) = pieces(&more);
    assert!(fetched > 0 && fetched * 2 < count, "{more}");
    user.expect(0, &["db", "explain", "CVE-2021-1"]);

    // Another's signature, or an old state with a good one.
    let other = context();
    build_of(&other, &records(10, &[]), "1800000000");
    let strange = format!("{}/other/advisories:latest", registry.host());
    other.expect(0, &["db", "push", &strange]);
    let refused =
        user.run(&["db", "update", "--source", &format!("oci://{strange}"), "--key", "maker.pub"]);
    assert_one_error(&refused, 4, &["advisories:latest"]);
    build_of(&maker, &records(10, &[]), "1600000000");
    maker.expect(0, &["db", "push", &name]);
    assert_one_error(&user.run(&trusted), 4, &["older than the database that is here"]);
    // Unless what is here was made by a clock that was wrong.
    let wrong = context();
    build_of(&wrong, &records(10, &[]), "4000000000");
    wrong.expect(0, &["db", "export", "future.tar.zst"]);
    let (future, folder) = (wrong.work().join("future.tar.zst"), user.work().join("future"));
    let folder = folder.to_str().unwrap();
    user.expect(0, &["db", "import", future.to_str().unwrap(), "--database", folder]);
    user.expect(0, &[&trusted[..], &["--database", folder]].concat());
    user.expect(0, &["db", "explain", "CVE-2021-1"]);

    assert_one_error(
        &user.run(&[&trusted[..], &["--source", "https://a.example"]].concat()),
        2,
        &["oci://"],
    );
}

#[test]
fn twenty_scans_at_once_on_one_store() {
    let context = with_database();
    context
        .write("app/x.dist-info/METADATA", "Metadata-Version: 2.1\nName: flask\nVersion: 0.12.2\n");
    context.write("app/Dockerfile", "FROM scratch\nCOPY . /usr/lib/python3/dist-packages/\n");
    context.expect(0, &["build", "--quiet", "-t", "app:1", "app"]);
    fs::remove_dir_all(context.store().join("cache")).unwrap();
    // Half of them make a database of documents, all list the image, and the database is made anew meanwhile.
    let start = |number: usize| {
        let documents: &[&str] =
            if usize::is_multiple_of(number, 2) { &["--advisories", "osv"] } else { &[] };
        let scan = [&["scan", "app:1", "--quiet", "-f", "csv"][..], documents].concat();
        context.command(&scan).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let scans: Vec<_> = (0..20).map(start).collect();
    context.expect(0, &["db", "build", "--from", "osv"]);
    for scan in scans {
        let output = scan.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("CVE-2018-1000656"), "{errors}");
    }
}
