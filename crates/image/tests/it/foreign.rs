//! skopeo and umoci as judges.

use std::fs;

use proptest::prelude::*;
use sealift_image::{
    FileFact, FileKind, FileMeta, FileTree, ReadLimits, open_directory, open_docker_archive,
    open_oci_archive, open_oci_dir, read,
};
use sealift_oci::{ANNOTATION_REF_NAME, Platform};

use crate::kit::{Entries, build, layer, run, show};

fn sample() -> Vec<Entries> {
    // More than a gzip member of ours holds: skopeo and umoci read gzip as Docker does, in Go.
    let mut large = layer(&["large"]);
    large[0].1 = (0..2_500_000_u32).map(|i| i.wrapping_mul(i).to_le_bytes()[1]).collect();
    large[0].0.size = 2_500_000;
    vec![
        large,
        layer(&["etc/", "etc/a=1", "usr/lib/x=2", "lib->usr/lib", "big=0"]),
        layer(&["etc/.wh.a", "lib/y=3", "hard=>usr/lib/x"]),
        layer(&["etc/", "etc/.wh..wh..opq", "etc/b=4"]),
    ]
}

#[test]
fn skopeo_converts_what_we_write_and_we_read_what_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (blobs, mut descriptor) = build(&sample());
    descriptor.annotations.insert(ANNOTATION_REF_NAME.to_owned(), "app".to_owned());
    blobs.write_layout(&path.join("layout"), vec![descriptor]);
    let platform = Platform::host();
    let image = open_oci_dir(&path.join("layout"), Some("app"), &platform).unwrap();
    let small = |_: &sealift_archive::RelativePath, meta: &FileMeta| meta.size < 100;
    let expected = show(&read(&image, &small, &ReadLimits::default()).unwrap());
    for (target, kind) in [
        ("docker-archive:docker.tar:corp.example/app:1", "docker"),
        ("oci-archive:oci.tar:app", "archive"),
        ("oci:zstd:app", "zstd"),
    ] {
        let mut arguments = vec!["copy", "--quiet", "--insecure-policy"];
        if kind == "zstd" {
            arguments.extend(["--dest-compress-format", "zstd", "--dest-compress"]);
        }
        arguments.extend(["oci:layout:app", target]);
        if run("skopeo", &arguments, path).is_none() {
            return;
        }
        let image = match kind {
            "docker" => open_docker_archive(&path.join("docker.tar"), Some("corp.example/app:1")),
            "archive" => open_oci_archive(&path.join("oci.tar"), Some("app"), &platform),
            _ => open_oci_dir(&path.join("zstd"), Some("app"), &platform),
        }
        .unwrap();
        let tree = read(&image, &small, &ReadLimits::default()).unwrap();
        assert_eq!(show(&tree), expected, "{kind}");
    }
}

// What both sides must agree on.
fn essence(tree: &FileTree) -> Vec<(String, FileKind, Option<Vec<u8>>)> {
    let line = |fact: FileFact| {
        let body = tree.bodies().find(|(found, _)| found.path == fact.path);
        (fact.path.to_string(), fact.kind.clone(), body.map(|(_, body)| body.to_vec()))
    };
    tree.iter().map(line).collect()
}

fn line() -> impl Strategy<Value = String> {
    let path = "[ab](/[abc]){0,2}";
    prop_oneof![
        path.prop_map(|path| format!("{path}/")),
        (path, "[0-9]").prop_map(|(path, content)| format!("{path}={content}")),
        (path, "[0-9]").prop_map(|(path, content)| format!("{path}={content}")),
        path.prop_map(|path| match path.rsplit_once('/') {
            Some((parent, name)) => format!("{parent}/.wh.{name}"),
            None => format!(".wh.{path}"),
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, max_shrink_iters: 20, ..Default::default() })]

    // Random layers, unpacked by umoci and merged by us, give the same files.
    #[test]
    fn umoci_unpacks_the_same_tree(lines in proptest::collection::vec(proptest::collection::vec(line(), 1..6), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let layers: Vec<Entries> = lines
            .iter()
            .map(|lines| layer(&distinct(lines).iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        let (blobs, mut descriptor) = build(&layers);
        descriptor.annotations.insert(ANNOTATION_REF_NAME.to_owned(), "app".to_owned());
        blobs.write_layout(&path.join("layout"), vec![descriptor]);
        let image = open_oci_dir(&path.join("layout"), None, &Platform::host()).unwrap();
        let ours = read(&image, &|_, _| true, &ReadLimits::default()).unwrap();
        let arguments = ["unpack", "--rootless", "--image", "layout:app", "bundle"];
        if run("umoci", &arguments, path).is_some() {
            let limits = ReadLimits::default();
            let theirs = open_directory(&path.join("bundle/rootfs"), &|_, _| true, &limits).unwrap();
            prop_assert_eq!(essence(&ours), essence(&theirs), "{:?}", lines);
        }
        fs::remove_dir_all(path).unwrap();
    }
}

// Layers as tools write them: parents before children, no path twice, none both there and deleted. What tools never
// write, each reader takes its own way.
fn distinct(lines: &[String]) -> Vec<String> {
    let name = |line: &str| {
        let path = line.split('=').next().unwrap_or_default();
        path.trim_end_matches('/').replace(".wh.", "")
    };
    let below = |inner: &str, outer: &str| inner.starts_with(&format!("{outer}/"));
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        let path = name(line);
        let clashes = kept.iter().any(|other| {
            let other_path = name(other);
            path == other_path
                || below(&path, &other_path) && !other.ends_with('/')
                || below(&other_path, &path) && !line.ends_with('/')
        });
        if clashes {
            continue;
        }
        for (slash, _) in path.match_indices('/') {
            let parent = format!("{}/", &path[..slash]);
            if !kept.contains(&parent) {
                kept.push(parent);
            }
        }
        kept.push(line.clone());
    }
    kept.sort_by_key(|line| name(line));
    kept
}
