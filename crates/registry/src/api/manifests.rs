//! Manifests: read, stored byte for byte, deleted.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Response, StatusCode};
use sealift_access::{Action, Thing, Throttled};
use sealift_depot::{Children, Error as DepotError, Manifest, NewManifest, Put, Target};
use sealift_oci::{RepositoryName, Tag};
use serde::Deserialize;
use serde_json::json;

use super::blobs::{of_upstream, scoped};
use super::call::{Call, Outcome, What, empty, is_at_hand, of_depot, set, warn};
use super::intake::{Intake, IntakeFault};
use super::names::{CONTENT_DIGEST, SUBJECT, TAG};
use super::refusal::{Code, Refusal};
use crate::Body;
use crate::hooks::{Answer, Asked, EventKind};
use crate::traces::{Attribute, SpanKind};

// The specification wants that 4 MiB are taken; a larger one is no manifest.
const MANIFEST_BYTES_MAX: usize = 4 << 20;
const TAGS_MAX: usize = 100;
const MEDIA_TYPE_BYTES_MAX: usize = 255;
// Docker's first schema, signed inside: nobody makes it any more, and its digest is not that of its bytes.
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

pub(super) async fn answer(
    call: &Call<'_>,
    repository: &RepositoryName,
    target: Target,
    body: Incoming,
) -> Outcome {
    match call.method {
        Method::GET | Method::HEAD => read(call, repository, &target).await,
        Method::PUT => put(call, repository, target, body).await,
        Method::DELETE => delete(call, repository, &target).await,
        _ => Err(Refusal::plain(Code::Unsupported)),
    }
}

fn thing<'a>(repository: &'a RepositoryName, target: &'a Target) -> Thing<'a> {
    match target {
        Target::Tag(tag) => Thing::Tag(repository.as_str(), tag.as_str()),
        Target::Digest(_) => Thing::Repository(repository.as_str()),
    }
}

async fn read(call: &Call<'_>, asked: &RepositoryName, target: &Target) -> Outcome {
    let namespace = call.query.get("ns");
    let upstream = call.registry.hooks.upstream.as_ref();
    let route = upstream.and_then(|upstream| upstream.route(asked, namespace));
    // Who may do what is a matter of the repository in which it lies, by whatever name it was asked for.
    let repository = route.as_ref().unwrap_or(asked);
    call.admit(&[(Action::Pull, thing(repository, target))])?;
    // A look costs less than a pull, and is what clients are told to do instead.
    if call.method == Method::GET {
        call.admit_often(Throttled::Pull, Some(repository))?;
    }
    let (manifest, warning) = match (upstream, &route) {
        (Some(upstream), Some(_)) => {
            let found = upstream.manifest(asked, namespace, target);
            let found = call.part("upstream", SpanKind::Client, found, |_| Vec::new()).await;
            let found = found.map_err(|fault| of_upstream(fault, Code::ManifestUnknown))?;
            (found.manifest, found.warning)
        }
        _ => (own(call, repository, target).await?, None),
    };
    let verdict = judge(call, repository, target, &manifest).await?;
    let digest = manifest.digest.to_string();
    let tag = format!("\"{digest}\"");
    let mut response = if is_at_hand(call.headers, &tag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        let body = match call.method {
            Method::HEAD => Body::empty(),
            _ => Body::from(manifest.bytes.clone()),
        };
        let mut response = Response::new(body);
        let length = HeaderValue::from(manifest.bytes.len());
        response.headers_mut().insert(header::CONTENT_LENGTH, length);
        set(&mut response, header::CONTENT_TYPE, &manifest.media_type);
        response
    };
    set(&mut response, CONTENT_DIGEST, &digest);
    set(&mut response, header::ETAG, &tag);
    for warning in [warning, verdict].into_iter().flatten() {
        warn(&mut response, &warning);
    }
    if call.method == Method::GET {
        tell(call, EventKind::Pulled, repository, target, &manifest, None);
    }
    Ok(if route.is_some() { scoped(call, response) } else { response })
}

async fn own(
    call: &Call<'_>,
    repository: &RepositoryName,
    target: &Target,
) -> Result<Arc<Manifest>, Refusal> {
    let found = call.depot().manifest(repository, target).await.map_err(of_depot)?;
    found.ok_or_else(|| {
        Refusal::plain(Code::ManifestUnknown).about(match target {
            Target::Tag(tag) => json!({ "name": repository.as_str(), "tag": tag.as_str() }),
            Target::Digest(digest) => {
                json!({ "name": repository.as_str(), "revision": digest.to_string() })
            }
        })
    })
}

// The warning, if there is one.
async fn judge(
    call: &Call<'_>,
    repository: &RepositoryName,
    target: &Target,
    manifest: &Manifest,
) -> Result<Option<String>, Refusal> {
    let Some(gate) = &call.registry.hooks.gate else { return Ok(None) };
    let asked = Asked {
        principal: &call.principal,
        peer: call.peer,
        repository,
        target,
        manifest,
        request_id: call.request_id,
        now: call.now,
    };
    let judged = call.part("gate", SpanKind::Internal, gate.pull(asked), |answer| {
        let text = |text: &str| Attribute::Text(text.to_owned());
        let (verdict, reason) = match answer {
            Answer::Allow => ("allowed", None),
            Answer::Warn(warning) => ("allowed", Some(warning)),
            Answer::Refuse(denied) => ("refused", Some(&denied.message)),
        };
        let reason = reason.map(|reason| ("sealift.reason", text(reason)));
        let digest = ("sealift.digest", text(&manifest.digest.to_string()));
        [Some(digest), Some(("sealift.verdict", text(verdict))), reason]
            .into_iter()
            .flatten()
            .collect()
    });
    match judged.await {
        Answer::Allow => Ok(None),
        Answer::Warn(warning) => Ok(Some(warning)),
        Answer::Refuse(denied) => {
            tell(call, EventKind::Denied, repository, target, manifest, Some(&denied.message));
            let refusal = Refusal::because(Code::Denied, denied.message).about(denied.detail);
            Err(Refusal { is_told: true, ..refusal.caused_by("the gate refuses") })
        }
    }
}

fn tell(
    call: &Call<'_>,
    kind: EventKind,
    repository: &RepositoryName,
    target: &Target,
    manifest: &Manifest,
    reason: Option<&str>,
) {
    let tag = match target {
        Target::Tag(tag) => Some(tag.as_str()),
        Target::Digest(_) => None,
    };
    let what = What {
        repository: Some(repository),
        from: None,
        tag,
        digest: Some(&manifest.digest),
        media_type: Some(&manifest.media_type),
        size: Some(manifest.bytes.len() as u64),
        reason,
    };
    call.tell(kind, what);
}

async fn put(
    call: &Call<'_>,
    repository: &RepositoryName,
    target: Target,
    body: Incoming,
) -> Outcome {
    let tags = tags(call)?;
    let mut wanted = vec![(Action::Push, thing(repository, &target))];
    let name = repository.as_str();
    wanted.extend(tags.iter().map(|tag| (Action::Push, Thing::Tag(name, tag.as_str()))));
    call.admit(&wanted)?;
    call.admit_push(repository)?;
    call.admit_often(Throttled::Push, Some(repository))?;
    let bytes =
        Intake::new(body).collect(MANIFEST_BYTES_MAX).await.map_err(|fault| match fault {
            IntakeFault::TooLarge => {
                of_depot(DepotError::TooLarge { limit: MANIFEST_BYTES_MAX as u64 })
            }
            IntakeFault::Cut(error) => {
                Refusal::because(Code::ManifestInvalid, "the body was cut").caused_by(error)
            }
        })?;
    call.registry.metrics.received(bytes.len() as u64);
    let media_type = media_type(call, &bytes)?;
    call.registry.options.urls.check(&bytes)?;
    let size = bytes.len() as u64;
    let (depot, by) = (call.depot().clone(), call.by().to_owned());
    let (repository_name, to, more, kind) =
        (repository.clone(), target.clone(), tags.clone(), media_type.clone());
    // Whether the client waits for the answer or not, it is stored whole or not at all.
    let work = async move {
        let new = NewManifest {
            target: to,
            tags: &more,
            media_type: &kind,
            bytes,
            by: &by,
            children: Children::Required,
        };
        depot.put_manifest(&repository_name, new).await
    };
    let put = tokio::spawn(work).await.map_err(Refusal::failure)?.map_err(of_depot)?;
    tell_pushed(call, repository, &put, &media_type, size);
    let Put { digest, subject, .. } = put;
    let mut response = empty(StatusCode::CREATED);
    set(&mut response, header::LOCATION, &format!("/v2/{repository}/manifests/{digest}"));
    set(&mut response, CONTENT_DIGEST, &digest.to_string());
    if let Some(subject) = subject {
        set(&mut response, SUBJECT, &subject.to_string());
    }
    for tag in &tags {
        if let Ok(value) = HeaderValue::from_str(tag.as_str()) {
            response.headers_mut().append(TAG, value);
        }
    }
    Ok(response)
}

// One event a tag; one without a tag if there is none.
fn tell_pushed(
    call: &Call<'_>,
    repository: &RepositoryName,
    put: &Put,
    media_type: &str,
    size: u64,
) {
    let what = What {
        repository: Some(repository),
        digest: Some(&put.digest),
        media_type: Some(media_type),
        size: Some(size),
        ..What::default()
    };
    if put.tags.is_empty() {
        call.tell(EventKind::Pushed, what);
    }
    for (tag, _) in &put.tags {
        call.tell(EventKind::Pushed, What { tag: Some(tag.as_str()), ..what });
    }
}

fn tags(call: &Call<'_>) -> Result<Vec<Tag>, Refusal> {
    let mut tags = Vec::new();
    for text in call.query.all("tag") {
        if tags.len() == TAGS_MAX {
            let message = format!("more than {TAGS_MAX} tags in one request");
            return Err(
                Refusal::because(Code::TagInvalid, message).with_status(StatusCode::URI_TOO_LONG)
            );
        }
        let tag = Tag::parse(text).map_err(|_| {
            Refusal::because(Code::TagInvalid, "this is not a tag")
                .about(json!({ "tag": text.chars().take(300).collect::<String>() }))
        })?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

// What the request says, without parameters; else what the manifest says of itself.
fn media_type(call: &Call<'_>, bytes: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        media_type: Option<String>,
    }
    let said = call
        .header(header::CONTENT_TYPE)
        .map(|kind| kind.split_once(';').map_or(kind, |(kind, _)| kind).trim().to_owned());
    // What a client sends that was not told what to say.
    let said = said.filter(|kind| {
        !matches!(kind.as_str(), "" | "application/octet-stream" | "application/json")
    });
    let own = || serde_json::from_slice::<Typed>(bytes).ok().and_then(|typed| typed.media_type);
    let media_type = said.or_else(own).ok_or_else(|| {
        Refusal::because(
            Code::ManifestInvalid,
            "neither Content-Type nor mediaType says what it is",
        )
    })?;
    if media_type.starts_with(SCHEMA_1) {
        let message =
            "manifests of Docker's schema 1 are not stored; push with a client of this decade";
        return Err(Refusal::because(Code::ManifestInvalid, message));
    }
    let is_header = media_type.len() <= MEDIA_TYPE_BYTES_MAX
        && media_type.bytes().all(|byte| byte.is_ascii_graphic());
    is_header
        .then_some(media_type)
        .ok_or_else(|| Refusal::because(Code::ManifestInvalid, "the media type is none"))
}

async fn delete(call: &Call<'_>, repository: &RepositoryName, target: &Target) -> Outcome {
    call.admit(&[(Action::Delete, thing(repository, target))])?;
    call.admit_delete()?;
    let (name, by) = (Some(repository), call.by());
    match target {
        Target::Tag(tag) => {
            call.depot().delete_tag(repository, tag, by).await.map_err(of_depot)?;
            let what = What { repository: name, tag: Some(tag.as_str()), ..What::default() };
            call.tell(EventKind::TagDeleted, what);
        }
        Target::Digest(digest) => {
            // With a manifest go its tags, and a rule may protect one of them.
            let may =
                |tag: &Tag| call.may(Action::Delete, Thing::Tag(repository.as_str(), tag.as_str()));
            let tagged = call.depot().tags_of(repository, digest).await.map_err(of_depot)?;
            if let Some(tag) = tagged.iter().find(|tag| !may(tag)) {
                return Err(call.registry.denied(
                    &[(Action::Delete, Thing::Tag(repository.as_str(), tag.as_str()))],
                    sealift_access::Denial::NotAllowed,
                ));
            }
            let deleted =
                call.depot().delete_manifest(repository, digest, by).await.map_err(of_depot)?;
            let what = What { repository: name, digest: Some(digest), ..What::default() };
            call.tell(EventKind::Deleted, what);
            for tag in &deleted {
                call.tell(EventKind::TagDeleted, What { tag: Some(tag.as_str()), ..what });
            }
        }
    }
    Ok(empty(StatusCode::ACCEPTED))
}
