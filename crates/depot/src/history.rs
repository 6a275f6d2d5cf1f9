//! What tags were, and deleted manifests that come back.

use std::collections::HashSet;

use jiff::Timestamp;
use sealift_oci::{Digest, RepositoryName, Tag};

use crate::Error;
use crate::depot::Depot;
use crate::ledger::{BLOB, MANIFEST, Transaction, values};
use crate::manifest::{Tagging, move_tag, refuse_immutable, revive, tag_digest, time};
use crate::settings::Rules;
use crate::usage::{self, Change};

const EVENTS_MAX: usize = 1000;

/// Something that happened to a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagEvent {
    /// What it names since; nothing if it was deleted.
    pub digest: Option<Digest>,
    /// What it named before.
    pub before: Option<Digest>,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// Whether what it named since can be had, or be had back.
    pub is_kept: bool,
}

struct Undelete {
    repository: RepositoryName,
    tag: Tag,
    digest: Digest,
    by: String,
}

impl Depot {
    /// What happened to a tag, newest first.
    pub async fn tag_history(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Vec<TagEvent>, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.query(
                "SELECT tag_event.digest, digest_before, happened_at, tag_event.author,
                 CASE WHEN manifest.digest IS NULL THEN 0 ELSE 1 END FROM tag_event LEFT JOIN manifest
                 ON manifest.repository = tag_event.repository AND manifest.digest = tag_event.digest
                 WHERE tag_event.repository = ?1 AND name = ?2 ORDER BY number DESC LIMIT ?3",
                values![repository.as_str(), tag.as_str(), EVENTS_MAX],
                |row| {
                    Ok(TagEvent {
                        digest: row.parsed_or_null(0)?,
                        before: row.parsed_or_null(1)?,
                        at: time(row.integer(2)?),
                        by: row.text(3)?,
                        is_kept: row.integer(4)? != 0,
                    })
                },
            )
        };
        self.0.ledger.main().read(read).await
    }

    /// Gives a tag a manifest back that it once named, also if that was deleted meanwhile: with all that it names and
    /// all that referred to it when it was deleted.
    pub async fn undelete(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
        digest: &Digest,
        by: &str,
    ) -> Result<(), Error> {
        let asked = Undelete {
            repository: repository.clone(),
            tag: tag.clone(),
            digest: digest.clone(),
            by: by.to_owned(),
        };
        let rules = self.0.rules();
        let job = move |transaction: &Transaction<'_>| undelete(transaction, &rules, &asked);
        self.0.change(repository, job).await?;
        self.0.wake();
        Ok(())
    }
}

fn undelete(transaction: &Transaction<'_>, rules: &Rules, asked: &Undelete) -> Result<(), Error> {
    let Undelete { repository, tag, digest, by } = asked;
    let now = Timestamp::now();
    let before = tag_digest(transaction, repository, tag)?;
    if before.as_ref().is_some_and(|before| before != digest) {
        refuse_immutable(rules, repository, tag)?;
    }
    let Some(state) = state(transaction, repository, digest)? else {
        return Err(Error::ManifestUnknown);
    };
    let change = Change { tags: i64::from(before.is_none()), ..Change::default() };
    usage::check(transaction, rules, repository, change)?;
    usage::count(transaction, repository, change)?;
    if let State::Deleted { since } = state {
        revive_all(transaction, asked, since, now)?;
    }
    let before = before.as_ref();
    move_tag(transaction, &Tagging { repository, tag, digest, before, by, now })
}

enum State {
    Live,
    Deleted { since: i64 },
}

// How a manifest is, if there is such a one.
fn state(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<State>, Error> {
    transaction.one(
        "SELECT deleted FROM manifest WHERE repository = ?1 AND digest = ?2",
        values![repository.as_str(), &digest.to_string()],
        |row| {
            let since = row.integer_or_null(0)?;
            Ok(since.map_or(State::Live, |since| State::Deleted { since }))
        },
    )
}

// What it needs, whenever that was deleted, and what referred to it and was deleted with it or later.
fn revive_all(
    transaction: &Transaction<'_>,
    asked: &Undelete,
    since: i64,
    now: Timestamp,
) -> Result<(), Error> {
    let Undelete { repository, digest, by, .. } = asked;
    let name = repository.as_str();
    let mut waiting = vec![digest.clone()];
    let mut seen: HashSet<Digest> = HashSet::new();
    while let Some(digest) = waiting.pop() {
        if !seen.insert(digest.clone())
            || !matches!(state(transaction, repository, &digest)?, Some(State::Deleted { .. }))
        {
            continue;
        }
        let text = digest.to_string();
        revive(transaction, repository, &digest, by, now)?;
        usage::count(transaction, repository, Change { manifests: 1, ..Change::default() })?;
        transaction.execute(
            "UPDATE link SET hidden = 0 WHERE repository = ?1 AND hidden <> 0 AND digest IN
             (SELECT digest FROM child WHERE repository = ?1 AND parent = ?2 AND kind = ?3)",
            values![name, &text, BLOB],
        )?;
        waiting.extend(transaction.query(
            "SELECT digest FROM child WHERE repository = ?1 AND parent = ?2 AND kind = ?3",
            values![name, &text, MANIFEST],
            |row| row.parsed(0),
        )?);
        waiting.extend(transaction.query(
            "SELECT digest FROM manifest WHERE repository = ?1 AND subject = ?2 AND deleted >= ?3",
            values![name, &text, since],
            |row| row.parsed(0),
        )?);
    }
    Ok(())
}
