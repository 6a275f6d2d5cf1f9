//! Where `COPY` and `ADD` put things. What is expected is what `BuildKit` does.

use std::fs;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;

use crate::bench::Bench;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("copy_file", file),
        trial("copy_directory", directory),
        trial("copy_several", several),
        trial("copy_wildcards", wildcards),
        trial("copy_through_links", links),
        trial("copy_attributes", attributes),
        trial("copy_hard_links", hard_links),
        trial("copy_over_what_is_there", existing),
        trial("copy_from_stage", from_stage),
        trial("copy_heredoc", heredoc),
    ]
}

pub(crate) fn context() -> Bench {
    let bench = Bench::new();
    bench.file("a.txt", "A").file("b.txt", "B").file("dir/c.txt", "C").file("dir/sub/d.txt", "D");
    bench.mode("dir", 0o750).mode("dir/sub", 0o700).mode("a.txt", 0o640);
    bench
}

pub(crate) fn check(dockerfile: &str, expected: Expect) {
    check_in(&mut context(), dockerfile, expected);
}

pub(crate) fn check_in(bench: &mut Bench, dockerfile: &str, expected: Expect) {
    let built = bench.build(dockerfile);
    expected.assert_eq(&bench.layers(&built, 0));
}

fn file() {
    check(
        "FROM scratch\nCOPY a.txt /",
        expect![[r#"
        layer
          - 0640 0:0 a.txt A
    "#]],
    );
    check(
        "FROM scratch\nCOPY a.txt /x",
        expect![[r#"
        layer
          - 0640 0:0 x A
    "#]],
    );
    check(
        "FROM scratch\nCOPY a.txt /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0640 0:0 x/a.txt A
    "#]],
    );
    check(
        "FROM scratch\nCOPY a.txt /x/y/z",
        expect![[r#"
        layer
          d 0755 0:0 x
          d 0755 0:0 x/y
          - 0640 0:0 x/y/z A
    "#]],
    );
    check(
        "FROM scratch\nWORKDIR /w\nCOPY a.txt .",
        expect![[r#"
        layer
          d 0755 0:0 w
        layer
          d 0755 0:0 w
          - 0640 0:0 w/a.txt A
    "#]],
    );
    check(
        "FROM scratch\nWORKDIR /w\nCOPY ./dir/../a.txt b",
        expect![[r#"
        layer
          d 0755 0:0 w
        layer
          d 0755 0:0 w
          - 0640 0:0 w/b A
    "#]],
    );
}

fn directory() {
    // The content is copied, and the destination does not take the source's mode.
    check(
        "FROM scratch\nCOPY dir /x",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0644 0:0 x/c.txt C
          d 0700 0:0 x/sub
          - 0644 0:0 x/sub/d.txt D
    "#]],
    );
    check(
        "FROM scratch\nCOPY dir /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0644 0:0 x/c.txt C
          d 0700 0:0 x/sub
          - 0644 0:0 x/sub/d.txt D
    "#]],
    );
    check(
        "FROM scratch\nCOPY dir /",
        expect![[r#"
        layer
          - 0644 0:0 c.txt C
          d 0700 0:0 sub
          - 0644 0:0 sub/d.txt D
    "#]],
    );
    check(
        "FROM scratch\nCOPY . /all",
        expect![[r#"
        layer
          d 0755 0:0 all
          - 0640 0:0 all/a.txt A
          - 0644 0:0 all/b.txt B
          d 0750 0:0 all/dir
          - 0644 0:0 all/dir/c.txt C
          d 0700 0:0 all/dir/sub
          - 0644 0:0 all/dir/sub/d.txt D
    "#]],
    );
}

fn several() {
    check(
        "FROM scratch\nCOPY a.txt b.txt dir /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0640 0:0 x/a.txt A
          - 0644 0:0 x/b.txt B
          - 0644 0:0 x/c.txt C
          d 0700 0:0 x/sub
          - 0644 0:0 x/sub/d.txt D
    "#]],
    );
    check(
        "FROM scratch\nCOPY [\"a.txt\", \"b.txt\", \"/with space/\"]",
        expect![[r#"
        layer
          d 0755 0:0 with space
          - 0640 0:0 with space/a.txt A
          - 0644 0:0 with space/b.txt B
    "#]],
    );
    let mut bench = context();
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY a.txt b.txt /x` failed
        caused by: destination `/x`: with more than one source it must be a directory and end with `/`
    "#]].assert_eq(&bench.failure("FROM scratch\nCOPY a.txt b.txt /x"));
}

fn wildcards() {
    check(
        "FROM scratch\nCOPY *.txt /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0640 0:0 x/a.txt A
          - 0644 0:0 x/b.txt B
    "#]],
    );
    check(
        "FROM scratch\nCOPY di? /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0644 0:0 x/c.txt C
          d 0700 0:0 x/sub
          - 0644 0:0 x/sub/d.txt D
    "#]],
    );
    check(
        "FROM scratch\nCOPY dir/*/d.[a-t]xt /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0644 0:0 x/d.txt D
    "#]],
    );
    let mut bench = context();
    check_in(
        &mut bench,
        "FROM scratch\nCOPY a.txt nomatch* /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0640 0:0 x/a.txt A
    "#]],
    );
    assert_eq!(bench.warnings(), ["`nomatch*` matches nothing"]);
    bench.file("ar[r].txt", "bracket");
    check_in(
        &mut bench,
        "FROM scratch\nCOPY ar[[]r].txt /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0644 0:0 x/ar[r].txt bracket
    "#]],
    );
}

fn links() {
    let mut bench = context();
    bench.link("to-file", "a.txt").link("to-dir", "dir").link("dir/inner", "sub/d.txt");
    bench.link("outside", "/../../etc/hostname").link("absolute", "/dir/c.txt");
    // A named link is followed, one inside a directory is copied.
    check_in(
        &mut bench,
        "FROM scratch\nCOPY to-file /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0640 0:0 x/to-file A
    "#]],
    );
    check_in(
        &mut bench,
        "FROM scratch\nCOPY to-dir /x",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0644 0:0 x/c.txt C
          l 0777 0:0 x/inner -> sub/d.txt
          d 0700 0:0 x/sub
          - 0644 0:0 x/sub/d.txt D
    "#]],
    );
    check_in(
        &mut bench,
        "FROM scratch\nCOPY to-dir/sub/d.txt absolute /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0644 0:0 x/absolute C
          - 0644 0:0 x/d.txt D
    "#]],
    );
    // Nothing outside of the context can be reached.
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY outside /x` failed
        caused by: `outside` is not in the build context
        hint: sources are paths from the top of the context, stage or image
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY outside /x"));
    // A link in the image is followed beneath its root.
    std::fs::create_dir(bench.in_context("links")).unwrap();
    bench.link("links/link", "/real").link("links/up", "../../real/sub");
    check_in(
        &mut bench,
        "FROM scratch AS base\nCOPY dir /real\nCOPY links /\n\
         FROM base\nCOPY a.txt /link/\nCOPY b.txt /up/",
        expect![[r#"
            layer
              d 0755 0:0 real
              - 0644 0:0 real/c.txt C
              l 0777 0:0 real/inner -> sub/d.txt
              d 0700 0:0 real/sub
              - 0644 0:0 real/sub/d.txt D
            layer
              l 0777 0:0 link -> /real
              l 0777 0:0 up -> ../../real/sub
            layer
              d 0755 0:0 real
              - 0640 0:0 real/a.txt A
            layer
              d 0755 0:0 real
              d 0700 0:0 real/sub
              - 0644 0:0 real/sub/b.txt B
        "#]],
    );
}

fn attributes() {
    let mut bench = context();
    bench.file("run", "R").mode("run", 0o4755);
    check_in(
        &mut bench,
        "FROM scratch\nCOPY run /run",
        expect![[r#"
        layer
          - 4755 0:0 run R
    "#]],
    );
    check_in(
        &mut bench,
        "FROM scratch\nCOPY --chown=7 a.txt /new/a",
        expect![[r#"
        layer
          d 0755 7:7 new
          - 0640 7:7 new/a A
    "#]],
    );
    check_in(
        &mut bench,
        "FROM scratch\nCOPY --chown=7:8 --chmod=0600 dir /x",
        expect![[r#"
        layer
          d 0755 7:8 x
          - 0600 7:8 x/c.txt C
          d 0600 7:8 x/sub
          - 0600 7:8 x/sub/d.txt D
    "#]],
    );
    check_in(
        &mut bench,
        "FROM scratch AS base\nCOPY <<passwd <<group /etc/\napp:x:10:20::/:\npasswd\n\
         staff:x:30:\ngroup\n\
         FROM base\nARG who=app\nCOPY --chown=$who a.txt /a\nCOPY --chown=app:staff a.txt /b\n",
        expect![[r#"
            layer
              d 0755 0:0 etc
              - 0644 0:0 etc/group staff:x:30:\n
              - 0644 0:0 etc/passwd app:x:10:20::/:\n
            layer
              - 0640 10:20 a A
            layer
              - 0640 10:30 b A
        "#]],
    );
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --chown=app a.txt /a` failed
        caused by: there is no user `app` in the image's `/etc/passwd`
        hint: create the user in an earlier RUN step, or use its number
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY --chown=app a.txt /a"));
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --chmod=9 a.txt /a` failed
        caused by: --chmod `9`: it must be an octal number between 0 and 7777
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY --chmod=9 a.txt /a"));
}

fn hard_links() {
    let mut bench = context();
    fs::hard_link(bench.in_context("a.txt"), bench.in_context("dir/hard")).unwrap();
    check_in(
        &mut bench,
        "FROM scratch\nCOPY . /",
        expect![[r#"
            layer
              - 0640 0:0 a.txt A
              - 0644 0:0 b.txt B
              d 0750 0:0 dir
              - 0644 0:0 dir/c.txt C
              h 0640 0:0 dir/hard = a.txt
              d 0700 0:0 dir/sub
              - 0644 0:0 dir/sub/d.txt D
        "#]],
    );
}

fn existing() {
    // Directories below the source take their attributes along, also onto existing ones.
    check(
        "FROM scratch AS base\nCOPY --chmod=777 dir /x\nFROM base\nCOPY dir /x\nCOPY b.txt /x/sub",
        expect![[r#"
            layer
              d 0755 0:0 x
              - 0777 0:0 x/c.txt C
              d 0777 0:0 x/sub
              - 0777 0:0 x/sub/d.txt D
            layer
              d 0755 0:0 x
              - 0644 0:0 x/c.txt C
              d 0700 0:0 x/sub
              - 0644 0:0 x/sub/d.txt D
            layer
              d 0755 0:0 x
              d 0700 0:0 x/sub
              - 0644 0:0 x/sub/b.txt B
        "#]],
    );
    let mut bench = context();
    bench.file("sub", "");
    expect![[r#"
        `CONTEXT/Dockerfile` line 3: `COPY dir /x` failed
        caused by: cannot write `/x`: it is not a directory
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY a.txt /x\nCOPY dir /x"));
    expect![[r#"
        `CONTEXT/Dockerfile` line 3: `COPY sub /x/` failed
        caused by: cannot write `/x/sub`: a directory cannot be replaced by a file
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY dir /x\nCOPY sub /x/"));
    expect![[r#"
        `CONTEXT/Dockerfile` line 3: `COPY a.txt /x/y` failed
        caused by: cannot write `/x`: it is not a directory
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY a.txt /x\nCOPY a.txt /x/y"));
}

fn from_stage() {
    check(
        "FROM scratch AS one\nCOPY --chown=5:6 dir /d\n\
         FROM scratch\nCOPY --from=one /d/sub /s\nCOPY --from=0 d/c.txt /c\nCOPY --from=ONE /d /t/",
        expect![[r#"
            layer
              d 0755 0:0 s
              - 0644 5:6 s/d.txt D
            layer
              - 0644 5:6 c C
            layer
              d 0755 0:0 t
              - 0644 5:6 t/c.txt C
              d 0700 5:6 t/sub
              - 0644 5:6 t/sub/d.txt D
        "#]],
    );
    let mut bench = context();
    expect![[r#"
        `CONTEXT/Dockerfile` line 4: `COPY --from=one /d/cc.txt /` failed
        caused by: `/d/cc.txt` is not in the stage `one`
        hint: did you mean `d/c.txt`?
    "#]]
    .assert_eq(
        &bench
            .failure("FROM scratch AS one\nCOPY dir /d\nFROM scratch\nCOPY --from=one /d/cc.txt /"),
    );
    expect![[r#"
        `CONTEXT/Dockerfile` line 4: `FROM 0` failed
        caused by: cannot get the base image `0:latest`: it is neither in the store nor mapped
        hint: map it to a recipe in sealift.toml
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY --from=two / /\nFROM scratch AS two\nFROM 0"));
    let built = bench.build("FROM scratch\nCOPY a.txt /kept");
    bench.keep("other", &built.descriptor);
    check_in(
        &mut bench,
        "FROM scratch\nCOPY --from=other:1 /kept /x",
        expect![[r#"
        layer
          - 0640 0:0 x A
    "#]],
    );
}

fn heredoc() {
    check(
        "FROM scratch\nENV name=world\nCOPY <<EOF <<\"RAW\" /etc/\nhello $name\nEOF\n$name\nRAW\n",
        expect![[r#"
            layer
              d 0755 0:0 etc
              - 0644 0:0 etc/EOF hello world\n
              - 0644 0:0 etc/RAW $name\n
        "#]],
    );
    check(
        "FROM scratch\nCOPY --chmod=755 <<-EOF /run.sh\n\t#!/bin/sh\n\tEOF\n",
        expect![[r#"
        layer
          - 0755 0:0 run.sh #!/bin/sh\n
    "#]],
    );
}
