//! The built-in token server: tokens for those who have shown who they are, signed with ES256.
//!
//! A token for access says who it is and what it allows, and lives for minutes. A token for refreshing lives for months,
//! is for another audience, so that it opens nothing by itself, and ends with the password or the robot that it was
//! given for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sealift_crypto::pem::Block;
use sealift_crypto::{Scheme, SealingKey, Secret, SigningKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::token::{self, TokenFault};
use super::{Action, Denial, Error, Grant, Kind, Principal, Rule, TokenKeys, TokenRules, file};

const KEY_BYTES_MAX: usize = 64 << 10;
const REFRESH_AUDIENCE: &str = "#refresh";

/// Settings of the built-in token server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// Whether there is one.
    pub enabled: bool,
    /// Its address, as clients reach it; `None`: `/token` of the address of the registry.
    pub realm: Option<String>,
    /// The name of this registry in tokens.
    pub service: String,
    /// The name of the token server in tokens.
    pub issuer: String,
    /// The key that signs; made if it is not there. `None`: `token.key` in the folder of the registry.
    pub key: Option<PathBuf>,
    /// Seconds that a token for access lives.
    pub lifetime: u32,
    /// Days that a token for refreshing lives; 0: none is given.
    pub refresh_days: u16,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            realm: None,
            service: "sealift-registry".to_owned(),
            issuer: "sealift-registry".to_owned(),
            key: None,
            lifetime: 300,
            refresh_days: 90,
        }
    }
}

impl TokenSettings {
    // Docker asks again before every request if a token lives for less than a minute.
    fn lifetime(&self) -> u32 {
        self.lifetime.clamp(60, 3600)
    }
}

/// Signs tokens, and knows them again.
pub struct Issuer {
    key: SigningKey,
    key_id: String,
    keys: TokenKeys,
    settings: TokenSettings,
    rules: TokenRules,
    refresh_rules: TokenRules,
}

/// What a token for refreshing says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refresh {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) proof: String,
}

impl Issuer {
    /// Signs with the key of a file, which is made if it is not there.
    pub fn open(path: &Path, settings: TokenSettings) -> Result<Self, Error> {
        let fault = |reason: String| Error::SigningKey { path: path.to_owned(), reason };
        let read = || file::read(path, KEY_BYTES_MAX).map_err(Error::file(path));
        let mut bytes = read()?;
        if bytes.is_none() {
            let made = new_key().map_err(|error| fault(error.to_string()))?;
            match file::create(path, made.expose()) {
                // Another process was first.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                result => result.map_err(Error::file(path))?,
            }
            bytes = read()?;
        }
        let text = Secret::new(bytes.unwrap_or_default());
        let text = std::str::from_utf8(text.expose()).map_err(|error| fault(error.to_string()))?;
        let key = SigningKey::from_pem(text).map_err(|error| fault(error.to_string()))?;
        Self::new(key, settings).map_err(|reason| fault(reason.to_owned()))
    }

    /// Signs with this key, which is one of P-256.
    pub fn new(key: SigningKey, settings: TokenSettings) -> Result<Self, &'static str> {
        let public = key.public();
        let is_address =
            |realm: &String| realm.starts_with("https://") || realm.starts_with("http://");
        if !settings.realm.as_ref().is_some_and(is_address) {
            return Err("the address of the token server, `realm`, is not known");
        }
        key.sign_as(Scheme::EcdsaP256Raw, b"").map_err(|_| "it is not a key of P-256")?;
        let key_id = TokenKeys::docker_id(&public);
        let mut jwk = public.to_jwk().ok_or("it is not a key of P-256")?;
        for (name, value) in [("use", "sig"), ("alg", "ES256"), ("kid", &key_id)] {
            jwk.insert(name.to_owned(), json!(value));
        }
        let set = json!({ "keys": [jwk] }).to_string();
        let keys = TokenKeys::parse(set.as_bytes()).map_err(|_| "it is not a key of P-256")?;
        let rules =
            |audience: String| TokenRules { service: audience, issuer: settings.issuer.clone() };
        Ok(Self {
            rules: rules(settings.service.clone()),
            refresh_rules: rules(format!("{}{REFRESH_AUDIENCE}", settings.service)),
            key,
            key_id,
            keys,
            settings,
        })
    }

    /// Its address, as clients reach it.
    pub(crate) fn realm(&self) -> &str {
        self.settings.realm.as_deref().unwrap_or_default()
    }

    /// The settings.
    pub fn settings(&self) -> &TokenSettings {
        &self.settings
    }

    /// The public key, as a JSON Web Key Set (RFC 7517).
    pub fn key_set(&self) -> String {
        let mut jwk = self.key.public().to_jwk().unwrap_or_default();
        for (name, value) in [("use", "sig"), ("alg", "ES256"), ("kid", &self.key_id)] {
            jwk.insert(name.to_owned(), json!(value));
        }
        json!({ "keys": [jwk] }).to_string()
    }

    pub(crate) fn is_issuer(&self, name: &str) -> bool {
        name == self.settings.issuer
    }

    /// A token for access, and the seconds that it lives.
    pub(crate) fn access(
        &self,
        principal: &Principal,
        grants: &[Grant],
        now: Timestamp,
    ) -> Result<(String, u32), Denial> {
        let access = |grant: &Grant| {
            let actions = grant.actions.iter().map(|action| match action {
                Action::Admin => "*",
                action => action.as_str(),
            });
            json!({ "type": grant.kind, "name": grant.name, "actions": actions.collect::<Vec<_>>() })
        };
        let own = principal.permissions.as_deref().unwrap_or_default();
        let name = principal.name.as_deref().unwrap_or_default();
        let permission = |rule: &Rule| rule.text().get(name.len() + 1..).map(str::to_owned);
        let permissions: Vec<String> = own.iter().filter_map(permission).collect();
        let lifetime = self.settings.lifetime();
        let mut claims = self.claims(&self.settings.service, name, now, i64::from(lifetime));
        claims.insert("access".to_owned(), grants.iter().map(access).collect());
        claims.insert(
            "sealift".to_owned(),
            json!({
                "kind": kind_name(principal.kind), "groups": principal.groups,
                "claims": principal.claims, "permissions": permissions,
            }),
        );
        Ok((self.sign(&claims)?, lifetime))
    }

    /// A token for refreshing, for who is not known by something short-lived.
    pub(crate) fn refresh(
        &self,
        principal: &Principal,
        proof: &str,
        now: Timestamp,
    ) -> Option<String> {
        let name = principal.name.as_deref()?;
        let days = i64::from(self.settings.refresh_days);
        if days == 0 || !matches!(principal.kind, Kind::User | Kind::Robot) {
            return None;
        }
        let mut claims = self.claims(&self.refresh_rules.service, name, now, days * 86_400);
        let kind = kind_name(principal.kind);
        claims.insert("sealift".to_owned(), json!({ "kind": kind, "proof": proof }));
        self.sign(&claims).ok()
    }

    fn claims(
        &self,
        audience: &str,
        subject: &str,
        now: Timestamp,
        seconds: i64,
    ) -> Map<String, Value> {
        let id = SealingKey::generate();
        let begins = now.as_second();
        let claims = json!({
            "iss": self.settings.issuer, "sub": subject, "aud": audience, "iat": begins,
            "nbf": begins, "exp": begins + seconds, "jti": URL_SAFE_NO_PAD.encode(&id.expose()[..16]),
        });
        claims.as_object().cloned().unwrap_or_default()
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String, Denial> {
        let header = json!({ "typ": "JWT", "alg": "ES256", "kid": self.key_id }).to_string();
        let claims = Value::from(claims.clone()).to_string();
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.sign_as(Scheme::EcdsaP256Raw, signed.as_bytes());
        let signature = signature.map_err(|_| Denial::Wrong("the token cannot be signed"))?;
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        // It would be refused when it comes back.
        token::look(&token).map_err(|fault| Denial::Wrong(fault.0))?;
        Ok(token)
    }

    /// Whose a token for access is.
    pub(crate) fn principal(&self, token: &str, now: Timestamp) -> Result<Principal, Denial> {
        let claims = token::verify_claims(token, &self.keys, &self.rules, now);
        claims.and_then(|claims| principal(&claims)).map_err(|fault| Denial::Wrong(fault.0))
    }

    /// For whom a token for refreshing was given.
    pub(crate) fn refreshed(&self, token: &str, now: Timestamp) -> Result<Refresh, Denial> {
        let read = || {
            let claims = token::verify_claims(token, &self.keys, &self.refresh_rules, now)?;
            let fault = TokenFault("what it says of its owner cannot be read");
            let own = claims.get("sealift").and_then(Value::as_object).ok_or(fault)?;
            let text = |name: &str| own.get(name).and_then(Value::as_str).ok_or(fault);
            let name = token::subject(&claims)?.ok_or(fault)?;
            let kind = kind_of(text("kind")?).ok_or(fault)?;
            Ok(Refresh { name, kind, proof: text("proof")?.to_owned() })
        };
        read().map_err(|fault: TokenFault| Denial::Wrong(fault.0))
    }
}

fn new_key() -> Result<Secret, sealift_crypto::Error> {
    let block = Block {
        label: "PRIVATE KEY".to_owned(),
        headers: Vec::new(),
        content: Secret::new(SigningKey::generate_p256().pkcs8()?.expose().to_vec()),
    };
    Ok(Secret::from(block.to_text()?))
}

fn principal(claims: &Map<String, Value>) -> Result<Principal, TokenFault> {
    let fault = TokenFault("what it says of its owner cannot be read");
    let own = claims.get("sealift").and_then(Value::as_object).ok_or(fault)?;
    let name = token::subject(claims)?;
    let kind = own.get("kind").and_then(Value::as_str).and_then(kind_of).ok_or(fault)?;
    if (kind == Kind::Anonymous) != name.is_none() {
        return Err(fault);
    }
    let list = |name: &str| -> Option<Vec<String>> {
        let list = own.get(name)?.as_array()?.iter();
        list.map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of_claims = own.get("claims").and_then(Value::as_object).ok_or(fault)?.iter();
    let of_claims: Option<BTreeMap<String, String>> =
        of_claims.map(|(name, value)| Some((name.clone(), text(value)?))).collect();
    let rule =
        |text: &String| Rule::parse(&format!("{}={text}", name.as_deref().unwrap_or_default()));
    let permissions = list("permissions").ok_or(fault)?;
    let permissions: Result<Vec<Rule>, _> = permissions.iter().map(rule).collect();
    let permissions = permissions.map_err(|_| fault)?;
    Ok(Principal {
        kind,
        groups: list("groups").ok_or(fault)?,
        claims: of_claims.ok_or(fault)?,
        grants: Some(token::grants(claims)?),
        permissions: (!permissions.is_empty()).then(|| permissions.into()),
        name,
    })
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Anonymous => "anonymous",
        Kind::User => "user",
        Kind::Robot => "robot",
        Kind::Workload => "workload",
        Kind::Certificate => "certificate",
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    let kinds = [Kind::Anonymous, Kind::User, Kind::Robot, Kind::Workload, Kind::Certificate];
    kinds.into_iter().find(|kind| kind_name(*kind) == name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use jiff::SignedDuration;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn settings() -> TokenSettings {
        let realm = Some("https://registry.example/token".to_owned());
        TokenSettings { realm, ..TokenSettings::default() }
    }

    fn issuer() -> Issuer {
        Issuer::new(SigningKey::generate_p256(), settings()).unwrap()
    }

    #[test]
    fn what_is_signed_is_known_again() {
        let issuer = issuer();
        let principal = Principal {
            name: Some("robot:ci".to_owned()),
            kind: Kind::Robot,
            groups: vec!["a".to_owned()],
            claims: [("ref".to_owned(), "main".to_owned())].into(),
            permissions: Some([Rule::parse("robot:ci=team/**:push").unwrap()].into()),
            ..Principal::ANONYMOUS
        };
        let grant = Grant {
            kind: "repository".to_owned(),
            name: "team/app".to_owned(),
            actions: vec![Action::Pull, Action::Push],
        };
        let (token, seconds) =
            issuer.access(&principal, std::slice::from_ref(&grant), now()).unwrap();
        let expected = Principal { grants: Some(vec![grant]), ..principal.clone() };
        assert_eq!(issuer.principal(&token, now()), Ok(expected));
        let late = now() + SignedDuration::from_secs(i64::from(seconds) + 60);
        assert_eq!(issuer.principal(&token, late), Err(Denial::Wrong("it has expired")));
        let early = now() - SignedDuration::from_secs(61);
        assert_eq!(issuer.principal(&token, early), Err(Denial::Wrong("it does not hold yet")));
        let (anonymous, _) = issuer.access(&Principal::ANONYMOUS, &[], now()).unwrap();
        assert_eq!(issuer.principal(&anonymous, now()).unwrap().name, None);
        // Another server with the same name.
        let other = super::tests::issuer();
        assert!(other.principal(&token, now()).is_err());
        assert!(issuer.key_set().contains(&issuer.key_id));
    }

    #[test]
    fn tokens_for_refreshing_open_nothing() {
        let issuer = issuer();
        let alice = Principal::user("alice");
        let token = issuer.refresh(&alice, "proof", now()).unwrap();
        assert_eq!(
            issuer.principal(&token, now()),
            Err(Denial::Wrong("it is for another service"))
        );
        let expected =
            Refresh { name: "alice".to_owned(), kind: Kind::User, proof: "proof".to_owned() };
        assert_eq!(issuer.refreshed(&token, now()), Ok(expected));
        let (access, _) = issuer.access(&alice, &[], now()).unwrap();
        assert!(issuer.refreshed(&access, now()).is_err());
        let late = now() + SignedDuration::from_hours(24 * 91);
        assert!(issuer.refreshed(&token, late).is_err());
        let workload = Principal { kind: Kind::Workload, ..alice };
        assert_eq!(issuer.refresh(&workload, "", now()), None);
    }

    #[test]
    fn the_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        let open = || Issuer::open(&path, settings()).unwrap().key_set();
        assert_eq!(open(), open());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        std::fs::write(&path, "x").unwrap();
        assert!(Issuer::open(&path, settings()).is_err());
        assert!(Issuer::new(SigningKey::generate_p384(), settings()).is_err());
        let nowhere = TokenSettings::default();
        assert!(Issuer::new(SigningKey::generate_p256(), nowhere).is_err());
    }
}
