//! The image as a whole: reproducible, annotated, and read by others.

use libtest_mimic::Trial;
use sealift_oci::{ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, media_type};

use crate::bench::Bench;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("output_reproducible", reproducible),
        trial("output_base", base),
        trial("output_read_by_skopeo_and_umoci", foreign),
    ]
}

const DOCKERFILE: &str =
    "FROM scratch\nCOPY . /app\nWORKDIR /x/y\nENV A=1\nCOPY --chown=5:6 a /x/z/\nCMD [\"a\"]\n";

fn reproducible() {
    let built = || {
        let mut bench = Bench::new();
        bench.file("a", "A").file("d/b", "B").link("d/l", "b");
        bench.request.source_date_epoch = Some(1_500_000_000);
        bench.build(DOCKERFILE)
    };
    let (first, second) = (built(), built());
    assert_eq!(first.descriptor, second.descriptor);
    assert_eq!(first.config.value().created.as_deref(), Some("2017-07-14T02:40:00Z"));
}

fn base() {
    let mut bench = Bench::new();
    bench.file("a", "A");
    bench.request.labels = vec![("given".to_owned(), "label".to_owned())];
    let below = bench.build(DOCKERFILE);
    bench.keep("below", &below.descriptor);
    let built = bench.build("FROM below:1 AS x\nCOPY a /new\nFROM x\nENV B=2");
    let manifest = built.manifest.value();
    let annotation = |name: &str| manifest.annotations[name].clone();
    assert_eq!(annotation(ANNOTATION_BASE_NAME), "docker.io/library/below:1");
    assert_eq!(annotation(ANNOTATION_BASE_DIGEST), below.descriptor.digest.to_string());
    assert_eq!(manifest.layers[..3], below.manifest.value().layers[..]);
    assert!(manifest.layers.iter().all(|layer| layer.media_type == media_type::LAYER_GZIP));
    assert_eq!(built.bases.len(), 1);
    assert_eq!(built.bases[0].name, "below:1");
    assert!(built.bases[0].is_final_base);
    assert_eq!(built.config.value().config.labels["given"], "label");
    let history = &built.config.value().history;
    let n_layers = history.iter().filter(|entry| !entry.empty_layer).count();
    assert_eq!(n_layers, manifest.layers.len());
}

fn foreign() {
    let run = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).output();
        let Ok(output) = output else {
            println!("SKIPPED: {program} is missing; apt-get install {program}");
            return None;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let mut bench = Bench::new();
    bench.file("a", "A").file("d/b", "B").link("d/l", "b").mode("a", 0o4755);
    let built = bench.build(DOCKERFILE);
    let reference = sealift_oci::Reference::parse("app:1").unwrap();
    bench.store.tag(&reference, &built.descriptor).unwrap();
    let index = std::fs::read_to_string(bench.store.root().join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let name = index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
        .as_str()
        .unwrap()
        .to_owned();
    let image = format!("oci:{}:{name}", bench.store.root().display());
    if let Some(text) = run("skopeo", &["inspect", &image]) {
        assert!(text.contains(&built.manifest.digest().to_string()), "{text}");
    }
    // umoci takes no colon in a tag, so it gets a copy.
    let copy = bench.path().join("copy");
    let to = format!("oci:{}:app", copy.display());
    if run("skopeo", &["copy", &image, &to]).is_none() {
        return;
    }
    let bundle = bench.path().join("bundle");
    let arguments = ["raw", "unpack", "--image"];
    let place = format!("{}:app", copy.display());
    let bundle_path = bundle.display().to_string();
    if run("umoci", &[&arguments[..], &[&place, &bundle_path]].concat()).is_none() {
        return;
    }
    use std::os::unix::fs::MetadataExt;
    let metadata = bundle.join("app/a").metadata().unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o4755);
    assert_eq!(bundle.join("x/z/a").metadata().unwrap().uid(), 5);
    assert_eq!(bundle.join("app/d/l").read_link().unwrap().display().to_string(), "b");
}
