//! Identity tokens as GitHub and GitLab give them to their jobs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sealift_access::{
    Action, BoxFuture, Denial, Fetch, Gatekeeper, Kind, Parts, Thing, TokenRequest,
    WorkloadSettings, Workloads,
};
use sealift_crypto::{Scheme, SigningKey};
use serde_json::{Value, json};

use crate::lab::{NOW, basic, jwt, request, rules, run};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

fn key_set(keys: &[(&str, &SigningKey)]) -> String {
    let entry = |(id, key): &(&str, &SigningKey)| {
        let mut jwk = key.public().to_jwk().unwrap();
        jwk.insert("kid".to_owned(), json!(id));
        Value::from(jwk)
    };
    json!({ "keys": keys.iter().map(entry).collect::<Vec<_>>() }).to_string()
}

// What jobs of GitHub's say of themselves, shortened.
fn job(repository: &str, branch: &str) -> Value {
    json!({
        "iss": GITHUB, "aud": "registry.example", "exp": NOW + 300, "nbf": NOW - 10, "iat": NOW - 10,
        "sub": format!("repo:{repository}:ref:{branch}"), "repository": repository, "ref": branch,
        "repository_owner": repository.split('/').next(), "run_id": "7", "run_attempt": 1,
        "event_name": "push", "job_workflow_ref": format!("{repository}/.github/workflows/ci.yml@{branch}"),
        "nested": {"a": 1},
    })
}

fn token(key: &SigningKey, claims: &Value) -> String {
    jwt(
        &json!({"alg": "RS256", "kid": "one", "typ": "JWT", "x5t": "x"}),
        claims,
        key,
        Scheme::RsaPkcs1,
    )
}

#[derive(Default)]
struct Web {
    answers: Mutex<Vec<(String, String)>>,
    n_asked: AtomicUsize,
}

impl Web {
    fn put(&self, url: &str, answer: &str) {
        let mut answers = self.answers.lock().unwrap();
        answers.retain(|(known, _)| known != url);
        answers.push((url.to_owned(), answer.to_owned()));
    }
}

impl Fetch for Web {
    fn fetch<'a>(&'a self, url: &'a str, _: u64) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        self.n_asked.fetch_add(1, Ordering::Relaxed);
        let answers = self.answers.lock().unwrap();
        let found = answers.iter().find(|(known, _)| known == url);
        let answer = found.map(|(_, answer)| answer.clone().into_bytes());
        Box::pin(async move { answer.ok_or_else(|| "unreachable".to_owned()) })
    }
}

fn settings(keys: Option<&str>) -> WorkloadSettings {
    let mut settings = json!({
        "issuer": GITHUB, "audience": "registry.example",
        "identities": [
            {"claims": {"repository": "acme/*", "ref": "refs/heads/main"}, "groups": ["release"],
             "name": "github/{repository}"},
            {"claims": {"repository_owner": "acme"}},
        ],
    });
    if let Some(keys) = keys {
        settings["keys"] = json!(keys);
    }
    serde_json::from_value(settings).unwrap()
}

fn gatekeeper(workloads: Workloads) -> Gatekeeper {
    let rules = rules(&["group:release=acme/**:push", "claim:repository:acme/*=acme/**:pull"]);
    Gatekeeper::new(Parts { workloads, rules, ..Parts::default() })
}

#[test]
fn jobs_come_in_by_what_their_issuer_says() {
    let key = SigningKey::generate_rsa();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, key_set(&[("one", &key)])).unwrap();
    let workloads = Workloads::new(&[settings(path.to_str())], None).unwrap();
    let gatekeeper = gatekeeper(workloads);
    let identify = |token: &str| {
        let (header, bearer) = (basic("oidc", token), format!("Bearer {token}"));
        let found = run(gatekeeper.identify(&request(Some(&header), 0)));
        assert_eq!(found, run(gatekeeper.identify(&request(Some(&bearer), 0))));
        found
    };
    let main = identify(&token(&key, &job("acme/app", "refs/heads/main"))).unwrap();
    assert_eq!(
        (main.name.as_deref(), main.kind),
        (Some("workload:github/acme/app"), Kind::Workload)
    );
    assert_eq!((&*main.claims["run_attempt"], main.claims.get("nested")), ("1", None));
    let allows =
        |who, action| gatekeeper.decide(who, action, Thing::Repository("acme/app")).is_allowed();
    assert!(allows(&main, Action::Push));
    let branch = identify(&token(&key, &job("acme/app", "refs/heads/x"))).unwrap();
    assert_eq!(branch.name.as_deref(), Some("workload:repo:acme/app:ref:refs/heads/x"));
    assert!(allows(&branch, Action::Pull) && !allows(&branch, Action::Push));
    let denied =
        |claims: &Value| identify(&token(&key, claims)).err().map_or("let in", Denial::as_str);
    assert_eq!(
        denied(&job("evil/app", "refs/heads/main")),
        "no identity fits what the issuer says"
    );
    // A repository of another owner that is called like one of ours.
    assert_eq!(
        denied(&job("evil/acme/app", "refs/heads/main")),
        "no identity fits what the issuer says"
    );
    let with = |name: &str, value: Value| {
        let mut claims = job("acme/app", "refs/heads/main");
        claims[name] = value;
        denied(&claims)
    };
    assert_eq!(with("aud", json!("https://github.com/acme")), "it is for another service");
    assert_eq!(with("iss", json!("https://evil.example")), "another issuer wrote it");
    assert_eq!(with("exp", json!(NOW - 61)), "it has expired");
    assert_eq!(with("repository_owner", json!(["acme"])), "let in");
    let mut odd = job("acme/app", "refs/heads/main");
    odd["repository"] = json!("acme/app\n");
    // What has control characters is as if it was not said.
    assert!(identify(&token(&key, &odd)).unwrap().groups.is_empty());
    let stranger = token(&SigningKey::generate_rsa(), &job("acme/app", "refs/heads/main"));
    assert_eq!(identify(&stranger).unwrap_err().as_str(), "no key that is trusted signed it");
    // Under another name a token is a password, and a wrong one.
    let header = basic("alice", &token(&key, &job("acme/app", "refs/heads/main")));
    assert!(matches!(run(gatekeeper.identify(&request(Some(&header), 0))), Err(Denial::Wrong(_))));
    // Without a token server there are no tokens.
    let asked = TokenRequest { form: None, query: "", request: request(Some(&header), 0) };
    assert_eq!(run(gatekeeper.token(&asked)).status, 404);
}

#[test]
fn keys_are_got_when_they_are_needed_and_kept_when_they_cannot_be() {
    let (first, second) = (SigningKey::generate_rsa(), SigningKey::generate_rsa());
    let web = Arc::new(Web::default());
    let fetch: Arc<dyn Fetch> = web.clone();
    let workloads = Workloads::new(&[settings(None)], Some(&fetch)).unwrap();
    // Nothing is asked at the start.
    assert_eq!(web.n_asked.load(Ordering::Relaxed), 0);
    let gatekeeper = gatekeeper(workloads);
    let ask = |key: &SigningKey, id: &str, seconds: i64| {
        let mut claims = job("acme/app", "refs/heads/main");
        claims["exp"] = json!(NOW + seconds + 300);
        let header = json!({"alg": "RS256", "kid": id});
        let bearer = format!("Bearer {}", jwt(&header, &claims, key, Scheme::RsaPkcs1));
        let found = run(gatekeeper.identify(&request(Some(&bearer), seconds)));
        (found.map_err(Denial::as_str).map(|_| ()), web.n_asked.swap(0, Ordering::Relaxed))
    };
    let not_there = Err("the keys of the issuer cannot be got");
    assert_eq!(ask(&first, "one", 0), (not_there, 1));
    assert_eq!(ask(&first, "one", 59), (not_there, 0));
    let discovery = format!("{GITHUB}/.well-known/openid-configuration");
    // Who answers for somebody else is not believed, and neither is an address without TLS.
    let configuration =
        |issuer: &str, url: &str| json!({"issuer": issuer, "jwks_uri": url}).to_string();
    web.put(&discovery, &configuration("https://evil.example", "https://evil.example/keys"));
    assert_eq!(ask(&first, "one", 60), (not_there, 1));
    web.put(&discovery, &configuration(GITHUB, "http://keys.example/keys"));
    assert_eq!(ask(&first, "one", 120), (not_there, 1));
    web.put(&discovery, &configuration(GITHUB, "https://keys.example/keys"));
    web.put("https://keys.example/keys", &key_set(&[("one", &first)]));
    assert_eq!(ask(&first, "one", 180), (Ok(()), 2));
    assert_eq!(ask(&first, "one", 1000), (Ok(()), 0));
    // An unknown name makes us look again, once a minute.
    let unknown = Err("no key that is trusted signed it");
    assert_eq!(ask(&second, "two", 1000), (unknown, 2));
    assert_eq!(ask(&second, "three", 1059), (unknown, 0));
    web.put("https://keys.example/keys", &key_set(&[("one", &first), ("two", &second)]));
    assert_eq!(ask(&second, "two", 1060), (Ok(()), 2));
    // A day later the issuer cannot be reached: what is known is used.
    web.put(&discovery, "broken");
    assert_eq!(ask(&first, "one", 90_000), (Ok(()), 1));
    assert_eq!(ask(&second, "two", 90_001), (Ok(()), 0));
}

#[test]
fn settings_that_would_let_anybody_in() {
    let read = |change: &dyn Fn(&mut Value)| {
        let mut settings = json!({
            "issuer": GITHUB, "audience": "x", "keys": "https://x/keys",
            "identities": [{"claims": {"repository": "acme/*"}}],
        });
        change(&mut settings);
        let fetch: Arc<dyn Fetch> = Arc::new(Web::default());
        let settings: Result<WorkloadSettings, _> = serde_json::from_value(settings);
        settings.is_ok_and(|settings| Workloads::new(&[settings], Some(&fetch)).is_ok())
    };
    assert!(read(&|_| {}));
    assert!(!read(&|settings| settings["audience"] = json!("")));
    assert!(!read(&|settings| settings["identities"] = json!([])));
    assert!(!read(&|settings| settings["identities"][0]["claims"] = json!({})));
    assert!(!read(&|settings| settings["keys"] = json!("http://x/keys")));
    assert!(!read(&|settings| settings["keys"] = json!("/no/such/file")));
    assert!(!read(&|settings| settings["claims"] = json!({})));
}
