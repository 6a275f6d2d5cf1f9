//! Requests and their answers.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealift_access::Robot;
use sealift_depot::{CollectOptions, Depot, ScrubOptions};
use sealift_oci::{Digest, RepositoryName, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::audit::{self, Mark, Wanted};
use crate::{Error, robots};

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
    /// Events of the audit log.
    Log {
        /// Which.
        wanted: Wanted,
        /// The line to begin with.
        from: Option<u64>,
        /// Only so many, the newest.
        newest: Option<usize>,
    },
    /// Whether the audit log is whole.
    CheckLog {
        /// A line whose hash was kept.
        known: Option<Mark>,
    },
    /// Make a robot.
    AddRobot {
        /// Its name.
        name: String,
        /// What it may do.
        permissions: Vec<String>,
        /// When its token ends, in seconds since 1970; never without it.
        expires_secs: Option<i64>,
    },
    /// Remove a robot.
    RemoveRobot {
        /// Its name.
        name: String,
    },
    /// All robots.
    Robots,
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

/// Does it, for a depot in a folder.
pub async fn perform(depot: &Depot, folder: &Path, request: &Request) -> Result<Answer, Error> {
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
        Request::Log { wanted, from, newest } => {
            let found = match newest {
                Some(count) => audit::newest(depot, *count, *wanted).await?,
                None => audit::events(depot, *from, *wanted).await?,
            };
            let answer = Answer::of(json!({ "next": found.next }));
            Ok(Answer { rows: found.events, ..answer })
        }
        Request::CheckLog { known } => check_log(depot, known.as_ref()).await,
        Request::AddRobot { .. } | Request::RemoveRobot { .. } | Request::Robots => {
            of_robots(depot, folder, request).await
        }
    }
}

async fn check_log(depot: &Depot, known: Option<&Mark>) -> Result<Answer, Error> {
    let check = audit::check(depot, known).await?;
    let fault = check.fault.as_ref().map(audit::Fault::told);
    let last = check.last.map(|mark| format!("{}@{}", mark.number, mark.digest));
    Ok(Answer::of(json!({
        "lines": check.lines, "events": check.events, "lost": check.lost, "last": last,
        "broken": fault.map(|(line, _)| line), "reason": fault.map(|(_, reason)| reason),
    })))
}

async fn of_robots(depot: &Depot, folder: &Path, request: &Request) -> Result<Answer, Error> {
    let robots = robots::robots(depot, folder);
    let now = Timestamp::now();
    match request {
        Request::AddRobot { name, permissions, expires_secs } => {
            let expires = expires_secs.map(Timestamp::from_second).transpose();
            let expires = expires.map_err(|error| Error::Wrong(error.to_string()))?;
            let token = robots.add(name, permissions, expires, now).await.map_err(of_file)?;
            Ok(Answer::of(json!({ "name": name, "token": token })))
        }
        Request::RemoveRobot { name } => {
            if robots.remove(name).await.map_err(of_file)? {
                return Ok(Answer::of(json!({ "removed": name })));
            }
            Err(Error::Wrong(format!("there is no robot `{name}`")))
        }
        _ => {
            let known = robots.list().await.map_err(of_file)?;
            let rows = known.iter().map(|(id, robot)| robot_row(id, robot, now)).collect();
            Ok(Answer { rows, ..Answer::of(json!({ "robots": known.len() })) })
        }
    }
}

/// A robot as it is shown: everything but its token's hash.
pub fn robot_row(id: &str, robot: &Robot, now: Timestamp) -> Map<String, Value> {
    map(json!({
        "name": robot.name, "id": id, "permissions": robot.permissions,
        "created": robot.created.to_string(),
        "expires": robot.expires.map(|end| end.to_string()),
        "expired": robot.is_expired(now),
    }))
}

fn of_file(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::AlreadyExists => {
            Error::Wrong(error.to_string())
        }
        _ => Error::Refused(format!("the robots cannot be kept: {error}")),
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
