//! JSON Web Tokens (RFC 7519) as distribution's token authentication has them: ES256 or RS256, by keys that were given.
//!
//! The algorithm follows from the key. A key that the token brings along counts only if it leads to one that was given.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{PublicKey, Scheme, strict_json};
use serde_json::{Map, Value};

use super::{Action, Grant, TokenKeys};

const TOKEN_BYTES_MAX: usize = 16 << 10;
const GRANTS_MAX: usize = 256;
// As distribution has it: clocks differ.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// Who has to have written a token, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// The service that it has to be for.
    pub service: String,
    /// Who has to have issued it.
    pub issuer: String,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenFault(pub &'static str);

/// Checks a token; returns whose it is, if it says so, and what it allows.
pub fn verify_token(
    token: &str,
    keys: &TokenKeys,
    rules: &TokenRules,
    now: Timestamp,
) -> Result<(Option<String>, Vec<Grant>), TokenFault> {
    let claims = verify(token, rules, now, |header| keys.candidates(header, now))?;
    Ok((subject(&claims)?, grants(&claims)?))
}

/// Checks a token that brings no key along; returns what it says.
pub(crate) fn verify_claims(
    token: &str,
    keys: &TokenKeys,
    rules: &TokenRules,
    now: Timestamp,
) -> Result<Map<String, Value>, TokenFault> {
    verify(token, rules, now, |header| keys.of_id(header))
}

/// Who says to have written a token, and by which key. Nothing of it is proved.
pub(crate) fn look(token: &str) -> Result<(String, Option<String>), TokenFault> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenFault("the token is larger than 16 KiB"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenFault("it has no three parts"));
    };
    let text = |object: &Map<String, Value>, name: &str| {
        object.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let id = text(&object(header)?, "kid");
    let issuer = text(&object(claims)?, "iss").ok_or(TokenFault("it names no issuer"))?;
    Ok((issuer, id))
}

fn verify(
    token: &str,
    rules: &TokenRules,
    now: Timestamp,
    candidates: impl FnOnce(&Map<String, Value>) -> Result<Vec<PublicKey>, TokenFault>,
) -> Result<Map<String, Value>, TokenFault> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenFault("the token is larger than 16 KiB"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault("it has no three parts"))?;
    let (header, claims) = signed.split_once('.').ok_or(TokenFault("it has no three parts"))?;
    let signature =
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenFault("the signature is not base64"))?;
    let header = object(header)?;
    let scheme = scheme(&header)?;
    let is_signed = candidates(&header)?
        .iter()
        .filter(|key| key.kind() == scheme.kind())
        .any(|key| key.verify_as(scheme, signed.as_bytes(), &signature).is_ok());
    if !is_signed {
        return Err(TokenFault("no key that is trusted signed it"));
    }
    let claims = object(claims)?;
    check_claims(&claims, rules, now)?;
    Ok(claims)
}

/// Whose a token is, if it says so.
pub(crate) fn subject(claims: &Map<String, Value>) -> Result<Option<String>, TokenFault> {
    let subject = match claims.get("sub") {
        None => None,
        Some(Value::String(name)) => Some(name.clone()).filter(|name| !name.is_empty()),
        Some(_) => return Err(TokenFault("the subject is not text")),
    };
    if subject.as_ref().is_some_and(|name| name.contains(char::is_control)) {
        return Err(TokenFault("the subject has control characters"));
    }
    Ok(subject)
}

fn object(part: &str) -> Result<Map<String, Value>, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault("a part is not base64"))?;
    strict_json::from_slice(&bytes, "token").map_err(|_| TokenFault("a part is not a JSON object"))
}

fn scheme(header: &Map<String, Value>) -> Result<Scheme, TokenFault> {
    let is_token =
        |kind: &Value| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("jwt"));
    if header.get("typ").is_some_and(|kind| !is_token(kind)) {
        return Err(TokenFault("it says that it is not a token"));
    }
    // RFC 7515 §4.1.11: what must be understood and is not.
    if ["crit", "b64", "zip", "enc"].iter().any(|name| header.contains_key(*name)) {
        return Err(TokenFault("it needs an extension"));
    }
    match header.get("alg").and_then(Value::as_str) {
        Some("ES256") => Ok(Scheme::EcdsaP256Raw),
        Some("RS256") => Ok(Scheme::RsaPkcs1),
        _ => Err(TokenFault("its algorithm is neither ES256 nor RS256")),
    }
}

fn check_claims(
    claims: &Map<String, Value>,
    rules: &TokenRules,
    now: Timestamp,
) -> Result<(), TokenFault> {
    if claims.get("iss").and_then(Value::as_str) != Some(&rules.issuer) {
        return Err(TokenFault("another issuer wrote it"));
    }
    let is_for_us = |name: &Value| name.as_str() == Some(&rules.service);
    let is_audience = match claims.get("aud") {
        Some(Value::Array(names)) => names.iter().any(is_for_us),
        Some(name) => is_for_us(name),
        None => false,
    };
    if !is_audience {
        return Err(TokenFault("it is for another service"));
    }
    let expires = time(claims, "exp")?.ok_or(TokenFault("it never expires"))?;
    if expires.saturating_add(LEEWAY).unwrap_or(Timestamp::MAX) <= now {
        return Err(TokenFault("it has expired"));
    }
    let begins = time(claims, "nbf")?.unwrap_or(Timestamp::MIN);
    if begins > now.saturating_add(LEEWAY).unwrap_or(Timestamp::MAX) {
        return Err(TokenFault("it does not hold yet"));
    }
    Ok(())
}

// RFC 7519 §2: seconds, which may have a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, TokenFault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let fault = TokenFault("a time is not a number of seconds");
    #[expect(clippy::cast_possible_truncation, reason = "what is too large becomes the largest")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
    Timestamp::from_second(seconds.ok_or(fault)?).map(Some).map_err(|_| fault)
}

/// What a token allows.
pub(crate) fn grants(claims: &Map<String, Value>) -> Result<Vec<Grant>, TokenFault> {
    let fault = TokenFault("what it allows cannot be read");
    let list = match claims.get("access") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= GRANTS_MAX => list,
        Some(_) => return Err(fault),
    };
    let read = |entry: &Value| -> Option<Grant> {
        let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
        let actions = entry.get("actions").and_then(Value::as_array)?;
        let actions: Option<Vec<&str>> = actions.iter().map(Value::as_str).collect();
        let actions = actions?.into_iter().filter_map(Action::of_name).collect();
        Some(Grant { kind: text("type")?, name: text("name")?, actions })
    };
    list.iter().map(|entry| read(entry).ok_or(fault)).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use expect_test::expect;
    use sealift_crypto::{Certificate, SigningKey};
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn claims() -> Value {
        json!({
            "iss": "auth.example", "sub": "alice", "aud": "trust.example", "exp": 1_800_000_300,
            "nbf": 1_799_999_990, "iat": 1_799_999_990, "jti": "x",
            "access": [{"type": "repository", "name": "r.example:5000/team/app", "actions": ["pull", "push", "dance"]}],
        })
    }

    fn token(header: &Value, claims: &Value, key: &SigningKey) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
        key.sign_as(Scheme::EcdsaP256Raw, message).unwrap()
    }

    struct Lab {
        key: SigningKey,
        certificate: Certificate,
        keys: TokenKeys,
    }

    fn lab() -> Lab {
        let key = SigningKey::generate_p256();
        let hour = SignedDuration::from_hours(1);
        let certificate =
            Certificate::self_signed(&key, "auth", now() - hour, now() + hour).unwrap();
        let keys = TokenKeys::parse(certificate.to_pem().as_bytes()).unwrap();
        Lab { key, certificate, keys }
    }

    fn check(lab: &Lab, token: &str) -> Result<(Option<String>, Vec<Grant>), TokenFault> {
        let rules =
            TokenRules { service: "trust.example".to_owned(), issuer: "auth.example".to_owned() };
        verify_token(token, &lab.keys, &rules, now())
    }

    #[test]
    fn accepted() {
        let lab = lab();
        let x5c = json!([STANDARD.encode(lab.certificate.der())]);
        let jwk = lab.key.public().to_jwk().unwrap();
        let id = TokenKeys::docker_id(&lab.key.public());
        for header in [
            json!({"alg": "ES256"}),
            json!({"alg": "ES256", "typ": "JWT", "kid": id}),
            json!({"alg": "ES256", "kid": "unknown"}),
            json!({"alg": "ES256", "x5c": x5c}),
            json!({"alg": "ES256", "jwk": jwk}),
        ] {
            let (name, grants) = check(&lab, &token(&header, &claims(), &lab.key)).unwrap();
            assert_eq!(name.as_deref(), Some("alice"));
            assert_eq!(grants[0].name, "r.example:5000/team/app");
            assert_eq!(grants[0].actions, [Action::Pull, Action::Push]);
        }
        let mut several = claims();
        several["aud"] = json!(["other", "trust.example"]);
        several["exp"] = json!(1_799_999_941.5);
        several.as_object_mut().unwrap().remove("access");
        let header = json!({"alg": "ES256"});
        assert_eq!(check(&lab, &token(&header, &several, &lab.key)).unwrap().1, []);
    }

    fn refusals(lab: &Lab, cases: &[(&str, String)]) -> String {
        let lines: Vec<String> = cases
            .iter()
            .map(|(what, token)| format!("{what}: {}\n", check(lab, token).unwrap_err()))
            .collect();
        lines.concat()
    }

    #[test]
    fn refused_for_who_signed_it() {
        let lab = lab();
        let stranger = SigningKey::generate_p256();
        let hour = SignedDuration::from_hours(1);
        let foreign =
            Certificate::self_signed(&stranger, "auth", now() - hour, now() + hour).unwrap();
        let headed = |header: Value, key: &SigningKey| token(&header, &claims(), key);
        let ours = |header: Value| headed(header, &lab.key);
        let fine = ours(json!({"alg": "ES256"}));
        let (signed, _) = fine.rsplit_once('.').unwrap();
        let none = ours(json!({"alg": "none"}));
        let x5c = json!({"alg": "ES256", "x5c": [STANDARD.encode(foreign.der())]});
        let jwk = json!({"alg": "ES256", "jwk": stranger.public().to_jwk().unwrap()});
        let cases = [
            ("none", format!("{}.", none.rsplit_once('.').unwrap().0)),
            ("none, signed", none),
            ("HMAC", ours(json!({"alg": "HS256"}))),
            ("another algorithm", ours(json!({"alg": "RS256"}))),
            ("no algorithm", ours(json!({}))),
            ("an extension", ours(json!({"alg": "ES256", "crit": ["exp"]}))),
            ("another kind", ours(json!({"alg": "ES256", "typ": "at+jwt"}))),
            ("a stranger", headed(json!({"alg": "ES256"}), &stranger)),
            ("a foreign certificate", headed(x5c, &stranger)),
            ("a foreign key", headed(jwk, &stranger)),
            ("a key elsewhere", ours(json!({"alg": "ES256", "jku": "https://evil.example"}))),
            ("no signature", format!("{signed}.")),
            ("two parts", signed.to_owned()),
            ("four parts", format!("{fine}.x")),
            ("padding", format!("{fine}=")),
            ("empty", String::new()),
            ("huge", "a".repeat(17 << 10)),
        ];
        expect![[r"
            none: its algorithm is neither ES256 nor RS256
            none, signed: its algorithm is neither ES256 nor RS256
            HMAC: its algorithm is neither ES256 nor RS256
            another algorithm: no key that is trusted signed it
            no algorithm: its algorithm is neither ES256 nor RS256
            an extension: it needs an extension
            another kind: it says that it is not a token
            a stranger: no key that is trusted signed it
            a foreign certificate: the certificates that it brings are not trusted
            a foreign key: the key that it brings is not trusted
            a key elsewhere: its key lies elsewhere
            no signature: no key that is trusted signed it
            two parts: it has no three parts
            four parts: the signature is not base64
            padding: the signature is not base64
            empty: it has no three parts
            huge: the token is larger than 16 KiB
        "]]
        .assert_eq(&refusals(&lab, &cases));
        let twice = URL_SAFE_NO_PAD.encode(r#"{"iss":"a","iss":"auth.example"}"#);
        let signed = format!("{}.{twice}", signed.split_once('.').unwrap().0);
        let signature = URL_SAFE_NO_PAD.encode(sign(&lab.key, signed.as_bytes()));
        assert!(check(&lab, &format!("{signed}.{signature}")).is_err());
    }

    #[test]
    fn refused_for_what_it_says() {
        let lab = lab();
        let access = |entry: Value| json!([entry]);
        let cases = [
            ("issuer", "iss", json!("evil.example")),
            ("audience", "aud", json!("other.example")),
            ("audiences", "aud", json!(["other.example"])),
            ("no audience", "aud", json!(null)),
            ("expired", "exp", json!(1_799_999_940)),
            ("no end", "exp", json!("tomorrow")),
            ("not yet", "nbf", json!(1_800_000_061)),
            ("subject", "sub", json!(7)),
            ("subject with a line end", "sub", json!("a\nb")),
            ("access", "access", json!({})),
            ("an entry", "access", access(json!({"type": "repository", "name": "a"}))),
            (
                "an action",
                "access",
                access(json!({"type": "repository", "name": "a", "actions": [1]})),
            ),
        ];
        let cases = cases.map(|(what, name, value)| {
            let mut claims = claims();
            claims[name] = value;
            (what, token(&json!({"alg": "ES256"}), &claims, &lab.key))
        });
        expect![[r"
            issuer: another issuer wrote it
            audience: it is for another service
            audiences: it is for another service
            no audience: it is for another service
            expired: it has expired
            no end: a time is not a number of seconds
            not yet: it does not hold yet
            subject: the subject is not text
            subject with a line end: the subject has control characters
            access: what it allows cannot be read
            an entry: what it allows cannot be read
            an action: what it allows cannot be read
        "]]
        .assert_eq(&refusals(&lab, &cases));
    }

    #[test]
    fn every_altered_byte_is_refused() {
        let lab = lab();
        let fine = token(&json!({"alg": "ES256"}), &claims(), &lab.key);
        for index in 0..fine.len() {
            let mut altered = fine.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            assert!(check(&lab, std::str::from_utf8(&altered).unwrap()).is_err(), "byte {index}");
        }
    }
}
