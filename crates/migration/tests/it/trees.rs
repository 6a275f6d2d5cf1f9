//! Trees that are laid out here, whole and damaged.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use sealift_migration::{Kind, Options, Report, import};
use sealift_oci::Digest;

use crate::{bring, depot, image, index, repository, state, tagged};

/// A tree of distribution.
struct Distribution(PathBuf);

impl Distribution {
    fn new(folder: &Path) -> Self {
        let root = folder.join("registry");
        fs::create_dir_all(root.join("docker/registry/v2/repositories")).unwrap();
        Self(root)
    }

    fn root(&self) -> PathBuf {
        self.0.join("docker/registry/v2")
    }

    fn data(&self, bytes: &[u8]) -> PathBuf {
        let digest = Digest::sha256(bytes);
        self.root().join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex()).join("data")
    }

    fn blob(&self, bytes: &[u8]) {
        write(&self.data(bytes), bytes);
    }

    fn manifest(&self, name: &str, bytes: &[u8], tags: &[&str]) {
        self.blob(bytes);
        let digest = Digest::sha256(bytes);
        let manifests = self.root().join("repositories").join(name).join("_manifests");
        let link = digest.to_string();
        let revision = manifests.join("revisions/sha256").join(digest.hex()).join("link");
        write(&revision, link.as_bytes());
        for tag in tags {
            write(&manifests.join("tags").join(tag).join("current/link"), link.as_bytes());
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn shown(report: &Report) -> String {
    let mut text = format!(
        "repositories {} manifests {} tags {} present {} linked {} known {} bytes {}\n",
        report.repositories,
        report.manifests,
        report.tags,
        report.present,
        report.linked + report.copied,
        report.known,
        report.bytes
    );
    for damage in &report.damages {
        let what = damage.what.get(..16).unwrap_or(&damage.what);
        writeln!(text, "{} {what}: {}", damage.place, damage.reason).unwrap();
    }
    text
}

fn check(report: &Report, expected: Expect) {
    expected.assert_eq(&shown(report));
}

#[tokio::test]
async fn a_tree_of_distribution() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Distribution::new(folder.path());
    let (amd, arm) = (image(b"{}", &[b"layer", b"base"]), image(b"{ }", &[b"base"]));
    let both = index(&[&amd, &arm]);
    for blob in [&b"{}"[..], b"{ }", b"layer", b"base", b"nobody refers to it"] {
        tree.blob(blob);
    }
    tree.manifest("team/app", &amd, &["amd", "1.0"]);
    tree.manifest("team/app", &arm, &[]);
    tree.manifest("team/app", &both, &["latest"]);
    tree.manifest("team", &arm, &["arm"]);
    write(&tree.root().join("repositories/team/app/_uploads/x/data"), b"half");
    let before = state(&tree.0);
    let depot = depot(&folder.path().join("depot"));
    let report = bring(&depot, &tree.0, Kind::Distribution).await;
    check(
        &report,
        expect![[r#"
        repositories 2 manifests 4 tags 4 present 0 linked 4 known 2 bytes 14
    "#]],
    );
    assert_eq!(state(&tree.0), before);
    assert_eq!(tagged(&depot, "team/app", "latest").await, Some(Digest::sha256(&both)));
    assert_eq!(tagged(&depot, "team/app", "1.0").await, Some(Digest::sha256(&amd)));
    assert_eq!(tagged(&depot, "team", "arm").await, Some(Digest::sha256(&arm)));
    // Each repository has its own blobs only.
    let layer = Digest::sha256(b"layer");
    assert!(depot.blob(&repository("team/app"), &layer).await.unwrap().is_some());
    assert!(depot.blob(&repository("team"), &layer).await.unwrap().is_none());
    // Once more, from the folder within: nothing is brought twice, and what was pushed since stays.
    let report = bring(&depot, &tree.root(), Kind::Distribution).await;
    check(
        &report,
        expect![[r#"
        repositories 2 manifests 0 tags 0 present 4 linked 0 known 0 bytes 0
    "#]],
    );
}

#[tokio::test]
async fn damage_is_told_and_hides_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Distribution::new(folder.path());
    let fine = image(b"{}", &[b"base"]);
    let torn = image(b"{}", &[b"base", b"torn"]);
    let lost = image(b"{}", &[b"lost"]);
    let linked = image(b"{}", &[b"linked"]);
    let old = br#"{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}"#;
    let both = index(&[&fine, &lost]);
    for blob in [&b"{}"[..], b"base"] {
        tree.blob(blob);
    }
    write(&tree.data(b"torn"), b"tor");
    write(&tree.data(b"linked").with_file_name("x"), b"");
    symlink("/etc/passwd", tree.data(b"linked")).unwrap();
    tree.manifest("app", &fine, &["fine"]);
    tree.manifest("app", &torn, &["torn"]);
    tree.manifest("app", &lost, &["lost"]);
    tree.manifest("app", &linked, &["linked"]);
    tree.manifest("app", &both, &["both"]);
    tree.manifest("app", old, &["old"]);
    tree.manifest("app", b"{", &["broken"]);
    let manifests = tree.root().join("repositories/app/_manifests");
    write(&manifests.join("tags/empty/current/other"), b"");
    write(&manifests.join("tags/wrong/current/link"), b"sha256:zz");
    write(&manifests.join("tags/-x/current/link"), b"");
    write(&manifests.join("revisions/sha256/00/link"), b"sha256:00");
    tree.manifest("UPPER", &fine, &["a"]);
    symlink("/", tree.root().join("repositories/link")).unwrap();
    let depot = depot(&folder.path().join("depot"));
    let report = bring(&depot, &tree.0, Kind::Distribution).await;
    check(
        &report,
        expect![[r#"
        repositories 1 manifests 2 tags 2 present 0 linked 2 known 0 bytes 6
        UPPER name: `UPPER` is not a repository name: it must be lower-case
        app sha256:00: it is no digest
        app -x: `-x` is not a tag: a tag is 1 to 128 letters, digits, `_`, `.` and `-`, the first a letter, digit or `_`
        app empty: the tag names no manifest
        app wrong: its link is damaged
        app sha256:021fb596d: the manifest is not valid: EOF while parsing an object at line 1 column 1
        app sha256:2272bea61: it is not in the source
        app sha256:20d32526c: not all that it refers to is there (tags linked)
        app sha256:76f75e612: it is not in the source
        app sha256:25f0d38cc: not all that it refers to is there (tags lost)
        app sha256:8d80e8fcd: not all that it refers to is there; it was brought without
        app sha256:a5c28103f: the manifest is not valid: `schemaVersion` is not 2; Docker's schema 1 is not supported
        app sha256:00cc10cc5: its content has another digest
        app sha256:d9130f18b: not all that it refers to is there (tags torn)
    "#]],
    );
    assert_eq!(tagged(&depot, "app", "fine").await, Some(Digest::sha256(&fine)));
    assert_eq!(tagged(&depot, "app", "both").await, Some(Digest::sha256(&both)));
    assert_eq!(tagged(&depot, "app", "torn").await, None);
    // Repaired: the rest comes.
    tree.blob(b"torn");
    tree.blob(b"lost");
    bring(&depot, &tree.0, Kind::Distribution).await;
    assert_eq!(tagged(&depot, "app", "torn").await, Some(Digest::sha256(&torn)));
    assert_eq!(tagged(&depot, "app", "lost").await, Some(Digest::sha256(&lost)));
}

fn layout(folder: &Path, manifests: &[(&[u8], Option<&str>)], blobs: &[&[u8]]) {
    let put = |bytes: &[u8]| {
        let digest = Digest::sha256(bytes);
        write(&folder.join("blobs/sha256").join(digest.hex()), bytes);
        digest.to_string()
    };
    for blob in blobs {
        put(blob);
    }
    let entry = |(bytes, name): &(&[u8], Option<&str>)| {
        let annotations =
            name.map(|name| serde_json::json!({ "org.opencontainers.image.ref.name": name }));
        serde_json::json!({
            "mediaType": crate::MANIFEST, "digest": put(bytes), "size": bytes.len(),
            "annotations": annotations.unwrap_or_else(|| serde_json::json!({})),
        })
    };
    let manifests: Vec<_> = manifests.iter().map(entry).collect();
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": manifests });
    write(&folder.join("index.json"), index.to_string().as_bytes());
    write(&folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
}

#[tokio::test]
async fn layouts() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("zot");
    let (one, two) = (image(b"{}", &[b"one"]), image(b"{}", &[b"two"]));
    layout(&root.join("team/one"), &[(&one, Some("1")), (&two, None)], &[b"{}", b"one", b"two"]);
    layout(&root.join("two"), &[(&two, Some("r.example:5000/x:2"))], &[b"{}", b"two"]);
    write(&root.join("cache.db"), b"");
    write(&root.join("broken/index.json"), b"{");
    fs::create_dir_all(root.join("broken/blobs")).unwrap();
    let depot = depot(&folder.path().join("depot"));
    let before = state(&root);
    let report = bring(&depot, &root, Kind::Zot).await;
    check(
        &report,
        expect![[r#"
        repositories 3 manifests 3 tags 2 present 0 linked 3 known 2 bytes 8
        broken index.json: EOF while parsing an object at line 1 column 1
    "#]],
    );
    assert_eq!(state(&root), before);
    assert_eq!(tagged(&depot, "team/one", "1").await, Some(Digest::sha256(&one)));
    assert_eq!(tagged(&depot, "two", "2").await, Some(Digest::sha256(&two)));

    let name = Some(repository("given/name"));
    let options = Options { kind: Kind::Layout, repository: name, by: "import".to_owned() };
    let report = import(&depot, &root.join("two"), &options, &mut |_| ()).await.unwrap();
    check(
        &report,
        expect![[r#"
        repositories 1 manifests 1 tags 1 present 0 linked 0 known 2 bytes 0
    "#]],
    );
    assert_eq!(tagged(&depot, "given/name", "2").await, Some(Digest::sha256(&two)));

    for (kind, path) in
        [(Kind::Zot, "team/one/blobs"), (Kind::Layout, "team"), (Kind::Distribution, "")]
    {
        let options = Options { kind, repository: None, by: String::new() };
        let error = import(&depot, &root.join(path), &options, &mut |_| ()).await.unwrap_err();
        assert!(error.hint().is_some(), "{error}");
    }
}
