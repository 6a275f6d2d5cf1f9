//! What the linter says of policies.

use expect_test::{Expect, expect};
use sealift_diagnostic::{Level, render_short};
use sealift_policy::{LINT_RULES, PACKS, Settings, Source, lint, lint_rule};

#[track_caller]
fn check(text: &str, expected: Expect) {
    let sources = [Source::new("p.rego", text)];
    let linted = lint(&Settings::default(), &sources, &["given".to_owned()]).unwrap();
    let mut shown = render_short(&linted[0].findings, "", text);
    for finding in &linted[0].findings {
        if let Some(help) = finding.help.as_ref().filter(|help| help.starts_with("did you")) {
            shown += &format!("  {help}\n");
        }
    }
    expected.assert_eq(&shown);
}

#[test]
fn the_required_policies() {
    check(
        include_str!("../policies/image.rego"),
        expect![[r#"
        1:1 info SL9007 this is Rego v0: OPA 1.0 reads it with `--v0-compatible` only
        6:13 warning SL9001 this definition of `deny` can never fire: a string (`input.Config.Env[_]`) is compared with a boolean (`regex.match(".*PASSWORD.*", input.Config.Env[_])`)
    "#]],
    );
    check(
        include_str!("../policies/registry.rego"),
        expect![[r#"
        1:1 info SL9007 this is Rego v0: OPA 1.0 reads it with `--v0-compatible` only
    "#]],
    );
}

#[test]
fn kinds() {
    check(
        "package a\nimport rego.v1\ndeny contains msg if {\n\tinput.image.created != \"\"\n\tmsg := \"x\"\n}\n\
         deny contains \"y\" if \"a\" == \"b\"\n\
         deny contains \"z\" if { n := count(input.packages); n == \"3\" }\n\
         deny contains \"w\" if not startswith(input.image.name, \"x\") == \"y\"\n\
         deny contains \"v\" if count(input.packages) in {\"a\", \"b\"}\n\
         deny contains \"u\" if { some p in input.packages; p.name == 3 }\n\
         deny contains \"t\" if [1 | input.image.tag == 3] == []\n\
         deny contains \"s\" if input.image.size_bytes > \"10\"\n\
         deny contains \"r\" if false\n",
        expect![[r#"
            4:2 warning SL9006 this condition always holds: a number (`input.image.created`) is compared with a string (`""`)
            7:23 warning SL9001 this definition of `deny` can never fire: two constants are compared
            8:52 warning SL9001 this definition of `deny` can never fire: a number (`n`) is compared with a string (`"3"`)
            9:26 warning SL9006 this condition always holds: a boolean (`startswith(input.image.name, "x")`) is compared with a string (`"y"`)
            10:22 warning SL9001 this definition of `deny` can never fire: a number (`count(input.packages)`) is sought among other values
            12:27 warning SL9001 this condition can never hold: a string (`input.image.tag`) is compared with a number (`3`)
            13:22 warning SL9001 this definition of `deny` can never fire: a number (`input.image.size_bytes`) is compared with a string (`"10"`)
            14:22 warning SL9001 this definition of `deny` can never fire: it is `false`
        "#]],
    );
}

#[test]
fn facts() {
    check(
        "package a\nimport rego.v1\nimport input.image as it\ndeny contains msg if {\n\
         \tinput.Config.Usr == \"\"\n\tit.registri == \"x\"\n\tinput.given == \"y\"\n\
         \tinput.vulnerabilities[_].severety == \"high\"\n\tinput.Config.Labels.anything == \"\"\n\
         \tinput.image.tag.x\n\tinput.enviroment\n\tmsg := input[\"Oss\"]\n}\n",
        expect![[r#"
            5:2 warning SL9002 no fact is called `Usr`
            6:2 warning SL9002 no fact is called `registri`
            8:2 warning SL9002 no fact is called `severety`
            10:2 warning SL9002 `input.image.tag` is text, which has no `x`
            11:2 warning SL9002 no fact is called `enviroment`
            12:9 warning SL9002 no fact is called `Oss`
              did you mean `User`?
              did you mean `registry`?
              did you mean `severity`?
              did you mean `environment`?
              did you mean `Os`?
        "#]],
    );
    check(
        "package k\nimport rego.v1\ndeny contains msg if { input.kind == \"Pod\"; msg := input.metadata.name }\n",
        expect![[""]],
    );
}

#[test]
fn names() {
    check(
        "package a\nimport rego.v1\nimport data.lib.x\nimport data.lib.y as z\n\nallowed := [\"a\"]\nunused := 1\n\
         f(v) := v + z.n\ndenied contains \"x\" if input.q\n\
         deny contains msg if { allowed := input.r; f(allowed); msg := \"x\" }\n",
        expect![[r#"
            3:1 info SL9003 the import `x` is used nowhere
            7:1 info SL9004 nothing uses `unused`, and it is no rule that judges
            9:1 info SL9004 nothing uses `denied`, and it is no rule that judges
            10:24 warning SL9005 the variable `allowed` hides the rule `allowed`
        "#]],
    );
}

#[test]
fn packs_are_clean() {
    for pack in PACKS {
        for linted in lint(&Settings::default(), &pack.sources(), &[]).unwrap() {
            let serious: Vec<_> =
                linted.findings.iter().filter(|it| it.level >= Level::Warning).collect();
            assert!(serious.is_empty(), "{}: {serious:#?}", linted.file);
        }
    }
}

#[test]
fn every_rule_has_an_example_of_itself() {
    for rule in LINT_RULES {
        assert_eq!(lint_rule(rule.name), Some(rule));
        let find = |text: &str| {
            let text = match text.strip_prefix("package") {
                Some(_) => text.to_owned(),
                None => format!("package a\n{text}\n"),
            };
            let sources = [Source::new("p.rego", text)];
            let linted = lint(&Settings::default(), &sources, &[]).unwrap();
            linted[0].findings.iter().any(|it| it.rule.as_deref() == Some(rule.id))
        };
        assert!(find(rule.bad), "{}", rule.id);
        assert!(!find(rule.good), "{}", rule.id);
    }
}
