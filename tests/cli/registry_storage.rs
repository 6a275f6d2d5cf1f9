//! `registry import`, and what keeps a registry's storage: from the command line, without a server and with one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sealift_oci::Digest;
use sealift_testkit::TestContext;
use serde_json::{Value, json};

use crate::registry_access::Served;
use crate::{assert_one_error, context};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn manifest(layers: &[&[u8]]) -> Vec<u8> {
    let one = |kind: &str, bytes: &[u8]| json!({ "mediaType": kind, "digest": Digest::sha256(bytes).to_string(), "size": bytes.len() });
    let layers: Vec<Value> =
        layers.iter().map(|layer| one("application/vnd.oci.image.layer.v1.tar", layer)).collect();
    let config = one("application/vnd.oci.image.config.v1+json", b"{}");
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers })
        .to_string()
        .into_bytes()
}

/// A folder as distribution keeps it, with one image under two tags.
fn distribution(root: &Path, name: &str, layers: &[&[u8]]) -> PathBuf {
    let v2 = root.join("docker/registry/v2");
    let image = manifest(layers);
    let blob = |bytes: &[u8]| {
        let digest = Digest::sha256(bytes);
        v2.join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex()).join("data")
    };
    for bytes in layers.iter().copied().chain([b"{}".as_slice(), &image]) {
        write(&blob(bytes), bytes);
    }
    let manifests = v2.join("repositories").join(name).join("_manifests");
    let digest = Digest::sha256(&image);
    let link = digest.to_string();
    write(&manifests.join("revisions/sha256").join(digest.hex()).join("link"), link.as_bytes());
    for tag in ["1.0", "latest"] {
        write(&manifests.join("tags").join(tag).join("current/link"), link.as_bytes());
    }
    blob(layers[0])
}

/// A folder as zot keeps it: a layout for each repository.
fn zot(root: &Path, name: &str, layers: &[&[u8]]) {
    let image = manifest(layers);
    let folder = root.join(name);
    for bytes in layers.iter().copied().chain([b"{}".as_slice(), &image]) {
        write(&folder.join("blobs/sha256").join(Digest::sha256(bytes).hex()), bytes);
    }
    write(&folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    let annotations = json!({ "org.opencontainers.image.ref.name": "1.0" });
    let digest = Digest::sha256(&image).to_string();
    let entry = json!({ "mediaType": MANIFEST, "digest": digest, "size": image.len(), "annotations": annotations });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] }).to_string();
    write(&folder.join("index.json"), index.as_bytes());
}

/// Nobody but the superuser writes there.
fn set_read_only(folder: &Path, is_read_only: bool) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_read_only(&path, is_read_only);
        } else {
            let mode = if is_read_only { 0o444 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
    let mode = if is_read_only { 0o555 } else { 0o755 };
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

fn statistics(context: &TestContext) -> Value {
    let line = ["registry", "statistics", "--data", "data", "--format", "json"];
    serde_json::from_str(&context.expect(0, &line).stdout).unwrap()
}

#[test]
fn what_distribution_stored_is_brought_by_links_and_only_read() {
    let context = context();
    let old = context.work().join("old");
    let layer = distribution(&old, "team/app", &[b"layer", b"base"]);
    set_read_only(&old, true);
    let line = ["registry", "import", "distribution", "old", "--data", "data"];
    let brought = context.expect(0, &line).stderr;
    assert_eq!(
        brought,
        "1 repositories: 1 manifests with 2 tags came, 0 were there; 3 blobs shared and 0 copied, 11 bytes\n"
    );
    let metadata = fs::metadata(&layer).unwrap();
    assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (2, 0o444), "a hard link");
    let again = context.expect(0, &line).stderr;
    assert!(again.contains("0 manifests with 0 tags came, 1 were there"), "{again}");
    let served = Served::start(&context, &["--anonymous"]);
    let (status, body) = served.get("/v2/team/app/tags/list", "");
    assert_eq!(
        (status, body.as_str()),
        (200, "{\"name\":\"team/app\",\"tags\":[\"1.0\",\"latest\"]}\n")
    );
    let path = format!("/v2/team/app/blobs/{}", Digest::sha256(b"layer"));
    assert_eq!(served.get(&path, ""), (200, "layer".to_owned()));
    // A server has the folder.
    assert_one_error(&context.run(&line), 2, &["a server has `data` open", "hint: stop it"]);
    drop(served);
    set_read_only(&old, false);
}

#[test]
fn what_zot_and_a_layout_have_is_brought() {
    let context = context();
    zot(&context.work().join("zot"), "team/app", &[b"layer"]);
    let line = ["registry", "import", "zot", "zot", "--data", "data", "--format", "json"];
    let report: Value = serde_json::from_str(&context.expect(0, &line).stdout).unwrap();
    assert_eq!((&report["repositories"], &report["tags"]), (&json!(1), &json!(1)), "{report}");
    let layout = ["registry", "import", "layout", "zot/team/app", "--data", "data"];
    context.expect(0, &[&layout[..], &["--repository", "other/app"]].concat());
    let found = statistics(&context);
    let numbers = found["summary"].as_object().unwrap();
    assert_eq!((&numbers["repositories"], &numbers["blobs"]), (&json!(2), &json!(2)), "{found}");
    let wrong = [&layout[..], &["--repository", "UPPER"]].concat();
    assert_one_error(&context.run(&wrong), 2, &["UPPER", "hint: write it as in `team/app`"]);
}

#[test]
fn what_is_damaged_does_not_come_and_is_told() {
    let context = context();
    let layer = distribution(&context.work().join("old"), "team/app", &[b"layer"]);
    fs::write(&layer, b"LAYER").unwrap();
    let line = ["registry", "import", "distribution", "old", "--data", "data"];
    let told = context.expect(1, &line).stderr;
    assert!(told.contains("warning: `team/app`: `sha256:"), "{told}");
    let nothing = ["registry", "import", "distribution", "nowhere", "--data", "data"];
    let refused = context.run(&nothing);
    assert!(refused.code != 0 && refused.stderr.contains("`nowhere`"), "{}", refused.stderr);
    context.write("empty/file", "");
    let other = ["registry", "import", "distribution", "empty", "--data", "data"];
    let refused = context.run(&other);
    assert!(refused.code == 2 && refused.stderr.contains("hint: "), "{}", refused.stderr);
}

#[test]
fn storage_is_kept_without_a_server_and_with_one() {
    let context = context();
    distribution(&context.work().join("old"), "team/app", &[b"layer"]);
    context.expect(0, &["registry", "import", "distribution", "old", "--data", "data"]);
    let on = |line: &[&'static str]| [&["registry"], line, &["--data", "data"]].concat();
    let scrubbed = context.expect(0, &on(&["scrub"])).stderr;
    assert!(scrubbed.contains("damaged 0"), "{scrubbed}");
    context.expect(0, &on(&["backup", "copy"]));
    assert!(context.work().join("copy/meta.db").is_file());
    let history = context.expect(0, &on(&["history", "team/app:latest"])).stdout;
    assert!(history.contains("import"), "{history}");
    let image = Digest::sha256(&manifest(&[b"layer"])).to_string();

    let served = Served::start(&context, &["--anonymous"]);
    let mut stream = TcpStream::connect(format!("127.0.0.1:{}", served.port)).unwrap();
    let head = format!("DELETE /v2/team/app/manifests/{image} HTTP/1.1");
    write!(stream, "{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    // What was deleted can be had back for a while, so that nothing goes yet.
    let gone = context.expect(0, &on(&["gc", "--dry-run"])).stderr;
    assert!(gone.contains("blobs 0"), "{gone}");
    let mut undelete = on(&["undelete", "team/app:latest"]);
    undelete.insert(3, &image);
    context.expect(0, &undelete);
    assert_eq!(served.get(&format!("/v2/team/app/manifests/{image}"), "").0, 200);
    let rebuild = context.run(&on(&["rebuild"]));
    assert_one_error(&rebuild, 2, &["a server has `data` open"]);
    drop(served);

    let nowhere = ["registry", "gc", "--data", "nowhere"];
    assert_one_error(&context.run(&nowhere), 2, &["there is no registry in `nowhere`", "--data"]);
}
