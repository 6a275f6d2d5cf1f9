//! Layers upon each other.

use expect_test::{Expect, expect};
use sealift_archive::{EntryKind, Header, RelativePath};
use sealift_image::{Removed, RemovedHow, tree_of};

use crate::kit::{layer, show};

fn check(layers: &[&[&str]], expected: Expect) {
    expected.assert_eq(&match tree_of(layers.iter().map(|lines| layer(lines)).collect()) {
        Ok(tree) => show(&tree),
        Err(error) => format!("error: {error}"),
    });
}

#[test]
fn upper_layers_replace_and_add() {
    check(
        &[&["a/", "a/b=old", "a/c=keep"], &["a/", "a/b=new", "d/e=x"]],
        expect![[r"
            a/ @1
            a/b=new @1
            a/c=keep @0
            d/ @1 implied
            d/e=x @1
        "]],
    );
}

#[test]
fn whiteouts_hide_lower_layers_only() {
    check(
        &[
            &["a/b=1", "a/c/d=2", "e=3"],
            &["a/.wh.c", ".wh.e", ".wh.nothing", "a/.wh.b", "a/b=again"],
        ],
        expect![[r"
            a/ @0 implied
            a/b=again @1
        "]],
    );
    // The order in the archive does not matter.
    check(&[&["a=1"], &["a=2", ".wh.a"]], expect!["a=2 @1\n"]);
    check(
        &[&["a/", "a/b=1"], &["a/new=2", ".wh.a"]],
        expect![[r"
            a/ @1 implied
            a/new=2 @1
        "]],
    );
    check(&[&[".wh.a", "a=1", ".wh.b"]], expect!["a=1 @0\n"]);
    // A whiteout of the root's link names the link.
    check(&[&["a->b", "b/c=1"], &[".wh.a"]], expect!["b/ @0 implied\nb/c=1 @0\n"]);
}

#[test]
fn opaque_directories() {
    check(
        &[&["a/", "a/b=1", "a/c/d=2", "e=3"], &["a/", "a/.wh..wh..opq", "a/new=4"]],
        expect![[r"
            a/ @1
            a/new=4 @1
            e=3 @0
        "]],
    );
    check(
        &[&["a/b=1", "a/c/d=2"], &["a/c/new=4", "a/.wh..wh..opq"]],
        expect![[r"
            a/ @0 implied
            a/c/ @1 implied
            a/c/new=4 @1
        "]],
    );
    check(&[&["a=1", "b/c=2"], &[".wh..wh..opq", "d=3"]], expect!["d=3 @1\n"]);
}

#[test]
fn types_change() {
    check(&[&["a/b=1", "a/c/d=2"], &["a=file"]], expect!["a=file @1\n"]);
    check(&[&["a=file"], &["a/", "a/b=1"]], expect!["a/ @1\na/b=1 @1\n"]);
    check(&[&["a=file"], &["a/b=1"]], expect!["a/ @1 implied\na/b=1 @1\n"]);
    check(&[&["a/b=1"], &["a->/c"]], expect!["a->/c @1\n"]);
    check(
        &[&["a->/c", "c/x=1"], &["a/", "a/y=2"]],
        expect![[r"
        a/ @1
        a/y=2 @1
        c/ @0 implied
        c/x=1 @0
    "]],
    );
    // Twice in one layer: the last one counts.
    check(&[&["a=1", "a=2"]], expect!["a=2 @0\n"]);
    check(&[&["a/", "a/b=1", "a=2"]], expect!["a=2 @0\n"]);
}

#[test]
fn links_above_an_entry_are_followed_beneath_the_root() {
    check(
        &[&["usr/lib/a=1", "lib->usr/lib"], &["lib/b=2", "lib/.wh.a"]],
        expect![[r"
            lib->usr/lib @0
            usr/ @0 implied
            usr/lib/ @0 implied
            usr/lib/b=2 @1
        "]],
    );
    // Out of the root there is no way.
    check(
        &[&["a->../../..", "b->/"], &["a/x=1", "b/y=2"]],
        expect![[r"
        a->../../.. @0
        b->/ @0
        x=1 @1
        y=2 @1
    "]],
    );
    // A link to nowhere makes what it names.
    check(
        &[&["a->b/c"], &["a/x=1"]],
        expect![[r"
        a->b/c @0
        b/ @1 implied
        b/c/ @1 implied
        b/c/x=1 @1
    "]],
    );
    // A circle gives way to a directory.
    check(
        &[&["a->b", "b->a"], &["a/x=1"]],
        expect![[r"
        a/ @1 implied
        a/x=1 @1
        b->a @0
    "]],
    );
    // Within one layer too: a link that an earlier entry made.
    check(
        &[&["etc/", "a->etc", "a/x=1"]],
        expect![[r"
        a->etc @0
        etc/ @0
        etc/x=1 @0
    "]],
    );
    // The directory that was looked up last is not remembered beyond a change of it.
    check(
        &[&["d/x=1", "d->e", "d/y=2"]],
        expect![[r"
        d->e @0
        e/ @0 implied
        e/y=2 @0
    "]],
    );
}

#[test]
fn hard_links() {
    check(
        &[&["a=1", "b=>a"], &["c/d=>a", ".wh.a"], &["b=2"]],
        expect![[r"
            b=2 @2
            c/ @1 implied
            c/d=1 @1 linked to a
        "]],
    );
    check(
        &[&["usr/x=1", "u->usr"], &["y=>u/x"]],
        expect![[r"
        u->usr @0
        usr/ @0 implied
        usr/x=1 @0
        y=1 @1 linked to usr/x
    "]],
    );
    check(&[&["a->t", "b=>a"]], expect!["a->t @0\nb->t @0 linked to a\n"]);
    check(&[&["a=1"], &["a=>a"]], expect!["a=1 @0\n"]);
    check(&[&["b=>a"]], expect!["error: layer 0: `b` is a hard link to `a`, which is not there"]);
    check(
        &[&["a/"], &["b=>a"]],
        expect!["error: layer 1: `b` is a hard link to the directory `a`"],
    );
}

#[test]
fn strange_whiteouts() {
    check(&[&["a=1"], &[".wh..wh.plnk/1.2", ".wh..wh.aufs"]], expect!["a=1 @0\n"]);
    check(
        &[&["a/b=1"], &["a/.wh."]],
        expect!["error: layer 1: `a/.wh.` is a whiteout that names no entry"],
    );
    check(
        &[&["a/b=1"], &["a/.wh..."]],
        expect!["error: layer 1: `a/.wh...` is a whiteout that names no entry"],
    );
    // Whiteouts make no directories.
    check(&[&["a=1"], &["b/c/.wh.d", "e/.wh..wh..opq"]], expect!["a=1 @0\n"]);
}

#[test]
fn names_that_are_no_text() {
    let file = |bytes: &[u8]| {
        (Header::new(RelativePath::parse(bytes).unwrap(), EntryKind::File), Vec::new())
    };
    let tree =
        tree_of(vec![vec![file(b"a/\xff\xfe"), file(b"a/b")], vec![file(b"a/.wh.\xff\xfe")]])
            .unwrap();
    assert_eq!(show(&tree), "a/ @0 implied\na/b= @0\n");
}

#[test]
fn lookups_follow_links() {
    let tree = tree_of(vec![layer(&[
        "usr/bin/python3.11=elf",
        "usr/bin/python3->python3.11",
        "usr/bin/python->/usr/bin/python3",
        "bin->usr/bin",
        "up->../../bin/python",
        "loop->loop",
        "deep->a/../usr",
        "file=x",
    ])])
    .unwrap();
    let found = |path: &str| tree.resolve(&path.parse().unwrap()).map(|fact| fact.path.to_string());
    assert_eq!(found("bin/python").as_deref(), Some("usr/bin/python3.11"));
    assert_eq!(found("up").as_deref(), Some("usr/bin/python3.11"));
    assert_eq!(found("bin").as_deref(), Some("usr/bin"));
    assert_eq!(found("").as_deref(), Some(""));
    assert_eq!(found("loop"), None);
    assert_eq!(found("loop/x"), None);
    assert_eq!(found("file/x"), None);
    assert_eq!(found("missing"), None);
    // `a` is not there, so that neither is `a/..`.
    assert_eq!(found("deep"), None);
    assert_eq!(tree.get(&"bin/python".parse().unwrap()), None);
    assert_eq!(tree.read(&"up".parse().unwrap()), Some(&b"elf"[..]));
    let text = |path: &str| tree.resolve_text(path.as_bytes()).map(|fact| fact.path.to_string());
    assert_eq!(text("/usr/../bin/./python3").as_deref(), Some("usr/bin/python3.11"));
    assert_eq!(text("../../file").as_deref(), Some("file"));
    let below: Vec<String> =
        tree.below(&"usr".parse().unwrap()).map(|fact| fact.path.to_string()).collect();
    assert_eq!(below, ["usr/bin", "usr/bin/python", "usr/bin/python3", "usr/bin/python3.11"]);
    assert_eq!(tree.below(&RelativePath::root()).count(), tree.len());
}

#[test]
fn long_chains_of_links_end() {
    let lines: Vec<String> = (0..100).map(|i| format!("l{i}->l{}", i + 1)).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.push("l100=end");
    let tree = tree_of(vec![layer(&lines)]).unwrap();
    assert!(tree.resolve(&"l60".parse().unwrap()).is_some());
    assert!(tree.resolve(&"l50".parse().unwrap()).is_none());
}

#[test]
fn what_went_away() {
    let tree = tree_of(vec![
        layer(&["a/x=12", "a/y=123", "b=1"]),
        layer(&[".wh.a", "b=12"]),
        layer(&["b/"]),
    ])
    .unwrap();
    let removed: Vec<String> = tree
        .removed()
        .map(|Removed { path, size, layer, by, how }| {
            let how = if how == RemovedHow::Deleted { "deleted" } else { "replaced" };
            format!("{path} {size} of {layer} {how} by {by}")
        })
        .collect();
    assert_eq!(
        removed,
        [
            "a/x 2 of 0 deleted by 1",
            "a/y 3 of 0 deleted by 1",
            "b 1 of 0 replaced by 1",
            "b 2 of 1 replaced by 2",
        ]
    );
}
