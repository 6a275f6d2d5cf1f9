//! Labels, with and without a schema.

use expect_test::{Expect, expect};
use sealift_diagnostic::render_short;
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, LabelSchema, lint, read_hadolint};

use crate::check::{check, silent};

fn check_schema(schema: &str, source: &str, expected: Expect) {
    let labels: LabelSchema = read_hadolint(schema).unwrap().labels;
    let config = Config { labels, ..Config::default() };
    let context = Context { dockerignore: Some(""), ..Context::new(&config) };
    let mut found = lint(&parse(source, &Limits::default()), &context);
    found.retain(|it| it.rule.as_deref().is_some_and(|it| ("SL3034".."SL3038").contains(&it)));
    expected.assert_eq(&render_short(&found, "", source));
}

#[test]
fn names() {
    check(
        "SL3033",
        "FROM a:1\nLABEL Foo=x a..b=x io.docker.y=x \"x-\"=y\n",
        expect![[r#"
            2:7 style SL3033 `Foo` is no good name of a label: it is not made of small letters and digits
            2:13 style SL3033 `a..b` is no good name of a label: it has two separators in a row
            2:20 style SL3033 `io.docker.y` is no good name of a label: `io.docker.` is reserved for Docker
            2:34 style SL3033 `x-` is no good name of a label: it is not made of small letters and digits
        "#]],
    );
    silent(
        "SL3033",
        &[
            "FROM a:1\nLABEL org.opencontainers.image.title=x io.k8s.display-name=y \"a_b/c\"=z $X=1",
        ],
    );
}

#[test]
fn repeated() {
    check(
        "SL3038",
        "FROM a:1\nLABEL a=1 b=2 \"a\"=3\nENV X=1 X=2\n",
        expect![[r#"
            2:7 warning SL3038 `a` is set again in this instruction
            3:5 warning SL3038 `X` is set again in this instruction
        "#]],
    );
    silent("SL3038", &["FROM a:1\nLABEL a=1 b=1\nLABEL a=2"]);
}

#[test]
fn schema() {
    let schema = "label-schema:\n  maintainer: email\n  created: rfc3339\n  revision: hash\n  note: text\nstrict-labels: true\n";
    check_schema(
        schema,
        "FROM a:1\nLABEL maintainer=me created=\"2026-01-01T00:00:00Z\" revision=$REV other=x\nLABEL note=\n",
        expect![[r#"
            2:18 warning SL3037 label `maintainer` is not a mail address
            2:66 info SL3035 the label schema does not name `other`
            3:7 warning SL3036 label `note` is empty
        "#]],
    );
    check_schema(
        "label-schema:\n  a: text\n  b: text\n",
        "FROM x:1 AS base\nLABEL a=1\nFROM base\nLABEL c=1\n",
        expect![[r#"
            3:1 info SL3034 the image has no label `b`
        "#]],
    );
    check_schema("{}", "FROM x:1\nLABEL a=\n", expect![""]);
}
