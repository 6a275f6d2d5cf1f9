//! Who gets in.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_access::{Parts, Passwords};
use sealift_crypto::SigningKey;

use crate::lab::{GUN, Lab, PLACE, Publisher, Setup};
use crate::token_server;

fn basic(cost: u32, rules: &'static [&'static str]) -> Lab {
    let hash = |password: &str| bcrypt::hash(password, cost).unwrap();
    let text = format!("alice:{}\nbob:{}\n", hash("secret123"), hash("secret456"));
    let passwords = Passwords::parse(text.as_bytes()).unwrap();
    let parts = Parts { realm: "lab".to_owned(), passwords: Some(passwords), ..Parts::default() };
    Lab::start(Setup { parts, rules, ..Setup::default() })
}

fn header(name_and_password: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(name_and_password))
}

#[test]
fn passwords_and_rules() {
    let lab = basic(
        4,
        &[
            "alice=localhost:5443/team/**:*",
            "bob=localhost:5443/team/**:pull",
            "anonymous=open/*:pull",
        ],
    );
    let (alice, bob) = (header("alice:secret123"), header("bob:secret456"));
    let base = lab.get("/v2/");
    assert_eq!((base.status, base.header("www-authenticate")), (401, Some("Basic realm=\"lab\"")));
    assert!(base.body.contains("\"UNAUTHORIZED\""));
    let ping = |header: &str| lab.request("GET", "/v2/", &[header], b"").status;
    assert_eq!((ping(&alice), ping(&bob), ping(&header("alice:x"))), (200, 200, 401));
    let files = Publisher::new().first(&lab, &[&alice]);
    assert_eq!(lab.post(&files, &[]).status, 401);
    assert_eq!(lab.post(&files, &[&bob]).status, 403);
    assert_eq!(lab.post(&files, &[&alice]).status, 200);
    let root = format!("{PLACE}root.json");
    assert_eq!(lab.get(&root).status, 401);
    let read = lab.request("GET", &root, &[&bob], b"");
    assert_eq!(read.status, 200);
    // Nobody's shared cache keeps what not everybody may see.
    assert!(read.header("cache-control").unwrap().starts_with("private, "));
    let delete = |header: &str| lab.request("DELETE", PLACE, &[header], b"").status;
    assert_eq!((delete(&bob), delete(&alice)), (403, 200));
    assert_eq!(lab.get("/v2/open/app/_trust/tuf/root.json").status, 404);
    assert_eq!(lab.request("DELETE", "/v2/open/app/_trust/tuf/", &[], b"").status, 401);
    let all = |header: &str| lab.request("GET", "/v2/_trust/changefeed?records=1", &[header], b"");
    assert_eq!(all(&alice).status, 403);
    assert_eq!(lab.request("GET", "/v2/", &[&alice, &alice], b"").status, 401);
    let log = lab.log.of("request").concat() + &lab.log.of("change").concat();
    assert!(log.contains("\"user\":\"alice\"") && !log.contains("YWxpY2U"), "{log}");
    assert!(lab.log.of("change")[0].contains("\"user\":\"alice\""));
}

#[test]
fn without_rules_a_password_is_still_needed() {
    let lab = basic(4, &[]);
    assert_eq!(lab.get(&format!("{PLACE}root.json")).status, 401);
    assert_eq!(
        lab.request("GET", &format!("{PLACE}root.json"), &[&header("bob:secret456")], b"").status,
        404
    );
}

#[test]
fn a_burst_costs_one_hash() {
    // This cost takes a third of a second and more, so that twenty of them could not end in time.
    let lab = basic(11, &[]);
    let alice = header("alice:secret123");
    let start = Instant::now();
    assert_eq!(lab.request("GET", "/v2/", &[&alice], b"").status, 200);
    let one = start.elapsed();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(lab.request("GET", "/v2/", &[&alice], b"").status, 200));
        }
    });
    assert!(start.elapsed() < one * 10, "{:?} against {one:?}", start.elapsed());
}

#[test]
fn tokens() {
    let key = SigningKey::generate_p256();
    let parts = token_server::parts(&key, "https://auth.example/token");
    let lab = Lab::start(Setup { parts, ..Setup::default() });
    let token = |service: &str, actions: &[&str]| {
        let token = token_server::token(&key, service, GUN, actions);
        format!("Authorization: Bearer {token}")
    };
    let base = lab.get("/v2/");
    let asked = "Bearer realm=\"https://auth.example/token\",service=\"trust\"";
    assert_eq!((base.status, base.header("www-authenticate")), (401, Some(asked)));
    let (reader, writer) = (token("trust", &["pull"]), token("trust", &["push", "pull"]));
    let files = Publisher::new().first(&lab, &[&writer]);
    let refused = lab.post(&files, &[&reader]);
    let asked = refused.header("www-authenticate").unwrap();
    assert_eq!(refused.status, 401);
    let scope = format!("scope=\"repository:{GUN}:push,pull\",error=\"insufficient_scope\"");
    assert!(asked.ends_with(&scope), "{asked}");
    assert_eq!(lab.post(&files, &[&writer]).status, 200);
    let root = format!("{PLACE}root.json");
    assert_eq!(lab.request("GET", &root, &[&reader], b"").status, 200);
    let foreign = lab.request("GET", &root, &[&token("other", &["pull"])], b"");
    assert!(foreign.header("www-authenticate").unwrap().contains("invalid_token"));
    assert_eq!(lab.request("DELETE", PLACE, &[&writer], b"").status, 401);
    assert_eq!(lab.request("DELETE", PLACE, &[&token("trust", &["*"])], b"").status, 200);
    let elsewhere = "/v2/localhost:5443/other/_trust/tuf/root.json";
    assert_eq!(lab.request("GET", elsewhere, &[&writer], b"").status, 401);
    let log = lab.log.of("request").concat();
    assert!(log.contains("it is for another service") && !log.contains("eyJ"), "{log}");
}
