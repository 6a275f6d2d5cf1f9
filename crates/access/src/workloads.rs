//! Identity tokens of CI systems and of other issuers (OpenID Connect): who they are by what the issuer says of them.
//!
//! An issuer is believed if it was named, by its keys and by nothing that a token brings. A token of it is somebody only
//! if one of the patterns fits: without one, every repository of a public CI system could come in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::strict_json;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::pattern::{Of, Pattern};
use super::{BoxFuture, Denial, Error, Kind, Principal, TokenKeys, TokenRules, token};

const CLAIMS_MAX: usize = 40;
const CLAIM_BYTES_MAX: usize = 512;
const NAME_BYTES_MAX: usize = 256;
const KEYS_BYTES_MAX: u64 = 1 << 20;
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);
const TRY_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// Gets a document of the web. The program fills it with its client.
pub trait Fetch: Send + Sync {
    /// The bytes at an address, of which there may be so many.
    fn fetch<'a>(&'a self, url: &'a str, bytes_max: u64) -> BoxFuture<'a, Result<Vec<u8>, String>>;
}

/// An issuer that is believed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSettings {
    /// Its name in tokens, as `https://token.actions.githubusercontent.com`.
    pub issuer: String,
    /// For whom its tokens have to be.
    pub audience: String,
    /// Its keys, a JSON Web Key Set: a file, or an address that begins with `https://`. `None`: where its
    /// `/.well-known/openid-configuration` says.
    #[serde(default)]
    pub keys: Option<String>,
    /// Who its tokens are; the first that fits.
    pub identities: Vec<IdentitySettings>,
}

/// Who the token of an issuer is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySettings {
    /// What the issuer has to say, all of it: patterns by claim, as `repository: acme/*`.
    pub claims: BTreeMap<String, String>,
    /// The name that rules know it by, after `workload:`, in which `{claim}` stands for what the token says; `None`: what
    /// the token is about (`sub`).
    #[serde(default)]
    pub name: Option<String>,
    /// Groups that it is in.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Issuers that are believed.
#[derive(Clone, Default)]
pub struct Workloads(Arc<Vec<Issuer>>);

struct Issuer {
    rules: TokenRules,
    identities: Vec<Identity>,
    keys: Keys,
}

struct Identity {
    claims: Vec<(String, Pattern)>,
    name: Option<String>,
    groups: Vec<String>,
}

enum Keys {
    Fixed(TokenKeys),
    Fetched { place: Place, fetch: Arc<dyn Fetch>, state: Mutex<Fetched> },
}

enum Place {
    Set(String),
    Discovery(String),
}

#[derive(Default)]
struct Fetched {
    keys: Option<Arc<TokenKeys>>,
    read: Option<Timestamp>,
    tried: Option<Timestamp>,
}

impl Workloads {
    /// These issuers; what lies in the web is got when it is needed first.
    pub fn new(
        settings: &[WorkloadSettings],
        fetch: Option<&Arc<dyn Fetch>>,
    ) -> Result<Self, Error> {
        let issuers: Result<Vec<Issuer>, Error> =
            settings.iter().map(|settings| Issuer::new(settings, fetch)).collect();
        Ok(Self(Arc::new(issuers?)))
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who a token is.
    pub(crate) async fn principal(&self, token: &str, now: Timestamp) -> Result<Principal, Denial> {
        let (name, id) = token::look(token).map_err(|fault| Denial::Wrong(fault.0))?;
        let mut last = Denial::Wrong("another issuer wrote it");
        // The same issuer may be there twice, for two audiences.
        for issuer in self.0.iter().filter(|issuer| issuer.rules.issuer == name) {
            match issuer.principal(token, id.as_deref(), now).await {
                Ok(principal) => return Ok(principal),
                Err(denial) => last = denial,
            }
        }
        Err(last)
    }
}

impl Issuer {
    fn new(settings: &WorkloadSettings, fetch: Option<&Arc<dyn Fetch>>) -> Result<Self, Error> {
        let fault = |reason: &str| Error::Issuer {
            issuer: settings.issuer.clone(),
            reason: reason.to_owned(),
        };
        if settings.audience.is_empty() || settings.issuer.is_empty() {
            return Err(fault("it needs a name and an audience"));
        }
        let identity = |settings: &IdentitySettings| {
            if settings.claims.is_empty() {
                return Err(fault("an identity without claims would be anybody"));
            }
            let claim = |(name, text): (&String, &String)| {
                let pattern = Pattern::parse(text, Of::Text).map_err(fault)?;
                Ok((name.clone(), pattern))
            };
            Ok(Identity {
                claims: settings.claims.iter().map(claim).collect::<Result<_, Error>>()?,
                name: settings.name.clone(),
                groups: settings.groups.clone(),
            })
        };
        let identities: Vec<Identity> =
            settings.identities.iter().map(identity).collect::<Result<_, Error>>()?;
        if identities.is_empty() {
            return Err(fault("it has no `identities`, so that nobody could come in by it"));
        }
        let place = match settings.keys.as_deref() {
            Some(place) if place.starts_with("https://") => Some(Place::Set(place.to_owned())),
            Some(place) if place.contains("://") => {
                return Err(fault("its keys have to come by `https://`, or from a file"));
            }
            Some(_) => None,
            None if settings.issuer.starts_with("https://") => {
                let issuer = settings.issuer.trim_end_matches('/');
                Some(Place::Discovery(format!("{issuer}/.well-known/openid-configuration")))
            }
            None => return Err(fault("it has no `keys`, and its name is no address of the web")),
        };
        let keys = match place {
            None => {
                let path = settings.keys.as_deref().unwrap_or_default();
                Keys::Fixed(TokenKeys::read(Path::new(path))?)
            }
            Some(place) => {
                let fetch = fetch.ok_or_else(|| fault("nothing can be got from the web here"))?;
                Keys::Fetched { place, fetch: Arc::clone(fetch), state: Mutex::default() }
            }
        };
        let (service, issuer) = (settings.audience.clone(), settings.issuer.clone());
        Ok(Self { rules: TokenRules { service, issuer }, identities, keys })
    }

    async fn principal(
        &self,
        token: &str,
        id: Option<&str>,
        now: Timestamp,
    ) -> Result<Principal, Denial> {
        let keys = match &self.keys {
            Keys::Fixed(keys) => Arc::new(keys.clone()),
            Keys::Fetched { place, fetch, state } => {
                let mut state = state.lock().await;
                if state.is_worth_a_try(id, now) {
                    state.get(place, &**fetch, &self.rules.issuer, now).await;
                }
                let keys = state.keys.clone();
                keys.ok_or(Denial::Wrong("the keys of the issuer cannot be got"))?
            }
        };
        let claims = token::verify_claims(token, &keys, &self.rules, now)
            .map_err(|fault| Denial::Wrong(fault.0))?;
        let subject = token::subject(&claims).map_err(|fault| Denial::Wrong(fault.0))?;
        let claims = texts(&claims);
        let found = self.identities.iter().find(|identity| identity.fits(&claims));
        let identity = found.ok_or(Denial::Wrong("no identity fits what the issuer says"))?;
        let name = match &identity.name {
            Some(template) => filled(template, &claims),
            None => subject,
        };
        let name = name.filter(|name| {
            (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control)
        });
        let name = name.ok_or(Denial::Wrong("what the issuer says makes no name"))?;
        Ok(Principal {
            name: Some(format!("workload:{name}")),
            kind: Kind::Workload,
            groups: identity.groups.clone(),
            claims,
            ..Principal::ANONYMOUS
        })
    }
}

impl Identity {
    fn fits(&self, claims: &BTreeMap<String, String>) -> bool {
        let fits = |(name, pattern): &(String, Pattern)| {
            claims.get(name).is_some_and(|value| pattern.fits(value))
        };
        self.claims.iter().all(fits)
    }
}

impl Fetched {
    // Strangers can name keys that do not exist: they may make us look once a minute.
    fn is_worth_a_try(&self, id: Option<&str>, now: Timestamp) -> bool {
        let is_older = |time: Option<Timestamp>, than: SignedDuration| {
            time.is_none_or(|time| now.duration_since(time).abs() >= than)
        };
        let is_unknown = || match (&self.keys, id) {
            (Some(keys), Some(id)) => !keys.has_id(id),
            (Some(_), None) => false,
            (None, _) => true,
        };
        is_older(self.tried, TRY_AGAIN_AFTER) && (is_older(self.read, FRESH_FOR) || is_unknown())
    }

    // What cannot be got leaves what is there: keys live longer than a broken line.
    async fn get(&mut self, place: &Place, fetch: &dyn Fetch, issuer: &str, now: Timestamp) {
        self.tried = Some(now);
        let url = match place {
            Place::Set(url) => Some(url.clone()),
            Place::Discovery(url) => match fetch.fetch(url, KEYS_BYTES_MAX).await {
                Ok(bytes) => discovered(&bytes, issuer),
                Err(_) => None,
            },
        };
        let Some(url) = url else { return };
        let Ok(bytes) = fetch.fetch(&url, KEYS_BYTES_MAX).await else { return };
        // A certificate is no key set.
        if let (true, Ok(keys)) =
            (bytes.trim_ascii_start().starts_with(b"{"), TokenKeys::parse(&bytes))
        {
            self.keys = Some(Arc::new(keys));
            self.read = Some(now);
        }
    }
}

// OpenID Connect Discovery 1.0 §4.3: who answers has to be who was asked.
fn discovered(bytes: &[u8], issuer: &str) -> Option<String> {
    let document: Map<String, Value> = strict_json::from_slice(bytes, "configuration").ok()?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let is_same = text("issuer")?.trim_end_matches('/') == issuer.trim_end_matches('/');
    let url = text("jwks_uri").filter(|url| url.starts_with("https://"))?;
    is_same.then(|| url.to_owned())
}

// What can be held against a pattern.
fn texts(claims: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_so) => Some(is_so.to_string()),
        _ => None,
    };
    let texts = claims.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?)));
    let fits = |(name, text): &(String, String)| {
        name.len().max(text.len()) <= CLAIM_BYTES_MAX && !text.contains(char::is_control)
    };
    texts.filter(fits).take(CLAIMS_MAX).collect()
}

// `None` if a claim is not there.
fn filled(template: &str, claims: &BTreeMap<String, String>) -> Option<String> {
    let mut pieces = template.split('{');
    let mut filled = pieces.next()?.to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}')?;
        filled += claims.get(name)?;
        filled += rest;
    }
    Some(filled)
}
