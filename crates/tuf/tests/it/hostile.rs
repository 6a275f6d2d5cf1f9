//! Documents that nobody should have to read: wrong signatures, ambiguous JSON, delegations without end.

use expect_test::expect;
use sealift_tuf::{Envelope, Limits, Role, Targets};
use serde_json::{Value, json};

use crate::attacks::{check, resigned};
use crate::lab::Lab;

#[test]
fn wrong_algorithm_and_encoding() {
    use base64::Engine as _;
    let lab = Lab::new();
    let (trusted, _) = lab.look(None).unwrap();
    let role = Role::RELEASES;
    let authority = &trusted.roles[&role].authority;
    let key = &lab.publisher.alice;
    let private = lab.publisher.keys.get(key).unwrap();
    let text = String::from_utf8(lab.newest(&role)).unwrap();
    let envelope = Envelope::parse(text.as_bytes(), &role, &Limits::default()).unwrap();
    let der = private.sign(envelope.canonical()).unwrap();
    let der = base64::engine::general_purpose::STANDARD.encode(der);
    let raw = &envelope.signatures()[0].sig;
    let mut messages = Vec::new();
    for altered in [
        text.replace(raw, &der),
        text.replace("\"method\":\"ecdsa\"", "\"method\":\"rsapss\""),
        text.replace("\"method\":\"ecdsa\"", "\"method\":\"none\""),
        text.replace(raw, "AAAA"),
        text.replace(raw, "?"),
        text.replace(&format!("\"keyid\":\"{}\"", key.id()), "\"keyid\":\"00\""),
    ] {
        assert_ne!(altered, text);
        let envelope = Envelope::parse(altered.as_bytes(), &role, &Limits::default()).unwrap();
        let error = envelope.check_signatures(&role, authority).unwrap_err();
        let short = &key.id()[..12];
        messages.push(
            error
                .to_string()
                .replace(short, "ALICE")
                .split_once("signatures: ")
                .unwrap()
                .1
                .to_owned(),
        );
    }
    expect![[r#"
        key ALICE: the signature is malformed: it is DER, and not two numbers of 32 bytes
        key ALICE of type `ecdsa` makes no `rsapss` signatures
        key ALICE of type `ecdsa` makes no `none` signatures
        key ALICE: the signature is malformed: not two numbers of 32 bytes
        key ALICE: its signature is not base64
        key 00 may not sign it"#]]
    .assert_eq(&messages.join("\n"));
}

#[test]
fn malformed_documents() {
    let lab = Lab::new();
    let role = Role::TARGETS;
    let text = String::from_utf8(lab.newest(&role)).unwrap();
    let many: Vec<Value> =
        (0..65).map(|_| json!({"keyid":"a","method":"ecdsa","sig":""})).collect();
    let many = format!("{{\"signed\":{{}},\"signatures\":{}}}", json!(many));
    let mut messages = Vec::new();
    for altered in [
        text.replace("\"version\":1", "\"version\":1,\"version\":1"),
        text.replace("\"version\":1", "\"version\":1.5"),
        text.replace("\"version\":1", "\"version\":9007199254740993"),
        text.replace("\"version\":1", "\"version\":1,\"Version\":9"),
        text.replace("\"version\":1", "\"version\":0"),
        text.replace("\"version\":1", "\"version\":-1"),
        format!("{text} x"),
        text.replace("\"signatures\"", "\"extra\":1,\"signatures\""),
        text.replace("\"Targets\"", "\"Root\""),
        text.replace("\"threshold\":1", "\"threshold\":0"),
        text.replace("\"targets/alice\"", "\"targets/releases\""),
        text.replace("\"targets/alice\"", "\"targets/a/b\""),
        text.replace("\"targets/alice\"", "\"targets\""),
        text.replace("\"targets/alice\"", "\"targets/../a\""),
        text.replace("\"expires\":\"2", "\"expires\":\"x"),
        many,
        "[".repeat(100_000),
        String::new(),
        "x".repeat(6 << 20),
    ] {
        assert_ne!(altered, text);
        let read = Envelope::parse(altered.as_bytes(), &role, &Limits::default())
            .and_then(|envelope| Targets::read(&envelope, &role, &Limits::default()));
        let message = read.unwrap_err().to_string();
        messages.push(message.split(" at line").next().unwrap().to_owned());
    }
    expect![[r#"
        `targets` is malformed: not a valid TUF document: the key `version` stands twice
        `targets` is malformed: canonical JSON has whole numbers of at most 53 bits only, not `1.5`
        `targets` is malformed: canonical JSON has whole numbers of at most 53 bits only, not `9007199254740993`
        `targets` is malformed: `Version` looks like `version`
        `targets` is malformed: its version is 0
        `targets` is malformed: invalid value: integer `-1`, expected u64
        `targets` is malformed: not a valid TUF document: trailing characters
        `targets` is malformed: `extra` stands outside of what is signed
        `targets` is malformed: it is of type `Root`, not `Targets`
        `targets` is malformed: the threshold of `targets/alice` is 0
        `targets` is malformed: it delegates to `targets/releases` twice
        `targets` is malformed: it may not delegate to `targets/a/b`
        `targets` is malformed: it may not delegate to `targets`
        `targets` is malformed: it may not delegate to `targets/../a`
        `targets` is malformed: a time that is not RFC 3339
        `targets` is malformed: more than 64 signatures
        `targets` is malformed: not a valid TUF document: recursion limit exceeded
        `targets` is malformed: not a valid TUF document: EOF while parsing a value
        `targets` has 6291456 bytes, more than the limit of 5242880"#]].assert_eq(&messages.join("\n"));
}

#[test]
fn huge_and_deep_delegations() {
    let lab = Lab::new();
    let delegation = |name: String| json!({"keyids": [lab.publisher.alice.id()], "name": name, "paths": [""], "threshold": 1});
    let wide = resigned(&lab, &Role::TARGETS, &lab.publisher.targets, |map| {
        let roles: Vec<Value> = (0..100).map(|n| delegation(format!("targets/a{n}"))).collect();
        map["delegations"]["roles"] = json!(roles);
        map.insert("version".to_owned(), json!(2));
    });
    let lying = lab.forge(&[(Role::TARGETS, Some(wide))]);
    check(
        &lab,
        lab.look_with(&lab.policy(), None, |name, bytes| lying.answer(name, bytes)),
        expect!["the repository has more than 64 delegations"],
    );
    // Each role delegates to one below it.
    let mut documents = Vec::new();
    let mut role = Role::RELEASES;
    for _ in 0..9 {
        let below = Role::parse(&format!("{role}/a")).unwrap();
        let document = resigned(&lab, &Role::RELEASES, &lab.publisher.alice, |map| {
            map["delegations"]["keys"] =
                json!({lab.publisher.alice.id(): lab.publisher.alice.to_value()});
            map["delegations"]["roles"] = json!([delegation(below.to_string())]);
            map.insert("version".to_owned(), json!(2));
        });
        documents.push((role, Some(document)));
        role = below;
    }
    let lying = lab.forge(&documents);
    check(
        &lab,
        lab.look_with(&lab.policy(), None, |name, bytes| lying.answer(name, bytes)),
        expect!["`targets/releases/a/a/a/a/a/a/a/a` lies deeper than 8 delegations"],
    );
}
