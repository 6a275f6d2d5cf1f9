//! Authentication: the challenge (RFC 9110 §11.6.1), Basic, and the Docker token flow (distribution, auth/token).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::{Client, Credential, Endpoint, Error};

const TOKEN_BYTES_MAX: u64 = 1 << 20;

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Pull,
    Push,
    Everything,
}

impl Action {
    fn scope(self, repository: &str) -> String {
        match self {
            Self::Pull => format!("repository:{repository}:pull"),
            Self::Push => format!("repository:{repository}:pull,push"),
            Self::Everything => format!("repository:{repository}:*"),
        }
    }
}

/// `Authorization` values that a host has accepted, by host, repository and action.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<(String, String, Action), Granted>>);

struct Granted {
    header: String,
    until: Instant,
}

impl Tokens {
    pub(crate) fn get(&self, endpoint: &Endpoint, action: Action) -> Option<String> {
        let tokens = self.0.lock().expect("no panic while held");
        let granted = tokens.get(&key(endpoint, action))?;
        (granted.until > Instant::now()).then(|| granted.header.clone())
    }

    fn put(&self, endpoint: &Endpoint, action: Action, header: &str, lifetime: Duration) {
        let granted = Granted { header: header.to_owned(), until: Instant::now() + lifetime };
        self.0.lock().expect("no panic while held").insert(key(endpoint, action), granted);
    }
}

fn key(endpoint: &Endpoint, action: Action) -> (String, String, Action) {
    (endpoint.host.clone(), endpoint.repository.clone(), action)
}

/// One challenge of a `WWW-Authenticate` header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    scheme: String,
    parameters: HashMap<String, String>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Client {
    /// Answers a 401: the value of `Authorization` to try next.
    pub(crate) async fn answer_challenge(
        &self,
        endpoint: &Endpoint,
        action: Action,
        challenge: &str,
        is_https: bool,
    ) -> Result<String, Error> {
        let challenges = parse_challenges(challenge);
        let credential = self.inner.settings.docker_config.credential(&endpoint.account)?;
        if let Some(bearer) = challenges.iter().find(|known| known.scheme == "bearer") {
            return self.fetch_token(endpoint, action, bearer, credential, is_https).await;
        }
        let has_basic = challenges.iter().any(|known| known.scheme == "basic");
        match credential {
            Some(Credential::Password { username, password }) if has_basic => {
                let header = basic(&username, &password);
                self.inner.tokens.put(endpoint, action, &header, Duration::from_hours(1));
                Ok(header)
            }
            _ => Err(Error::Unauthorized {
                host: endpoint.account.clone(),
                what: endpoint.repository.clone(),
                reason: if has_basic {
                    "no credential is stored for it"
                } else {
                    "it offers no known scheme"
                }
                .to_owned(),
            }),
        }
    }

    async fn fetch_token(
        &self,
        endpoint: &Endpoint,
        action: Action,
        challenge: &Challenge,
        credential: Option<Credential>,
        is_https: bool,
    ) -> Result<String, Error> {
        let protocol = |reason: &str| Error::Protocol {
            host: endpoint.host.clone(),
            reason: reason.to_owned(),
        };
        let realm = challenge
            .parameters
            .get("realm")
            .ok_or_else(|| protocol("Bearer challenge without realm"))?;
        let mut url =
            reqwest::Url::parse(realm).map_err(|_| protocol("the token realm is not a URL"))?;
        // A registry reached by HTTPS must not draw the password onto a plain line.
        if is_https && url.scheme() != "https" {
            return Err(protocol("the token realm of an HTTPS registry is not HTTPS"));
        }
        if !matches!(url.scheme(), "https" | "http") {
            return Err(protocol("the token realm is neither HTTP nor HTTPS"));
        }
        if !self.may_ask_for_token(endpoint, &url) {
            return Err(protocol(&format!(
                "its token server `{}` is not one that may be asked",
                authority(&url)
            )));
        }
        let http = self.http_for(endpoint, &url).await?;
        let scope = action.scope(&endpoint.repository);
        let service = challenge.parameters.get("service").cloned().unwrap_or_default();
        let request = match &credential {
            Some(Credential::IdentityToken(token)) => {
                let body = form(&[
                    ("grant_type", "refresh_token"),
                    ("service", &service),
                    ("client_id", "sealift"),
                    ("scope", &scope),
                    ("refresh_token", token),
                ]);
                let kind = "application/x-www-form-urlencoded";
                http.post(url).header("Content-Type", kind).body(body)
            }
            other => {
                url.query_pairs_mut().append_pair("service", &service).append_pair("scope", &scope);
                let request = http.get(url);
                match other {
                    Some(Credential::Password { username, password }) => {
                        request.header("Authorization", basic(username, password))
                    }
                    _ => request,
                }
            }
        };
        let answer = self.read_token(endpoint, request, credential.is_some()).await?;
        let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| protocol("the token server sent no token"))?;
        let header = format!("Bearer {token}");
        // RFC 6749 says nothing of a default; the distribution's documentation says 60 seconds.
        let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(60).clamp(60, 3600) - 10);
        self.inner.tokens.put(endpoint, action, &header, lifetime);
        Ok(header)
    }

    fn may_ask_for_token(&self, endpoint: &Endpoint, url: &reqwest::Url) -> bool {
        let Some(allowed) = &self.inner.settings.token_hosts else { return true };
        let asked = authority(url);
        asked == endpoint.host || allowed.contains(&asked)
    }

    async fn read_token(
        &self,
        endpoint: &Endpoint,
        request: reqwest::RequestBuilder,
        had_credential: bool,
    ) -> Result<TokenAnswer, Error> {
        let response = request
            .send()
            .await
            .map_err(|error| crate::http::unreachable(&endpoint.host, &error))?;
        let status = response.status();
        let body =
            crate::http::read_body(response, &endpoint.host, "token", TOKEN_BYTES_MAX).await?;
        // That the token server is in trouble says nothing of rights.
        if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
            return Err(Error::Refused {
                host: endpoint.host.clone(),
                status: status.as_u16(),
                request: format!("GET token for {}", endpoint.repository),
                message: "its token server cannot answer".to_owned(),
            });
        }
        if !status.is_success() {
            let reason = match (status.as_u16(), had_credential) {
                (401 | 403, true) => "the stored credential is not accepted".to_owned(),
                (401 | 403, false) => "no credential is stored for it".to_owned(),
                _ => format!("its token server answered {status}"),
            };
            return Err(Error::Unauthorized {
                host: endpoint.account.clone(),
                what: endpoint.repository.clone(),
                reason,
            });
        }
        serde_json::from_slice(&body).map_err(|error| Error::Protocol {
            host: endpoint.host.clone(),
            reason: format!("the token server's answer is not its JSON: {error}"),
        })
    }
}

// Host, and the port if it is not the scheme's own.
fn authority(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

fn form(pairs: &[(&str, &str)]) -> String {
    // `Url` is the encoder of application/x-www-form-urlencoded that is at hand.
    let mut url = reqwest::Url::parse("http://form/").expect("a constant");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

// RFC 9110 §11.6.1: several challenges may stand in one header, each a scheme and then `name=value` or `name="value"`.
pub(crate) fn parse_challenges(text: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', '=', ',']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if let Some(value) = after.strip_prefix('=') {
            let (value, after) = parse_value(value);
            if let Some(challenge) = challenges.last_mut() {
                challenge.parameters.insert(word.to_ascii_lowercase(), value);
            }
            rest = after;
        } else {
            if !word.is_empty() {
                let scheme = word.to_ascii_lowercase();
                challenges.push(Challenge { scheme, parameters: HashMap::new() });
            }
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
        if rest.starts_with('=') {
            rest = &rest[1..];
        }
    }
    challenges
}

fn parse_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[place + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let parsed = parse_challenges(
            r#"Bearer realm="https://auth.x/token",service="a \"b\"",scope="repository:a/b:pull,push",Basic realm=x"#,
        );
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].scheme, "bearer");
        assert_eq!(parsed[0].parameters["realm"], "https://auth.x/token");
        assert_eq!(parsed[0].parameters["service"], "a \"b\"");
        assert_eq!(parsed[0].parameters["scope"], "repository:a/b:pull,push");
        assert_eq!(parsed[1].scheme, "basic");
        for hostile in
            ["", "=", "\"", "Bearer realm=\"", "Bearer =,=,", "é=\"\\", ", ,", "Bearer realm"]
        {
            parse_challenges(hostile);
        }
    }
}
