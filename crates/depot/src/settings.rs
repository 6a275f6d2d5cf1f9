//! What can be set: limits that hold while the depot is open, and rules that may change meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use sealift_crypto::Secret;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::pattern::Pattern;

/// Limits and times of a depot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Largest manifest, in bytes.
    pub manifest_bytes_max: u64,
    /// Most children of a manifest.
    pub children_max: usize,
    /// Deepest nesting of indexes.
    pub depth_max: u64,
    /// Largest blob, in bytes; none is as large as the disk.
    pub blob_bytes_max: Option<u64>,
    /// Bytes of the disk that uploads leave free.
    pub reserve_bytes: u64,
    /// How long a blob that nothing refers to stays after it was pushed, mounted or asked for. The seconds are those
    /// that the depot was open.
    pub lease_secs: u64,
    /// How long a deleted manifest can be had back, in seconds that the depot was open.
    pub undelete_secs: u64,
    /// How long an upload may rest, in seconds that the depot was open.
    pub upload_secs: u64,
    /// What of a manifest may be missing when it is pushed.
    pub sparse: Sparse,
    /// Bytes of manifests kept in memory.
    pub cache_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            manifest_bytes_max: 4 << 20,
            children_max: 10_000,
            depth_max: 8,
            blob_bytes_max: None,
            reserve_bytes: 64 << 20,
            lease_secs: 24 * 60 * 60,
            undelete_secs: 24 * 60 * 60,
            upload_secs: 7 * 24 * 60 * 60,
            sparse: Sparse::Refused,
            cache_bytes: 8 << 20,
        }
    }
}

/// A bucket and a database that several replicas share.
pub struct SharedSettings {
    /// What is known of repositories, blobs, manifests, tags and uploads.
    pub database: DatabaseSettings,
    /// The blobs' bytes.
    pub bucket: sealift_bucket::Settings,
    /// Large blobs are written in parts of so many bytes, at least 5 MiB; a blob has at most 10,000 of them.
    pub part_bytes: usize,
}

/// A database of PostgreSQL.
#[derive(Default)]
pub struct DatabaseSettings {
    /// Its address: `postgresql://user@host:5432/name`. A password in it is used, but is better kept elsewhere.
    pub url: String,
    /// The password.
    pub password: Option<Secret>,
    /// File with the authorities that are trusted, PEM.
    pub ca_bundle: Option<PathBuf>,
}

impl DatabaseSettings {
    pub(crate) fn config(&self) -> Result<tokio_postgres::Config, Error> {
        // The error could show a password.
        let config = self.url.parse::<tokio_postgres::Config>();
        let mut config = config.map_err(|_| Error::Setting {
            reason: "the address of the database is not one, as `postgresql://user@host/name`"
                .to_owned(),
        })?;
        if let Some(password) = &self.password {
            config.password(password.expose());
        }
        Ok(config)
    }
}

/// What of a manifest may be missing when it is pushed (distribution-spec, §Pushing manifests).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sparse {
    /// Nothing: whoever pulls a manifest gets all of it.
    #[default]
    Refused,
    /// Manifests of an index.
    Indexes,
    /// Manifests and blobs.
    All,
}

/// What may change while the depot is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Tags that may be made, but neither moved nor deleted.
    pub immutable: Vec<Immutable>,
    /// How much may lie where.
    pub quotas: Vec<Quota>,
    /// What is deleted by itself.
    pub retention: Vec<Retention>,
}

/// Tags that stay what they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Immutable {
    /// In which repositories.
    #[serde(default = "Pattern::all")]
    pub repositories: Pattern,
    /// Which tags.
    #[serde(default = "Pattern::all")]
    pub tags: Pattern,
    /// Which of them may change nevertheless.
    #[serde(default)]
    pub except: Vec<Pattern>,
}

impl Immutable {
    /// True if this tag of this repository stays what it is.
    pub fn covers(&self, repository: &str, tag: &str) -> bool {
        self.repositories.matches(repository)
            && self.tags.matches(tag)
            && !self.except.iter().any(|pattern| pattern.matches(tag))
    }
}

/// How much may lie in repositories together. A blob that several of them have counts in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Which repositories.
    pub repositories: Pattern,
    /// Bytes of blobs and manifests.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Number of tags.
    #[serde(default)]
    pub tags: Option<u64>,
    /// Number of manifests.
    #[serde(default)]
    pub manifests: Option<u64>,
    /// Number of repositories.
    #[serde(default)]
    pub repository_count: Option<u64>,
}

/// What is kept where; what no field of it keeps is deleted. The first rule that matches a repository decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Which repositories.
    #[serde(default = "Pattern::all")]
    pub repositories: Pattern,
    /// Tags that the rule is about; others stay.
    #[serde(default = "Pattern::all")]
    pub tags: Pattern,
    /// Tags that always stay.
    #[serde(default)]
    pub keep: Vec<Pattern>,
    /// So many of the newest stay.
    #[serde(default)]
    pub keep_last: Option<usize>,
    /// What was pushed within so many days stays.
    #[serde(default)]
    pub pushed_within_days: Option<u64>,
    /// What was pulled within so many days stays.
    #[serde(default)]
    pub pulled_within_days: Option<u64>,
    /// Manifests that no tag and no index names, and referrers of what is gone, are deleted after so many days.
    #[serde(default)]
    pub untagged_after_days: Option<u64>,
    /// Copies of what is elsewhere, with or without a tag, that nobody used for a while; all else stays.
    #[serde(skip)]
    pub copies: Option<Copies>,
}

/// Copies of what is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// Who made them: in whose name they were pushed.
    pub author: String,
    /// Those that were pushed or pulled within this time stay.
    pub used_within: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            repositories: Pattern::all(),
            tags: Pattern::all(),
            keep: Vec::new(),
            keep_last: None,
            pushed_within_days: None,
            pulled_within_days: None,
            untagged_after_days: None,
            copies: None,
        }
    }
}

impl Retention {
    /// True if a tag that nothing else keeps is deleted: the rule says what it keeps.
    pub fn deletes_tags(&self) -> bool {
        self.keep_last.is_some()
            || self.pushed_within_days.is_some()
            || self.pulled_within_days.is_some()
            || self.copies.is_some()
    }
}

/// Days as a duration.
pub(crate) fn days(n_days: u64) -> Duration {
    Duration::from_secs(n_days.saturating_mul(24 * 60 * 60))
}
