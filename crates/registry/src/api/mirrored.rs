//! Lists of what belongs to an upstream: what it has, and what this registry has beside it.

use std::collections::BTreeSet;

use sealift_depot::Page;
use sealift_oci::{Descriptor, Digest, RepositoryName, Tag};

use super::blobs::of_upstream;
use super::call::{Call, of_depot};
use super::refusal::{Code, Refusal};
use crate::hooks::{UpstreamFault, UpstreamList};

// So many of a repository's own tags are listed beside those of its upstream.
const OWN_TAGS_MAX: usize = 100_000;
const TAGS_AT_ONCE: usize = 10_000;

/// Where content of an upstream is kept, if this repository is one's.
pub(super) fn route(call: &Call<'_>, repository: &RepositoryName) -> Option<RepositoryName> {
    let upstream = call.registry.hooks.upstream.as_ref()?;
    upstream.route(repository, call.query.get("ns"))
}

/// All tags of a repository, in the order of their bytes, and what the client is to be warned of.
pub(super) async fn tags(
    call: &Call<'_>,
    named: &RepositoryName,
    kept_in: &RepositoryName,
) -> Result<(Vec<Tag>, Option<String>), Refusal> {
    let Some(upstream) = &call.registry.hooks.upstream else {
        return Err(Refusal::plain(Code::NameUnknown));
    };
    let (found, warning) = match upstream.tags(named, call.query.get("ns")).await {
        Ok(UpstreamList { items, warning }) => (items, warning),
        Err(fault @ UpstreamFault::Denied(_)) => return Err(of_upstream(fault, Code::NameUnknown)),
        Err(fault) => {
            // What was fetched once is better than nothing.
            let own = own_tags(call, kept_in).await?;
            if own.is_empty() {
                return Err(of_upstream(fault, Code::NameUnknown));
            }
            return Ok((own.into_iter().collect(), Some(reason(&fault))));
        }
    };
    let mut tags: BTreeSet<Tag> = found.into_iter().collect();
    // Where nobody pushes, what the upstream has no longer is not there.
    if upstream.accepts_pushes(kept_in) {
        tags.extend(own_tags(call, kept_in).await?);
    }
    Ok((tags.into_iter().collect(), warning))
}

async fn own_tags(call: &Call<'_>, kept_in: &RepositoryName) -> Result<BTreeSet<Tag>, Refusal> {
    let mut tags = BTreeSet::new();
    let mut after: Option<String> = None;
    while tags.len() < OWN_TAGS_MAX {
        let page = call.depot().tags(kept_in, after.as_deref(), TAGS_AT_ONCE).await;
        let Page { items, more } = match page.map_err(of_depot) {
            Ok(page) => page,
            Err(refusal) if refusal.code == Code::NameUnknown => break,
            Err(refusal) => return Err(refusal),
        };
        after = items.last().map(ToString::to_string).or(after);
        tags.extend(items);
        if !more {
            break;
        }
    }
    Ok(tags)
}

/// What refers to a digest at the upstream and is not known already, and what the client is to be warned of.
pub(super) async fn referrers(
    call: &Call<'_>,
    named: &RepositoryName,
    subject: &Digest,
    known: &[Descriptor],
) -> Result<(Vec<Descriptor>, Option<String>), Refusal> {
    let Some(upstream) = &call.registry.hooks.upstream else { return Ok((Vec::new(), None)) };
    match upstream.referrers(named, call.query.get("ns"), subject).await {
        Ok(UpstreamList { items, warning }) => {
            let mut seen: BTreeSet<Digest> =
                known.iter().map(|descriptor| descriptor.digest.clone()).collect();
            let is_new = |found: &Descriptor| seen.insert(found.digest.clone());
            Ok((items.into_iter().filter(is_new).collect(), warning))
        }
        // A list is never missing: nothing refers to it there.
        Err(UpstreamFault::Unknown) => Ok((Vec::new(), None)),
        Err(fault) if known.is_empty() => Err(of_upstream(fault, Code::ManifestUnknown)),
        Err(fault) => Ok((Vec::new(), Some(reason(&fault)))),
    }
}

fn reason(fault: &UpstreamFault) -> String {
    match fault {
        UpstreamFault::Unknown => "the upstream does not know this repository".to_owned(),
        UpstreamFault::Denied(reason)
        | UpstreamFault::Unavailable(reason)
        | UpstreamFault::Busy { reason, .. } => format!("{reason}; the list is of what is here"),
    }
}
