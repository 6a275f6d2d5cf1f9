//! Uploads of blobs: in one request, in two, or in chunks; resumed, asked for, cancelled; and mounts.

use futures_util::StreamExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header;
use hyper::{Method, Response, StatusCode};
use sealift_access::{Action, Thing};
use sealift_depot::{Blob, Error as DepotError, UploadId, UploadStatus};
use sealift_oci::{Algorithm, Digest, RepositoryName};
use serde_json::json;

use super::call::{Call, Outcome, What, empty, of_depot, set};
use super::intake::Intake;
use super::names::{CHUNK_MIN, CONTENT_DIGEST, UPLOAD_ID};
use super::range::{self, Chunk};
use super::refusal::{Code, Refusal};
use crate::Body;
use crate::hooks::EventKind;

/// `POST …/blobs/uploads/`
pub(super) async fn begin(call: &Call<'_>, repository: &RepositoryName, body: Incoming) -> Outcome {
    if call.method != Method::POST {
        return Err(if call.method == Method::GET || call.method == Method::PUT {
            Refusal::plain(Code::BlobUploadUnknown)
        } else {
            Refusal::plain(Code::Unsupported)
        });
    }
    call.admit(&[(Action::Push, Thing::Repository(repository.as_str()))])?;
    call.admit_push(repository)?;
    if let Some(digest) = call.query.get("mount") {
        let mounted = mount(call, repository, &parsed(digest)?).await?;
        if let Some(response) = mounted {
            return Ok(response);
        }
    }
    let whole = call.query.get("digest").map(parsed).transpose()?;
    let algorithm = match (call.query.get("digest-algorithm"), &whole) {
        (Some(name), _) => algorithm(name)?,
        (None, Some(digest)) => digest.algorithm(),
        (None, None) => Algorithm::Sha256,
    };
    let depot = call.depot();
    let status = depot.begin_upload(repository, algorithm, call.by()).await.map_err(of_depot)?;
    call.registry.metrics.upload_begun();
    let Some(digest) = whole else {
        let mut response = progress(StatusCode::ACCEPTED, repository, &status);
        if let Some(n_bytes) = depot.chunk_bytes_min() {
            set(&mut response, CHUNK_MIN, &n_bytes.to_string());
        }
        return Ok(response);
    };
    let sent = append(call, repository, &status.id, body).await;
    let finished = match sent {
        Ok(_) => finish(call, repository, &status.id, &digest).await,
        Err(refusal) => Err(refusal),
    };
    if finished.is_err() {
        // Nobody knows of this upload who could resume it.
        let _ = depot.cancel_upload(repository, &status.id).await;
    }
    finished
}

async fn mount(
    call: &Call<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Response<Body>>, Refusal> {
    let may_pull = |from: &RepositoryName| call.may(Action::Pull, Thing::Repository(from.as_str()));
    let depot = call.depot();
    let mut from = if let Some(name) = call.query.get("from") {
        RepositoryName::parse(name).ok().into_iter().collect()
    } else {
        depot.repositories_with(digest, HOLDERS_MAX).await.map_err(of_depot)?
    };
    // Without rights there it is as if it were not there: an upload begins.
    from.retain(may_pull);
    for from in from {
        if let Some(blob) = depot.mount(repository, &from, digest).await.map_err(of_depot)? {
            call.registry.metrics.mounted();
            tell_stored(call, EventKind::Mounted, (repository, Some(&from)), &blob);
            return Ok(Some(stored(repository, &blob.digest)));
        }
    }
    Ok(None)
}

// So many repositories are looked at to find one from which somebody may mount.
const HOLDERS_MAX: usize = 100;

/// `…/blobs/uploads/ID`
pub(super) async fn answer(
    call: &Call<'_>,
    repository: &RepositoryName,
    id: &str,
    body: Incoming,
) -> Outcome {
    let unknown = || Refusal::plain(Code::BlobUploadUnknown);
    if !matches!(
        call.method,
        Method::GET | Method::HEAD | Method::PATCH | Method::PUT | Method::DELETE
    ) {
        return Err(Refusal::plain(Code::Unsupported));
    }
    call.admit(&[(Action::Push, Thing::Repository(repository.as_str()))])?;
    call.admit_push(repository)?;
    let id = UploadId::parse(id).ok_or_else(unknown)?;
    let depot = call.depot();
    match call.method {
        Method::PATCH => {
            let status = append(call, repository, &id, body).await?;
            Ok(progress(StatusCode::ACCEPTED, repository, &status))
        }
        Method::PUT => put(call, repository, &id, body).await,
        Method::DELETE => {
            depot.cancel_upload(repository, &id).await.map_err(of_depot)?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => {
            let status = depot.upload_status(repository, &id).await.map_err(of_depot)?;
            Ok(progress(StatusCode::NO_CONTENT, repository, &status))
        }
    }
}

async fn put(
    call: &Call<'_>,
    repository: &RepositoryName,
    id: &UploadId,
    body: Incoming,
) -> Outcome {
    let digest = call.query.get("digest").ok_or_else(|| {
        Refusal::because(Code::DigestInvalid, "the digest of the blob is missing: ?digest=")
    })?;
    let digest = parsed(digest)?;
    let has_body = !body.is_end_stream();
    if has_body {
        append(call, repository, id, body).await?;
    }
    let finished = finish(call, repository, id, &digest).await;
    match finished {
        // The answer to the same request was lost: it is stored, and the client asks again.
        Err(refusal) if refusal.code == Code::BlobUploadUnknown && !has_body => {
            match call.depot().blob(repository, &digest).await {
                Ok(Some(blob)) => Ok(stored(repository, &blob.digest)),
                _ => Err(refusal),
            }
        }
        finished => finished,
    }
}

// What a request brings, added to what is there. On a task of its own: a client that goes away, or is left for being
// slow, must not stop the writing of what it sent in the middle.
async fn append(
    call: &Call<'_>,
    repository: &RepositoryName,
    id: &UploadId,
    body: Incoming,
) -> Result<UploadStatus, Refusal> {
    let length = body.size_hint().exact();
    let chunk = call.header(header::CONTENT_RANGE).map(|text| {
        range::chunk(text).ok_or_else(|| {
            Refusal::because(Code::BlobUploadInvalid, "the Content-Range cannot be read")
                .about(json!({ "content-range": text }))
        })
    });
    let chunk = chunk.transpose()?;
    if let (Some(chunk), Some(length)) = (chunk, length)
        && chunk.length != length
    {
        return Err(Refusal::plain(Code::SizeInvalid));
    }
    let (at, length) = match chunk {
        Some(Chunk { first, length }) => (Some(first), Some(length)),
        None => (None, length),
    };
    let (depot, name, upload) = (call.depot().clone(), repository.clone(), id.clone());
    let metrics = call.registry.metrics.clone();
    let bytes = Intake::new(body).inspect(move |piece| {
        if let Ok(piece) = piece {
            metrics.received(piece.len() as u64);
        }
    });
    let work = async move { depot.append(&name, &upload, at, length, bytes).await };
    let done = tokio::spawn(work).await.map_err(Refusal::failure)?;
    match done {
        Ok(status) => Ok(status),
        Err(DepotError::OffsetWrong { have }) => {
            let mut refusal = of_depot(DepotError::OffsetWrong { have });
            let status = UploadStatus { id: id.clone(), offset: have };
            let headers = progress(StatusCode::OK, repository, &status).into_parts().0.headers;
            refusal.headers = headers.into_iter().filter_map(|(n, v)| Some((n?, v))).collect();
            Err(refusal)
        }
        Err(error) => Err(of_depot(error)),
    }
}

async fn finish(
    call: &Call<'_>,
    repository: &RepositoryName,
    id: &UploadId,
    digest: &Digest,
) -> Outcome {
    let (depot, name, upload, wanted) =
        (call.depot().clone(), repository.clone(), id.clone(), digest.clone());
    let work = async move { depot.finish_upload(&name, &upload, &wanted).await };
    let blob = tokio::spawn(work).await.map_err(Refusal::failure)?.map_err(of_depot)?;
    call.registry.metrics.upload_finished();
    tell_stored(call, EventKind::BlobPushed, (repository, None), &blob);
    Ok(stored(repository, &blob.digest))
}

fn tell_stored(
    call: &Call<'_>,
    kind: EventKind,
    (repository, from): (&RepositoryName, Option<&RepositoryName>),
    blob: &Blob,
) {
    let what = What {
        repository: Some(repository),
        from,
        digest: Some(&blob.digest),
        size: Some(blob.size),
        ..What::default()
    };
    call.tell(kind, what);
}

// Locations are relative, always: behind a proxy that ends TLS nobody here knows the scheme and the name under which the
// client knows us.
fn stored(repository: &RepositoryName, digest: &Digest) -> Response<Body> {
    let mut response = empty(StatusCode::CREATED);
    set(&mut response, header::LOCATION, &format!("/v2/{repository}/blobs/{digest}"));
    set(&mut response, CONTENT_DIGEST, &digest.to_string());
    response
}

fn progress(
    status_code: StatusCode,
    repository: &RepositoryName,
    status: &UploadStatus,
) -> Response<Body> {
    let mut response = empty(status_code);
    let id = status.id.as_str();
    set(&mut response, header::LOCATION, &format!("/v2/{repository}/blobs/uploads/{id}"));
    set(&mut response, header::RANGE, &range::received(status.offset));
    set(&mut response, UPLOAD_ID, id);
    response
}

fn parsed(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|_| {
        let message = "this is not a digest of sha256 or sha512";
        Refusal::because(Code::DigestInvalid, message)
            .about(json!({ "digest": text.chars().take(300).collect::<String>() }))
    })
}

fn algorithm(name: &str) -> Result<Algorithm, Refusal> {
    let known = [Algorithm::Sha256, Algorithm::Sha512];
    known.into_iter().find(|known| known.as_str() == name).ok_or_else(|| {
        Refusal::because(Code::DigestInvalid, "the algorithm is neither sha256 nor sha512")
    })
}
