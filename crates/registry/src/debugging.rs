//! Metrics and health at an address of their own, as distribution's `http.debug` has it. Nobody has to log in there: it is
//! for an address that only operators reach.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;

use crate::{Body, Registry, Service};

const JSON: &str = "application/json; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What answers at the address for operators.
pub struct DebugService {
    registry: Arc<Registry>,
    metrics: Option<String>,
}

impl DebugService {
    /// Of a registry; `metrics` is the path of its counters, if they are shown.
    pub fn new(registry: Arc<Registry>, metrics: Option<String>) -> Self {
        Self { registry, metrics }
    }
}

impl Service for DebugService {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        _peer: SocketAddr,
    ) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return answer(StatusCode::METHOD_NOT_ALLOWED, JSON, "{}\n".to_owned());
        }
        let path = request.uri().path();
        if self.metrics.as_deref() == Some(path) {
            return match self.registry.counters_text().await {
                Ok(text) => answer(StatusCode::OK, PROMETHEUS, text),
                Err(error) => {
                    let body = json!({ "error": error.to_string() });
                    answer(StatusCode::SERVICE_UNAVAILABLE, JSON, format!("{body}\n"))
                }
            };
        }
        match path {
            "/debug/health" => {
                let faults = self.registry.faults();
                let status = status(faults.is_empty());
                answer(status, JSON, format!("{}\n", json!(faults)))
            }
            "/readyz" => {
                let is_ready = self.registry.is_ready().await;
                let word = if is_ready { "ok" } else { "unavailable" };
                answer(status(is_ready), JSON, format!("{{\"status\":\"{word}\"}}\n"))
            }
            "/healthz" | "/livez" => {
                answer(StatusCode::OK, JSON, "{\"status\":\"ok\"}\n".to_owned())
            }
            _ => answer(StatusCode::NOT_FOUND, JSON, "{}\n".to_owned()),
        }
    }
}

fn status(is_well: bool) -> StatusCode {
    if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn answer(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
