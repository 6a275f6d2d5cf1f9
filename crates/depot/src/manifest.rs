//! Manifests and tags: taken in, found, deleted. Each is one transaction, in which all is judged that it depends on.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use sealift_oci::{Digest, RepositoryName, Tag};

use crate::collect::keep_leased;
use crate::depot::Depot;
use crate::document::{ManifestParts, manifest_parts};
use crate::journal::{self, Line};
use crate::ledger::{BLOB, MANIFEST, Row, Transaction, Value, values};
use crate::settings::{Rules, Sparse};
use crate::usage::{self, Change, signed};
use crate::{Error, Settings};

// So many missing parts are named.
const MISSING_MAX: usize = 100;

/// What a manifest is asked by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A tag.
    Tag(Tag),
    /// Its digest.
    Digest(Digest),
}

/// A manifest of a repository, its exact bytes.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its digest, of the algorithm by which it was pushed.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
    /// What it refers to.
    pub subject: Option<Digest>,
    /// Type of the artifact, or of the config.
    pub artifact_type: Option<String>,
    /// When it was pushed.
    pub pushed: Timestamp,
    /// By whom.
    pub pushed_by: String,
}

/// Whether the parts of a manifest must be in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Children {
    /// All of them, as for everything that is pushed; some may be missing if the settings say so.
    #[default]
    Required,
    /// They come later, as in a mirror.
    Optional,
}

/// A manifest to be taken in.
#[derive(Clone, Debug)]
pub struct NewManifest<'a> {
    /// The tag it gets, or the digest it must have.
    pub target: Target,
    /// Further tags.
    pub tags: &'a [Tag],
    /// Its media type as it was sent; empty for its own.
    pub media_type: &'a str,
    /// The bytes.
    pub bytes: Bytes,
    /// Who pushes it.
    pub by: &'a str,
    /// Whether its parts must be here.
    pub children: Children,
}

/// A manifest was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its digest.
    pub digest: Digest,
    /// What it refers to.
    pub subject: Option<Digest>,
    /// Whether the repository had not had it.
    pub is_new: bool,
    /// Its tags, and what each was before.
    pub tags: Vec<(Tag, Option<Digest>)>,
}

/// What a transaction needs to know of a manifest that is put.
pub(crate) struct Putting {
    pub(crate) repository: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) tags: Vec<Tag>,
    pub(crate) parsed: ManifestParts,
    pub(crate) bytes: Bytes,
    pub(crate) by: String,
    pub(crate) children: Children,
    pub(crate) rules: Arc<Rules>,
    pub(crate) settings: Settings,
    pub(crate) now: Timestamp,
}

impl Depot {
    /// Takes in a manifest: it is there with all its tags, or not at all.
    pub async fn put_manifest(
        &self,
        repository: &RepositoryName,
        new: NewManifest<'_>,
    ) -> Result<Put, Error> {
        let inner = &self.0;
        let parsed = manifest_parts(new.media_type, &new.bytes, &inner.settings)?;
        let mut tags = new.tags.to_vec();
        let digest = match new.target {
            Target::Tag(tag) => {
                tags.insert(0, tag);
                Digest::sha256(&new.bytes)
            }
            Target::Digest(wanted) if wanted.matches(&new.bytes) => wanted,
            Target::Digest(wanted) => {
                let mut hasher = sealift_oci::Hasher::new(wanted.algorithm());
                hasher.update(&new.bytes);
                return Err(Error::DigestWrong { wanted, found: hasher.finish() });
            }
        };
        let mut seen = std::collections::HashSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        let putting = Putting {
            repository: repository.clone(),
            digest,
            tags,
            parsed,
            bytes: new.bytes,
            by: new.by.to_owned(),
            children: new.children,
            rules: inner.rules(),
            settings: inner.settings.clone(),
            now: Timestamp::now(),
        };
        let leases = Arc::clone(&inner.leases);
        let job = move |transaction: &Transaction<'_>| {
            keep_leased(transaction, &leases, &putting.repository, &putting.parsed.blobs)?;
            put(transaction, &putting)
        };
        let put = inner.change(repository, job).await?;
        inner.wake();
        Ok(put)
    }

    /// Finds a manifest. The answer comes from memory if it was asked for since the repository changed.
    pub async fn manifest(
        &self,
        repository: &RepositoryName,
        target: &Target,
    ) -> Result<Option<Arc<Manifest>>, Error> {
        let inner = &self.0;
        if inner.is_shared() {
            // Another replica may have changed it just now: the ledger is asked each time.
            let read = |transaction: &Transaction<'_>| read(transaction, repository, target);
            let found = inner.ledger.main().read(read).await?;
            if let Some(manifest) = &found {
                inner.note_other_pull(repository, &manifest.digest);
            }
            return Ok(found.map(Arc::new));
        }
        let kept = match inner.cache.manifest(repository, target) {
            Ok(kept) => kept,
            Err(stamp) => {
                let read = |transaction: &Transaction<'_>| read(transaction, repository, target);
                let Some(manifest) = inner.ledger.main().read(read).await? else { return Ok(None) };
                inner.cache.keep_manifest(repository, target, Arc::new(manifest), stamp)
            }
        };
        if kept.note_pull() {
            inner.note_pull(repository, &kept);
        }
        Ok(Some(Arc::clone(&kept.manifest)))
    }

    /// Deletes a manifest and the tags that name it, which are returned. For a while both can be had back.
    pub async fn delete_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        by: &str,
    ) -> Result<Vec<Tag>, Error> {
        let inner = &self.0;
        let (name, digest, by) = (repository.clone(), digest.clone(), by.to_owned());
        let (rules, time) = (inner.rules(), inner.clock.now());
        let job = move |transaction: &Transaction<'_>| {
            delete(
                transaction,
                &rules,
                &Deletion { repository: &name, digest: &digest, by: &by, time },
            )
        };
        let tags = inner.change(repository, job).await?;
        inner.wake();
        Ok(tags)
    }

    /// Deletes a tag; the manifest stays.
    pub async fn delete_tag(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
        by: &str,
    ) -> Result<(), Error> {
        let inner = &self.0;
        let (name, tag, by, rules) =
            (repository.clone(), tag.clone(), by.to_owned(), inner.rules());
        let job = move |transaction: &Transaction<'_>| {
            let before = tag_digest(transaction, &name, &tag)?.ok_or(Error::ManifestUnknown)?;
            refuse_immutable(&rules, &name, &tag)?;
            remove_tag(transaction, &name, &tag, &before, &by)
        };
        inner.change(repository, job).await?;
        inner.wake();
        Ok(())
    }
}

/// Takes in a manifest.
pub(crate) fn put(transaction: &Transaction<'_>, new: &Putting) -> Result<Put, Error> {
    let repository = new.repository.as_str();
    let digest = new.digest.to_string();
    let depth = match new.children {
        Children::Required => check_children(transaction, new)?,
        Children::Optional => 1,
    };
    let known = transaction.one(
        "SELECT deleted FROM manifest WHERE repository = ?1 AND digest = ?2",
        values![repository, &digest],
        |row| row.integer_or_null(0),
    )?;
    let mut tags = Vec::new();
    for tag in &new.tags {
        let before = tag_digest(transaction, &new.repository, tag)?;
        if before.as_ref().is_some_and(|before| *before != new.digest) {
            // Made or moved is decided here and nowhere before: no other push can come in between (CVE-2026-31801).
            refuse_immutable(&new.rules, &new.repository, tag)?;
        }
        tags.push((tag.clone(), before));
    }
    let is_new = !matches!(known, Some(None));
    let size = if known.is_none() { signed(new.bytes.len() as u64) } else { 0 };
    let n_tags = tags.iter().filter(|(_, before)| before.is_none()).count() as u64;
    let change = Change { bytes: size, manifests: i64::from(is_new), tags: signed(n_tags) };
    usage::check(transaction, &new.rules, &new.repository, change)?;
    usage::count(transaction, &new.repository, change)?;
    match known {
        None => insert(transaction, new, &digest, depth)?,
        Some(Some(_)) => revive(transaction, &new.repository, &new.digest, &new.by, new.now)?,
        Some(None) => {}
    }
    for (tag, before) in &tags {
        set_tag(transaction, new, tag, before.as_ref())?;
    }
    Ok(Put { digest: new.digest.clone(), subject: new.parsed.subject.clone(), is_new, tags })
}

// All parts must be here and live; returned is how deep the manifest is.
fn check_children(transaction: &Transaction<'_>, new: &Putting) -> Result<u64, Error> {
    let repository = new.repository.as_str();
    let mut missing = Vec::new();
    let mut depth = 0;
    for digest in &new.parsed.blobs {
        let is_live = transaction.exists(
            "SELECT 1 FROM link JOIN blob ON blob.digest = link.digest
             WHERE link.repository = ?1 AND link.digest = ?2 AND link.hidden = 0 AND blob.state = 0",
            values![repository, &digest.to_string()],
        )?;
        if !is_live && new.settings.sparse != Sparse::All && missing.len() < MISSING_MAX {
            missing.push(digest.clone());
        }
    }
    for digest in &new.parsed.manifests {
        let below = transaction.one(
            "SELECT depth FROM manifest WHERE repository = ?1 AND digest = ?2 AND deleted IS NULL",
            values![repository, &digest.to_string()],
            |row| row.size(0),
        )?;
        match below {
            Some(below) => depth = depth.max(below),
            None if new.settings.sparse != Sparse::Refused => {}
            None if missing.len() < MISSING_MAX => missing.push(digest.clone()),
            None => {}
        }
    }
    if !missing.is_empty() {
        return Err(Error::ManifestBlobUnknown { digests: missing });
    }
    let limit = new.settings.depth_max;
    if depth >= limit {
        let reason = format!("indexes are nested deeper than the limit of {limit}");
        return Err(Error::ManifestInvalid { reason });
    }
    Ok(depth + 1)
}

fn insert(
    transaction: &Transaction<'_>,
    new: &Putting,
    digest: &str,
    depth: u64,
) -> Result<(), Error> {
    let repository = new.repository.as_str();
    let subject = new.parsed.subject.as_ref().map(ToString::to_string);
    transaction.execute(
        "INSERT INTO manifest (repository, digest, media_type, size, subject, artifact_type, depth, pushed_at,
         author, pulled_at, deleted, annotations, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, NULL, ?10, ?11)",
        &[
            Value::from(repository),
            Value::from(digest),
            Value::from(&new.parsed.media_type),
            Value::from(new.bytes.len()),
            Value::from(subject.as_ref()),
            Value::from(new.parsed.artifact_type.as_ref()),
            Value::from(depth),
            Value::from(new.now.as_millisecond()),
            Value::from(&new.by),
            Value::from(&new.parsed.annotations),
            Value::from(&new.bytes[..]),
        ],
    )?;
    let blobs = new.parsed.blobs.iter().chain(&new.parsed.foreign).map(|digest| (digest, BLOB));
    let manifests = new.parsed.manifests.iter().map(|digest| (digest, MANIFEST));
    for (child, kind) in blobs.chain(manifests) {
        transaction.execute(
            "INSERT INTO child (repository, parent, digest, kind) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
            values![repository, digest, &child.to_string(), kind],
        )?;
    }
    journal::write(
        transaction,
        &Line {
            repository: new.repository.as_str(),
            digest: Some(&new.digest),
            media_type: Some(&new.parsed.media_type),
            tag: None,
            by: &new.by,
            at: new.now.as_millisecond(),
            content: None,
        },
    )
}

/// Makes a deleted manifest one that is not; it is counted by the caller.
pub(crate) fn revive(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    digest: &Digest,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let text = digest.to_string();
    transaction.execute(
        "UPDATE manifest SET deleted = NULL, pushed_at = ?3, author = ?4
         WHERE repository = ?1 AND digest = ?2",
        values![repository.as_str(), &text, now.as_millisecond(), by],
    )?;
    let media_type = transaction.one(
        "SELECT media_type FROM manifest WHERE repository = ?1 AND digest = ?2",
        values![repository.as_str(), &text],
        |row| row.text(0),
    )?;
    journal::write(
        transaction,
        &Line {
            repository: repository.as_str(),
            digest: Some(digest),
            media_type: media_type.as_deref(),
            tag: None,
            by,
            at: now.as_millisecond(),
            content: None,
        },
    )
}

fn set_tag(
    transaction: &Transaction<'_>,
    new: &Putting,
    tag: &Tag,
    before: Option<&Digest>,
) -> Result<(), Error> {
    let tagging = Tagging {
        repository: &new.repository,
        tag,
        digest: &new.digest,
        before,
        by: &new.by,
        now: new.now,
    };
    move_tag(transaction, &tagging)
}

/// A tag that gets a manifest.
pub(crate) struct Tagging<'a> {
    pub(crate) repository: &'a RepositoryName,
    pub(crate) tag: &'a Tag,
    pub(crate) digest: &'a Digest,
    pub(crate) before: Option<&'a Digest>,
    pub(crate) by: &'a str,
    pub(crate) now: Timestamp,
}

/// Sets a tag and writes it into its history; it is counted by the caller.
pub(crate) fn move_tag(transaction: &Transaction<'_>, tagging: &Tagging<'_>) -> Result<(), Error> {
    let &Tagging { repository, tag, digest, before, by, now } = tagging;
    let at = now.as_millisecond();
    transaction.execute(
        "INSERT INTO tag (repository, name, digest, updated_at, author) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (repository, name) DO UPDATE SET digest = excluded.digest,
         updated_at = excluded.updated_at, author = excluded.author",
        values![repository.as_str(), tag.as_str(), &digest.to_string(), at, by],
    )?;
    if before == Some(digest) {
        return Ok(());
    }
    event(transaction, tagging, Some(digest))
}

fn event(
    transaction: &Transaction<'_>,
    tagging: &Tagging<'_>,
    digest: Option<&Digest>,
) -> Result<(), Error> {
    let &Tagging { repository, tag, before, by, now, .. } = tagging;
    let at = now.as_millisecond();
    let [digest_text, before] = [digest, before].map(|digest| digest.map(ToString::to_string));
    transaction.execute(
        "INSERT INTO tag_event (repository, name, digest, digest_before, happened_at, author)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![repository.as_str(), tag.as_str(), digest_text.as_ref(), before.as_ref(), at, by],
    )?;
    let (repository, tag) = (repository.as_str(), Some(tag.as_str()));
    journal::write(
        transaction,
        &Line { repository, tag, digest, media_type: None, by, at, content: None },
    )
}

/// Removes a tag that names `before`.
pub(crate) fn remove_tag(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    tag: &Tag,
    before: &Digest,
    by: &str,
) -> Result<(), Error> {
    transaction.execute(
        "DELETE FROM tag WHERE repository = ?1 AND name = ?2",
        values![repository.as_str(), tag.as_str()],
    )?;
    usage::count(transaction, repository, Change { tags: -1, ..Change::default() })?;
    let now = Timestamp::now();
    let tagging = Tagging { repository, tag, digest: before, before: Some(before), by, now };
    event(transaction, &tagging, None)
}

/// A manifest that is deleted.
pub(crate) struct Deletion<'a> {
    pub(crate) repository: &'a RepositoryName,
    pub(crate) digest: &'a Digest,
    pub(crate) by: &'a str,
    /// The ledger's time.
    pub(crate) time: i64,
}

/// Deletes a manifest with its tags.
pub(crate) fn delete(
    transaction: &Transaction<'_>,
    rules: &Rules,
    deletion: &Deletion<'_>,
) -> Result<Vec<Tag>, Error> {
    let &Deletion { repository, digest, by, time } = deletion;
    let (name, text) = (repository.as_str(), digest.to_string());
    let is_live = transaction.exists(
        "SELECT 1 FROM manifest WHERE repository = ?1 AND digest = ?2 AND deleted IS NULL",
        values![name, &text],
    )?;
    if !is_live {
        return Err(Error::ManifestUnknown);
    }
    let is_child = transaction.exists(
        "SELECT 1 FROM child JOIN manifest
         ON manifest.repository = child.repository AND manifest.digest = child.parent
         WHERE child.repository = ?1 AND child.digest = ?2 AND child.kind = ?3 AND manifest.deleted IS NULL",
        values![name, &text, MANIFEST],
    )?;
    if is_child {
        return Err(Error::Referenced);
    }
    let tags: Vec<Tag> = transaction.query(
        "SELECT name FROM tag WHERE repository = ?1 AND digest = ?2 ORDER BY name",
        values![name, &text],
        |row| row.parsed(0),
    )?;
    for tag in &tags {
        refuse_immutable(rules, repository, tag)?;
        remove_tag(transaction, repository, tag, digest, by)?;
    }
    transaction.execute(
        "UPDATE manifest SET deleted = ?3 WHERE repository = ?1 AND digest = ?2",
        values![name, &text, time],
    )?;
    usage::count(transaction, repository, Change { manifests: -1, ..Change::default() })?;
    journal::write(
        transaction,
        &Line {
            repository: repository.as_str(),
            digest: Some(digest),
            media_type: None,
            tag: None,
            by,
            at: Timestamp::now().as_millisecond(),
            content: None,
        },
    )?;
    Ok(tags)
}

/// What a tag names.
pub(crate) fn tag_digest(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    tag: &Tag,
) -> Result<Option<Digest>, Error> {
    transaction.one(
        "SELECT digest FROM tag WHERE repository = ?1 AND name = ?2",
        values![repository.as_str(), tag.as_str()],
        |row| row.parsed(0),
    )
}

/// Refuses to change a tag that a rule keeps.
pub(crate) fn refuse_immutable(
    rules: &Rules,
    repository: &RepositoryName,
    tag: &Tag,
) -> Result<(), Error> {
    let covers = rules.immutable.iter().any(|rule| rule.covers(repository.as_str(), tag.as_str()));
    if covers { Err(Error::Immutable { tag: tag.clone() }) } else { Ok(()) }
}

fn read(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    target: &Target,
) -> Result<Option<Manifest>, Error> {
    match target {
        Target::Tag(tag) => transaction.one(
            "SELECT manifest.digest, manifest.media_type, manifest.subject, manifest.artifact_type,
             manifest.pushed_at, manifest.author, manifest.bytes FROM tag JOIN manifest
             ON manifest.repository = tag.repository AND manifest.digest = tag.digest
             WHERE tag.repository = ?1 AND tag.name = ?2 AND manifest.deleted IS NULL",
            values![repository.as_str(), tag.as_str()],
            from_row,
        ),
        Target::Digest(digest) => transaction.one(
            "SELECT digest, media_type, subject, artifact_type, pushed_at, author, bytes FROM manifest
             WHERE repository = ?1 AND digest = ?2 AND deleted IS NULL",
            values![repository.as_str(), &digest.to_string()],
            from_row,
        ),
    }
}

fn from_row(row: &Row<'_>) -> Result<Manifest, Error> {
    Ok(Manifest {
        digest: row.parsed(0)?,
        media_type: row.text(1)?,
        subject: row.parsed_or_null(2)?,
        artifact_type: row.text_or_null(3)?,
        pushed: time(row.integer(4)?),
        pushed_by: row.text(5)?,
        bytes: row.bytes(6)?.into(),
    })
}

/// A time of the ledger's `…_at` columns.
pub(crate) fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
