//! Refusals with the codes of the distribution specification.

use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::address::AddressFault;
use crate::Body;

const JSON: &str = "application/json; charset=utf-8";
// A name or a tag that is none is told back, but not all of it.
const QUOTED_BYTES_MAX: usize = 300;

/// What kind of refusal it is: the specification's codes, and those that distribution has beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `BLOB_UNKNOWN`
    BlobUnknown,
    /// `BLOB_UPLOAD_INVALID`
    BlobUploadInvalid,
    /// `BLOB_UPLOAD_UNKNOWN`
    BlobUploadUnknown,
    /// `DIGEST_INVALID`
    DigestInvalid,
    /// `MANIFEST_BLOB_UNKNOWN`
    ManifestBlobUnknown,
    /// `MANIFEST_INVALID`
    ManifestInvalid,
    /// `MANIFEST_UNKNOWN`
    ManifestUnknown,
    /// `NAME_INVALID`
    NameInvalid,
    /// `NAME_UNKNOWN`
    NameUnknown,
    /// `SIZE_INVALID`
    SizeInvalid,
    /// `TAG_INVALID`
    TagInvalid,
    /// `PAGINATION_NUMBER_INVALID`
    PaginationNumberInvalid,
    /// `UNAUTHORIZED`
    Unauthorized,
    /// `DENIED`
    Denied,
    /// `UNSUPPORTED`
    Unsupported,
    /// `TOOMANYREQUESTS`
    TooManyRequests,
    /// `UNAVAILABLE`
    Unavailable,
    /// `UNKNOWN`
    Unknown,
}

impl Code {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::TagInvalid => "TAG_INVALID",
            Self::PaginationNumberInvalid => "PAGINATION_NUMBER_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unknown => "UNKNOWN",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BlobUnknown
            | Self::BlobUploadUnknown
            | Self::ManifestUnknown
            | Self::NameUnknown => StatusCode::NOT_FOUND,
            Self::BlobUploadInvalid
            | Self::DigestInvalid
            | Self::ManifestBlobUnknown
            | Self::ManifestInvalid
            | Self::NameInvalid
            | Self::SizeInvalid
            | Self::TagInvalid
            | Self::PaginationNumberInvalid => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::BlobUnknown => "blob unknown to registry",
            Self::BlobUploadInvalid => "blob upload invalid",
            Self::BlobUploadUnknown => "blob upload unknown to registry",
            Self::DigestInvalid => "provided digest did not match uploaded content",
            Self::ManifestBlobUnknown => "blob unknown to registry",
            Self::ManifestInvalid => "manifest invalid",
            Self::ManifestUnknown => "manifest unknown",
            Self::NameInvalid => "invalid repository name",
            Self::NameUnknown => "repository name not known to registry",
            Self::SizeInvalid => "provided length did not match content length",
            Self::TagInvalid => "manifest tag did not match URI",
            Self::PaginationNumberInvalid => "invalid number of results requested",
            Self::Unauthorized => "authentication required",
            Self::Denied => "requested access to the resource is denied",
            Self::Unsupported => "The operation is unsupported.",
            Self::TooManyRequests => "too many requests",
            Self::Unavailable => "service unavailable",
            Self::Unknown => "unknown error",
        }
    }
}

#[derive(Serialize)]
struct Errors<'a> {
    errors: Vec<Written<'a>>,
}

// In the order in which all registries write it.
#[derive(Serialize)]
struct Written<'a> {
    code: &'static str,
    message: &'a str,
    detail: Option<&'a Value>,
}

/// A refusal: what the client is told, and what only the log is told.
#[derive(Debug)]
pub struct Refusal {
    /// What kind.
    pub code: Code,
    /// The status, if it is not that of the code.
    pub status: StatusCode,
    /// For people; Docker prints it.
    pub message: String,
    /// For programs.
    pub detail: Vec<Value>,
    /// More headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log only.
    pub cause: Option<String>,
    /// Listeners were told of it, by whoever knew more than the address.
    pub is_told: bool,
}

impl Refusal {
    /// A refusal with the words of the specification.
    pub fn plain(code: Code) -> Self {
        Self {
            code,
            status: code.status(),
            message: code.message().to_owned(),
            detail: Vec::new(),
            headers: Vec::new(),
            cause: None,
            is_told: false,
        }
    }

    /// A refusal in words of ours.
    pub fn because(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::plain(code) }
    }

    /// With something for programs.
    #[must_use]
    pub fn about(mut self, detail: Value) -> Self {
        self.detail.push(detail);
        self
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a reason for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl ToString) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Something failed here; the client is not told what.
    pub fn failure(cause: impl ToString) -> Self {
        Self::plain(Code::Unknown).caused_by(cause)
    }

    /// As an answer.
    pub fn into_response(self) -> Response<Body> {
        let error = |detail| Written { code: self.code.as_str(), message: &self.message, detail };
        let errors: Vec<Written<'_>> = if self.detail.is_empty() {
            vec![error(None)]
        } else {
            self.detail.iter().map(|detail| error(Some(detail))).collect()
        };
        // Texts and values of JSON: this does not fail.
        let body = serde_json::to_string(&Errors { errors }).unwrap_or_default() + "\n";
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

fn quoted(text: &str) -> &str {
    &text[..text.floor_char_boundary(QUOTED_BYTES_MAX)]
}

impl Refusal {
    /// An address that means nothing. What cannot be there is not found by a reader, and wrong from a writer.
    pub fn of_address(fault: AddressFault, is_read: bool) -> Self {
        let refusal = match fault {
            AddressFault::Unknown => {
                return Self::because(Code::Unsupported, "there is no such address")
                    .with_status(StatusCode::NOT_FOUND);
            }
            AddressFault::Digest(text) => {
                let message = "this is not a digest of sha256 or sha512";
                return Self::because(Code::DigestInvalid, message)
                    .about(json!({ "digest": quoted(&text) }));
            }
            AddressFault::Name(name) => {
                Self::plain(Code::NameInvalid).about(json!({ "name": quoted(&name) }))
            }
            AddressFault::Reference(text) if is_read => {
                Self::plain(Code::ManifestUnknown).about(json!({ "tag": quoted(&text) }))
            }
            AddressFault::Reference(text) => {
                Self::because(Code::TagInvalid, "this is neither a tag nor a digest")
                    .about(json!({ "tag": quoted(&text) }))
            }
        };
        if is_read { refusal.with_status(StatusCode::NOT_FOUND) } else { refusal }
    }
}
