//! Base images as others write them, and as attackers do.

use std::collections::BTreeMap;
use std::io::Write;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use sealift_archive::{EntryKind, GzipWriter, Header, tar};
use sealift_oci::{Descriptor, Digest, ImageConfig, Manifest, Raw, RootFs, media_type};

use crate::bench::Bench;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("base_links_stay_beneath_the_root", links),
        trial("base_whiteouts", whiteouts),
        trial("base_replacements", replacements),
        trial("base_marks_of_overlayfs_are_dropped", marks),
        trial("base_refused", refused),
        trial("base_damaged", damaged),
        trial("base_without_history", without_history),
    ]
}

type Layer = Vec<(Header, &'static str)>;

fn entry(path: &str, kind: EntryKind) -> (Header, &'static str) {
    (Header::new(path.parse().unwrap(), kind), "")
}

fn file(path: &str, content: &'static str) -> (Header, &'static str) {
    let header = Header::new(path.parse().unwrap(), EntryKind::File);
    (Header { size: content.len() as u64, ..header }, content)
}

fn directory(path: &str) -> (Header, &'static str) {
    entry(path, EntryKind::Directory)
}

fn symlink(path: &str, target: &str) -> (Header, &'static str) {
    entry(path, EntryKind::Symlink(target.as_bytes().to_vec()))
}

fn hard_link(path: &str, target: &str) -> (Header, &'static str) {
    entry(path, EntryKind::HardLink(target.parse().unwrap()))
}

// A store with the image `base` of these layers; `change` spoils it.
fn bench_with(layers: &[Layer], change: fn(&mut ImageConfig)) -> Bench {
    let mut bench = Bench::new();
    let mut descriptors = Vec::new();
    let mut diff_ids = Vec::new();
    for layer in layers {
        let mut writer = tar::Writer::new(Vec::new());
        for (header, content) in layer {
            writer.append(header, &mut content.as_bytes()).unwrap();
        }
        let bytes = writer.finish().unwrap();
        diff_ids.push(Digest::sha256(&bytes));
        let mut gzip = GzipWriter::new(Vec::new(), 1);
        gzip.write_all(&bytes).unwrap();
        let bytes = gzip.finish().unwrap();
        let digest = bench.store.put_blob(&bytes).unwrap();
        let size = bytes.len() as u64;
        descriptors.push(Descriptor::new(media_type::DOCKER_LAYER_GZIP, digest, size));
    }
    let mut config = ImageConfig {
        architecture: "amd64".to_owned(),
        os: "linux".to_owned(),
        rootfs: RootFs { diff_ids, ..RootFs::default() },
        ..ImageConfig::default()
    };
    change(&mut config);
    let config = Raw::encode(config);
    bench.store.put_blob(config.bytes()).unwrap();
    let descriptor = Descriptor::new(media_type::CONFIG, config.digest().clone(), config.size());
    let manifest = Raw::encode(Manifest::new(descriptor, descriptors));
    bench.store.put_blob(manifest.bytes()).unwrap();
    let (digest, size) = (manifest.digest().clone(), manifest.size());
    bench.keep("base", &Descriptor::new(media_type::MANIFEST, digest, size));
    bench
}

const COPY_ALL: &str = "FROM scratch\nCOPY --from=base / /\n";

fn check(layers: &[Layer], expected: Expect) -> Bench {
    let mut bench = bench_with(layers, |_| {});
    let built = bench.build(COPY_ALL);
    expected.assert_eq(&bench.layers(&built, 0));
    bench
}

fn refusal(layer: Layer) -> String {
    bench_with(&[layer], |_| {}).failure(COPY_ALL)
}

fn links() {
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    std::fs::write(&victim, "untouched").unwrap();
    let absolute = outside.path().display().to_string();
    let climbing = format!("../../../../../../../../..{absolute}");
    let mut bench = bench_with(
        &[
            vec![
                symlink("absolute", &absolute),
                file("absolute/victim", "overwritten"),
                symlink("climbing", &climbing),
                file("climbing/new", "new"),
                symlink("to-victim", &victim.display().to_string()),
                file("to-victim", "replaces the link"),
                symlink("one", "two"),
                symlink("two", "/usr/./../usr/lib/"),
            ],
            // `one` is a link of the layer below.
            vec![file("one/library", "L"), hard_link("again", "one/library")],
        ],
        |_| {},
    );
    let built = bench.build(COPY_ALL);
    let text = bench.layers(&built, 0);
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    let inside = absolute.trim_start_matches('/');
    for line in [
        format!("- 0644 0:0 {inside}/victim overwritten"),
        format!("- 0644 0:0 {inside}/new new"),
        "- 0644 0:0 to-victim replaces the link".to_owned(),
        "- 0644 0:0 again L".to_owned(),
        "h 0644 0:0 usr/lib/library = again".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}\n{text}");
    }
}

fn whiteouts() {
    check(
        &[
            vec![
                directory("d"),
                file("d/a", "1"),
                file("d/b", "1"),
                directory("e"),
                file("e/a", "1"),
                file("f", "1"),
                directory("g/h"),
                file("g/h/i", "1"),
            ],
            vec![
                // What a layer brings is not deleted by its own whiteouts, in whatever order they come.
                file("d/new", "2"),
                file("d/.wh..wh..opq", ""),
                file(".wh.e", ""),
                directory("e"),
                file("e/b", "2"),
                file("f", "2"),
                file(".wh.f", ""),
                file("g/.wh.h", ""),
                file(".wh.never-there", ""),
                file(".wh..wh.plnk", "bookkeeping of AUFS"),
            ],
        ],
        expect![[r#"
            layer
              d 0755 0:0 d
              - 0644 0:0 d/new 2
              d 0755 0:0 e
              - 0644 0:0 e/b 2
              - 0644 0:0 f 2
              d 0755 0:0 g
        "#]],
    );
}

fn replacements() {
    check(
        &[
            vec![
                directory("dir-to-file"),
                file("dir-to-file/a", "1"),
                file("file-to-dir", "1"),
                symlink("link-to-dir", "dir-to-file"),
                directory("twice"),
                file("twice/a", "1"),
            ],
            vec![
                file("dir-to-file", "2"),
                directory("file-to-dir"),
                file("file-to-dir/a", "2"),
                directory("link-to-dir"),
                file("link-to-dir/a", "2"),
                file("twice", "2"),
                directory("twice"),
                file("twice/b", "3"),
            ],
        ],
        expect![[r#"
            layer
              - 0644 0:0 dir-to-file 2
              d 0755 0:0 file-to-dir
              - 0644 0:0 file-to-dir/a 2
              d 0755 0:0 link-to-dir
              - 0644 0:0 link-to-dir/a 2
              d 0755 0:0 twice
              - 0644 0:0 twice/b 3
        "#]],
    );
}

fn marks() {
    let mut opaque = directory("d");
    opaque.0.xattrs = BTreeMap::from([
        (b"trusted.overlay.opaque".to_vec(), b"y".to_vec()),
        (b"user.overlay.opaque".to_vec(), b"y".to_vec()),
        (b"user.overlay.redirect".to_vec(), b"/etc".to_vec()),
        (b"security.selinux".to_vec(), b"label".to_vec()),
        (b"user.kept".to_vec(), b"yes".to_vec()),
    ]);
    let device = entry("d/shown", EntryKind::CharDevice { major: 0, minor: 0 });
    let bench = check(
        &[vec![directory("d"), file("d/shown", "1")], vec![opaque, device]],
        expect![[r#"
            layer
              d 0755 0:0 d
                user.kept
              - 0644 0:0 d/shown 1
        "#]],
    );
    assert_eq!(bench.warnings(), ["`/d/shown` was left out: it is a whiteout device"]);
}

fn refused() {
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --from=base / /` failed
        caused by: cannot write `/a`: the hard link's target `nothing` is missing
    "#]]
    .assert_eq(&refusal(vec![hard_link("a", "nothing")]));
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --from=base / /` failed
        caused by: cannot write `/a`: the hard link's target `d` is a directory
    "#]]
    .assert_eq(&refusal(vec![directory("d"), hard_link("a", "d")]));
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --from=base / /` failed
        caused by: cannot unpack `.wh.` of `base:latest layer 1`: it is a whiteout of nothing
    "#]]
    .assert_eq(&refusal(vec![file(".wh.", "")]));
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --from=base / /` failed
        caused by: cannot write `a/x`: more than 40 symbolic links on the way
    "#]]
    .assert_eq(&refusal(vec![symlink("a", "b"), symlink("b", "a"), file("a/x", "")]));
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --from=base / /` failed
        caused by: cannot write `/a`: it is not a directory
    "#]]
    .assert_eq(&refusal(vec![file("a", ""), file("a/x", "")]));
    let mut owner = file("a", "");
    owner.0.uid = 1 << 32;
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --from=base / /` failed
        caused by: cannot unpack `a` of `base:latest layer 1`: its owner is above 4294967295
    "#]]
    .assert_eq(&refusal(vec![owner]));
}

fn damaged() {
    let layer = || vec![file("a", "content")];
    let mut bench = bench_with(&[layer()], |_| {});
    let digest = bench.images.0["base"].manifest.value().layers[0].digest.clone();
    let path = bench.store.blob_path(&digest);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let failure = bench.failure(COPY_ALL);
    assert!(failure.contains(&digest.to_string()), "{failure}");
    // Nothing of it was kept.
    assert!(bench.failure(COPY_ALL).contains(&digest.to_string()));
    let mut bench =
        bench_with(&[layer()], |config| config.rootfs.diff_ids = vec![Digest::sha256(b"other")]);
    let failure = bench.failure(COPY_ALL);
    assert!(failure.contains(&Digest::sha256(b"other").to_string()), "{failure}");
}

fn without_history() {
    let mut bench = bench_with(&[vec![file("a", "1")], vec![file("b", "2")]], |_| {});
    let built = bench.build("FROM base\nENV A=1\n");
    let history = &built.config.value().history;
    assert_eq!(history.iter().filter(|entry| !entry.empty_layer).count(), 2);
    let layers = &built.manifest.value().layers;
    assert!(layers.iter().all(|layer| layer.media_type == media_type::LAYER_GZIP));
}
