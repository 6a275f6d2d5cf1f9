//! `/token`: the built-in token server, which the gatekeeper is; here is its HTTP.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use jiff::Timestamp;
use sealift_access::{Denial, TokenAnswer, TokenRequest};
use std::net::SocketAddr;

use super::call::Outcome;
use super::refusal::{Code, Refusal};
use super::service::Registry;
use crate::Body;
use crate::listener::ClientCertificate;

const FORM_BYTES_MAX: usize = 64 << 10;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json; charset=utf-8";

/// Where the public keys of the token server lie.
pub(super) const KEY_SET: &str = "/.well-known/jwks.json";
/// Where tokens are given.
pub(super) const TOKEN: &str = "/token";

impl Registry {
    /// The public keys of the token server.
    pub(super) fn key_set(&self, method: &Method) -> Outcome {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err(Refusal::plain(Code::Unsupported));
        }
        match self.gatekeeper.key_set() {
            Some(keys) => Ok(super::call::json_of("application/jwk-set+json", keys)),
            None => Err(nowhere()),
        }
    }

    /// A token, or why there is none; and who asked, as far as it is known.
    pub(super) async fn token(
        &self,
        parts: &Parts,
        body: Incoming,
        peer: SocketAddr,
        now: Timestamp,
    ) -> (Outcome, Option<String>) {
        let form = match self.form_of(parts, body).await {
            Ok(form) => form,
            Err(refusal) => return (Err(refusal), None),
        };
        let request = match Self::credentials(parts, peer, now) {
            Ok(request) => request,
            Err(denial) => return (Err(self.denied(&[], denial)), None),
        };
        let query = parts.uri.query().unwrap_or_default();
        let asked = TokenRequest { form: form.as_deref(), query, request };
        let answer = self.gatekeeper.token(&asked).await;
        let user = answer.user.clone();
        (Ok(response(answer)), user)
    }

    fn credentials(
        parts: &Parts,
        peer: SocketAddr,
        now: Timestamp,
    ) -> Result<sealift_access::Request<'_>, Denial> {
        let authorization = super::call::authorization(&parts.headers)?;
        let certificate = parts.extensions.get::<ClientCertificate>();
        let client_certificate = certificate.map(|certificate| certificate.0.as_ref());
        Ok(sealift_access::Request { authorization, peer, client_certificate, now })
    }

    async fn form_of(&self, parts: &Parts, body: Incoming) -> Result<Option<Bytes>, Refusal> {
        if self.gatekeeper.key_set().is_none() {
            return Err(nowhere());
        }
        match parts.method {
            Method::GET => return Ok(None),
            Method::POST => {}
            _ => return Err(Refusal::plain(Code::Unsupported)),
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(FORM) {
            let refusal = Refusal::because(Code::Unsupported, "a request for a token is a form");
            return Err(refusal.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let read = Limited::new(body, FORM_BYTES_MAX).collect().await;
        let fault = |_| {
            Refusal::because(Code::Unsupported, "the form was cut, or is larger than 64 KiB")
                .with_status(StatusCode::BAD_REQUEST)
        };
        read.map(|read| Some(read.to_bytes())).map_err(fault)
    }
}

fn nowhere() -> Refusal {
    let refusal = Refusal::because(Code::Unsupported, "there is no token server here");
    refusal.with_status(StatusCode::NOT_FOUND)
}

fn response(answer: TokenAnswer) -> Response<Body> {
    let mut response = super::call::json_of(JSON, answer.body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    if let Some(Ok(challenge)) = answer.challenge.as_deref().map(HeaderValue::from_str) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}
