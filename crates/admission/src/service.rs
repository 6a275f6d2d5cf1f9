//! The webhook over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use sealift_registry::{Body, Service};

use crate::decide::Path;
use crate::{Review, Webhook};

impl Service for Webhook {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        _peer: SocketAddr,
    ) -> Response<Body> {
        let path = match request.uri().path() {
            "/validate" => Path::Validate,
            "/mutate" => Path::Mutate,
            "/healthz" | "/readyz" => return text(StatusCode::OK, "ok\n"),
            "/metrics" => return text(StatusCode::OK, &self.counters.text()),
            _ => {
                return text(
                    StatusCode::NOT_FOUND,
                    "there are /validate, /mutate, /healthz and /metrics\n",
                );
            }
        };
        if request.method() != Method::POST {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "reviews are posted\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let given = request.uri().query().and_then(given_time);
        let body = Limited::new(request.into_body(), self.settings.body_bytes_max).collect().await;
        let bytes = match body {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                self.counters.unreadable();
                let limit = self.settings.body_bytes_max;
                let said = format!("the body has more than {limit} bytes\n");
                return text(StatusCode::PAYLOAD_TOO_LARGE, &said);
            }
            Err(_) => return text(StatusCode::BAD_REQUEST, "the body did not come to its end\n"),
        };
        // Kubernetes takes any answer but a review for a failure, and its `failurePolicy` is to fail.
        match Review::read(&bytes) {
            Ok(review) => {
                let decided = self.settle(path, &review, given).await;
                let mut response = Response::new(Body::from(Bytes::from(decided.json)));
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(CONTENT_TYPE, json);
                response
            }
            Err(error) => {
                self.counters.unreadable();
                text(StatusCode::BAD_REQUEST, &format!("{error}\n"))
            }
        }
    }
}

fn text(status: StatusCode, said: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(said.to_owned()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

// `timeout=10s`, as Kubernetes says how long it waits; it writes whole seconds.
fn given_time(query: &str) -> Option<Duration> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("timeout="))?;
    let secs: u32 = value.strip_suffix('s')?.parse().ok()?;
    Some(Duration::from_secs(secs.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(given_time("timeout=10s"), Some(Duration::from_secs(10)));
        assert_eq!(given_time("a=b&timeout=2s"), Some(Duration::from_secs(2)));
        for text in ["", "timeout=", "timeout=1m", "timeout=-1s", "timeout=99999999999s"] {
            assert_eq!(given_time(text), None, "{text}");
        }
    }
}
