//! Fetches the chosen packages into the cache, several at a time.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::cache;
use crate::fetch::Event;
use crate::index::Candidate;
use crate::suites::{Context, Suite, check_digest};
use crate::{Error, Freshness};

const WORKERS: usize = 6;
/// The largest package of Debian has 2 GB; no base image wants it.
const PACKAGE_BYTES_MAX: u64 = 1 << 30;

/// Sees to it that all packages are in the cache.
pub(crate) fn fetch_packages(
    context: &Context<'_>,
    suites: &[Suite<'_>],
    candidates: &[&Candidate<'_>],
) -> Result<(), Error> {
    let missing: Vec<(&Candidate<'_>, PathBuf)> = candidates
        .iter()
        .map(|candidate| (*candidate, context.cache.package(&candidate.digest)))
        .filter(|(candidate, path)| {
            let cached = cache::read(path, candidate.size);
            !cached.is_some_and(|bytes| candidate.digest.matches(&bytes))
        })
        .collect();
    context.progress.event(Event::Resolved {
        packages: candidates.len(),
        missing: missing.len(),
        missing_bytes: missing.iter().map(|(candidate, _)| candidate.size).sum(),
    });
    let next = AtomicUsize::new(0);
    let has_failed = AtomicBool::new(false);
    let failures: Mutex<Vec<(usize, Error)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(missing.len()) {
            scope.spawn(|| {
                while !has_failed.load(Ordering::Relaxed) {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some((candidate, path)) = missing.get(place) else { break };
                    if let Err(error) = fetch_package(context, suites, candidate, path) {
                        has_failed.store(true, Ordering::Relaxed);
                        if let Ok(mut failures) = failures.lock() {
                            failures.push((place, error));
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match failures.into_iter().min_by_key(|(place, _)| *place) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

fn fetch_package(
    context: &Context<'_>,
    suites: &[Suite<'_>],
    candidate: &Candidate<'_>,
    path: &std::path::Path,
) -> Result<(), Error> {
    let source = suites[candidate.suite].source;
    if context.options.freshness == Freshness::Offline {
        return Err(Error::NotCached {
            url: source.url.clone(),
            suite: candidate.filename.to_owned(),
        });
    }
    if candidate.size > PACKAGE_BYTES_MAX {
        return Err(Error::TooLarge {
            what: candidate.filename.to_owned(),
            limit: PACKAGE_BYTES_MAX,
        });
    }
    let url = format!("{}/{}", source.url.trim_end_matches('/'), candidate.filename);
    let bytes = context.get(&url, candidate.size)?;
    check_digest(&url, &bytes, &candidate.digest)?;
    cache::write(path, &bytes)?;
    context.progress.event(Event::Fetched { package: candidate.name, bytes: candidate.size });
    Ok(())
}
