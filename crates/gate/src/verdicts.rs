//! Verdicts that still count, by repository, digest and tag.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sealift_oci::{Digest, RepositoryName, Tag};

use crate::judgement::Verdict;

const REPOSITORIES_MAX: usize = 10_000;
const VERDICTS_MAX: usize = 100_000;
// Somebody is waiting for what was refused to be put right.
const REFUSED_FOR: Duration = Duration::from_secs(20);

/// What a verdict is about: a manifest, and the tag by which it was asked for.
pub(crate) type Name = (Digest, Option<Tag>);

#[derive(Default)]
pub(crate) struct Verdicts(Mutex<Known>);

#[derive(Default)]
struct Known {
    repositories: HashMap<RepositoryName, Repository>,
    count: usize,
    // Never goes back, so that what began before a change is known to be older.
    changes: u64,
}

#[derive(Default)]
struct Repository {
    changed: u64,
    verdicts: HashMap<Name, Entry>,
}

struct Entry {
    verdict: Arc<Verdict>,
    revision: u64,
    until: Instant,
}

impl Verdicts {
    fn known(&self) -> MutexGuard<'_, Known> {
        // What is here is a copy; a panic while it was held leaves at most less of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The verdict, if it still counts; else the moment to give back with the new one.
    pub(crate) fn find(
        &self,
        repository: &RepositoryName,
        name: &Name,
        revision: u64,
    ) -> Result<Arc<Verdict>, u64> {
        let known = self.known();
        let entry = known.repositories.get(repository).and_then(|it| it.verdicts.get(name));
        match entry.filter(|entry| entry.revision == revision && entry.until > Instant::now()) {
            Some(entry) => Ok(Arc::clone(&entry.verdict)),
            None => Err(known.changes),
        }
    }

    /// Keeps a verdict, unless the repository changed since `moment`.
    pub(crate) fn keep(
        &self,
        repository: &RepositoryName,
        name: Name,
        verdict: &Arc<Verdict>,
        (moment, revision): (u64, u64),
        lasting: Duration,
    ) {
        let mut known = self.known();
        if known.repositories.len() >= REPOSITORIES_MAX || known.count >= VERDICTS_MAX {
            let changes = known.changes;
            *known = Known { changes, ..Known::default() };
        }
        let Known { repositories, count, .. } = &mut *known;
        let repository = repositories.entry(repository.clone()).or_default();
        if repository.changed > moment {
            return;
        }
        let is_refusal = !verdict.reasons.is_empty();
        let lasting = if is_refusal { lasting.min(REFUSED_FOR) } else { lasting };
        let until = Instant::now() + lasting;
        let entry = Entry { verdict: Arc::clone(verdict), revision, until };
        if repository.verdicts.insert(name, entry).is_none() {
            *count += 1;
        }
    }

    /// Forgets the verdicts of a repository: something in it changed.
    pub(crate) fn forget(&self, repository: &RepositoryName) {
        let mut known = self.known();
        known.changes += 1;
        let changed = known.changes;
        let fresh = Repository { changed, verdicts: HashMap::new() };
        let old = known.repositories.insert(repository.clone(), fresh);
        known.count -= old.map_or(0, |old| old.verdicts.len());
    }

    /// Forgets all.
    pub(crate) fn forget_all(&self) {
        let mut known = self.known();
        let changes = known.changes + 1;
        *known = Known { changes, ..Known::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_judged_again() {
        let verdicts = Verdicts::default();
        let repository = RepositoryName::parse("a/b").unwrap();
        let name = (Digest::sha256(b"x"), None);
        let verdict = Arc::new(Verdict::default());
        let lasting = Duration::from_mins(1);
        let moment = verdicts.find(&repository, &name, 1).unwrap_err();
        verdicts.keep(&repository, name.clone(), &verdict, (moment, 1), lasting);
        assert!(verdicts.find(&repository, &name, 1).is_ok());
        // Under other rules it does not count.
        assert!(verdicts.find(&repository, &name, 2).is_err());
        let moment = verdicts.find(&repository, &name, 2).unwrap_err();
        verdicts.forget(&repository);
        assert!(verdicts.find(&repository, &name, 1).is_err());
        // It was judged by what was there before the change.
        verdicts.keep(&repository, name.clone(), &verdict, (moment, 1), lasting);
        assert!(verdicts.find(&repository, &name, 1).is_err());
    }
}
