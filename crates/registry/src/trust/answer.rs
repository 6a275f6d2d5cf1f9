//! Answers as notary-server gives them, with what caches need.

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use sealift_access::{Action, Denial, Gatekeeper, Thing};
use sealift_tuf::server::{Code, Refusal};
use serde_json::json;

use crate::Body;
use crate::store::Kept;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
// What never changes, and what may.
const FOREVER: &str = "max-age=2592000, s-maxage=2592000";
const SHORTLY: &str = "max-age=300, s-maxage=300, must-revalidate";

/// An answer, and what the log says of it.
pub(super) struct Answer {
    pub(super) response: Response<Body>,
    pub(super) size_bytes: usize,
    pub(super) refusal: Option<&'static str>,
    pub(super) cause: Option<String>,
}

impl Answer {
    fn new(status: StatusCode, body: Bytes) -> Self {
        let size_bytes = body.len();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        Self { response, size_bytes, refusal: None, cause: None }
    }

    fn of_kind(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(status, body.into()).with(header::CONTENT_TYPE, HeaderValue::from_static(kind))
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.response.headers_mut().insert(name, value);
        self
    }

    /// Success without words.
    pub(super) fn done() -> Self {
        Self::new(StatusCode::OK, Bytes::new())
    }

    /// JSON, which notary-server calls text.
    pub(super) fn text(body: impl Into<Bytes>) -> Self {
        Self::of_kind(StatusCode::OK, TEXT, body)
    }

    /// Counters.
    pub(super) fn metrics(text: String) -> Self {
        Self::of_kind(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
    }

    /// A refusal with Notary's code.
    pub(super) fn refused(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.code.status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = Self::of_kind(status, JSON, refusal.to_json());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            answer = answer.with(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        answer.refusal = Some(refusal.code.as_str());
        answer.cause = refusal.cause;
        answer
    }

    /// A refusal of a form that is larger than allowed.
    pub(super) fn too_large(reason: &'static str) -> Self {
        let refusal = Refusal::with(Code::MalformedUpload, json!(reason));
        let mut answer = Self::refused(refusal);
        *answer.response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        answer
    }

    fn error(status: StatusCode, code: &'static str, message: &str) -> Self {
        let body = json!({ "errors": [{ "code": code, "message": message }] }).to_string();
        Self { refusal: Some(code), ..Self::of_kind(status, JSON, body) }
    }

    /// A method that does not go with the address.
    pub(super) fn unsupported() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::error(status, "UNSUPPORTED", "The operation is unsupported.")
    }

    /// Somebody is not let in.
    pub(super) fn denied(
        gatekeeper: &Gatekeeper,
        denial: Denial,
        wanted: &[(Action, Thing<'_>)],
    ) -> Self {
        let challenge = gatekeeper
            .challenge(wanted, denial)
            .and_then(|challenge| HeaderValue::from_str(&challenge).ok());
        let answer = if let Some(challenge) = challenge {
            let status = StatusCode::UNAUTHORIZED;
            Self::error(status, "UNAUTHORIZED", "authentication required")
                .with(header::WWW_AUTHENTICATE, challenge)
        } else {
            let message = "requested access to the resource is denied";
            Self::error(StatusCode::FORBIDDEN, "DENIED", message)
        };
        Self { refusal: Some(denial.as_str()), ..answer }
    }

    /// A document, or that the one at hand is still right.
    pub(super) fn document(kept: &Kept, request: &HeaderMap, is_public: bool) -> Self {
        let tag = format!("\"{}\"", kept.sha256);
        let answer = if is_unchanged(request, &tag, kept.modified) {
            Self::new(StatusCode::NOT_MODIFIED, Bytes::new())
        } else {
            Self::text(kept.bytes.clone())
        };
        // What not everybody may see is for nobody's shared cache.
        let who = if is_public { "public" } else { "private" };
        let how_long = if kept.is_immutable { FOREVER } else { SHORTLY };
        let value = |text: &str| {
            HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
        };
        let modified = DateTimePrinter::new().timestamp_to_rfc9110_string(&kept.modified);
        answer
            .with(header::CACHE_CONTROL, value(&format!("{who}, {how_long}")))
            .with(header::ETAG, value(&tag))
            .with(header::LAST_MODIFIED, value(&modified.unwrap_or_default()))
    }
}

// RFC 9110 §13.1: the tag decides if there is one; a time counts in whole seconds.
fn is_unchanged(request: &HeaderMap, tag: &str, modified: Timestamp) -> bool {
    let text = |name| request.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(tags) = text(header::IF_NONE_MATCH) {
        let mut tags = tags.split(',').map(str::trim);
        return tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
    }
    let since = text(header::IF_MODIFIED_SINCE)
        .and_then(|text| DateTimeParser::new().parse_timestamp(text).ok());
    since.is_some_and(|since| modified.as_second() <= since.as_second())
}
