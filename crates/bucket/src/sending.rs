//! One request: signed, sent, tried again while that helps.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::{Method, Response, StatusCode, Url};
use sealift_oci::Digest;

use crate::bucket::Bucket;
use crate::sign::{self, authorization, encode};
use crate::{Error, answer};

const TRIES_MAX: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(100);
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// A request of an object.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// Name of the object without the prefix; empty for the bucket itself.
    pub(crate) name: &'a str,
    /// In the order of their names.
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// Names in small letters.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: Method, name: &'a str) -> Self {
        Self { method, name, query: &[], headers: Vec::new(), body: Bytes::new() }
    }
}

impl Bucket {
    /// Sends a request until it was done, or refused, or tried often enough.
    pub(crate) async fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        let hash = Digest::sha256(&request.body).hex().to_owned();
        let mut wait = FIRST_WAIT;
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            let error = match self.send_once(request, &hash).await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => failure(response).await,
                Err(error) => error,
            };
            if !matches!(error, Error::Unavailable { .. }) || n_tries >= TRIES_MAX {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            wait *= 3;
        }
    }

    async fn send_once(&self, request: &Request<'_>, hash: &str) -> Result<Response, Error> {
        let url = self.url(request)?;
        let now = Timestamp::now();
        let mut headers: Vec<(String, String)> = request
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        headers.push(("host".to_owned(), host(&url)));
        headers.push(("x-amz-content-sha256".to_owned(), hash.to_owned()));
        headers.push(("x-amz-date".to_owned(), sign::time(now)));
        let keys = self.wallet.keys(&self.http).await?;
        if let Some(keys) = &keys {
            if let Some(session) = &keys.session {
                let session = String::from_utf8_lossy(session.expose()).into_owned();
                headers.push(("x-amz-security-token".to_owned(), session));
            }
            headers.sort();
            let signed = sign::Request {
                method: request.method.as_str(),
                url: &url,
                headers: &headers,
                body: hash,
                region: &self.region,
                service: "s3",
                now,
            };
            let authorization = authorization(keys, &signed);
            headers.push(("authorization".to_owned(), authorization));
        }
        let mut sent = self.http.request(request.method.clone(), url);
        for (name, value) in headers {
            if name != "host" {
                sent = sent.header(name, value);
            }
        }
        sent.body(request.body.clone()).send().await.map_err(Error::http)
    }

    fn url(&self, request: &Request<'_>) -> Result<Url, Error> {
        let mut text = self.base.clone();
        if !request.name.is_empty() {
            text.push('/');
            text.push_str(&encode(&self.prefix, true));
            text.push_str(&encode(request.name, true));
        }
        for (place, (name, value)) in request.query.iter().enumerate() {
            text.push(if place == 0 { '?' } else { '&' });
            text.push_str(&encode(name, false));
            text.push('=');
            text.push_str(&encode(value, false));
        }
        Url::parse(&text).map_err(|_| Error::Setting(format!("`{}` is no address", self.base)))
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The body of a short answer.
pub(crate) async fn short_body(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(Error::http)? {
        if bytes.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(Error::unavailable("its answer is too long"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

// What an answer that is no success means.
async fn failure(response: Response) -> Error {
    let status = response.status();
    let body = short_body(response).await.unwrap_or_default();
    let told = answer::failure(&body);
    error_of(status, told)
}

/// What a status and what was told beside it mean.
pub(crate) fn error_of(status: StatusCode, told: Option<(String, String)>) -> Error {
    let (code, message) = told.unwrap_or_default();
    match (status.as_u16(), code.as_str()) {
        // A bucket that is not there is a setting that is wrong, not an object that is missing.
        (404, "NoSuchBucket") => {
            Error::Refused { status: 404, reason: format!("{code} {message}") }
        }
        (404, _) | (_, "NoSuchUpload" | "NoSuchKey") => Error::Missing,
        (408 | 429 | 500.., _)
        | (_, "SlowDown" | "RequestTimeout" | "InternalError" | "RequestTimeTooSkewed") => {
            Error::unavailable(format!("{status} {code} {message}").trim().to_owned())
        }
        (number, _) => {
            Error::Refused { status: number, reason: format!("{code} {message}").trim().to_owned() }
        }
    }
}
