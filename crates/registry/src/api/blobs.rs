//! Blobs: read whole or in part, deleted.

use hyper::header::{self, HeaderValue};
use hyper::{Method, Response, StatusCode};
use sealift_access::{Action, Thing};
use sealift_depot::Blob;
use sealift_oci::{Digest, RepositoryName};
use serde_json::json;

use super::call::{Call, Outcome, What, empty, is_at_hand, of_depot, set};
use super::names::{CONTENT_DIGEST, NAMESPACE};
use super::range::{self, Asked};
use super::refusal::{Code, Refusal};
use crate::Body;
use crate::hooks::{Answer, EventKind, UpstreamBlob, UpstreamFault};
use crate::traces::SpanKind;

// What has a digest as its address never changes; who may read it can.
const FOREVER: &str = "private, max-age=31536000";

pub(super) async fn answer(
    call: &Call<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Outcome {
    match call.method {
        Method::GET | Method::HEAD => read(call, repository, digest).await,
        Method::DELETE => delete(call, repository, digest).await,
        _ => Err(Refusal::plain(Code::Unsupported)),
    }
}

async fn read(call: &Call<'_>, asked: &RepositoryName, digest: &Digest) -> Outcome {
    let namespace = call.query.get("ns");
    let upstream = call.registry.hooks.upstream.as_ref();
    let route = upstream.and_then(|upstream| upstream.route(asked, namespace));
    // Who may do what is a matter of the repository in which it lies, by whatever name it was asked for.
    let repository = route.as_ref().unwrap_or(asked);
    call.admit(&[(Action::Pull, Thing::Repository(repository.as_str()))])?;
    if let Some(gate) = &call.registry.hooks.gate
        && let Answer::Refuse(denied) = gate.blob(&call.principal, repository, digest).await
    {
        return Err(Refusal::because(Code::Denied, denied.message).about(denied.detail));
    }
    let mut blob = call.depot().blob(repository, digest).await.map_err(of_depot)?;
    if let (None, Some(upstream), Some(_)) = (&blob, upstream, &route) {
        let fault = |fault| of_upstream(fault, Code::BlobUnknown);
        if call.method == Method::HEAD {
            let size = upstream.blob_size(asked, namespace, digest).await.map_err(fault)?;
            return Ok(scoped(call, head(StatusCode::OK, digest, size, Body::empty())));
        }
        let found = upstream.blob(asked, namespace, digest);
        let found = call.part("upstream", SpanKind::Client, found, |_| Vec::new()).await;
        match found.map_err(fault)? {
            UpstreamBlob::Kept => {
                blob = call.depot().blob(repository, digest).await.map_err(of_depot)?;
            }
            UpstreamBlob::Coming { size, bytes } => {
                let mut response = head(StatusCode::OK, digest, size, Body::streamed(size, bytes));
                // While it comes it cannot be read in parts.
                response.headers_mut().remove(header::ACCEPT_RANGES);
                tell_pulled(call, repository, digest, size);
                return Ok(scoped(call, response));
            }
        }
    }
    let blob = blob.ok_or_else(|| {
        Refusal::plain(Code::BlobUnknown).about(json!({ "digest": digest.to_string() }))
    })?;
    let response = of_blob(call, repository, &blob).await?;
    Ok(if route.is_some() { scoped(call, response) } else { response })
}

async fn of_blob(call: &Call<'_>, repository: &RepositoryName, blob: &Blob) -> Outcome {
    let Blob { digest, size } = blob;
    let tag = format!("\"{digest}\"");
    if is_at_hand(call.headers, &tag) {
        let mut response = head(StatusCode::NOT_MODIFIED, digest, 0, Body::empty());
        for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::ACCEPT_RANGES] {
            response.headers_mut().remove(name);
        }
        return Ok(response);
    }
    // A part is only good for who has the rest of the same.
    let is_same = call.header(header::IF_RANGE).is_none_or(|known| known == tag);
    let asked = call.header(header::RANGE).filter(|_| is_same && call.method == Method::GET);
    let range = match range::asked(asked, *size) {
        Asked::Outside => {
            let total = format!("bytes */{size}");
            let value = HeaderValue::from_str(&total).map_err(Refusal::failure)?;
            return Err(Refusal::because(Code::SizeInvalid, "there are no such bytes")
                .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
                .with(header::CONTENT_RANGE, value));
        }
        Asked::Part(range) => Some(range),
        Asked::Whole => None,
    };
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let part = range.clone().unwrap_or(0..*size);
    let length = part.end - part.start;
    let body = if call.method == Method::HEAD || length == 0 {
        Body::empty()
    } else {
        let bytes = call.depot().read_blob(blob, part).await.map_err(of_depot)?;
        Body::streamed(length, bytes)
    };
    let mut response = head(status, digest, length, body);
    if let Some(range) = range {
        let value = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        set(&mut response, header::CONTENT_RANGE, &value);
    }
    if call.method == Method::GET {
        tell_pulled(call, repository, digest, length);
    }
    Ok(response)
}

fn head(status: StatusCode, digest: &Digest, length: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOREVER));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let digest = digest.to_string();
    set(&mut response, header::ETAG, &format!("\"{digest}\""));
    set(&mut response, CONTENT_DIGEST, &digest);
    response
}

fn tell_pulled(call: &Call<'_>, repository: &RepositoryName, digest: &Digest, size: u64) {
    let (repository, digest) = (Some(repository), Some(digest));
    let what = What { repository, digest, size: Some(size), ..What::default() };
    call.tell(EventKind::BlobPulled, what);
}

/// Says for which registry an answer speaks, if one was named.
pub(super) fn scoped(call: &Call<'_>, mut response: Response<Body>) -> Response<Body> {
    if let Some(namespace) = call.query.get("ns") {
        set(&mut response, NAMESPACE, namespace);
    }
    response
}

/// What an upstream refuses, as a client is told.
pub(super) fn of_upstream(fault: UpstreamFault, unknown: Code) -> Refusal {
    match fault {
        UpstreamFault::Unknown => Refusal::plain(unknown),
        UpstreamFault::Denied(reason) => Refusal::because(Code::Denied, reason),
        UpstreamFault::Busy { seconds, reason } => Refusal::because(Code::Unavailable, reason)
            .with(header::RETRY_AFTER, HeaderValue::from(seconds.max(1))),
        UpstreamFault::Unavailable(reason) => {
            Refusal::because(Code::Unavailable, reason).with_status(StatusCode::BAD_GATEWAY)
        }
    }
}

async fn delete(call: &Call<'_>, repository: &RepositoryName, digest: &Digest) -> Outcome {
    call.admit(&[(Action::Delete, Thing::Repository(repository.as_str()))])?;
    call.admit_delete()?;
    call.depot().delete_blob(repository, digest).await.map_err(of_depot)?;
    let what = What { repository: Some(repository), digest: Some(digest), ..What::default() };
    call.tell(EventKind::BlobDeleted, what);
    Ok(empty(StatusCode::ACCEPTED))
}
