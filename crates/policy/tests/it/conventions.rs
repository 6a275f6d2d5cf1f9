//! Which rules count, and what their values mean.

use expect_test::{Expect, expect};
use sealift_policy::{Settings, Source, evaluate_with};
use serde_json::json;

use crate::{judge, judge_all, show};

#[track_caller]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&show(judge(text, &json!({"x": 1}))));
}

#[test]
fn rules_and_messages() {
    check(
        r#"package a.b
deny[msg] { input.x == 1; msg := "text" }
deny_more[{"msg": "object", "code": 7}] { true }
violation[{"message": "other key"}] { true }
warn[msg] { msg := "careful" }
warn_x[7] { true }
denying[msg] { msg := "not a known rule" }
"#,
        expect![[r#"
            fail
            Deny a.b.deny (p.rego): text
            Deny a.b.deny_more (p.rego): object
            Deny a.b.violation (p.rego): other key
            Warn a.b.warn (p.rego): careful
            Warn a.b.warn_x (p.rego): 7
        "#]],
    );
    check(
        "package a\nwarn[msg] { msg := \"careful\" }",
        expect![[r#"
            warn
            Warn a.warn (p.rego): careful
        "#]],
    );
    check(
        "package a\ndeny[msg] { input.x == 2; msg := \"no\" }",
        expect![[r#"
            pass
        "#]],
    );
    check(
        "package a\nimport rego.v1\ndeny contains msg if { some msg in [\"b\", \"a\"] }",
        expect![[r#"
            fail
            Deny a.deny (p.rego): a
            Deny a.deny (p.rego): b
        "#]],
    );
}

#[test]
fn complete_rules() {
    check(
        "package a\ndeny { input.x == 1 }",
        expect![[r#"
            fail
            Deny a.deny (p.rego): `deny` is true
        "#]],
    );
    check(
        "package a\ndeny = \"text\" { input.x == 1 }",
        expect![[r#"
            fail
            Deny a.deny (p.rego): text
        "#]],
    );
    check(
        "package a\ndeny = 3",
        expect![[r#"
            fail
            Error a.deny (p.rego): `deny` is not a set of messages but 3
        "#]],
    );
    check(
        "package a\ndefault deny = false\ndeny { input.x == 2 }",
        expect![[r#"
            pass
        "#]],
    );
}

#[test]
fn allow() {
    check(
        "package a\nallow { input.x == 1 }",
        expect![[r#"
            pass
        "#]],
    );
    check(
        "package a\nallow { input.x == 2 }",
        expect![[r#"
            fail
            Deny a.allow (p.rego): `allow` is false
        "#]],
    );
    check(
        "package a\nallow = \"yes\"",
        expect![[r#"
            fail
            Error a.allow (p.rego): `allow` is not a truth value
        "#]],
    );
    check(
        "package a\ndefault allow = false\nallow { count(deny) == 0 }\ndeny[\"why\"] { true }",
        expect![[r#"
            fail
            Deny a.deny (p.rego): why
        "#]],
    );
}

#[test]
fn a_failing_rule_refuses() {
    check(
        "package a\ndeny[msg] { msg := sprintf(\"%d\", [1.5]) }",
        expect![[r#"
            fail
            Error a.deny (p.rego): the rule failed in line 2: number specified for format verb d.
        "#]],
    );
    check(
        "package a\ndeny[msg] { to_number(\"x\") == 1; msg := \"\" }",
        expect![[r#"
            fail
            Error a.deny (p.rego): the rule failed in line 2: could not parse string as number
        "#]],
    );
    check(
        "package a\nwarn[msg] { not to_number(\"x\") == 1; msg := \"\" }",
        expect![[r#"
            fail
            Error a.warn (p.rego): the rule failed in line 2: could not parse string as number
        "#]],
    );
    check(
        "package a\nlevel = 1 { true }\nlevel = 2 { true }\ndeny[msg] { level == 3; msg := \"\" }",
        expect![[r#"
            fail
            Error a.deny (p.rego): the rule failed in line 3: rule conflicts with rule at p.rego:2:1
        "#]],
    );
    check(
        "package a\nallow { nothing_of_this_name(1) }",
        expect![[r#"
            fail
            Error a.allow (p.rego): the rule failed in line 2: could not find function nothing_of_this_name
        "#]],
    );
    check(
        "package a\ndeny[msg] { http.send({\"method\": \"get\", \"url\": \"http://x\"}); msg := \"\" }",
        expect![[r#"
            fail
            Error a.deny (p.rego): the rule failed in line 2: could not find function http.send
        "#]],
    );
    check(
        "package a\ndeny[msg] { count(5) == 1; msg := \"\" }\nwarn[\"still judged\"] { true }",
        expect![[r#"
            fail
            Error a.deny (p.rego): the rule failed in line 2: `count` requires array/object/set/string argument. Got `5`.
            Warn a.warn (p.rego): still judged
        "#]],
    );
}

#[test]
fn a_policy_that_cannot_refuse_is_refused() {
    check(
        "package a\nx = 1",
        expect![[r#"
            error: policy `p.rego` (package `a`) can never refuse: it defines none of `deny`, `violation`, `warn`, `allow`
        "#]],
    );
    check(
        "package a",
        expect![[r#"
        error: policy `p.rego` (package `a`) can never refuse: it defines none of `deny`, `violation`, `warn`, `allow`
    "#]],
    );
    check(
        "package a\ndeny(x) { x == 1 }",
        expect![[r#"
        error: policy `p.rego` (package `a`) can never refuse: it defines none of `deny`, `violation`, `warn`, `allow`
    "#]],
    );
    check(
        "package a\ntest_x { true }",
        expect![[r#"
            error: policy `p.rego` (package `a`) can never refuse: it defines none of `deny`, `violation`, `warn`, `allow`
        "#]],
    );
    let result = judge_all(&[], &json!({}));
    assert_eq!(show(result), "error: there is no policy to judge by\n");
}

#[test]
fn several_files() {
    let library = Source::new("lib.rego", "package lib.names\nbad(x) { x == 1 }");
    let policy = Source::new(
        "main.rego",
        "package main\nimport data.lib.names\ndeny[msg] { names.bad(input.x); msg := \"bad\" }",
    );
    let more = Source::new("more.rego", "package main\ndeny[msg] { msg := \"more\" }");
    let tests = Source::new("main_test.rego", "package main_test\ntest_x { true }");
    let all = [library.clone(), policy, more, tests];
    expect![[r#"
        fail
        Deny main.deny (main.rego, more.rego): bad
        Deny main.deny (main.rego, more.rego): more
    "#]]
    .assert_eq(&show(judge_all(&all, &json!({"x": 1}))));
    let verdict = judge_all(&all, &json!({"x": 1})).unwrap();
    assert_eq!(verdict.policies.len(), 4);
    assert_eq!(verdict.policies[0].1, sealift_oci::Digest::sha256(library.text.as_bytes()));

    let unused = [library, Source::new("p.rego", "package main\ndeny[\"x\"] { false }")];
    assert!(
        show(judge_all(&unused, &json!({})))
            .contains("`lib.rego` (package `lib.names`) can never refuse")
    );
}

#[test]
fn unreadable_policies() {
    check(
        "package a\n\ndeny[msg] { msg := }",
        expect![[r#"
        error: policy `p.rego` cannot be read: line 3, column 11: expecting }
    "#]],
    );
    check(
        "deny[msg] { true }",
        expect![[r#"
        error: policy `p.rego` cannot be read: line 1, column 1: expecting `package` Missing package declaration.
    "#]],
    );
    check(
        "",
        expect![[r#"
        error: policy `p.rego` cannot be read: line 1, column 1: expecting `package` Missing package declaration.
    "#]],
    );
    check(
        "package a\ndeny[msg] { unbound == 1; msg := \"x\" }",
        expect![[r#"
            error: policy `p.rego` is not valid: line 2: use of undefined variable `unbound` is unsafe
        "#]],
    );
}

#[test]
fn data() {
    let sources =
        [Source::new("p.rego", "package a\ndeny[msg] { input.x == data.bad[_]; msg := \"bad\" }")];
    let judge = |data: serde_json::Value| {
        show(evaluate_with(&Settings::default(), &sources, &json!({"x": 1}), &data))
    };
    expect![[r#"
        fail
        Deny a.deny (p.rego): bad
    "#]]
    .assert_eq(&judge(json!({"bad": [1]})));
    expect![[r#"
        pass
    "#]]
    .assert_eq(&judge(json!({"bad": [2]})));
    expect![[r#"
        error: the data of the policies cannot be used: it is not an object
    "#]]
    .assert_eq(&judge(json!([1])));
    let hidden = "error: the data of the policies cannot be used: it has a value in place of rule `a.deny`\n";
    assert_eq!(judge(json!({"a": {"deny": []}})), hidden);
    assert_eq!(judge(json!({"a": 1})), hidden);
    expect![[r#"
        pass
    "#]]
    .assert_eq(&judge(json!({"a": {"other": []}})));
}
