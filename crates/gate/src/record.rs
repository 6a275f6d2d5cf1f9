//! What is kept of an image that was examined.

use sealift_depot::Depot;
use sealift_model::{Inventory, Note, Report, SecretFinding, Severity};
use sealift_oci::{Digest, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The kind of record under which [`Examination`]s are kept; the key is `REPOSITORY@DIGEST`.
pub const EXAMINATIONS: &str = "examination";
/// The kind of record under which past counts are kept, by the same key.
pub const HISTORIES: &str = "examination-history";
const CONTENTS: &str = "image-contents";
// Older points are thinned out by being forgotten.
const HISTORY_MAX: usize = 400;

/// How many findings of each severity there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Critical ones.
    pub critical: usize,
    /// High ones.
    pub high: usize,
    /// Medium ones.
    pub medium: usize,
    /// Low and negligible ones.
    pub low: usize,
    /// Ones that nobody rated.
    pub unknown: usize,
    /// Those of all these that an upgrade repairs.
    pub fixable: usize,
    /// Secrets.
    pub secrets: usize,
}

impl Counts {
    pub(crate) fn of(report: &Report) -> Self {
        let count = |severity| report.count(severity);
        let all = report.findings.len();
        let (critical, high) = (count(Severity::Critical), count(Severity::High));
        let (medium, unknown) = (count(Severity::Medium), count(Severity::Unknown));
        Self {
            critical,
            high,
            medium,
            low: all - critical - high - medium - unknown,
            unknown,
            fixable: report.findings.iter().filter(|it| it.fix.version().is_some()).count(),
            secrets: report.secrets.as_ref().map_or(0, Vec::len),
        }
    }
}

/// What came of examining an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Examination {
    /// The image's repository.
    pub repository: String,
    /// The image.
    pub digest: Digest,
    /// When it was examined or matched last, in seconds since 1970.
    pub examined_secs: i64,
    /// When the advisories were made, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_secs: Option<i64>,
    /// What the scan's threshold says.
    pub status: Status,
    /// Why, if it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Findings.
    pub counts: Counts,
    /// Packages.
    pub packages: usize,
    /// The artifact that has the SBOM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbom: Option<Digest>,
    /// The artifact that has the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Digest>,
}

/// What the scan's threshold says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Within the threshold.
    Passed,
    /// Not within it.
    Failed,
    /// Its packages are listed, and there were no advisories to hold them against.
    Listed,
    /// It could not be examined.
    Unreadable,
}

/// A point of an image's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// When, in seconds since 1970.
    pub secs: i64,
    /// Findings.
    pub counts: Counts,
}

/// The key of an image's records.
pub fn key(repository: &RepositoryName, digest: &Digest) -> String {
    format!("{repository}@{digest}")
}

/// What is known of an image, if it was examined.
pub async fn examination(
    depot: &Depot,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Examination>, Error> {
    let key = key(repository, digest);
    let Some(bytes) = depot.record(EXAMINATIONS, &key).await? else { return Ok(None) };
    decode(&key, &bytes).map(Some)
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::Record { what: key.to_owned(), reason: error.to_string() })
}

pub(crate) async fn keep(depot: &Depot, key: &str, examination: &Examination) -> Result<(), Error> {
    let bytes = serde_json::to_vec(examination).unwrap_or_default();
    depot.put_record(EXAMINATIONS, key, &bytes).await?;
    let mut points = history(depot, key).await?;
    if points.last().is_none_or(|last| last.counts != examination.counts) {
        points.push(Point { secs: examination.examined_secs, counts: examination.counts });
        let surplus = points.len().saturating_sub(HISTORY_MAX);
        points.drain(..surplus);
        let bytes = serde_json::to_vec(&points).unwrap_or_default();
        depot.put_record(HISTORIES, key, &bytes).await?;
    }
    Ok(())
}

/// How an image's findings changed, oldest first; a point for each change.
pub async fn history(depot: &Depot, key: &str) -> Result<Vec<Point>, Error> {
    match depot.record(HISTORIES, key).await? {
        Some(bytes) => decode(key, &bytes),
        None => Ok(Vec::new()),
    }
}

/// What is inside an image: what its layers had to be read for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub(crate) inventory: Inventory,
    pub(crate) secrets: Vec<SecretFinding>,
    pub(crate) notes: Vec<Note>,
    // The config document without the secrets that were found in it.
    pub(crate) config: String,
}

/// The contents of an image, whatever repository it is in: the digest says all.
pub(crate) async fn contents(depot: &Depot, digest: &Digest) -> Result<Option<Contents>, Error> {
    let Some(bytes) = depot.record(CONTENTS, &digest.to_string()).await? else {
        return Ok(None);
    };
    // Those of an older version are as if they were not there: the image is read again.
    Ok(postcard::from_bytes(&bytes).ok())
}

pub(crate) async fn keep_contents(
    depot: &Depot,
    digest: &Digest,
    contents: &Contents,
) -> Result<(), Error> {
    let bytes = postcard::to_stdvec(contents)
        .map_err(|error| Error::Record { what: digest.to_string(), reason: error.to_string() })?;
    Ok(depot.put_record(CONTENTS, &digest.to_string(), &bytes).await?)
}

const PARENTS: &str = "parents";
// Whoever lists an image in more indexes than that is not heard.
const PARENTS_MAX: usize = 32;

/// The indexes of a repository that list a manifest, newest last.
pub(crate) async fn parents(
    depot: &Depot,
    repository: &RepositoryName,
    child: &Digest,
) -> Result<Vec<Digest>, Error> {
    let key = key(repository, child);
    match depot.record(PARENTS, &key).await? {
        Some(bytes) => decode(&key, &bytes),
        None => Ok(Vec::new()),
    }
}

/// Keeps that an index lists a manifest.
pub(crate) async fn add_parent(
    depot: &Depot,
    repository: &RepositoryName,
    child: &Digest,
    index: &Digest,
) -> Result<(), Error> {
    let mut known = parents(depot, repository, child).await?;
    if known.contains(index) {
        return Ok(());
    }
    known.push(index.clone());
    let surplus = known.len().saturating_sub(PARENTS_MAX);
    known.drain(..surplus);
    let bytes = serde_json::to_vec(&known).unwrap_or_default();
    Ok(depot.put_record(PARENTS, &key(repository, child), &bytes).await?)
}

/// Forgets an image that is gone. Its contents stay: it may be in other repositories, and its digest says all.
pub(crate) async fn forget(depot: &Depot, key: &str) -> Result<(), Error> {
    for kind in [EXAMINATIONS, HISTORIES, PARENTS] {
        depot.delete_record(kind, key).await?;
    }
    Ok(())
}
