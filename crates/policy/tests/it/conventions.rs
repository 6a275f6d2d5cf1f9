//! Which rules count, and what their values mean.

use expect_test::{Expect, expect};
use sealift_policy::{Error, Namespaces, Policies, Settings, Source, evaluate_with};
use serde_json::{Value, json};

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
            Error a.deny (p.rego): the rule failed in line 2: `http.send` is refused: a policy sees its input and its data, not the network
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

#[track_caller]
fn check_value(expression: &str, expected: &str) {
    let text = format!("package a\ndeny[x] {{ x := sprintf(\"%v\", [{expression}]) }}");
    let verdict = judge(&text, &json!({"x": 1})).unwrap();
    let messages: Vec<&str> = verdict.violations.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(messages, [expected], "{expression}");
}

#[test]
fn functions_of_opa() {
    check_value("crypto.md5(\"a\")", "0cc175b9c0f1b6a831c399e269772661");
    check_value("crypto.sha1(\"a\")", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
    check_value(
        "crypto.sha256(\"a\")",
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    );
    // RFC 4231, test case 2.
    check_value(
        "crypto.hmac.sha256(\"what do ya want for nothing?\", \"Jefe\")",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    check_value("io.jwt.decode(\"eyJhIjoxfQ.eyJiIjoyfQ.AQ\")", r#"[{"a": 1}, {"b": 2}, "01"]"#);
    check_value(
        "json.patch({\"a\": 1}, [{\"op\": \"add\", \"path\": \"/b\", \"value\": 2}])",
        r#"{"a": 1, "b": 2}"#,
    );
    check_value("[any([false, true]), all([true, false])]", "[true, false]");
    check_value("re_match(\"^a\", \"ab\")", "true");
    check_value(
        "regex.find_all_string_submatch_n(\"a(.)\", \"abac\", -1)",
        r#"[["ab", "b"], ["ac", "c"]]"#,
    );
    check_value("net.cidr_contains(\"10.0.0.0/8\", \"10.1.0.0/16\")", "true");
    check_value("net.cidr_intersects(\"10.0.0.0/8\", \"11.0.0.0/8\")", "false");
    check_value("units.parse_bytes(\"1Ki\")", "1024");
    check_value("yaml.unmarshal(\"a: [1]\")", r#"{"a": [1]}"#);
    check_value("parse_config(\"dotenv\", \"A=1\")", r#"{"A": "1"}"#);
    check_value("glob.match(\"*.io/**\", [\"/\"], \"ghcr.io/a/b\")", "true");
    check_value("sh.parse_commands(\"a b && c\")", r#"[["a", "b"], ["c"]]"#);
    check_value(
        "result.new(\"m\", {\"StartLine\": 3, \"Path\": \"D\"})",
        r#"{"filepath": "D", "msg": "m", "startline": 3}"#,
    );
    check_value("time.clock([1769817600000000000, \"UTC\"])", "[0, 0, 0]");
    check_value("urlquery.encode(\"a b\")", "a+b");
    check_value("graph.reachable({\"a\": [\"b\"], \"b\": []}, [\"a\"])", r#"{"a", "b"}"#);
}

#[test]
fn a_late_declaration() {
    check_value("[y | z := [1, 2][_]; some i; [3, 4][i] > 3; y := z]", "[1, 2]");
}

#[test]
fn exceptions() {
    let policy = "package main\ndeny_a[msg] { msg := \"a\" }\ndeny_b[msg] { msg := \"b\" }\n\
                  deny[msg] { msg := \"c\" }\nexception[rules] { input.x == 1; rules := [\"a\", \"\"] }\n";
    let load = |text: &str| {
        Policies::load(&Settings::default(), &[Source::new("p.rego", text)], &json!({})).unwrap()
    };
    let messages = |violations: &[sealift_model::Violation]| -> Vec<String> {
        violations.iter().map(|violation| violation.message.clone()).collect()
    };
    let judged = load(policy).judge(&json!({"x": 1})).unwrap();
    assert_eq!(messages(&judged.verdict.violations), ["b"]);
    assert_eq!(messages(&judged.excepted), ["a", "c"]);
    let judged = load(policy).judge(&json!({"x": 2})).unwrap();
    assert_eq!(judged.verdict.violations.len(), 3);
    // An exception that fails takes nothing back.
    let broken = policy.replace("input.x == 1", "to_number(\"x\") == 1");
    let judged = load(&broken).judge(&json!({"x": 1})).unwrap();
    assert_eq!((judged.verdict.violations.len(), judged.excepted.len()), (6, 0));
}

#[test]
fn metadata_and_namespaces() {
    let sources = [
        Source::new(
            "a.rego",
            "# METADATA\n# title: Title\n# custom:\n#   id: X1\n#   severity: HIGH\npackage a\n\
             deny[{\"msg\": \"m\", \"line\": 3}] { true }",
        ),
        Source::new(
            "b.rego",
            "package b\n__rego_metadata__ := {\"id\": \"X2\"}\ndeny[\"n\"] { true }",
        ),
        Source::new("c.rego", "package c\nx := 1"),
    ];
    let named = |names: &[&str]| Settings {
        namespaces: Namespaces::Named(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Settings::default()
    };
    let judge = |names: &[&str]| {
        Policies::load(&named(names), &sources, &Value::Null).and_then(|it| it.judge(&json!({})))
    };
    let judged = judge(&["a", "b"]).unwrap();
    assert_eq!(
        json!(judged.metadata),
        json!([{"line": 3, "id": "X1", "title": "Title", "severity": "HIGH"}, {"id": "X2"}])
    );
    assert_eq!(judge(&["b"]).unwrap().metadata.len(), 1);
    assert!(matches!(judge(&["c"]), Err(Error::NoRules { .. })));
    assert_eq!(
        judge(&["d"]).unwrap_err().to_string(),
        "no policy is of package `d`; there are: a, b, c"
    );
    let main = Settings { namespaces: Namespaces::MainOrAll, ..Settings::default() };
    let of =
        |sources: &[Source]| Policies::load(&main, sources, &Value::Null).unwrap().namespaces();
    assert_eq!(of(&sources[..2]).unwrap(), [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    let with_main =
        [sources[0].clone(), Source::new("m.rego", "package main\ndeny[\"x\"] { true }")];
    assert_eq!(of(&with_main).unwrap(), [("main".to_owned(), 1)]);
}

#[test]
fn one_load_and_many_judgements() {
    let text = "package a\ndeny[msg] { input.x > 1; msg := sprintf(\"%d\", [input.x]) }\n\
                allow { count(deny) == 0 }";
    let policies =
        Policies::load(&Settings::default(), &[Source::new("p.rego", text)], &Value::Null).unwrap();
    for number in 0..5 {
        let verdict = policies.judge(&json!({"x": number})).unwrap().verdict;
        let expected = if number > 1 { vec![number.to_string()] } else { Vec::new() };
        let messages: Vec<String> = verdict.violations.into_iter().map(|it| it.message).collect();
        assert_eq!(messages, expected);
    }
}
