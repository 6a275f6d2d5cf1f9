//! Retention: what the rules do not keep is deleted, and can be had back like everything that is deleted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sealift_oci::{Digest, RepositoryName, Tag};

use crate::Error;
use crate::depot::{Depot, Inner};
use crate::ledger::{MANIFEST, Transaction, values};
use crate::manifest::{Deletion, delete, refuse_immutable, remove_tag, tag_digest};
use crate::settings::{Retention, Rules, days};

/// In whose name retention deletes.
const BY: &str = "retention";
const PAGE: usize = 1000;

/// Something that the rules did not keep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Removed {
    /// Where it was.
    pub repository: RepositoryName,
    /// The tag, or nothing for a manifest that none named.
    pub tag: Option<Tag>,
    /// What it named.
    pub digest: Digest,
}

struct Entry {
    tag: Tag,
    digest: Digest,
    updated: i64,
    pulled: i64,
    author: String,
}

// The manifests of a repository, as far as retention has to know them.
struct Lone {
    pushed: i64,
    pulled: i64,
    author: String,
    subject: Option<Digest>,
}

// Until when what nothing names must have been pushed, or used, to be deleted.
#[derive(Clone)]
enum Until {
    Pushed(i64),
    UsedBy(String, i64),
}

impl Depot {
    /// Deletes what the rules do not keep, or tells what that would be.
    pub async fn retain(&self, dry_run: bool) -> Result<Vec<Removed>, Error> {
        let rules = self.0.rules();
        let mut removed = Vec::new();
        let mut after = None;
        loop {
            let page = self.repositories(after.as_deref(), PAGE).await?;
            for repository in &page.items {
                let rule = rules
                    .retention
                    .iter()
                    .find(|rule| rule.repositories.matches(repository.as_str()));
                if let Some(rule) = rule {
                    removed.extend(self.0.retain_in(repository, rule, &rules, dry_run).await?);
                }
            }
            after = page.items.last().map(ToString::to_string);
            if !page.more {
                break;
            }
        }
        if !dry_run {
            self.0.wake();
        }
        removed.sort();
        Ok(removed)
    }
}

impl Inner {
    async fn retain_in(
        self: &Arc<Self>,
        repository: &RepositoryName,
        rule: &Retention,
        rules: &Arc<Rules>,
        dry_run: bool,
    ) -> Result<Vec<Removed>, Error> {
        let name = repository.clone();
        let entries = self.look(move |transaction| entries(transaction, &name)).await?;
        let now = Timestamp::now().as_millisecond();
        let going: Vec<_> = not_kept(entries, rule, now)
            .into_iter()
            .filter(|entry| refuse_immutable(rules, repository, &entry.tag).is_ok())
            .map(|entry| Removed {
                repository: repository.clone(),
                tag: Some(entry.tag),
                digest: entry.digest,
            })
            .collect();
        let untagged = match (rule.untagged_after_days, &rule.copies) {
            (Some(n_days), _) => Some(Until::Pushed(older_than(now, days(n_days)))),
            (None, Some(copies)) => {
                let until = older_than(now, copies.used_within);
                Some(Until::UsedBy(copies.author.clone(), until))
            }
            (None, None) => None,
        };
        let name = repository.clone();
        if dry_run {
            return self
                .look(move |transaction| {
                    let gone = going.iter().filter_map(|going| going.tag.clone()).collect();
                    let mut all = going;
                    if let Some(until) = untagged {
                        all.extend(loners(transaction, &name, until, &gone)?);
                    }
                    Ok(all)
                })
                .await;
        }
        let (rules, time) = (Arc::clone(rules), self.clock.now());
        let job = move |transaction: &Transaction<'_>| {
            apply(transaction, &rules, &name, going, untagged, time)
        };
        self.change(repository, job).await
    }
}

fn older_than(now: i64, time: Duration) -> i64 {
    now.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

fn entries(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
) -> Result<Vec<Entry>, Error> {
    transaction.query(
        "SELECT tag.name, tag.digest, tag.updated_at, manifest.pulled_at, tag.author FROM tag JOIN manifest
         ON manifest.repository = tag.repository AND manifest.digest = tag.digest
         WHERE tag.repository = ?1 ORDER BY tag.updated_at DESC, tag.name DESC",
        values![repository.as_str()],
        |row| {
            let (tag, digest) = (row.parsed(0)?, row.parsed(1)?);
            let (updated, pulled, author) = (row.integer(2)?, row.integer(3)?, row.text(4)?);
            Ok(Entry { tag, digest, updated, pulled, author })
        },
    )
}

// Entries come newest first.
fn not_kept(entries: Vec<Entry>, rule: &Retention, now: i64) -> Vec<Entry> {
    if !rule.deletes_tags() {
        return Vec::new();
    }
    let within =
        |at: i64, time: Option<Duration>| time.is_some_and(|time| at >= older_than(now, time));
    let (pushed, pulled) = (rule.pushed_within_days.map(days), rule.pulled_within_days.map(days));
    let mut n_seen = 0;
    let mut going = Vec::new();
    for entry in entries {
        let tag = entry.tag.as_str();
        if !rule.tags.matches(tag) || rule.keep.iter().any(|pattern| pattern.matches(tag)) {
            continue;
        }
        n_seen += 1;
        let is_kept = rule.keep_last.is_some_and(|n| n_seen <= n)
            || within(entry.updated, pushed)
            || within(entry.pulled, pulled)
            || rule.copies.as_ref().is_some_and(|copies| {
                entry.author != copies.author
                    || within(entry.updated.max(entry.pulled), Some(copies.used_within))
            });
        if !is_kept {
            going.push(entry);
        }
    }
    going
}

fn apply(
    transaction: &Transaction<'_>,
    rules: &Rules,
    repository: &RepositoryName,
    going: Vec<Removed>,
    untagged: Option<Until>,
    time: i64,
) -> Result<Vec<Removed>, Error> {
    let mut removed = Vec::new();
    let mut bare = Vec::new();
    for entry in going {
        let Some(tag) = &entry.tag else { continue };
        // Somebody may have moved it since it was looked at.
        if tag_digest(transaction, repository, tag)?.as_ref() == Some(&entry.digest) {
            remove_tag(transaction, repository, tag, &entry.digest, BY)?;
            bare.push(entry.digest.clone());
            removed.push(entry);
        }
    }
    if let Some(until) = untagged {
        let lone = loners(transaction, repository, until, &HashSet::new())?;
        bare.extend(lone.iter().map(|entry| entry.digest.clone()));
        removed.extend(lone);
    }
    sweep(transaction, rules, repository, bare, time)?;
    Ok(removed)
}

// Deletes manifests that nothing needs, then what only they needed, and what referred to them.
fn sweep(
    transaction: &Transaction<'_>,
    rules: &Rules,
    repository: &RepositoryName,
    mut waiting: Vec<Digest>,
    time: i64,
) -> Result<(), Error> {
    let name = repository.as_str();
    while let Some(digest) = waiting.pop() {
        let text = digest.to_string();
        let is_tagged = transaction.exists(
            "SELECT 1 FROM tag WHERE repository = ?1 AND digest = ?2",
            values![name, &text],
        )?;
        let is_subject_live = transaction.exists(
            "SELECT 1 FROM manifest JOIN manifest AS subject ON subject.repository = manifest.repository
             AND subject.digest = manifest.subject WHERE manifest.repository = ?1 AND manifest.digest = ?2
             AND subject.deleted IS NULL",
            values![name, &text],
        )?;
        if is_tagged || is_subject_live {
            continue;
        }
        match delete(transaction, rules, &Deletion { repository, digest: &digest, by: BY, time }) {
            Ok(_) => {}
            Err(Error::Referenced | Error::ManifestUnknown) => continue,
            Err(error) => return Err(error),
        }
        waiting.extend(transaction.query(
            "SELECT digest FROM child WHERE repository = ?1 AND parent = ?2 AND kind = ?3",
            values![name, &text, MANIFEST],
            |row| row.parsed(0),
        )?);
        waiting.extend(transaction.query(
            "SELECT digest FROM manifest WHERE repository = ?1 AND subject = ?2 AND deleted IS NULL",
            values![name, &text],
            |row| row.parsed(0),
        )?);
    }
    Ok(())
}

// Manifests that no tag, no index and no living subject keeps, pushed before a time. `gone` are tags that do not count.
fn loners(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    until: Until,
    gone: &HashSet<Tag>,
) -> Result<Vec<Removed>, Error> {
    let name = repository.as_str();
    let mut lone: BTreeMap<Digest, Lone> = transaction
        .query(
            "SELECT digest, pushed_at, pulled_at, subject, author FROM manifest
             WHERE repository = ?1 AND deleted IS NULL",
            values![name],
            |row| {
                let (pushed, pulled) = (row.integer(1)?, row.integer(2)?);
                let (subject, author) = (row.parsed_or_null(3)?, row.text(4)?);
                Ok((row.parsed(0)?, Lone { pushed, pulled, author, subject }))
            },
        )?
        .into_iter()
        .collect();
    let mut children: HashMap<Digest, Vec<Digest>> = HashMap::new();
    transaction.query(
        "SELECT parent, digest FROM child WHERE repository = ?1 AND kind = ?2",
        values![name, MANIFEST],
        |row| {
            children.entry(row.parsed(0)?).or_default().push(row.parsed(1)?);
            Ok(())
        },
    )?;
    let mut referrers: HashMap<Digest, Vec<Digest>> = HashMap::new();
    for (digest, manifest) in &lone {
        if let Some(subject) = &manifest.subject {
            referrers.entry(subject.clone()).or_default().push(digest.clone());
        }
    }
    let mut kept: Vec<Digest> = transaction
        .query("SELECT name, digest FROM tag WHERE repository = ?1", values![name], |row| {
            Ok((row.parsed::<Tag>(0)?, row.parsed::<Digest>(1)?))
        })?
        .into_iter()
        .filter_map(|(tag, digest)| (!gone.contains(&tag)).then_some(digest))
        .collect();
    kept.extend(
        lone.iter()
            .filter(|(_, manifest)| match &until {
                Until::Pushed(until) => manifest.pushed > *until,
                Until::UsedBy(author, until) => {
                    manifest.author != *author || manifest.pushed.max(manifest.pulled) > *until
                }
            })
            .map(|(digest, _)| digest.clone()),
    );
    // What is kept keeps what it names and what refers to it.
    while let Some(digest) = kept.pop() {
        if lone.remove(&digest).is_some() {
            kept.extend(children.remove(&digest).unwrap_or_default());
            kept.extend(referrers.remove(&digest).unwrap_or_default());
        }
    }
    let removed = |digest| Removed { repository: repository.clone(), tag: None, digest };
    Ok(lone.into_keys().map(removed).collect())
}
