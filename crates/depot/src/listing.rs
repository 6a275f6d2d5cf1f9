//! Lists: tags, repositories, referrers, and what people want to know of them. Pages cost what they show.

use jiff::Timestamp;
use sealift_oci::{Descriptor, Digest, RepositoryName, Tag};

use crate::depot::{Depot, Place};
use crate::ledger::{Row, Transaction, Value, values};
use crate::manifest::time;
use crate::{Error, ledger};

// Nobody is shown more at once.
const LIMIT_MAX: usize = 10_000;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Whether there are more.
    pub more: bool,
}

/// A manifest that refers to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Its descriptor, with the type of the artifact and the annotations.
    pub descriptor: Descriptor,
}

/// A tag as people want to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagDetail {
    /// The tag.
    pub tag: Tag,
    /// What it names.
    pub digest: Digest,
    /// Media type of that.
    pub media_type: String,
    /// Type of the artifact, or of the config.
    pub artifact_type: Option<String>,
    /// When it was last set.
    pub updated: Timestamp,
    /// By whom.
    pub by: String,
    /// When it was last pulled, roughly.
    pub pulled: Option<Timestamp>,
    /// Bytes of the manifest and its blobs; of an index only its own.
    pub size: u64,
}

/// What a depot has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Repositories that have a manifest.
    pub repositories: u64,
    /// Manifests that are not deleted.
    pub manifests: u64,
    /// Tags.
    pub tags: u64,
    /// Blobs.
    pub blobs: u64,
    /// Their bytes, each blob once.
    pub blob_bytes: u64,
    /// Blobs that were found damaged.
    pub damaged: u64,
    /// Uploads under way.
    pub uploads: u64,
    /// Bytes that the disk still has, without the reserve; 0 for a bucket, which has no end.
    pub free_bytes: u64,
}

/// What a repository has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryStatistics {
    /// Manifests that are not deleted.
    pub manifests: u64,
    /// Tags.
    pub tags: u64,
    /// Bytes of its blobs and manifests.
    pub bytes: u64,
}

impl<T> Page<T> {
    // One more than wanted was asked for.
    fn of(mut items: Vec<T>, limit: usize) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }
}

impl Depot {
    /// Tags in the order of their bytes. A repository without manifests is not known.
    pub async fn tags(
        &self,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Tag>, Error> {
        let limit = limit.min(LIMIT_MAX);
        let read = |transaction: &Transaction<'_>| {
            known(transaction, repository)?;
            transaction.query(
                "SELECT name FROM tag WHERE repository = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
                values![repository.as_str(), after.unwrap_or(""), limit + 1],
                |row| row.parsed(0),
            )
        };
        Ok(Page::of(self.0.ledger.main().read(read).await?, limit))
    }

    /// Repositories that have a manifest, in the order of their bytes.
    pub async fn repositories(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<RepositoryName>, Error> {
        let limit = limit.min(LIMIT_MAX);
        let read = |transaction: &Transaction<'_>| {
            transaction.query(
                "SELECT name FROM repository WHERE name > ?1 AND manifests > 0 ORDER BY name LIMIT ?2",
                values![after.unwrap_or(""), limit + 1],
                |row| row.parsed(0),
            )
        };
        Ok(Page::of(self.0.ledger.main().read(read).await?, limit))
    }

    /// Manifests that refer to a digest, which itself need not be here.
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Page<Referrer>, Error> {
        let limit = limit.min(LIMIT_MAX);
        let after = after.map(ToString::to_string).unwrap_or_default();
        let read = |transaction: &Transaction<'_>| {
            transaction.query(
                "SELECT digest, media_type, size, artifact_type, annotations FROM manifest
                 WHERE repository = ?1 AND subject = ?2 AND digest > ?3 AND deleted IS NULL
                 AND (CAST(?4 AS TEXT) IS NULL OR artifact_type = ?4) ORDER BY digest LIMIT ?5",
                &[
                    Value::from(repository.as_str()),
                    Value::from(&subject.to_string()),
                    Value::from(&after),
                    Value::from(artifact_type),
                    Value::from(limit + 1),
                ],
                referrer,
            )
        };
        Ok(Page::of(self.0.ledger.main().read(read).await?, limit))
    }

    /// Tags with what they name.
    pub async fn tag_details(
        &self,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<TagDetail>, Error> {
        let limit = limit.min(LIMIT_MAX);
        let read = |transaction: &Transaction<'_>| {
            known(transaction, repository)?;
            transaction.query(
                "SELECT tag.name, tag.digest, manifest.media_type, manifest.artifact_type, tag.updated_at,
                 tag.author, manifest.pulled_at, manifest.size + (SELECT CAST(COALESCE(SUM(link.size), 0) AS BIGINT)
                 FROM child JOIN link ON link.repository = child.repository AND link.digest = child.digest
                 WHERE child.repository = tag.repository AND child.parent = tag.digest AND child.kind = ?4)
                 FROM tag JOIN manifest
                 ON manifest.repository = tag.repository AND manifest.digest = tag.digest
                 WHERE tag.repository = ?1 AND tag.name > ?2 ORDER BY tag.name LIMIT ?3",
                values![repository.as_str(), after.unwrap_or(""), limit + 1, ledger::BLOB],
                tag_detail,
            )
        };
        Ok(Page::of(self.0.ledger.main().read(read).await?, limit))
    }

    /// What the depot has. It looks at every blob's row.
    pub async fn statistics(&self) -> Result<Statistics, Error> {
        let inner = std::sync::Arc::clone(&self.0);
        let count = move || {
            let mut statistics = inner.ledger.main().read_blocking(statistics)?;
            statistics.uploads = inner
                .ledger
                .uploads()
                .read_blocking(|transaction| {
                    transaction.one("SELECT COUNT(*) FROM upload", &[], |row| row.size(0))
                })?
                .unwrap_or(0);
            if let Place::Folder(files) = &inner.place {
                statistics.free_bytes = files.n_bytes_free()?;
            }
            Ok(statistics)
        };
        tokio::task::spawn_blocking(count).await.map_err(|_| Error::lost("the ledger"))?
    }

    /// What a repository has.
    pub async fn repository_statistics(
        &self,
        repository: &RepositoryName,
    ) -> Result<RepositoryStatistics, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.one(
                "SELECT manifests, tags, bytes FROM repository WHERE name = ?1",
                values![repository.as_str()],
                |row| {
                    let (manifests, tags) = (row.size(0)?, row.size(1)?);
                    Ok(RepositoryStatistics { manifests, tags, bytes: row.size(2)? })
                },
            )
        };
        self.0.ledger.main().read(read).await?.ok_or(Error::NameUnknown)
    }
}

fn known(transaction: &Transaction<'_>, repository: &RepositoryName) -> Result<(), Error> {
    let sql = "SELECT 1 FROM repository WHERE name = ?1 AND manifests > 0";
    let is_known = transaction.exists(sql, values![repository.as_str()])?;
    is_known.then_some(()).ok_or(Error::NameUnknown)
}

fn referrer(row: &Row<'_>) -> Result<Referrer, Error> {
    let mut descriptor = Descriptor::new(row.text(1)?, row.parsed(0)?, row.size(2)?);
    descriptor.artifact_type = row.text_or_null(3)?;
    descriptor.annotations = serde_json::from_str(&row.text(4)?)
        .map_err(|error| Error::Format { reason: error.to_string() })?;
    Ok(Referrer { descriptor })
}

fn tag_detail(row: &Row<'_>) -> Result<TagDetail, Error> {
    let pulled = row.integer(6)?;
    Ok(TagDetail {
        tag: row.parsed(0)?,
        digest: row.parsed(1)?,
        media_type: row.text(2)?,
        artifact_type: row.text_or_null(3)?,
        updated: time(row.integer(4)?),
        by: row.text(5)?,
        pulled: (pulled > 0).then(|| time(pulled)),
        size: row.size(7)?,
    })
}

fn statistics(transaction: &Transaction<'_>) -> Result<Statistics, Error> {
    let repositories = transaction.one(
        "SELECT COUNT(*), CAST(COALESCE(SUM(manifests), 0) AS BIGINT),
         CAST(COALESCE(SUM(tags), 0) AS BIGINT) FROM repository WHERE manifests > 0",
        &[],
        |row| {
            let (repositories, manifests) = (row.size(0)?, row.size(1)?);
            Ok(Statistics { repositories, manifests, tags: row.size(2)?, ..Statistics::default() })
        },
    )?;
    let blobs = transaction.one(
        "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT), COALESCE(SUM(CASE state WHEN ?1 THEN 1 ELSE 0 END), 0)
         FROM blob WHERE state <> ?2",
        values![ledger::DAMAGED, ledger::DELETING],
        |row| Ok((row.size(0)?, row.size(1)?, row.size(2)?)),
    )?;
    let (blobs, blob_bytes, damaged) = blobs.unwrap_or_default();
    Ok(Statistics { blobs, blob_bytes, damaged, ..repositories.unwrap_or_default() })
}
