//! A copy of a depot, made while it goes on, and a ledger made again from what the files tell.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sealift_oci::Digest;

use crate::depot::{Depot, Inner};
use crate::document::manifest_parts;
use crate::files::{Files, folders, remove};
use crate::journal::{self, OwnedLine};
use crate::ledger::{Database, Ledger, Transaction, values};
use crate::manifest::{
    Children, Deletion, Putting, Tagging, delete, move_tag, put, remove_tag, tag_digest,
};
use crate::settings::Rules;
use crate::usage::{self, Change, signed};
use crate::{Error, Settings};

const BATCH: usize = 1000;
const BATCH_BYTES: usize = 8 << 20;

/// What a backup took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// Blobs that are in it.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them came newly: linked if it lies on the same disk, else copied.
    pub added: u64,
}

/// What a ledger was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Blobs.
    pub blobs: u64,
    /// Manifests.
    pub manifests: u64,
    /// Tags.
    pub tags: u64,
    /// Lines of the journal, or manifests in it, that could not be read.
    pub unreadable: u64,
    /// Parts of manifests that are not there.
    pub missing: u64,
}

impl Depot {
    /// Copies the depot into a folder, which then can be opened as a depot. What an earlier backup left there is used
    /// again. Nothing is collected meanwhile.
    pub async fn backup(&self, folder: &Path) -> Result<Backup, Error> {
        if self.is_shared() {
            return Err(Error::Shared { what: "a backup" });
        }
        let _turn = self.0.collecting.lock().await;
        let (inner, folder) = (Arc::clone(&self.0), folder.to_owned());
        let copy = move || inner.copy_to(&folder);
        tokio::task::spawn_blocking(copy).await.map_err(|_| Error::lost("the backup"))?
    }

    /// Makes the ledger of a folder again, from its blobs and its journal. The old one is set aside as `meta.db.old`.
    /// Records, logs and queues are not in the journal, and come from a backup only.
    pub fn rebuild(folder: &Path, settings: &Settings) -> Result<Rebuilt, Error> {
        let files = Files::open(folder, settings.reserve_bytes)?;
        let failed = |error| Error::file("the old ledger")(error);
        for suffix in ["", "-wal", "-shm"] {
            let old = folder.join(format!("meta.db.old{suffix}"));
            remove(&old).map_err(failed)?;
            match fs::rename(folder.join(format!("meta.db{suffix}")), old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        let ledger = Ledger::open(folder)?;
        let mut rebuilt = Rebuilt::default();
        for (algorithm, first) in folders() {
            let found = files.list(algorithm, first)?;
            rebuilt.blobs += found.len() as u64;
            ledger.main().write_blocking(move |transaction| {
                for blob in found {
                    transaction.execute(
                        "INSERT INTO blob (digest, size, state, generation) VALUES (?1, ?2, 0, 0)",
                        values![&blob.digest.to_string(), blob.size],
                    )?;
                }
                Ok(())
            })?;
        }
        let mut lines = Vec::new();
        let settings = Arc::new(settings.clone());
        let (mut n_refused, mut n_bytes) = (0, 0);
        let n_unreadable = journal::read(folder, |line| {
            n_bytes += line.content.as_ref().map_or(0, String::len);
            lines.push(line);
            if lines.len() >= BATCH || n_bytes > BATCH_BYTES {
                n_bytes = 0;
                n_refused += replay(ledger.main(), std::mem::take(&mut lines), &settings)?;
            }
            Ok(())
        })?;
        n_refused += replay(ledger.main(), lines, &settings)?;
        rebuilt.unreadable = n_unreadable + n_refused;
        ledger.main().read_blocking(|transaction| count(transaction, &mut rebuilt))?;
        // What was replayed is in the file already.
        ledger
            .main()
            .write_blocking(|transaction| transaction.execute("DELETE FROM journal", &[]))?;
        Ok(rebuilt)
    }
}

impl Inner {
    fn copy_to(&self, folder: &Path) -> Result<Backup, Error> {
        let failed = |error| Error::file("the backup")(error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        // It is locked while it is written, so that nobody opens half of it.
        let target = Files::open(folder, 0)?;
        let new = folder.join("meta.db.new");
        remove(&new).map_err(failed)?;
        self.ledger.main().copy_to(&new)?;
        let mut backup = Backup::default();
        let mut after = String::new();
        loop {
            let page = self.ledger.main().read_blocking(|transaction| {
                transaction.query(
                    "SELECT digest, size FROM blob WHERE digest > ?1 AND state = 0 ORDER BY digest LIMIT ?2",
                    values![&after, BATCH],
                    |row| Ok((row.parsed::<Digest>(0)?, row.size(1)?)),
                )
            })?;
            let Some((last, _)) = page.last() else { break };
            after = last.to_string();
            for (digest, size) in page {
                backup.blobs += 1;
                backup.bytes += size;
                backup.added += u64::from(self.copy_blob(&target, &digest, size)?);
            }
        }
        for suffix in ["-wal", "-shm"] {
            remove(&folder.join(format!("meta.db{suffix}"))).map_err(failed)?;
        }
        let journal = journal::path(self.files()?.root());
        match fs::copy(journal, journal::path(folder)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        target.sync_all().map_err(failed)?;
        fs::rename(&new, folder.join("meta.db")).map_err(failed)?;
        target.sync_folder(folder).map_err(failed)?;
        Ok(backup)
    }

    fn copy_blob(&self, target: &Files, digest: &Digest, size: u64) -> Result<bool, Error> {
        let (from, to) = (self.files()?.blob(digest), target.blob(digest));
        if fs::metadata(&to).is_ok_and(|found| found.len() == size) {
            return Ok(false);
        }
        target.make_room(digest).map_err(Error::file("the backup"))?;
        remove(&to).map_err(Error::file("the backup"))?;
        let copied = fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop));
        match copied {
            Ok(()) => Ok(true),
            // Damaged here; the copy says so too when it is scrubbed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => Ok(false),
            Err(error) => Err(Error::file("the backup")(error)),
        }
    }
}

// How many manifests were refused.
fn replay(
    ledger: &Database,
    lines: Vec<OwnedLine>,
    settings: &Arc<Settings>,
) -> Result<u64, Error> {
    let settings = Arc::clone(settings);
    ledger.write_blocking(move |transaction| {
        let mut n_refused = 0;
        for line in lines {
            if !replay_line(transaction, line, &settings)? {
                n_refused += 1;
            }
        }
        Ok(n_refused)
    })
}

fn replay_line(
    transaction: &Transaction<'_>,
    line: OwnedLine,
    settings: &Settings,
) -> Result<bool, Error> {
    let OwnedLine { repository, tag, digest, media_type, by, at, content } = line;
    let now = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    let rules = Arc::new(Rules::default());
    match (tag, digest, media_type, content) {
        (None, Some(digest), Some(media_type), Some(content)) => {
            let Ok(parsed) = manifest_parts(&media_type, content.as_bytes(), settings) else {
                return Ok(false);
            };
            if !digest.matches(content.as_bytes()) {
                return Ok(false);
            }
            let (tags, bytes) = (Vec::new(), content.into());
            let (children, settings) = (Children::Optional, settings.clone());
            let new = Putting {
                repository,
                digest,
                tags,
                parsed,
                bytes,
                by,
                children,
                rules,
                settings,
                now,
            };
            put(transaction, &new)?;
            link_parts(transaction, &new)?;
        }
        // Its content was purged before the line was written.
        (None, Some(_), Some(_), None) => {}
        (None, Some(digest), None, _) => {
            let deletion = Deletion { repository: &repository, digest: &digest, by: &by, time: 0 };
            match delete(transaction, &rules, &deletion) {
                Ok(_) | Err(Error::ManifestUnknown | Error::Referenced) => {}
                Err(error) => return Err(error),
            }
        }
        (Some(tag), Some(digest), _, _) => {
            let (repository, tag, digest) = (&repository, &tag, &digest);
            let is_there = transaction.exists(
                "SELECT 1 FROM manifest WHERE repository = ?1 AND digest = ?2 AND deleted IS NULL",
                values![repository.as_str(), &digest.to_string()],
            )?;
            if !is_there {
                return Ok(false);
            }
            let before = tag_digest(transaction, repository, tag)?;
            let change = Change { tags: i64::from(before.is_none()), ..Change::default() };
            usage::count(transaction, repository, change)?;
            let before = before.as_ref();
            move_tag(transaction, &Tagging { repository, tag, digest, before, by: &by, now })?;
        }
        (Some(tag), None, _, _) => {
            if let Some(before) = tag_digest(transaction, &repository, &tag)? {
                remove_tag(transaction, &repository, &tag, &before, &by)?;
            }
        }
        (None, None, _, _) => return Ok(false),
    }
    Ok(true)
}

// The repository has what its manifests name, as far as it is there.
fn link_parts(transaction: &Transaction<'_>, new: &Putting) -> Result<(), Error> {
    for digest in new.parsed.blobs.iter().chain(&new.parsed.foreign) {
        let digest = digest.to_string();
        let n_linked = transaction.execute(
            "INSERT INTO link (repository, digest, size, hidden, lease)
             SELECT ?1, digest, size, 0, 0 FROM blob WHERE digest = ?2
             ON CONFLICT (repository, digest) DO NOTHING",
            values![new.repository.as_str(), &digest],
        )?;
        if n_linked > 0 {
            let sql = "SELECT size FROM blob WHERE digest = ?1";
            let size = transaction.one(sql, values![&digest], |row| row.size(0))?;
            let change = Change { bytes: signed(size.unwrap_or(0)), ..Change::default() };
            usage::count(transaction, &new.repository, change)?;
        }
    }
    Ok(())
}

fn count(transaction: &Transaction<'_>, rebuilt: &mut Rebuilt) -> Result<(), Error> {
    let one = |sql| transaction.one(sql, &[], |row| row.size(0)).map(Option::unwrap_or_default);
    rebuilt.manifests = one("SELECT COUNT(*) FROM manifest WHERE deleted IS NULL")?;
    rebuilt.tags = one("SELECT COUNT(*) FROM tag")?;
    rebuilt.missing = one("SELECT COUNT(*) FROM child JOIN manifest
         ON manifest.repository = child.repository AND manifest.digest = child.parent
         WHERE manifest.deleted IS NULL AND child.kind = 0 AND NOT EXISTS (SELECT 1 FROM link
         WHERE link.repository = child.repository AND link.digest = child.digest)")?;
    Ok(())
}
