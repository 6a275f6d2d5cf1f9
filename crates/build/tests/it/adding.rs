//! What is left out, kept and extracted on the way, and `WORKDIR`.

use std::fs;

use expect_test::expect;
use libtest_mimic::Trial;

use crate::copying::{check, check_in, context};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("copy_exclude_and_parents", exclude_and_parents),
        trial("copy_ignored", ignored),
        trial("add_archive", archive),
        trial("workdir", workdir),
    ]
}

fn exclude_and_parents() {
    check(
        "FROM scratch\nCOPY --exclude=*.txt --exclude=**/d.txt . /x",
        expect![[r#"
        layer
          d 0755 0:0 x
          d 0750 0:0 x/dir
          - 0644 0:0 x/dir/c.txt C
          d 0700 0:0 x/dir/sub
    "#]],
    );
    check(
        "FROM scratch\nCOPY --parents dir/sub/d.txt a.txt /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          - 0640 0:0 x/a.txt A
          d 0750 0:0 x/dir
          d 0700 0:0 x/dir/sub
          - 0644 0:0 x/dir/sub/d.txt D
    "#]],
    );
    check(
        "FROM scratch\nCOPY --parents dir/./sub/*.txt /x/",
        expect![[r#"
        layer
          d 0755 0:0 x
          d 0700 0:0 x/sub
          - 0644 0:0 x/sub/d.txt D
    "#]],
    );
}

fn ignored() {
    let mut bench = context();
    bench.file(".dockerignore", "# no\n*\n!dir\ndir/sub\n!dir/sub/d.txt\n!.dockerignore\n");
    bench.file("dir/sub/e.txt", "E");
    check_in(
        &mut bench,
        "FROM scratch\nCOPY . /",
        expect![[r#"
        layer
          - 0644 0:0 .dockerignore # no\n*\n!dir\ndir/sub\n!dir/sub/d.txt\n!.dockerignore\n
          d 0750 0:0 dir
          - 0644 0:0 dir/c.txt C
          d 0700 0:0 dir/sub
          - 0644 0:0 dir/sub/d.txt D
    "#]],
    );
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY a.txt /` failed
        caused by: `a.txt` is not in the build context: it is excluded by .dockerignore
        hint: add a line `!a.txt` at the end of .dockerignore
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY a.txt /"));
    // The Dockerfile's own ignore file takes the other's place.
    bench.file("Dockerfile.dockerignore", "dir\nDocker*\n.docker*\n");
    check_in(
        &mut bench,
        "FROM scratch\nCOPY . /",
        expect![[r#"
        layer
          - 0640 0:0 a.txt A
          - 0644 0:0 b.txt B
    "#]],
    );
}

fn archive() {
    use sealift_archive::{EntryKind, Header, tar};
    let mut bench = context();
    let mut writer = tar::Writer::new(Vec::new());
    let mut entry = |path: &str, kind: EntryKind, content: &str| {
        let header = Header {
            uid: 3,
            gid: 4,
            size: content.len() as u64,
            ..Header::new(path.parse().unwrap(), kind)
        };
        writer.append(&header, &mut content.as_bytes()).unwrap();
    };
    entry("top", EntryKind::Directory, "");
    entry("top/file", EntryKind::File, "in the archive");
    entry("top/hard", EntryKind::HardLink("top/file".parse().unwrap()), "");
    entry("top/out", EntryKind::Symlink(b"/elsewhere".to_vec()), "");
    entry("top/out/through", EntryKind::File, "beneath the root");
    let bytes = writer.finish().unwrap();
    let mut gzip = sealift_archive::GzipWriter::new(Vec::new(), 6);
    std::io::Write::write_all(&mut gzip, &bytes).unwrap();
    fs::write(bench.in_context("x.tar.gz"), gzip.finish().unwrap()).unwrap();
    fs::write(bench.in_context("not.tar"), "no archive at all").unwrap();
    check_in(
        &mut bench,
        "FROM scratch\nADD x.tar.gz not.tar /to/",
        expect![[r#"
        layer
          d 0755 0:0 elsewhere
          - 0644 3:4 elsewhere/through beneath the root
          d 0755 0:0 to
          - 0644 0:0 to/not.tar no archive at all
          d 0755 3:4 to/top
          - 0644 3:4 to/top/file in the archive
          h 0644 3:4 to/top/hard = to/top/file
          l 0777 3:4 to/top/out -> /elsewhere
    "#]],
    );
    check_in(
        &mut bench,
        "FROM scratch\nADD --chown=9:9 x.tar.gz /to",
        expect![[r#"
        layer
          d 0755 0:0 elsewhere
          - 0644 9:9 elsewhere/through beneath the root
          d 0755 9:9 to
          d 0755 9:9 to/top
          - 0644 9:9 to/top/file in the archive
          h 0644 9:9 to/top/hard = to/top/file
          l 0777 9:9 to/top/out -> /elsewhere
    "#]],
    );
    let built = bench.build("FROM scratch\nCOPY x.tar.gz /to/");
    assert!(bench.layers(&built, 0).contains("to/x.tar.gz"));
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `ADD https://example.org/x /` failed
        caused by: ADD from the network (`https://example.org/x`) is not supported
        hint: download it in a RUN step that checks its digest, such as `RUN curl -fsSLo FILE URL && echo "SHA256  FILE" | sha256sum -c`, or put the file into the context
    "#]].assert_eq(&bench.failure("FROM scratch\nADD https://example.org/x /"));
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `ADD https://example.org/x.git /` failed
        caused by: ADD from the network (`https://example.org/x.git`) is not supported
        hint: clone it in a RUN step of a stage that has git, and take the files by COPY --from
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nADD https://example.org/x.git /"));
}

fn workdir() {
    check(
        "FROM scratch\nWORKDIR /a/b\nWORKDIR ../c\nWORKDIR /a",
        expect![[r#"
        layer
          d 0755 0:0 a
          d 0755 0:0 a/b
        layer
          d 0755 0:0 a
          d 0755 0:0 a/c
    "#]],
    );
    check(
        "FROM scratch\nUSER 5:6\nENV w=x\nWORKDIR /home/${w}",
        expect![[r#"
        layer
          d 0755 5:6 home
          d 0755 5:6 home/x
    "#]],
    );
}
