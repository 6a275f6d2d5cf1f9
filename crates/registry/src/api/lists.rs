//! Lists of repositories, tags and referrers, in pages.

use std::collections::BTreeSet;

use hyper::header;
use hyper::{Method, Response};
use sealift_access::{Action, Principal, Thing};
use sealift_depot::{Page, Target};
use sealift_oci::{Descriptor, Digest, Index, RepositoryName, Tag, media_type};
use serde_json::{Value, json};

use super::blobs::scoped;
use super::call::{Call, Outcome, json_of, of_depot, set, warn};
use super::mirrored;
use super::names::FILTERS;
use super::page::{self, Asked};
use super::refusal::{Code, Refusal};
use crate::Body;

const JSON: &str = "application/json";
// So many are looked at together.
const REPOSITORIES_AT_ONCE: usize = 1000;
const REFERRERS_MAX: usize = 1000;
// An index that a client has to read is no larger than a manifest may be.
const REFERRERS_BYTES_MAX: usize = 3 << 20;
// So many repositories are looked at for one page of those that somebody may see.
const LOOKED_AT_MAX: usize = 100_000;

fn is_read(call: &Call<'_>) -> Result<(), Refusal> {
    let is_read = matches!(call.method, Method::GET | Method::HEAD);
    is_read.then_some(()).ok_or_else(|| Refusal::plain(Code::Unsupported))
}

fn asked<'a>(call: &'a Call<'_>, most: usize, is_strict: bool) -> Result<Asked<'a>, Refusal> {
    page::asked(&call.query, most, is_strict).map_err(|text| {
        let n = text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number));
        Refusal::plain(Code::PaginationNumberInvalid).about(json!({ "n": n }))
    })
}

/// `/v2/_catalog`: what the asker may pull.
pub(super) async fn catalog(call: &Call<'_>) -> Outcome {
    is_read(call)?;
    let whole = [(Action::Admin, Thing::Catalog)];
    // A token for the list names no repository; what its holder may see is up to the rules.
    let viewer = match &call.principal.grants {
        Some(_) => {
            call.admit(&whole)?;
            Principal { grants: None, ..call.principal.clone() }
        }
        None => call.principal.clone(),
    };
    let gatekeeper = &call.registry.gatekeeper;
    let sees = |name: &RepositoryName| {
        gatekeeper.decide(&viewer, Action::Pull, Thing::Repository(name.as_str())).is_allowed()
    };
    let Asked { after, limit } = asked(call, call.registry.options.catalog_max, true)?;
    let mut names: Vec<RepositoryName> = Vec::new();
    let (mut last, mut n_looked_at) = (after.map(str::to_owned), 0);
    // One more than asked for says whether there is a next page.
    while names.len() <= limit && n_looked_at < LOOKED_AT_MAX {
        let Page { items, more } = call
            .depot()
            .repositories(last.as_deref(), REPOSITORIES_AT_ONCE)
            .await
            .map_err(of_depot)?;
        n_looked_at += items.len();
        last = items.last().map(ToString::to_string).or(last);
        names.extend(items.into_iter().filter(sees));
        if !more {
            break;
        }
    }
    if names.is_empty() && call.principal.is_anonymous() && !gatekeeper.is_open() {
        call.admit(&whole)?;
    }
    let has_more = names.len() > limit;
    names.truncate(limit);
    let texts: Vec<&str> = names.iter().map(RepositoryName::as_str).collect();
    let mut response = json_of(JSON, json!({ "repositories": texts }).to_string() + "\n");
    if let (true, Some(last)) = (has_more, texts.last()) {
        let link = page::link("/v2/_catalog", last, limit, &[]);
        set(&mut response, header::LINK, &link);
    }
    Ok(response)
}

/// `/v2/NAME/tags/list`
pub(super) async fn tags(call: &Call<'_>, repository: &RepositoryName) -> Outcome {
    is_read(call)?;
    let route = mirrored::route(call, repository);
    let kept_in = route.as_ref().unwrap_or(repository);
    call.admit(&[(Action::Pull, Thing::Repository(kept_in.as_str()))])?;
    let Asked { after, limit } = asked(call, call.registry.options.tags_max, false)?;
    if route.is_some() {
        let (mut tags, warning) = mirrored::tags(call, repository, kept_in).await?;
        tags.retain(|tag| after.is_none_or(|after| tag.as_str() > after));
        let more = tags.len() > limit;
        tags.truncate(limit);
        let mut response = tags_answer(repository, &tags, limit, more);
        if let Some(warning) = warning {
            warn(&mut response, &warning);
        }
        return Ok(scoped(call, response));
    }
    // Asked for even if none is wanted: a repository that is not there is told.
    let page = call.depot().tags(repository, after, limit.max(1)).await;
    let Page { mut items, more } = page.map_err(|error| {
        let refusal = of_depot(error);
        let is_unknown = refusal.code == Code::NameUnknown;
        if is_unknown { refusal.about(json!({ "name": repository.as_str() })) } else { refusal }
    })?;
    items.truncate(limit);
    Ok(tags_answer(repository, &items, limit, more))
}

fn tags_answer(
    repository: &RepositoryName,
    items: &[Tag],
    limit: usize,
    more: bool,
) -> Response<Body> {
    // Written by hand: names and tags need no escapes, and this list is asked for often.
    let mut body = format!("{{\"name\":\"{repository}\",\"tags\":[");
    for (index, tag) in items.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push('"');
        body.push_str(tag.as_str());
        body.push('"');
    }
    body.push_str("]}\n");
    let mut response = json_of(JSON, body);
    if let (true, Some(last)) = (more, items.last()) {
        let path = format!("/v2/{repository}/tags/list");
        let link = page::link(&path, last.as_str(), limit, &[]);
        set(&mut response, header::LINK, &link);
    }
    response
}

/// `/v2/NAME/referrers/DIGEST`
pub(super) async fn referrers(
    call: &Call<'_>,
    named: &RepositoryName,
    subject: &Digest,
) -> Outcome {
    is_read(call)?;
    let route = mirrored::route(call, named);
    let repository = route.as_ref().unwrap_or(named);
    call.admit(&[(Action::Pull, Thing::Repository(repository.as_str()))])?;
    let Asked { after, limit } = asked(call, REFERRERS_MAX, false)?;
    let after: Option<Digest> =
        after.map(str::parse).transpose().map_err(|_| Refusal::plain(Code::DigestInvalid))?;
    let kind = call.query.get("artifactType").filter(|kind| !kind.is_empty());
    let found = call
        .depot()
        .referrers(repository, subject, kind, after.as_ref(), limit.max(1))
        .await
        .map_err(of_depot)?;
    let mut more = found.more;
    let mut known: Vec<Descriptor> =
        found.items.into_iter().map(|referrer| referrer.descriptor).collect();
    known.truncate(limit);
    if !more && limit > 0 {
        known.extend(of_old_clients(call, repository, subject, kind, &known).await?);
    }
    let mut warning = None;
    if route.is_some() {
        let (theirs, said) = mirrored::referrers(call, named, subject, &known).await?;
        let is_wanted = |found: &Descriptor| {
            kind.is_none_or(|kind| found.artifact_type.as_deref() == Some(kind))
                && after.as_ref().is_none_or(|after| found.digest > *after)
        };
        known.extend(theirs.into_iter().filter(is_wanted));
        known.sort_by(|left, right| left.digest.cmp(&right.digest));
        more |= known.len() > limit;
        known.truncate(limit);
        warning = said;
    }
    let (listed, is_cut) = fitting(&known)?;
    more |= is_cut;
    let last = known.get(listed.len().wrapping_sub(1)).map(|last| last.digest.to_string());
    let body = json!({
        "schemaVersion": 2,
        "mediaType": media_type::INDEX,
        "manifests": listed,
    });
    let mut response: Response<Body> = json_of(media_type::INDEX, body.to_string());
    if kind.is_some() {
        set(&mut response, FILTERS, "artifactType");
    }
    if let (true, Some(last)) = (more, last) {
        let path = format!("/v2/{named}/referrers/{subject}");
        let others: Vec<(&str, &str)> =
            kind.map(|kind| ("artifactType", kind)).into_iter().collect();
        set(&mut response, header::LINK, &page::link(&path, &last, limit, &others));
    }
    if let Some(warning) = warning {
        warn(&mut response, &warning);
    }
    Ok(scoped(call, response))
}

// As many as an index may hold; whether some were left out.
fn fitting(known: &[Descriptor]) -> Result<(Vec<Value>, bool), Refusal> {
    let (mut listed, mut n_bytes) = (Vec::new(), 0);
    for descriptor in known {
        let value = serde_json::to_value(descriptor).map_err(Refusal::failure)?;
        n_bytes += value.to_string().len();
        if n_bytes > REFERRERS_BYTES_MAX && !listed.is_empty() {
            return Ok((listed, true));
        }
        listed.push(value);
    }
    Ok((listed, false))
}

// Clients that found no list of referrers kept one of their own under a tag (distribution-spec, §Referrers Tag Schema).
// Of it counts what the depot has, and what says itself that it refers to the subject.
async fn of_old_clients(
    call: &Call<'_>,
    repository: &RepositoryName,
    subject: &Digest,
    kind: Option<&str>,
    known: &[Descriptor],
) -> Result<Vec<Descriptor>, Refusal> {
    let hex: String = subject.hex().chars().take(64).collect();
    let tag = format!("{}-{hex}", subject.algorithm().as_str());
    let Ok(tag) = Tag::parse(&tag) else { return Ok(Vec::new()) };
    let depot = call.depot();
    let list = depot.manifest(repository, &Target::Tag(tag)).await.map_err(of_depot)?;
    let Some(list) = list.filter(|list| media_type::is_index(&list.media_type)) else {
        return Ok(Vec::new());
    };
    let Ok(index) = serde_json::from_slice::<Index>(&list.bytes) else { return Ok(Vec::new()) };
    let mut seen: BTreeSet<&Digest> = known.iter().map(|descriptor| &descriptor.digest).collect();
    let mut more = Vec::new();
    for descriptor in index.manifests.iter().take(REFERRERS_MAX) {
        let is_kind = kind.is_none_or(|kind| descriptor.artifact_type.as_deref() == Some(kind));
        if !is_kind || !seen.insert(&descriptor.digest) {
            continue;
        }
        let target = Target::Digest(descriptor.digest.clone());
        let manifest = depot.manifest(repository, &target).await.map_err(of_depot)?;
        if manifest.is_some_and(|manifest| manifest.subject.as_ref() == Some(subject)) {
            more.push(descriptor.clone());
        }
    }
    Ok(more)
}
