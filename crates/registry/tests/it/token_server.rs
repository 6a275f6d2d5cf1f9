//! A token server as distribution's authentication knows it, for whoever shows the right password.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sealift_access::{Parts, TokenKeys, TokenRules, TokenServer};
use sealift_crypto::{Certificate, Scheme, SigningKey};
use serde_json::json;

pub(crate) const SERVICE: &str = "trust";
const ISSUER: &str = "auth";

/// A token for a repository, as a header.
pub(crate) fn token(key: &SigningKey, service: &str, name: &str, actions: &[&str]) -> String {
    let access = json!([{"type": "repository", "name": name, "actions": actions}]);
    token_of(key, service, access)
}

fn token_of_scopes(key: &SigningKey, scopes: &[String]) -> String {
    let access = scopes.iter().filter_map(|scope| {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions: Vec<&str> = actions.split(',').collect();
        Some(json!({"type": kind, "name": name, "actions": actions}))
    });
    token_of(key, SERVICE, access.collect())
}

fn token_of(key: &SigningKey, service: &str, access: serde_json::Value) -> String {
    let claims = json!({
        "iss": ISSUER, "aud": service, "sub": "alice",
        "exp": (Timestamp::now() + SignedDuration::from_hours(1)).as_second(),
        "access": access,
    });
    let parts = [json!({"alg": "ES256", "typ": "JWT"}), claims];
    let [header, claims] = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = key.sign_as(Scheme::EcdsaP256Raw, signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Authentication by tokens that this key signs.
pub(crate) fn parts(key: &SigningKey, realm: &str) -> Parts {
    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let certificate = Certificate::self_signed(key, "auth", now - hour, now + hour).unwrap();
    let keys = TokenKeys::parse(certificate.to_pem().as_bytes()).unwrap();
    let rules = TokenRules { service: SERVICE.to_owned(), issuer: ISSUER.to_owned() };
    let token_server = Some(TokenServer { realm: realm.to_owned(), rules, keys });
    Parts { token_server, ..Parts::default() }
}

/// Gives tokens to alice and to nobody else, until the test ends. Returns its realm.
pub(crate) fn start(key: SigningKey) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let realm = format!("http://{}/token", listener.local_addr().unwrap());
    let alice = format!("Basic {}", STANDARD.encode("alice:secret123"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            let head: Vec<String> =
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let is_alice = head.iter().any(|line| line.ends_with(&alice));
            let scopes =
                first.split(['?', '&', ' ']).filter_map(|part| part.strip_prefix("scope="));
            let scopes: Vec<String> = scopes
                .flat_map(|scope| scope.split(['+', '\n']))
                .map(|scope| {
                    let scope = scope.replace("%3A", ":").replace("%2F", "/");
                    scope.replace("%2C", ",").replace("%2A", "*")
                })
                .collect();
            let token = is_alice.then(|| token_of_scopes(&key, &scopes));
            let is_stranger = head.iter().any(|line| line.contains("Basic ")) && !is_alice;
            if is_stranger {
                let _ = write!(
                    stream,
                    "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                continue;
            }
            let body = json!({"token": token.unwrap_or_default(), "expires_in": 300}).to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    realm
}
