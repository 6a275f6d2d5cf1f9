//! Answers: pages with the headers that keep browsers from doing more than showing them.

use bytes::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use sealift_registry::Body;

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// A page.
pub(crate) fn page(status: StatusCode, text: String) -> Response<Body> {
    let mut response = content(status, "text/html; charset=utf-8", Bytes::from(text));
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

/// A file that does not change while this version runs.
pub(crate) fn file(kind: &'static str, text: &'static str) -> Response<Body> {
    let mut response = content(StatusCode::OK, kind, Bytes::from_static(text.as_bytes()));
    set(&mut response, header::CACHE_CONTROL, "public, max-age=600");
    response
}

fn content(status: StatusCode, kind: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        set(&mut response, name, value);
    }
    response
}

/// Another page instead.
pub(crate) fn see(path: &str) -> Response<Body> {
    let mut response = page(StatusCode::SEE_OTHER, String::new());
    if let Ok(value) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// With a cookie.
pub(crate) fn with_cookie(mut response: Response<Body>, cookie: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
