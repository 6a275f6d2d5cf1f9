//! What the built-in token server answers: GET with a password in the header, as Docker's older form has it, and POST
//! with a form, as OAuth 2 (RFC 6749) has it.
//!
//! <https://distribution.github.io/distribution/spec/auth/token/> and `…/oauth/`. A scope that is not allowed is left out
//! of the token and is no error: the registry refuses then, and says what is missing.

use std::sync::Arc;

use jiff::Timestamp;
use sealift_crypto::Secret;
use serde_json::json;

use super::gatekeeper::State;
use super::header::quoted;
use super::issuer::Refresh;
use super::{Action, Denial, Gatekeeper, Grant, Issuer, Kind, Principal, Request, Thing};

const FORM_BYTES_MAX: usize = 64 << 10;
const FIELDS_MAX: usize = 64;
const SCOPES_MAX: usize = 32;
const SCOPE_BYTES_MAX: usize = 1024;

/// A request to the token server.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// The form of a POST; `None`: it is a GET.
    pub form: Option<&'a [u8]>,
    /// What follows `?`.
    pub query: &'a str,
    /// Who asks.
    pub request: Request<'a>,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// JSON. It is not to be stored by anybody (`Cache-Control: no-store`).
    pub body: String,
    /// For `WWW-Authenticate`.
    pub challenge: Option<String>,
    /// For `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// Who it was, for the log.
    pub user: Option<String>,
    /// Why there is no token, for the log.
    pub denial: Option<&'static str>,
}

// Why there is no token.
enum Fault {
    Denied(Denial),
    // A code of RFC 6749 §5.2, with what is wrong.
    Malformed(&'static str, &'static str),
}

impl From<Denial> for Fault {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

// What was asked for.
#[derive(Default)]
struct Ask {
    service: Option<String>,
    scopes: Vec<String>,
    wants_refresh: bool,
    grant_type: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    refresh_token: Option<String>,
}

impl Gatekeeper {
    /// Gives a token for what the one who asks may do, of what they ask for.
    pub async fn token(&self, request: &TokenRequest<'_>) -> TokenAnswer {
        let state = self.state();
        let Some(issuer) = state.parts.issuer.clone() else {
            return error(404, "UNSUPPORTED", "invalid_request", "there is no token server here");
        };
        match self.give(&state, &issuer, request).await {
            Ok(answer) => answer,
            Err(Fault::Malformed(code, reason)) => error(400, "UNSUPPORTED", code, reason),
            Err(Fault::Denied(Denial::TooMany(seconds))) => TokenAnswer {
                retry_after: Some(seconds),
                denial: Some(Denial::TooMany(seconds).as_str()),
                ..error(429, "TOOMANYREQUESTS", "slow_down", "too many failed logins")
            },
            Err(Fault::Denied(denial)) => TokenAnswer {
                challenge: Some(format!("Basic realm={}", quoted(&state.parts.realm))),
                denial: Some(denial.as_str()),
                ..error(401, "UNAUTHORIZED", "invalid_grant", "authentication required")
            },
        }
    }

    async fn give(
        &self,
        state: &Arc<State>,
        issuer: &Issuer,
        request: &TokenRequest<'_>,
    ) -> Result<TokenAnswer, Fault> {
        let text = match request.form {
            Some(form) if form.len() > FORM_BYTES_MAX => {
                return Err(Fault::Malformed("invalid_request", "the form is too large"));
            }
            Some(form) => form,
            None => request.query.as_bytes(),
        };
        let ask = read(text)?;
        if ask.service.as_ref().is_some_and(|service| *service != issuer.settings().service) {
            return Err(Fault::Malformed("invalid_request", "the service is another one"));
        }
        let now = request.request.now;
        let (principal, mut refresh) = self.who(state, issuer, request, &ask).await?;
        let mut grants = Vec::new();
        for scope in &ask.scopes {
            if let Some(grant) = granted(state, &principal, scope) {
                merge(&mut grants, grant);
            }
        }
        // A token that allows nothing would only hide that one has to log in.
        if principal.is_anonymous() && grants.is_empty() {
            return Err(Denial::Missing.into());
        }
        if ask.wants_refresh && refresh.is_none() {
            let proof = proof(state, &principal, now).await;
            refresh = proof.ok().and_then(|proof| issuer.refresh(&principal, &proof, now));
        }
        let (token, seconds) = issuer
            .access(&principal, &grants, now)
            .map_err(|_| Fault::Malformed("invalid_scope", "that is too much for one token"))?;
        let mut body = json!({
            "token": token, "access_token": token, "expires_in": seconds, "token_type": "Bearer",
            "issued_at": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
        if request.form.is_some() {
            body["scope"] = json!(grants.iter().map(scope_text).collect::<Vec<_>>().join(" "));
        }
        if let Some(refresh) = refresh {
            body["refresh_token"] = json!(refresh);
        }
        Ok(TokenAnswer {
            status: 200,
            body: body.to_string(),
            challenge: None,
            retry_after: None,
            user: principal.name,
            denial: None,
        })
    }

    // Who asks, and the token for refreshing that they have already.
    async fn who(
        &self,
        state: &Arc<State>,
        issuer: &Issuer,
        request: &TokenRequest<'_>,
        ask: &Ask,
    ) -> Result<(Principal, Option<String>), Fault> {
        if request.form.is_none() {
            let principal = self.identify(&request.request).await?;
            // Whoever has a token could keep it alive for ever.
            if principal.grants.is_some() {
                return Err(Denial::Wrong("a token gives no other token").into());
            }
            return Ok((principal, None));
        }
        let missing = |what| Fault::Malformed("invalid_request", what);
        match ask.grant_type.as_deref() {
            Some("password") => {
                let name = ask.username.as_deref().ok_or(missing("there is no `username`"))?;
                let password = ask.password.as_ref().ok_or(missing("there is no `password`"))?;
                let password = Secret::new(password.expose().to_vec());
                let found = self.by_password(state, name, password, &request.request).await?;
                Ok((found, None))
            }
            Some("refresh_token") => {
                let token =
                    ask.refresh_token.as_deref().ok_or(missing("there is no `refresh_token`"))?;
                let found = refreshed(state, issuer, token, request.request.now).await;
                let principal = state.counted_by_address(&request.request, found)?;
                Ok((principal, Some(token.to_owned())))
            }
            Some(_) => Err(Fault::Malformed("unsupported_grant_type", "another kind of grant")),
            None => Err(missing("there is no `grant_type`")),
        }
    }
}

// Who a token for refreshing was given to, if nothing has changed since.
async fn refreshed(
    state: &State,
    issuer: &Issuer,
    token: &str,
    now: Timestamp,
) -> Result<Principal, Denial> {
    let Refresh { name, kind, proof: given } = issuer.refreshed(token, now)?;
    let principal = match kind {
        Kind::User => state.user(&name),
        _ => Principal { name: Some(name), kind, ..Principal::ANONYMOUS },
    };
    if proof(state, &principal, now).await? != given {
        return Err(Denial::Wrong("the password has changed since"));
    }
    match (kind, &state.parts.robots, principal.name.as_deref()) {
        (Kind::Robot, Some(robots), Some(name)) => {
            let name = name.strip_prefix("robot:").ok_or(Denial::Wrong("no such robot"))?;
            Ok(robots.named(name, now).await?.0)
        }
        _ => Ok(principal),
    }
}

// What ends a token for refreshing when it changes.
async fn proof(state: &State, principal: &Principal, now: Timestamp) -> Result<String, Denial> {
    let name = principal.name.as_deref().ok_or(Denial::Missing)?;
    match principal.kind {
        Kind::User => {
            let passwords = state.parts.passwords.as_ref();
            let proof = passwords.and_then(|passwords| passwords.proof(name));
            proof.ok_or(Denial::Wrong("no such user"))
        }
        Kind::Robot => {
            let robots = state.parts.robots.as_ref();
            let robots = robots.ok_or(Denial::Wrong("no robots are known"))?;
            let name = name.strip_prefix("robot:").ok_or(Denial::Wrong("no such robot"))?;
            // Half of a hash says that it is the same token, and nothing about the token.
            Ok(robots.named(name, now).await?.1.chars().take(32).collect())
        }
        _ => Err(Denial::Wrong("not somebody who could come back")),
    }
}

fn read(text: &[u8]) -> Result<Ask, Fault> {
    let twice = || Fault::Malformed("invalid_request", "a field stands there twice");
    let mut ask = Ask::default();
    for (number, (name, value)) in url::form_urlencoded::parse(text).enumerate() {
        if number == FIELDS_MAX {
            return Err(Fault::Malformed("invalid_request", "there are too many fields"));
        }
        let place = match &*name {
            "scope" => {
                ask.scopes
                    .extend(value.split(' ').filter(|text| !text.is_empty()).map(str::to_owned));
                if ask.scopes.len() > SCOPES_MAX {
                    return Err(Fault::Malformed("invalid_scope", "there are too many scopes"));
                }
                continue;
            }
            "offline_token" => {
                ask.wants_refresh |= matches!(&*value, "true" | "1");
                continue;
            }
            "access_type" => {
                ask.wants_refresh |= value == "offline";
                continue;
            }
            "password" => {
                if ask.password.replace(Secret::from(value.into_owned())).is_some() {
                    return Err(twice());
                }
                continue;
            }
            "service" => &mut ask.service,
            "grant_type" => &mut ask.grant_type,
            "username" => &mut ask.username,
            "refresh_token" => &mut ask.refresh_token,
            _ => continue,
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(twice());
        }
    }
    Ok(ask)
}

// `repository:team/app:pull,push`. The name may have colons, the kind may have a class in brackets.
fn granted(state: &State, principal: &Principal, scope: &str) -> Option<Grant> {
    if scope.len() > SCOPE_BYTES_MAX || scope.contains(char::is_control) {
        return None;
    }
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let kind = kind.split('(').next().unwrap_or_default();
    let rules = &state.parts.rules;
    let may = |action| match (kind, name) {
        ("repository", name) if !name.is_empty() => rules.may(principal, action, name),
        ("registry", "catalog") => rules.decide(principal, action, Thing::Catalog).is_allowed(),
        ("registry", "server") => rules.decide(principal, action, Thing::Server).is_allowed(),
        _ => false,
    };
    let mut allowed = Vec::new();
    for action in actions.split(',').filter_map(Action::of_name) {
        match action {
            Action::Admin if !may(Action::Admin) => {
                // Whoever asks for everything gets what there is.
                let some = [Action::Pull, Action::Push, Action::Delete];
                allowed.extend(some.into_iter().filter(|action| may(*action)));
            }
            action if may(action) => allowed.push(action),
            _ => {}
        }
    }
    allowed.sort_unstable();
    allowed.dedup();
    let (kind, name) = (kind.to_owned(), name.to_owned());
    (!allowed.is_empty()).then_some(Grant { kind, name, actions: allowed })
}

// skopeo asks twice for the same.
fn merge(grants: &mut Vec<Grant>, grant: Grant) {
    let same = grants.iter_mut().find(|old| old.kind == grant.kind && old.name == grant.name);
    let Some(old) = same else {
        grants.push(grant);
        return;
    };
    old.actions.extend(grant.actions);
    old.actions.sort_unstable();
    old.actions.dedup();
}

fn scope_text(grant: &Grant) -> String {
    let name = |action: &Action| match action {
        Action::Admin => "*",
        action => action.as_str(),
    };
    let actions: Vec<&str> = grant.actions.iter().map(name).collect();
    format!("{}:{}:{}", grant.kind, grant.name, actions.join(","))
}

// As distribution's clients read it, and as those of OAuth 2 do.
fn error(status: u16, code: &str, of_oauth: &str, message: &'static str) -> TokenAnswer {
    let body = json!({
        "errors": [{ "code": code, "message": message }],
        "error": of_oauth, "error_description": message,
    });
    TokenAnswer {
        status,
        body: body.to_string(),
        challenge: None,
        retry_after: None,
        user: None,
        denial: Some(message),
    }
}
