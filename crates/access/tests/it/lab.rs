//! A gatekeeper with a user, a robot and a clock.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sealift_access::{
    Gatekeeper, Issuer, Parts, Passwords, RecordFile, Request, Robots, Rule, Rules, TokenAnswer,
    TokenRequest, TokenSettings,
};
use sealift_crypto::{Scheme, SigningKey};
use serde_json::{Map, Value};
use tempfile::TempDir;

pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn rules(texts: &[&str]) -> Rules {
    Rules::new(texts.iter().map(|text| Rule::parse(text).unwrap()).collect())
}

pub(crate) fn passwords(users: &[(&str, &str)]) -> Passwords {
    let line = |(name, password): &(&str, &str)| {
        format!("{name}:{}\n", bcrypt::hash(password, 4).unwrap())
    };
    Passwords::parse(users.iter().map(line).collect::<String>().as_bytes()).unwrap()
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

pub(crate) fn request(authorization: Option<&str>, seconds: i64) -> Request<'_> {
    Request {
        authorization,
        peer: "192.0.2.1:1234".parse().unwrap(),
        client_certificate: None,
        now: at(seconds),
    }
}

/// A token of JSON, signed.
pub(crate) fn jwt(header: &Value, claims: &Value, key: &SigningKey, scheme: Scheme) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = key.sign_as(scheme, signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a token says.
pub(crate) fn claims(token: &str) -> Map<String, Value> {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) struct Lab {
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) robots: Robots,
    pub(crate) key: SigningKey,
    _folder: TempDir,
}

impl Lab {
    pub(crate) fn new(texts: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let robots = Robots::new(Arc::new(RecordFile::new(&folder.path().join("robots"))));
        let key = SigningKey::generate_p256();
        let copy = SigningKey::from_pkcs8_der(key.pkcs8().unwrap().expose()).unwrap();
        let realm = Some("https://localhost:5605/token".to_owned());
        let settings = TokenSettings { enabled: true, realm, ..TokenSettings::default() };
        let parts = Parts {
            realm: "lab".to_owned(),
            passwords: Some(passwords(&[("alice", "secret123"), ("bob", "secret456")])),
            groups: Arc::new([("dev".to_owned(), vec!["bob".to_owned()])].into()),
            robots: Some(robots.clone()),
            issuer: Some(Arc::new(Issuer::new(copy, settings).unwrap())),
            rules: rules(texts),
            ..Parts::default()
        };
        Self { gatekeeper: Gatekeeper::new(parts), robots, key, _folder: folder }
    }

    pub(crate) fn get(
        &self,
        query: &str,
        authorization: Option<&str>,
        seconds: i64,
    ) -> TokenAnswer {
        let request = request(authorization, seconds);
        run(self.gatekeeper.token(&TokenRequest { form: None, query, request }))
    }

    pub(crate) fn post(&self, form: &str, seconds: i64) -> TokenAnswer {
        let (form, request) = (Some(form.as_bytes()), request(None, seconds));
        run(self.gatekeeper.token(&TokenRequest { form, query: "", request }))
    }
}

pub(crate) fn body(answer: &TokenAnswer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

pub(crate) fn text(answer: &TokenAnswer, name: &str) -> String {
    body(answer)[name].as_str().unwrap_or_default().to_owned()
}
