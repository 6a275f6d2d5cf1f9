//! Requests and their answers.

use std::path::PathBuf;

use sealift_depot::{CollectOptions, Depot, Error, ScrubOptions};
use sealift_oci::{Digest, RepositoryName, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Collect what nothing refers to.
    Collect {
        /// Only tell.
        dry_run: bool,
        /// Also what somebody was told of lately.
        ignore_leases: bool,
    },
    /// Delete what the rules of retention do not keep.
    Retain {
        /// Only tell.
        dry_run: bool,
    },
    /// Read and hash everything again.
    Scrub {
        /// At most so fast.
        bytes_per_second: Option<u64>,
    },
    /// Copy everything into a folder.
    Backup {
        /// An absolute path.
        folder: PathBuf,
    },
    /// What happened to a tag.
    History {
        /// Its repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
    },
    /// Give a tag a manifest back.
    Undelete {
        /// Its repository.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
        /// The manifest.
        digest: Digest,
        /// In whose name.
        by: String,
    },
    /// How much there is.
    Statistics,
}

/// What came of it: numbers with names, and a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Numbers with names.
    pub summary: Map<String, Value>,
    /// Rows of the same columns.
    pub rows: Vec<Map<String, Value>>,
}

impl Answer {
    fn of(summary: Value) -> Self {
        Self { summary: map(summary), rows: Vec::new() }
    }

    fn with(self, rows: impl Iterator<Item = Value>) -> Self {
        Self { rows: rows.map(map).collect(), ..self }
    }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Does it.
pub async fn perform(depot: &Depot, request: &Request) -> Result<Answer, Error> {
    match request {
        Request::Collect { dry_run, ignore_leases } => {
            let (dry_run, ignore_leases) = (*dry_run, *ignore_leases);
            let done = depot.collect(&CollectOptions { dry_run, ignore_leases }).await?;
            Ok(Answer::of(json!({
                "blobs": done.blobs, "bytes": done.bytes, "links": done.links,
                "manifests": done.manifests, "uploads": done.uploads, "orphans": done.orphans,
                "wait_secs": done.wait_secs,
            })))
        }
        Request::Retain { dry_run } => {
            let removed = depot.retain(*dry_run).await?;
            let row = |removed: &sealift_depot::Removed| {
                json!({
                    "repository": removed.repository.as_str(),
                    "tag": removed.tag.as_ref().map(Tag::as_str),
                    "digest": removed.digest.to_string(),
                })
            };
            Ok(Answer::of(json!({ "removed": removed.len() })).with(removed.iter().map(row)))
        }
        Request::Scrub { bytes_per_second } => scrub(depot, *bytes_per_second).await,
        Request::Backup { folder } => {
            let done = depot.backup(folder).await?;
            let (blobs, bytes, added) = (done.blobs, done.bytes, done.added);
            Ok(Answer::of(json!({ "blobs": blobs, "bytes": bytes, "added": added })))
        }
        Request::History { repository, tag } => history(depot, repository, tag).await,
        Request::Undelete { repository, tag, digest, by } => {
            depot.undelete(repository, tag, digest, by).await?;
            Ok(Answer::of(json!({ "tag": tag.as_str(), "digest": digest.to_string() })))
        }
        Request::Statistics => statistics(depot).await,
    }
}

async fn scrub(depot: &Depot, bytes_per_second: Option<u64>) -> Result<Answer, Error> {
    let options = ScrubOptions { bytes_per_second, ..ScrubOptions::default() };
    let done = depot.scrub(None, &options).await?;
    let row = |damage: &sealift_depot::Damage| {
        let repositories = damage.repositories.iter().map(RepositoryName::as_str);
        json!({
            "digest": damage.digest.to_string(),
            "repositories": repositories.collect::<Vec<_>>().join(" "),
            "reason": damage.reason,
            "repaired": damage.is_repaired,
        })
    };
    let summary = json!({
        "blobs": done.blobs, "manifests": done.manifests, "bytes": done.bytes,
        "damaged": done.damaged.len(),
    });
    Ok(Answer::of(summary).with(done.damaged.iter().map(row)))
}

async fn history(depot: &Depot, repository: &RepositoryName, tag: &Tag) -> Result<Answer, Error> {
    let events = depot.tag_history(repository, tag).await?;
    let row = |event: &sealift_depot::TagEvent| {
        json!({
            "time": event.at.to_string(),
            "digest": event.digest.as_ref().map(ToString::to_string),
            "before": event.before.as_ref().map(ToString::to_string),
            "by": event.by,
            "kept": event.is_kept,
        })
    };
    Ok(Answer::of(json!({ "events": events.len() })).with(events.iter().map(row)))
}

const PAGE: usize = 1000;

async fn statistics(depot: &Depot) -> Result<Answer, Error> {
    let all = depot.statistics().await?;
    let mut rows = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = depot.repositories(after.as_deref(), PAGE).await?;
        for repository in &page.items {
            let one = depot.repository_statistics(repository).await?;
            rows.push(json!({
                "repository": repository.as_str(), "tags": one.tags,
                "manifests": one.manifests, "bytes": one.bytes,
            }));
        }
        after = page.items.last().map(|name| name.as_str().to_owned());
        if !page.more || after.is_none() {
            break;
        }
    }
    let summary = json!({
        "repositories": all.repositories, "tags": all.tags, "manifests": all.manifests,
        "blobs": all.blobs, "blob_bytes": all.blob_bytes, "damaged": all.damaged,
        "uploads": all.uploads, "free_bytes": all.free_bytes,
    });
    Ok(Answer::of(summary).with(rows.into_iter()))
}
