//! What is executed again, and what is not.

use std::fs;

use libtest_mimic::Trial;

use crate::bench::Bench;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("cache_same_again", same_again),
        trial("cache_what_changes", what_changes),
        trial("cache_from_stage", from_stage),
        trial("cache_damaged", damaged),
        trial("cache_unused_stages", unused_stages),
        trial("cache_two_at_once", two_at_once),
    ]
}

const DOCKERFILE: &str = "FROM scratch\nENV A=1\nCOPY a /a\nLABEL b=c\nCOPY dir /dir\nWORKDIR /w\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("a", "A").file("dir/b", "B");
    bench
}

fn same_again() {
    let mut bench = bench();
    let first = bench.build(DOCKERFILE);
    assert_eq!((first.steps, first.cached), (3, 0));
    let second = bench.build(DOCKERFILE);
    assert_eq!((second.steps, second.cached), (3, 3));
    assert_eq!(first.manifest.bytes(), second.manifest.bytes());
    assert_eq!(first.config.bytes(), second.config.bytes());
    bench.request.no_cache = true;
    let third = bench.build(DOCKERFILE);
    assert_eq!((third.steps, third.cached), (3, 0));
}

fn what_changes() {
    let mut bench = bench();
    bench.build(DOCKERFILE);
    // Times do not count.
    bench.file("a", "A").file("dir/b", "B");
    assert_eq!(bench.build(DOCKERFILE).cached, 3);
    // Metadata before a COPY does not count for it.
    assert_eq!(bench.build(&DOCKERFILE.replace("b=c", "b=d")).cached, 3);
    // Content, mode and new files do.
    bench.file("dir/b", "changed");
    assert_eq!(bench.build(DOCKERFILE).cached, 1);
    bench.mode("dir/b", 0o600);
    assert_eq!(bench.build(DOCKERFILE).cached, 1);
    bench.file("dir/c", "");
    assert_eq!(bench.build(DOCKERFILE).cached, 1);
    bench.file("a", "AA");
    assert_eq!(bench.build(DOCKERFILE).cached, 0);
    // What is not copied does not.
    bench.file("other", "x");
    assert_eq!(bench.build(DOCKERFILE).cached, 3);
}

fn from_stage() {
    let mut bench = bench();
    let dockerfile = "FROM scratch AS one\nCOPY . /x\nFROM scratch\nCOPY --from=one /x/a /a\n";
    let first = bench.build(dockerfile);
    // The stage changes, but not what is taken from it.
    bench.file("dir/b", "changed");
    let second = bench.build(dockerfile);
    assert_eq!((second.steps, second.cached), (2, 1));
    assert_eq!(first.descriptor, second.descriptor);
}

fn damaged() {
    let mut bench = bench();
    let first = bench.build(DOCKERFILE);
    let root = bench.store.root().join("cache/build");
    let flavor = fs::read_dir(&root).unwrap().next().unwrap().unwrap().path();
    // Unreadable records are misses.
    for entry in fs::read_dir(flavor.join("steps")).unwrap() {
        fs::write(entry.unwrap().path(), "{\"snapshot\":\"../../../..\"").unwrap();
    }
    assert_eq!(bench.build(DOCKERFILE).cached, 0);
    // A record that points elsewhere is a miss.
    for entry in fs::read_dir(flavor.join("steps")).unwrap() {
        let text = r#"{"snapshot":"../../..","created":"2020-01-01T00:00:00Z"}"#;
        fs::write(entry.unwrap().path(), text).unwrap();
    }
    assert_eq!(bench.build(DOCKERFILE).cached, 0);
    // Snapshots that are gone are misses.
    for entry in fs::read_dir(flavor.join("snapshots")).unwrap() {
        fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    assert_eq!(bench.build(DOCKERFILE).cached, 0);
    // A layer that is gone is packed again.
    let built = bench.build(DOCKERFILE);
    assert_eq!(built.cached, 3);
    for layer in &built.manifest.value().layers {
        fs::remove_file(bench.store.blob_path(&layer.digest)).unwrap();
    }
    let again = bench.build(DOCKERFILE);
    assert_eq!(again.descriptor, built.descriptor);
    for layer in &built.manifest.value().layers {
        assert!(bench.store.has_blob(&layer.digest));
    }
    assert_eq!(first.config.value().config, again.config.value().config);
    // All of it may vanish.
    fs::remove_dir_all(&root).unwrap();
    assert_eq!(bench.build(DOCKERFILE).cached, 0);
}

fn unused_stages() {
    let mut bench = bench();
    let dockerfile = "FROM scratch AS a\nCOPY a /a\n\
        FROM missing:1 AS unused\nCOPY nothing /x\n\
        FROM a AS b\nCOPY dir /d\nFROM scratch AS last\nCOPY --from=b / /\n";
    assert_eq!(bench.build(dockerfile).steps, 3);
    bench.request.target = Some("A".to_owned());
    assert_eq!(bench.build(dockerfile).steps, 1);
    bench.request.target = Some("lats".to_owned());
    assert_eq!(bench.failure(dockerfile), "there is no stage `lats`\nhint: did you mean `last`?\n");
}

fn two_at_once() {
    let mut bench = bench();
    DOCKERFILE.clone_into(&mut bench.request.dockerfile);
    let built: Vec<_> = std::thread::scope(|scope| {
        let run = || {
            sealift_build::build(
                &bench.request,
                &bench.store,
                &bench.images,
                &sealift_build::Silent,
                &bench.cancel,
            )
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    });
    // Each step was executed once, whoever came first.
    let executed: usize = built.iter().map(|built| built.steps - built.cached).sum();
    assert_eq!(executed, 3);
    let layers = |built: &sealift_build::Built| built.manifest.value().layers.clone();
    assert!(built.iter().all(|other| layers(other) == layers(&built[0])));
}
