//! Lists of an upstream: its tags of a repository, and what refers to a digest. They are fetched whole, kept for as long as
//! tags are, and kept in the storage for when the upstream is down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sealift_client::Answer;
use sealift_depot::Target;
use sealift_oci::{Descriptor, Digest, Index, Tag, media_type};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::metrics::{Kind, Result as Counted};
use crate::mirror::Inner;
use crate::route::Route;
use crate::upstream::Wanted;
use crate::{Mirror, MirrorError};

const RECORD: &str = "mirror-list";
const PAGES_MAX: usize = 200;
const PAGE_BYTES_MAX: u64 = 8 << 20;
const ENTRIES_MAX: usize = 200_000;
// Above it, what is longest ago is forgotten.
const LISTS_MAX: usize = 4_096;

/// A list, and what clients are to be warned of.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// In the order of the upstream.
    pub items: Vec<T>,
    /// The list could not be compared with the upstream's.
    pub warning: Option<String>,
}

/// What lists are called here: `tags`, or the digest that is referred to.
pub(crate) type ListKey = (String, String);

/// A list as it was fetched. Texts are tags, or descriptors as JSON.
pub(crate) type List = Arc<Vec<String>>;

/// Lists that were fetched lately.
#[derive(Default)]
pub(crate) struct Lists(Mutex<HashMap<ListKey, (Instant, List)>>);

impl Lists {
    fn fresh(&self, key: &ListKey, ttl: Duration) -> Option<List> {
        let lists = self.0.lock().expect("no panic while held");
        let (at, list) = lists.get(key)?;
        (at.elapsed() < ttl).then(|| Arc::clone(list))
    }

    fn keep(&self, key: ListKey, list: List) {
        let mut lists = self.0.lock().expect("no panic while held");
        if lists.len() >= LISTS_MAX {
            let mut times: Vec<Instant> = lists.values().map(|(at, _)| *at).collect();
            let (_, middle, _) = times.select_nth_unstable(LISTS_MAX / 2);
            let middle = *middle;
            lists.retain(|_, (at, _)| *at > middle);
        }
        lists.insert(key, (Instant::now(), list));
    }
}

// Which list.
#[derive(Clone)]
enum Which {
    Tags,
    Referrers(Digest),
}

impl Which {
    fn name(&self) -> String {
        match self {
            Self::Tags => "tags".to_owned(),
            Self::Referrers(digest) => digest.to_string(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    items: Vec<String>,
}

impl Mirror {
    /// The tags that the upstream has in a repository.
    pub async fn tags(&self, route: &Route) -> Result<Listed<Tag>, MirrorError> {
        let listed = self.list(route, Which::Tags).await?;
        // A name that is none could not be asked for.
        let items = listed.items.iter().filter_map(|text| Tag::parse(text).ok()).collect();
        Ok(Listed { items, warning: listed.warning })
    }

    /// What refers to a digest, as the upstream knows it: its list, or what clients kept under a tag.
    pub async fn referrers(
        &self,
        route: &Route,
        subject: &Digest,
    ) -> Result<Listed<Descriptor>, MirrorError> {
        let listed = self.list(route, Which::Referrers(subject.clone())).await?;
        let items =
            listed.items.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
        Ok(Listed { items, warning: listed.warning })
    }

    async fn list(&self, route: &Route, which: Which) -> Result<Listed<String>, MirrorError> {
        let inner = self.inner();
        let upstream = inner.upstream(route);
        let key = (route.ours.to_string(), which.name());
        let listed = |list: &List, warning| Listed { items: list.as_ref().clone(), warning };
        if let Some(list) = inner.lists.fresh(&key, upstream.settings.ttl.0) {
            upstream.counters.answered(Kind::List, Counted::Hit);
            return Ok(listed(&list, None));
        }
        let (owner, of, wanted) = (Arc::clone(inner), route.clone(), which.clone());
        let work = || async move { owner.fetch_list(&of, &wanted).await };
        let given_up = || {
            let reason = "fetching the list was given up".to_owned();
            Err(MirrorError::Storage { what: which.name(), reason })
        };
        let fetched = inner.running_lists.run(key.clone(), work).await;
        let error = match fetched.unwrap_or_else(given_up) {
            Ok(list) => {
                upstream.counters.answered(Kind::List, Counted::Miss);
                return Ok(listed(&list, None));
            }
            Err(error) => error,
        };
        let copy = if error.is_outage() { inner.kept_list(&key).await } else { None };
        let Some(list) = copy else {
            upstream.counters.answered(Kind::List, Counted::Failed);
            return Err(error);
        };
        upstream.counters.answered(Kind::List, Counted::Stale);
        let (host, reason) = (&upstream.host, error.reason());
        Ok(listed(&list, Some(format!("{host} cannot be asked ({reason}); the list is a copy"))))
    }
}

impl Inner {
    async fn fetch_list(&self, route: &Route, which: &Which) -> Result<List, MirrorError> {
        let items = match which {
            Which::Tags => self.fetch_tags(route).await?,
            Which::Referrers(subject) => self.fetch_referrers(route, subject).await?,
        };
        let key = (route.ours.to_string(), which.name());
        let list: List = Arc::new(items);
        self.lists.keep(key.clone(), Arc::clone(&list));
        let kept = Kept { items: list.as_ref().clone() };
        if let Ok(bytes) = serde_json::to_vec(&kept) {
            // Without a copy an outage is an error and not an old list.
            let _ = self.depot.put_record(RECORD, &record_key(&key), &bytes).await;
        }
        Ok(list)
    }

    async fn kept_list(&self, key: &ListKey) -> Option<List> {
        let bytes = self.depot.record(RECORD, &record_key(key)).await.ok()??;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        Some(Arc::new(kept.items))
    }

    async fn fetch_tags(&self, route: &Route) -> Result<Vec<String>, MirrorError> {
        #[derive(Deserialize)]
        struct Page {
            // `null` where there are none, as some registries have it.
            tags: Option<Vec<String>>,
        }
        self.fetch_pages(route, "tags/list", |bytes| {
            let page: Page = serde_json::from_slice(bytes).ok()?;
            Some(page.tags.unwrap_or_default())
        })
        .await
    }

    async fn fetch_referrers(
        &self,
        route: &Route,
        subject: &Digest,
    ) -> Result<Vec<String>, MirrorError> {
        let rest = format!("referrers/{subject}");
        match self.fetch_pages(route, &rest, descriptors).await {
            // A registry that has no such list; one that knows nobody says so with an empty one.
            Err(MirrorError::NotFound { .. } | MirrorError::Wrong { .. }) => {
                self.referrers_of_tag(route, subject).await
            }
            result => result,
        }
    }

    // Referrers Tag Schema: clients keep the list under a tag that is made of the digest.
    async fn referrers_of_tag(
        &self,
        route: &Route,
        subject: &Digest,
    ) -> Result<Vec<String>, MirrorError> {
        let hex: String = subject.hex().chars().take(64).collect();
        let name = format!("{}-{hex}", subject.algorithm().as_str());
        let Ok(tag) = Tag::parse(&name) else { return Ok(Vec::new()) };
        match self.check_tag(route, &tag).await {
            Ok(manifest) if media_type::is_index(&manifest.media_type) => {
                Ok(descriptors(&manifest.bytes).unwrap_or_default())
            }
            Ok(_) | Err(MirrorError::NotFound { .. }) => Ok(Vec::new()),
            // What was there once is not forgotten in an outage.
            Err(error) if error.is_outage() => match self.kept(route, &Target::Tag(tag)).await? {
                Some(manifest) => Ok(descriptors(&manifest.bytes).unwrap_or_default()),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    async fn fetch_pages(
        &self,
        route: &Route,
        path: &str,
        read: impl Fn(&[u8]) -> Option<Vec<String>>,
    ) -> Result<Vec<String>, MirrorError> {
        let upstream = self.upstream(route);
        let mut items = Vec::new();
        let mut query: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let rest = match &query {
                Some(query) => format!("{path}?{query}"),
                None => path.to_owned(),
            };
            let wanted = Wanted { route, rest: &rest, head_only: false, known: None, from: 0 };
            let answer = upstream.ask(wanted).await?;
            let next = next_query(&answer);
            let name = wanted.name();
            let body = answer.bytes(&name, PAGE_BYTES_MAX);
            let bytes = match tokio::time::timeout(upstream.settings.timeout.0 * 4, body).await {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(error)) => return Err(upstream.broke_off(&wanted, error.to_string())),
                Err(_) => return Err(upstream.broke_off(&wanted, "its body takes too long")),
            };
            upstream.counters.received(bytes.len() as u64);
            let page = read(&bytes).ok_or_else(|| upstream.wrong(&wanted, "it is no list"))?;
            items.extend(page);
            // An upstream that goes round in circles has said all it has to say.
            if next.is_none() || next == query || items.len() >= ENTRIES_MAX {
                break;
            }
            query = next;
        }
        items.truncate(ENTRIES_MAX);
        Ok(items)
    }
}

fn record_key((repository, name): &ListKey) -> String {
    format!("{repository}@{name}")
}

// Each as JSON, with all that it says.
fn descriptors(bytes: &[u8]) -> Option<Vec<String>> {
    let index: Index = serde_json::from_slice(bytes).ok()?;
    let text = |descriptor: &Descriptor| serde_json::to_value(descriptor).ok().map(text_of);
    Some(index.manifests.iter().filter_map(text).collect())
}

fn text_of(value: Value) -> String {
    value.to_string()
}

// Where the next page is: of the address only the query counts, so that nobody is sent elsewhere (RFC 8288).
fn next_query(answer: &Answer) -> Option<String> {
    query_of_link(answer.header("link")?)
}

fn query_of_link(link: &str) -> Option<String> {
    let (target, rest) = link.trim_start().strip_prefix('<')?.split_once('>')?;
    let is_next = rest.split([';', ',']).any(|part| {
        let part = part.trim().replace(' ', "");
        part.eq_ignore_ascii_case("rel=\"next\"") || part.eq_ignore_ascii_case("rel=next")
    });
    let (_, query) = target.split_once('?')?;
    let is_query =
        query.len() <= 2048 && query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (is_next && is_query).then(|| query.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        for (link, expected) in [
            ("</v2/a/tags/list?n=1&last=b>; rel=\"next\"", Some("n=1&last=b")),
            ("<https://evil.example/v2/?last=b>;rel=next", Some("last=b")),
            ("</v2/a/tags/list?n=1>; rel=\"prev\"", None),
            ("</v2/a/tags/list>; rel=\"next\"", None),
            ("</v2/?a b>; rel=\"next\"", None),
            ("</v2/?a#b>; rel=\"next\"", None),
            ("/v2/?a; rel=\"next\"", None),
            ("<", None),
            ("", None),
        ] {
            assert_eq!(query_of_link(link).as_deref(), expected, "{link}");
        }
    }

    #[test]
    fn lists_grow_old_and_have_an_end() {
        let lists = Lists::default();
        let key = |n: usize| ("a".to_owned(), n.to_string());
        lists.keep(key(0), Arc::new(vec!["1".to_owned()]));
        assert!(lists.fresh(&key(0), Duration::from_mins(1)).is_some());
        assert!(lists.fresh(&key(0), Duration::ZERO).is_none());
        assert!(lists.fresh(&key(1), Duration::from_mins(1)).is_none());
        for n in 0..=LISTS_MAX {
            lists.keep(key(n), Arc::default());
        }
        assert!(lists.0.lock().unwrap().len() <= LISTS_MAX);
    }
}
