//! Errors that a person can act upon.

use std::sync::atomic::Ordering;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;

use crate::bench::Bench;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("failing_sources", sources),
        trial("failing_bases", bases),
        trial("failing_syntax", syntax),
        trial("failing_ignore_file", ignore_file),
        trial("failing_cancelled", cancelled),
    ]
}

fn check(dockerfile: &str, expected: Expect) {
    let mut bench = Bench::new();
    bench.file("src/main.py", "").file("requirements.txt", "");
    expected.assert_eq(&bench.failure(dockerfile));
}

fn sources() {
    check(
        "FROM scratch\n\nCOPY requirement.txt /app/",
        expect![[r#"
        `CONTEXT/Dockerfile` line 3: `COPY requirement.txt /app/` failed
        caused by: `requirement.txt` is not in the build context
        hint: did you mean `requirements.txt`?
    "#]],
    );
    check(
        "FROM scratch\nCOPY scr/main.py /app/",
        expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY scr/main.py /app/` failed
        caused by: `scr/main.py` is not in the build context
        hint: did you mean `src/main.py`?
    "#]],
    );
    check(
        "FROM scratch\nCOPY ../secret /app/",
        expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY ../secret /app/` failed
        caused by: `../secret` leads out of the build context
        hint: sources are paths within the context: move the file there, or build from the folder above
    "#]],
    );
    check(
        "FROM scratch\nCOPY --from=1 / /\n",
        expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY --from=1 / /` failed
        caused by: cannot copy from stage `1`: it does not come before this one
        hint: move the stage that is copied from above this one
    "#]],
    );
}

fn bases() {
    check(
        "FROM python:3.11-slim\n",
        expect![[r#"
        `CONTEXT/Dockerfile` line 1: `FROM python:3.11-slim` failed
        caused by: cannot get the base image `python:3.11-slim`: it is neither in the store nor mapped
        hint: map it to a recipe in sealift.toml
    "#]],
    );
    check(
        "ARG B\nFROM $B\n",
        expect![[r#"
        `CONTEXT/Dockerfile` line 2: `FROM $B` failed
        caused by: base image `$B`: it is empty once its variables are expanded; declare them by ARG before the first FROM
    "#]],
    );
    check(
        "FROM Python\n",
        expect![[r#"
        `CONTEXT/Dockerfile` line 1: `FROM Python` failed
        caused by: `Python` is not an image reference: the repository must be lower-case
    "#]],
    );
}

fn syntax() {
    check(
        "FROM scratch\nCPOY a b\n",
        expect![[r#"
            cannot read `CONTEXT/Dockerfile` line 2: unknown instruction `CPOY`
            hint: did you mean `COPY`?
        "#]],
    );
    check(
        "",
        expect![[r#"
            cannot read `CONTEXT/Dockerfile` line 1: the file has no instructions
            hint: start with `FROM image`
        "#]],
    );
}

fn ignore_file() {
    let mut bench = Bench::new();
    bench.file(".dockerignore", "ok\n[x\n").file("a", "");
    expect![[r#"
        `CONTEXT/Dockerfile` line 2: `COPY a /` failed
        caused by: `CONTEXT/.dockerignore` line 2: `[x`: a `[` has no `]`
    "#]]
    .assert_eq(&bench.failure("FROM scratch\nCOPY a /"));
}

fn cancelled() {
    let mut bench = Bench::new();
    bench.file("a", "");
    bench.cancel.store(true, Ordering::Relaxed);
    let error = bench.try_build("FROM scratch\nCOPY a /").unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}
