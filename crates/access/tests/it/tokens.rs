//! The built-in token server, asked as Docker, skopeo and containerd ask.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use expect_test::expect;
use sealift_access::{Action, Denial, Kind, Thing, TokenKeys};
use sealift_crypto::{Scheme, SigningKey};
use serde_json::{Value, json};

use crate::lab::{Lab, NOW, at, basic, body, claims, jwt, passwords, request, run, text};

const SERVICE: &str = "service=sealift-registry";

fn access(token: &str) -> Value {
    claims(token).remove("access").unwrap()
}

#[test]
fn as_docker_logs_in_pulls_and_pushes() {
    let lab = Lab::new(&["alice=team/**:push", "alice=open:pull"]);
    let base = run(lab.gatekeeper.admit(&request(None, 0), &[]));
    assert_eq!(base, Err(Denial::Missing));
    let challenge = lab.gatekeeper.challenge(&[], Denial::Missing);
    expect![[r#"Bearer realm="https://localhost:5605/token",service="sealift-registry""#]]
        .assert_eq(&challenge.unwrap());
    let alice = basic("alice", "secret123");
    let login = format!("account=alice&client_id=docker&offline_token=true&{SERVICE}");
    let answer = lab.get(&login, Some(&alice), 0);
    assert_eq!((answer.status, answer.user.as_deref()), (200, Some("alice")));
    let answer = body(&answer);
    assert_eq!(answer["token"], answer["access_token"]);
    assert_eq!(answer["expires_in"], 300);
    assert_eq!(answer["issued_at"], "2027-01-15T08:00:00Z");
    let token = answer["token"].as_str().unwrap();
    assert_eq!(access(token), json!([]));
    let bearer = format!("Bearer {token}");
    assert!(run(lab.gatekeeper.admit(&request(Some(&bearer), 0), &[])).is_ok());
    // It was asked for nothing, so that it allows nothing.
    let pull = [(Action::Pull, Thing::Repository("team/img"))];
    let denied = run(lab.gatekeeper.admit(&request(Some(&bearer), 0), &pull));
    assert_eq!(denied, Err(Denial::NotAllowed));
    let asked = lab.gatekeeper.challenge(&pull, Denial::NotAllowed).unwrap();
    assert!(asked.ends_with(r#"scope="repository:team/img:pull",error="insufficient_scope""#));
    // Twice the same, as skopeo asks; another repository; one that is not allowed; one that is none.
    let scopes = "scope=repository%3Ateam%2Fimg%3Apull%2Cpush&scope=repository:team/img:pull,push\
         &scope=repository:open:pull,push%20repository:other:pull&scope=x&scope=repository::pull";
    let answer = lab.get(&format!("account=alice&{scopes}&{SERVICE}"), Some(&alice), 0);
    let token = text(&answer, "token");
    expect![[r#"[{"actions":["pull","push"],"name":"team/img","type":"repository"},{"actions":["pull"],"name":"open","type":"repository"}]"#]]
        .assert_eq(&access(&token).to_string());
    let bearer = format!("Bearer {token}");
    let admit = |wanted: &[(Action, Thing<'_>)], seconds| {
        run(lab.gatekeeper.admit(&request(Some(&bearer), seconds), wanted)).is_ok()
    };
    let push = [(Action::Push, Thing::Tag("team/img", "1"))];
    assert!(admit(&push, 0) && !admit(&[(Action::Delete, Thing::Repository("team/img"))], 0));
    assert!(admit(&push, 359) && !admit(&push, 360));
    // A rule that denies from now on counts for tokens that are there already.
    let mut parts = lab.gatekeeper.parts();
    parts.rules = crate::lab::rules(&["alice=team/**:push", "!*=team/img:1:push"]);
    lab.gatekeeper.replace(parts);
    assert!(!admit(&push, 0) && admit(&[(Action::Push, Thing::Tag("team/img", "2"))], 0));
}

#[test]
fn who_is_nobody_gets_what_everybody_may() {
    let lab = Lab::new(&["anonymous=open/**:pull", "group:dev=team:*"]);
    let answer = lab.get("scope=repository:open/a:pull,push", None, 0);
    assert_eq!((answer.status, answer.user.as_deref()), (200, None));
    let token = text(&answer, "token");
    assert_eq!(access(&token)[0]["actions"], json!(["pull"]));
    let pull = [(Action::Pull, Thing::Repository("open/a"))];
    let bearer = format!("Bearer {token}");
    assert!(run(lab.gatekeeper.admit(&request(Some(&bearer), 0), &pull)).is_ok());
    for query in ["", "scope=repository:team:pull"] {
        let answer = lab.get(query, None, 0);
        assert_eq!(
            (answer.status, answer.challenge.as_deref()),
            (401, Some("Basic realm=\"lab\""))
        );
    }
    // A group, and everything.
    let bob = basic("bob", "secret456");
    let answer = lab.get("scope=repository:team:*&scope=repository:open/a:*", Some(&bob), 0);
    expect![[r#"[{"actions":["*"],"name":"team","type":"repository"}]"#]]
        .assert_eq(&access(&text(&answer, "token")).to_string());
}

#[test]
fn as_oauth() {
    let lab = Lab::new(&["alice=team/**:push"]);
    let form = "grant_type=password&username=alice&password=secret123&access_type=offline&client_id=x\
         &scope=repository%3Ateam%2Fa%3Apull+repository%3Ab%3Apull&service=sealift-registry";
    let answer = lab.post(form, 0);
    assert_eq!((answer.status, text(&answer, "scope")), (200, "repository:team/a:pull".to_owned()));
    let refresh = text(&answer, "refresh_token");
    // It opens nothing by itself.
    let bearer = format!("Bearer {refresh}");
    assert!(run(lab.gatekeeper.identify(&request(Some(&bearer), 0))).is_err());
    let again = |seconds| {
        let form = format!(
            "grant_type=refresh_token&refresh_token={refresh}&scope=repository:team/a:push&{SERVICE}"
        );
        lab.post(&form, seconds)
    };
    let answer = again(86_400);
    assert_eq!((answer.status, text(&answer, "scope")), (200, "repository:team/a:push".to_owned()));
    assert_eq!(text(&answer, "refresh_token"), refresh);
    assert_eq!(again(91 * 86_400).status, 401);
    let mut parts = lab.gatekeeper.parts();
    parts.passwords = Some(passwords(&[("alice", "secret124")]));
    lab.gatekeeper.replace(parts);
    let answer = again(0);
    assert_eq!((answer.status, answer.denial), (401, Some("the password has changed since")));
    assert_eq!(text(&answer, "error"), "invalid_grant");
    for (form, status, error) in [
        ("grant_type=password&username=alice&password=wrong", 401, "invalid_grant"),
        ("grant_type=password&username=alice", 400, "invalid_request"),
        ("grant_type=password&username=a&username=b&password=c", 400, "invalid_request"),
        ("grant_type=password&username=a&password=b&password=c", 400, "invalid_request"),
        ("grant_type=authorization_code", 400, "unsupported_grant_type"),
        ("grant_type=refresh_token&refresh_token=a.b.c", 401, "invalid_grant"),
        (
            "service=other&grant_type=password&username=alice&password=secret124",
            400,
            "invalid_request",
        ),
        ("", 400, "invalid_request"),
    ] {
        let answer = lab.post(form, 0);
        assert_eq!((answer.status, &*text(&answer, "error")), (status, error), "{form}");
    }
    assert_eq!(lab.post(&"a=b&".repeat(100), 0).status, 400);
    assert_eq!(lab.post(&"a".repeat(100_000), 0).status, 400);
    assert_eq!(lab.get(&"scope=a:b:c&".repeat(40), None, 0).status, 400);
}

#[test]
fn robots_come_back_until_they_are_removed() {
    let lab = Lab::new(&["!robot:*=team/secret:*"]);
    let permissions = ["team/**:v*:push".to_owned()];
    let token = run(lab.robots.add("ci", &permissions, Some(at(86_400)), at(0))).unwrap();
    let header = basic("anything", &token);
    let query = format!(
        "scope=repository:team/a:push,delete&scope=repository:team/secret:pull&offline_token=true&{SERVICE}"
    );
    let answer = lab.get(&query, Some(&header), 0);
    assert_eq!(answer.user.as_deref(), Some("robot:ci"));
    let access_token = text(&answer, "token");
    assert_eq!(
        access(&access_token),
        json!([{"type": "repository", "name": "team/a", "actions": ["push"]}])
    );
    let bearer = format!("Bearer {access_token}");
    let push = |tag: &str| {
        let wanted = [(Action::Push, Thing::Tag("team/a", tag))];
        run(lab.gatekeeper.admit(&request(Some(&bearer), 0), &wanted)).map(|found| found.kind)
    };
    assert_eq!((push("v1"), push("latest")), (Ok(Kind::Robot), Err(Denial::NotAllowed)));
    // The token as it is, too.
    let bearer = format!("Bearer {token}");
    assert!(run(lab.gatekeeper.identify(&request(Some(&bearer), 0))).is_ok());
    let refresh = text(&answer, "refresh_token");
    let again = |seconds| {
        lab.post(&format!("grant_type=refresh_token&refresh_token={refresh}"), seconds).status
    };
    assert_eq!((again(0), again(86_400)), (200, 401));
    assert!(run(lab.robots.remove("ci")).unwrap());
    assert_eq!(again(0), 401);
    assert_eq!(lab.get(&query, Some(&header), 0).status, 401);
    // Another one of the same name has another token.
    run(lab.robots.add("ci", &permissions, None, at(0))).unwrap();
    assert_eq!(again(0), 401);
}

#[test]
fn who_guesses_waits() {
    let lab = Lab::new(&[]);
    let wrong = basic("alice", "wrong-one");
    let right = basic("alice", "secret123");
    let bob = basic("bob", "secret456");
    assert_eq!(lab.get("", Some(&bob), 0).status, 200);
    for _ in 0..30 {
        assert_eq!(lab.get("", Some(&wrong), 0).status, 401);
    }
    let answer = lab.get("", Some(&wrong), 0);
    assert_eq!((answer.status, answer.retry_after), (429, Some(2)));
    assert_eq!(lab.post("grant_type=refresh_token&refresh_token=a.b.c", 0).status, 429);
    let denied = run(lab.gatekeeper.identify(&request(Some(&right), 0)));
    assert_eq!(denied, Err(Denial::TooMany(2)));
    assert_eq!(lab.gatekeeper.challenge(&[], Denial::TooMany(2)), None);
    // Who came in before is not locked out by a neighbour, and nobody for ever.
    assert_eq!(lab.get("", Some(&bob), 0).status, 200);
    assert_eq!(lab.get("", Some(&right), 2).status, 200);
}

#[test]
fn a_token_gives_no_other_token() {
    let lab = Lab::new(&["alice=**:*"]);
    let token =
        text(&lab.get("scope=repository:a:pull", Some(&basic("alice", "secret123")), 0), "token");
    for header in [format!("Bearer {token}"), basic("oidc", &token), basic("alice", &token)] {
        assert_eq!(lab.get("scope=repository:a:pull", Some(&header), 0).status, 401);
    }
}

fn what_is_said_of_them() -> expect_test::Expect {
    expect![[r"
        fine: let in
        none: its algorithm is neither ES256 nor RS256
        None: its algorithm is neither ES256 nor RS256
        a stranger: no key that is trusted signed it
        RSA: no key that is trusted signed it
        HMAC: its algorithm is neither ES256 nor RS256
        another key's name: no key that is trusted signed it
        a name that is a number: the name of its key is not text
        a key: it brings a key along
        our key: it brings a key along
        a chain: it brings a key along
        a key elsewhere: it brings a key along
        an extension: it needs an extension
        audience: it is for another service
        audience of refreshing: it is for another service
        issuer: another issuer wrote it
        expired: it has expired
        without end: a time is not a number of seconds
        not yet: it does not hold yet
        without owner: what it says of its owner cannot be read
        another kind: what it says of its owner cannot be read
        nobody: what it says of its owner cannot be read
        a permission: what it says of its owner cannot be read
        empty: it has no three parts
        dots: a part is not a JSON object
    "]]
}

fn good_claims() -> Value {
    json!({
        "iss": "sealift-registry", "aud": "sealift-registry", "sub": "alice", "exp": NOW + 300,
        "nbf": NOW, "access": [{"type": "repository", "name": "a", "actions": ["*"]}],
        "sealift": {"kind": "user", "groups": [], "claims": {}, "permissions": []},
    })
}

#[test]
fn forged_tokens_are_refused() {
    let lab = Lab::new(&["alice=**:*"]);
    let other = SigningKey::generate_p256();
    let rsa = SigningKey::generate_rsa();
    let id = TokenKeys::docker_id(&lab.key.public());
    let fine = good_claims();
    let header = json!({"alg": "ES256", "kid": id});
    let ours = |header: &Value, claims: &Value| jwt(header, claims, &lab.key, Scheme::EcdsaP256Raw);
    let with = |name: &str, value: Value| {
        let mut claims = fine.clone();
        claims[name] = value;
        ours(&header, &claims)
    };
    let headed = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        ours(&header, &fine)
    };
    let unsigned = |header: Value| {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", encode(&header), encode(&fine))
    };
    let own = |value: Value| with("sealift", value);
    let check = |token: &str| {
        let bearer = format!("Bearer {token}");
        match run(lab.gatekeeper.identify(&request(Some(&bearer), 0))) {
            Ok(_) => "let in".to_owned(),
            Err(denial) => denial.as_str().to_owned(),
        }
    };
    let cases = [
        ("fine", ours(&header, &fine)),
        ("none", unsigned(json!({"alg": "none"}))),
        ("None", unsigned(json!({"alg": "None"}))),
        ("a stranger", jwt(&header, &fine, &other, Scheme::EcdsaP256Raw)),
        ("RSA", jwt(&json!({"alg": "RS256", "kid": id}), &fine, &rsa, Scheme::RsaPkcs1)),
        ("HMAC", headed("alg", json!("HS256"))),
        ("another key's name", headed("kid", json!("other"))),
        ("a name that is a number", headed("kid", json!(1))),
        ("a key", headed("jwk", json!(other.public().to_jwk().unwrap()))),
        ("our key", headed("jwk", json!(lab.key.public().to_jwk().unwrap()))),
        ("a chain", headed("x5c", json!(["AAAA"]))),
        ("a key elsewhere", headed("jku", json!("https://evil.example"))),
        ("an extension", headed("crit", json!(["exp"]))),
        ("audience", with("aud", json!("other"))),
        ("audience of refreshing", with("aud", json!("sealift-registry#refresh"))),
        ("issuer", with("iss", json!("other"))),
        ("expired", with("exp", json!(NOW - 60))),
        ("without end", with("exp", Value::Null)),
        ("not yet", with("nbf", json!(NOW + 61))),
        ("without owner", own(Value::Null)),
        (
            "another kind",
            own(json!({"kind": "root", "groups": [], "claims": {}, "permissions": []})),
        ),
        (
            "nobody",
            own(json!({"kind": "anonymous", "groups": [], "claims": {}, "permissions": []})),
        ),
        (
            "a permission",
            own(json!({"kind": "user", "groups": [], "claims": {}, "permissions": ["a"]})),
        ),
        ("empty", String::new()),
        ("dots", "..".to_owned()),
    ];
    let line = |(what, token): &(&str, String)| format!("{what}: {}", check(token));
    let found = cases.iter().map(line).collect::<Vec<_>>().join("\n") + "\n";
    what_is_said_of_them().assert_eq(&found);
}
