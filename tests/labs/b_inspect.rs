//! B: what is in an image.

use serde_json::Value;

use crate::foreign::{blob, manifest};
use crate::lab::{empty_lab, run, static_program};

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
