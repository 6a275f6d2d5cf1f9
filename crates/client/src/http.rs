//! Sending a request: scheme, redirects, authentication, retries.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use sealift_oci::{Algorithm, Digest, Hasher};
use serde::Deserialize;

use crate::auth::Action;
use crate::{Client, Endpoint, Error};

const REDIRECTS_MAX: usize = 5;
pub(crate) const TRIES_MAX: u32 = 4;
const RETRY_AFTER_SECS_MAX: u64 = 30;
const ERROR_BYTES_MAX: u64 = 64 << 10;

/// Whether a loopback host turned out to speak HTTPS or HTTP.
#[derive(Default)]
pub(crate) struct Schemes(Mutex<HashMap<String, &'static str>>);

/// A request that can be sent again.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// Path with query, or a whole URL of the same host as the registry gave it.
    pub(crate) target: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body<'a>,
    pub(crate) action: Action,
}

/// What [`Client::post`] sends, and what it takes for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Its media type.
    pub kind: &'a str,
    /// The document.
    pub bytes: &'a [u8],
    /// Media type of the answer.
    pub answer: &'a str,
    /// The most that the answer may have.
    pub answer_bytes_max: u64,
}

/// The body of a request, made anew for each try.
pub(crate) enum Body<'a> {
    Empty,
    Bytes(&'a [u8]),
    Stream { length: u64, open: &'a (dyn Fn() -> Result<reqwest::Body, Error> + Sync) },
}

impl Client {
    /// Sends a request to an endpoint; any status but 401 and the retried ones comes back as it is.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        request: Request<'_>,
    ) -> Result<Response, Error> {
        let url = self.url_of(endpoint, &request.target).await?;
        let mut try_number = 0;
        loop {
            try_number += 1;
            let outcome = self.send_authenticated(endpoint, &request, url.clone()).await;
            let wait = match &outcome {
                Ok(response) => retry_wait(response, try_number),
                Err(error) if error.may_pass() => Some(backoff(try_number)),
                Err(_) => None,
            };
            match wait {
                Some(wait) if try_number < TRIES_MAX => tokio::time::sleep(wait).await,
                _ => return outcome,
            }
        }
    }

    pub(crate) async fn url_of(&self, endpoint: &Endpoint, target: &str) -> Result<Url, Error> {
        match Url::parse(target) {
            Ok(url) if url.has_host() => Ok(url),
            _ => {
                let scheme = self.scheme(&endpoint.host).await;
                let base = format!("{scheme}://{}", endpoint.host);
                resolve_target(&base, target, &endpoint.host)
            }
        }
    }

    pub(crate) async fn send_authenticated(
        &self,
        endpoint: &Endpoint,
        request: &Request<'_>,
        url: Url,
    ) -> Result<Response, Error> {
        let is_https = url.scheme() == "https";
        let known = self.inner.tokens.get(endpoint, request.action);
        let response =
            self.send_following(endpoint, request, url.clone(), known.as_deref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let challenge = join_challenges(response.headers());
        let header = self.answer_challenge(endpoint, request.action, &challenge, is_https).await?;
        let response = self.send_following(endpoint, request, url, Some(&header)).await?;
        if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(Error::Unauthorized {
                host: endpoint.account.clone(),
                what: endpoint.repository.clone(),
                reason: error_message(response, &endpoint.host).await,
            });
        }
        Ok(response)
    }

    async fn send_following(
        &self,
        endpoint: &Endpoint,
        request: &Request<'_>,
        mut url: Url,
        authorization: Option<&str>,
    ) -> Result<Response, Error> {
        let origin = origin_of(&url);
        for _ in 0..=REDIRECTS_MAX {
            let http = self.http_for(endpoint, &url).await?;
            let mut builder = http.request(request.method.clone(), url.clone());
            for (name, value) in &request.headers {
                builder = builder.header(name, value);
            }
            // RFC 9110 §15.4: a credential is for the host that asked for it, not for one it points to.
            if let Some(authorization) = authorization.filter(|_| origin_of(&url) == origin) {
                builder = builder.header("Authorization", authorization);
            }
            builder = match &request.body {
                Body::Empty => builder,
                Body::Bytes(bytes) => builder.body(bytes.to_vec()),
                Body::Stream { length, open } => {
                    builder.header("Content-Length", *length).body(open()?)
                }
            };
            let response =
                builder.send().await.map_err(|error| unreachable(&endpoint.host, &error))?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            url = next_location(endpoint, request, &url, response.headers())?;
        }
        Err(Error::Redirect {
            host: endpoint.host.clone(),
            location: url.to_string(),
            reason: "there are more than five redirections",
        })
    }

    // HTTPS, but plain HTTP where the settings say so, or where a loopback host speaks nothing else.
    async fn scheme(&self, host: &str) -> &'static str {
        if self.inner.settings.plain_http.contains(host) {
            return "http";
        }
        if !is_loopback(host) {
            return "https";
        }
        if let Some(known) = self.inner.schemes.0.lock().expect("no panic while held").get(host) {
            return known;
        }
        let probe = self.inner.http.get(format!("https://{host}/v2/")).send().await;
        let scheme = match probe {
            Ok(_) => "https",
            Err(error) if describe(&error).contains("certificate") => "https",
            Err(_) => "http",
        };
        self.inner.schemes.0.lock().expect("no panic while held").insert(host.to_owned(), scheme);
        scheme
    }

    /// Downloads a file, for example of a Debian archive. `None` if it is not there.
    pub async fn download(&self, url: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, Error> {
        let parsed = Url::parse(url).map_err(|error| Error::Protocol {
            host: url.to_owned(),
            reason: format!("not a URL: {error}"),
        })?;
        let read = async |response, host: &str| read_body(response, host, url, bytes_max).await;
        self.download_by(&parsed, url, read).await
    }

    /// The SHA-256 of a file that is downloaded and not kept. `None` if it is not there. Plain HTTP is refused as for
    /// feeds: the sum would be that of whatever came by on the way.
    pub async fn sum(&self, url: &str, bytes_max: u64) -> Result<Option<Digest>, Error> {
        let parsed = self.feed_url(url)?;
        let read = async |mut response: Response, host: &str| {
            let mut hasher = Hasher::new(Algorithm::Sha256);
            let mut bytes = 0;
            while let Some(chunk) =
                response.chunk().await.map_err(|error| unreachable(host, &error))?
            {
                bytes += chunk.len() as u64;
                if bytes > bytes_max {
                    let (host, what) = (host.to_owned(), url.to_owned());
                    return Err(Error::TooLarge { host, what, limit: bytes_max });
                }
                hasher.update(&chunk);
            }
            Ok(hasher.finish())
        };
        self.download_by(&parsed, url, read).await
    }

    /// Sends a document to a service that is no registry, such as a time stamping authority, and returns its answer.
    /// No credentials go with it. Plain HTTP is allowed: who asks checks the answer.
    pub async fn post(&self, url: &str, document: &Document<'_>) -> Result<Vec<u8>, Error> {
        let protocol = |reason: String| Error::Protocol { host: url.to_owned(), reason };
        let parsed = Url::parse(url).map_err(|error| protocol(format!("not a URL: {error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(protocol("it is neither HTTP nor HTTPS".to_owned()));
        }
        let value = |text| HeaderValue::from_str(text).map_err(|error| protocol(error.to_string()));
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let endpoint = Endpoint { account: host.clone(), host, repository: String::new() };
        let request = Request {
            method: Method::POST,
            target: String::new(),
            headers: vec![(CONTENT_TYPE, value(document.kind)?), (ACCEPT, value(document.answer)?)],
            body: Body::Bytes(document.bytes),
            action: Action::Pull,
        };
        let mut try_number = 0;
        loop {
            try_number += 1;
            let outcome = self.send_following(&endpoint, &request, parsed.clone(), None).await;
            let wait = match &outcome {
                Ok(response) => retry_wait(response, try_number),
                Err(error) if error.may_pass() => Some(backoff(try_number)),
                Err(_) => None,
            };
            match wait {
                Some(wait) if try_number < TRIES_MAX => tokio::time::sleep(wait).await,
                _ => {
                    let response = outcome?;
                    if !response.status().is_success() {
                        // No login helps here, as it would at a registry.
                        let (status, host) = (response.status().as_u16(), endpoint.host);
                        let message = error_message(response, &host).await;
                        let request = format!("POST {url}");
                        return Err(Error::Refused { host, status, request, message });
                    }
                    return read_body(response, &endpoint.host, url, document.answer_bytes_max)
                        .await;
                }
            }
        }
    }

    async fn download_by<T>(
        &self,
        parsed: &Url,
        url: &str,
        read: impl AsyncFn(Response, &str) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let endpoint = Endpoint { account: host.clone(), host, repository: String::new() };
        let request = Request {
            method: Method::GET,
            target: String::new(),
            headers: Vec::new(),
            body: Body::Empty,
            action: Action::Pull,
        };
        let mut try_number = 0;
        loop {
            try_number += 1;
            let outcome = async {
                let response =
                    self.send_following(&endpoint, &request, parsed.clone(), None).await?;
                match response.status() {
                    StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
                    status if status.is_success() => read(response, &endpoint.host).await.map(Some),
                    _ => Err(refused(response, &endpoint.host, "GET", url).await),
                }
            }
            .await;
            let again = match &outcome {
                Err(Error::Refused { status, .. }) => *status == 429 || *status >= 500,
                Err(error) => error.may_pass(),
                Ok(_) => false,
            };
            if !again || try_number >= TRIES_MAX {
                return outcome;
            }
            tokio::time::sleep(backoff(try_number)).await;
        }
    }
}

fn resolve_target(base: &str, target: &str, host: &str) -> Result<Url, Error> {
    let protocol = |reason: String| Error::Protocol { host: host.to_owned(), reason };
    let base = Url::parse(base).map_err(|error| protocol(error.to_string()))?;
    base.join(target).map_err(|error| protocol(format!("`{target}` is no location: {error}")))
}

fn next_location(
    endpoint: &Endpoint,
    request: &Request<'_>,
    url: &Url,
    headers: &HeaderMap,
) -> Result<Url, Error> {
    let location =
        headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let fail = |reason| Error::Redirect {
        host: endpoint.host.clone(),
        location: location.chars().take(200).collect(),
        reason,
    };
    let next = url.join(location).map_err(|_| fail("it is not a URL"))?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(fail("it leads from HTTPS to plain HTTP"));
    }
    if !matches!(next.scheme(), "http" | "https") {
        return Err(fail("it is neither HTTP nor HTTPS"));
    }
    if !matches!(request.method, Method::GET | Method::HEAD) && origin_of(&next) != origin_of(url) {
        return Err(fail("an upload is not sent to another host"));
    }
    Ok(next)
}

pub(crate) fn origin_of(url: &Url) -> (String, String, Option<u16>) {
    let host = url.host_str().unwrap_or_default().to_owned();
    (url.scheme().to_owned(), host, url.port_or_known_default())
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost"
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn join_challenges(headers: &HeaderMap) -> String {
    let values: Vec<&str> = headers
        .get_all("www-authenticate")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    values.join(", ")
}

pub(crate) fn retry_wait(response: &Response, try_number: u32) -> Option<Duration> {
    if !matches!(response.status().as_u16(), 408 | 429 | 500 | 502 | 503 | 504) {
        return None;
    }
    let asked = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    Some(match asked {
        Some(secs) => Duration::from_secs(secs.min(RETRY_AFTER_SECS_MAX)),
        None => backoff(try_number),
    })
}

pub(crate) fn backoff(try_number: u32) -> Duration {
    Duration::from_millis(200 << try_number.min(5))
}

pub(crate) fn unreachable(host: &str, error: &reqwest::Error) -> Error {
    Error::Unreachable { host: host.to_owned(), reason: describe(error) }
}

// reqwest's own message says little; the causes below it say what happened.
fn describe(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// Reads a body, never more than the limit.
pub(crate) async fn read_body(
    mut response: Response,
    host: &str,
    what: &str,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(host, &error))? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(Error::TooLarge { host: host.to_owned(), what: what.to_owned(), limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[derive(Deserialize)]
struct ErrorBody {
    errors: Vec<ErrorEntry>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What an error answer says (distribution-spec, error codes), without control characters.
pub(crate) async fn error_message(response: Response, host: &str) -> String {
    let status = response.status();
    let body = read_body(response, host, "error", ERROR_BYTES_MAX).await.unwrap_or_default();
    let text = match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) if !body.errors.is_empty() => {
            let entries = body.errors.iter().take(3);
            entries
                .map(|entry| format!("{} {}", entry.code, entry.message))
                .collect::<Vec<_>>()
                .join("; ")
        }
        _ => status.canonical_reason().unwrap_or("no reason given").to_owned(),
    };
    text.chars().filter(|character| !character.is_control()).take(400).collect()
}

/// The error of an answer that is not the one hoped for.
pub(crate) async fn refused(response: Response, host: &str, method: &str, what: &str) -> Error {
    let status = response.status();
    if status == StatusCode::NOT_FOUND {
        return Error::NotFound { host: host.to_owned(), what: what.to_owned() };
    }
    let message = error_message(response, host).await;
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Error::Unauthorized {
            host: host.to_owned(),
            what: what.to_owned(),
            reason: message,
        };
    }
    Error::Refused {
        host: host.to_owned(),
        status: status.as_u16(),
        request: format!("{method} {what}"),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["localhost.example.com", "10.0.0.1", "registry.local:5000", "127.0.0.1.evil.com"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_redirect_never_leaves_https_and_an_upload_never_leaves_the_host() {
        let endpoint = Endpoint {
            host: "r.x".to_owned(),
            repository: "a".to_owned(),
            account: "r.x".to_owned(),
        };
        let check = |method: Method, location: &str| {
            let request = Request {
                method,
                target: String::new(),
                headers: Vec::new(),
                body: Body::Empty,
                action: Action::Pull,
            };
            let headers = HeaderMap::from_iter([(
                reqwest::header::LOCATION,
                HeaderValue::from_str(location).unwrap(),
            )]);
            next_location(&endpoint, &request, &Url::parse("https://r.x/v2/").unwrap(), &headers)
        };
        assert!(check(Method::GET, "https://cdn.y/blob").is_ok());
        assert!(check(Method::GET, "/v2/other").is_ok());
        assert!(check(Method::GET, "http://r.x/blob").is_err());
        assert!(check(Method::GET, "file:///etc/passwd").is_err());
        assert!(check(Method::PUT, "https://cdn.y/blob").is_err());
    }
}
