//! The state of the recipe's suites: release files with verified signatures, and the package indices they name.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use sealift_crypto::openpgp::{Keyring, verify_cleartext};
use sealift_oci::Digest;

use crate::cache::{self, Cache};
use crate::fetch::{Event, Fetch, FetchError, Progress};
use crate::release::{IndexFile, Release};
use crate::{Error, Freshness, Options, Recipe, Source};

const RELEASE_BYTES_MAX: u64 = 16 << 20;
const KEYRING_BYTES_MAX: u64 = 16 << 20;
const PACKED_BYTES_MAX: u64 = 256 << 20;
const PLAIN_BYTES_MAX: u64 = 512 << 20;
/// A signature is made some time after the date that the file bears.
const SIGNING_SECS_MAX: i64 = 86_400;

/// A suite whose release file is verified.
pub(crate) struct Suite<'r> {
    pub source: &'r Source,
    pub name: &'r str,
    pub release: Release,
    /// Digest of the release file with its signature.
    pub digest: Digest,
    url: String,
    bytes: Vec<u8>,
    key: Digest,
    is_cached: bool,
}

/// The indices of one suite as text.
pub(crate) struct SuiteIndex {
    pub what: String,
    pub text: String,
    pub suite: usize,
}

/// What all steps need.
pub(crate) struct Context<'a> {
    pub options: &'a Options<'a>,
    pub cache: &'a Cache,
    pub fetch: &'a dyn Fetch,
    pub progress: &'a dyn Progress,
    pub cancel: &'a AtomicBool,
}

impl Context<'_> {
    /// Fails if the caller asked to stop.
    pub(crate) fn check_cancel(&self) -> Result<(), Error> {
        if self.cancel.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Fetches, within a limit.
    pub(crate) fn get(&self, url: &str, limit: u64) -> Result<Vec<u8>, Error> {
        self.check_cancel()?;
        let bytes = self
            .fetch
            .get(url, limit)
            .map_err(|source| Error::Fetch { url: url.to_owned(), source })?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { what: url.to_owned(), limit });
        }
        Ok(bytes)
    }
}

/// Verifies the release files of all suites, in the order of the recipe.
pub(crate) fn verify_releases<'r>(
    context: &Context<'_>,
    recipe: &'r Recipe,
) -> Result<(Vec<Suite<'r>>, Vec<String>), Error> {
    let mut keyrings: HashMap<PathBuf, (Keyring, Digest)> = HashMap::new();
    let mut suites = Vec::new();
    let mut warnings = Vec::new();
    for source in &recipe.body().sources {
        let path = context.options.folder.join(&source.keyring);
        if !keyrings.contains_key(&path) {
            keyrings.insert(path.clone(), read_keyring(&path)?);
        }
        let (keyring, keyring_digest) = &keyrings[&path];
        for name in &source.suites {
            let url = format!("{}/dists/{name}/InRelease", source.url.trim_end_matches('/'));
            let key = Digest::sha256(format!("{url}\n{keyring_digest}").as_bytes());
            let question = Question { source, name, url, key, keyring, keyring_path: &path };
            let suite = question.answer(context)?;
            if let Some(valid_until) = suite.release.expired(context.options.now) {
                warnings.push(format!(
                    "the cached state of suite `{name}` was valid until {valid_until}; refresh it"
                ));
            }
            context.progress.event(Event::Suite {
                url: &source.url,
                suite: name,
                date: &suite.release.date.to_string(),
                cached: suite.is_cached,
            });
            suites.push(suite);
        }
    }
    Ok((suites, warnings))
}

/// Reads the package indices of all suites and keeps the release files for the next time.
pub(crate) fn read_indices(
    context: &Context<'_>,
    suites: &[Suite<'_>],
    architecture: &str,
) -> Result<Vec<SuiteIndex>, Error> {
    let mut indices = Vec::new();
    for (place, suite) in suites.iter().enumerate() {
        for file in suite.release.indices(suite.source, architecture, &suite.url)? {
            let what = format!("{}/dists/{}/{}", suite.source.url, suite.name, file.path);
            let text = read_index(context, suite, &file, &what)?;
            indices.push(SuiteIndex { what, text, suite: place });
        }
        // Only now is the state complete; before, an older complete one is worth more.
        if !suite.is_cached {
            cache::write(&context.cache.release(&suite.key), &suite.bytes)?;
        }
    }
    Ok(indices)
}

fn read_keyring(path: &Path) -> Result<(Keyring, Digest), Error> {
    let bytes = std::fs::metadata(path)
        .and_then(|metadata| {
            if metadata.len() > KEYRING_BYTES_MAX {
                return Err(std::io::Error::other("it is too large for a keyring"));
            }
            std::fs::read(path)
        })
        .map_err(|source| Error::ReadFile { path: path.to_owned(), source })?;
    let keyring = Keyring::parse(&bytes)
        .map_err(|source| Error::Keyring { path: path.to_owned(), source })?;
    Ok((keyring, Digest::sha256(&bytes)))
}

// What is to be found out about a suite.
struct Question<'q, 'r> {
    source: &'r Source,
    name: &'r str,
    url: String,
    key: Digest,
    keyring: &'q Keyring,
    keyring_path: &'q Path,
}

impl<'r> Question<'_, 'r> {
    fn answer(self, context: &Context<'_>) -> Result<Suite<'r>, Error> {
        let now = context.options.now;
        // A damaged cache entry is as good as none, except that offline there is nothing else.
        let cached = cache::read(&context.cache.release(&self.key), RELEASE_BYTES_MAX)
            .map(|bytes| self.verify_cached(bytes));
        let cached = match (cached, context.options.freshness) {
            (Some(Ok(suite)), Freshness::Offline) => return Ok(suite),
            (Some(Err(error)), Freshness::Offline) => return Err(error),
            (None, Freshness::Offline) => {
                return Err(Error::NotCached {
                    url: self.source.url.clone(),
                    suite: self.name.to_owned(),
                });
            }
            (Some(Ok(suite)), Freshness::Cached) if suite.release.expired(now).is_none() => {
                return Ok(suite);
            }
            (cached, _) => cached.and_then(Result::ok),
        };
        let bytes = context.get(&self.url, RELEASE_BYTES_MAX)?;
        let suite = self.verify(bytes, now)?;
        let newest = cached.map(|cached| cached.release.date);
        suite.release.check(&suite.url, suite.name, now, newest)?;
        match suite.release.expired(now) {
            Some(valid_until) => {
                Err(Error::Expired { url: suite.url, valid_until: valid_until.to_string() })
            }
            None => Ok(suite),
        }
    }

    // Keys may have expired since; what counts is that they were good when the state was signed.
    fn verify_cached(&self, bytes: Vec<u8>) -> Result<Suite<'r>, Error> {
        let malformed = || Error::Malformed {
            what: self.url.clone(),
            line: 0,
            message: "the cached file has no readable `Date`".to_owned(),
        };
        let claimed = bytes
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(b"Date:"))
            .and_then(|date| std::str::from_utf8(date).ok())
            .and_then(|date| crate::release::parse_date(date.trim()))
            .ok_or_else(malformed)?;
        let latest = claimed.as_second().saturating_add(SIGNING_SECS_MAX);
        let latest = Timestamp::from_second(latest).map_err(|_| malformed())?;
        let suite = self.verify(bytes, latest)?;
        if suite.release.date != claimed {
            return Err(malformed());
        }
        suite.release.check(&suite.url, suite.name, latest, None)?;
        Ok(Suite { is_cached: true, ..suite })
    }

    fn verify(&self, bytes: Vec<u8>, now: Timestamp) -> Result<Suite<'r>, Error> {
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let (payload, _signer) =
            verify_cleartext(&bytes, self.keyring, seconds).map_err(|source| Error::Signature {
                url: self.url.clone(),
                keyring: self.keyring_path.to_owned(),
                source,
            })?;
        let text = utf8(payload, &self.url)?;
        Ok(Suite {
            source: self.source,
            name: self.name,
            release: Release::parse(&text, &self.url)?,
            digest: Digest::sha256(&bytes),
            url: self.url.clone(),
            bytes,
            key: self.key.clone(),
            is_cached: false,
        })
    }
}

fn read_index(
    context: &Context<'_>,
    suite: &Suite<'_>,
    file: &IndexFile,
    what: &str,
) -> Result<String, Error> {
    let limit = file.packed.size;
    if limit > PACKED_BYTES_MAX {
        return Err(Error::TooLarge { what: what.to_owned(), limit: PACKED_BYTES_MAX });
    }
    let path = context.cache.index(&file.packed.digest);
    let cached = cache::read(&path, limit).filter(|bytes| file.packed.digest.matches(bytes));
    let packed = match cached {
        Some(bytes) => bytes,
        None if context.options.freshness == Freshness::Offline => {
            return Err(Error::NotCached {
                url: suite.source.url.clone(),
                suite: format!("{}/{}", suite.name, file.path),
            });
        }
        None => {
            let bytes = fetch_index(context, suite, file, limit)?;
            check_digest(what, &bytes, &file.packed.digest)?;
            cache::write(&path, &bytes)?;
            bytes
        }
    };
    let plain = unpack(packed, file, what)?;
    utf8(plain, what)
}

// By digest if the archive can, because then an update of the mirror under way does no harm.
fn fetch_index(
    context: &Context<'_>,
    suite: &Suite<'_>,
    file: &IndexFile,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    let base = format!("{}/dists/{}", suite.source.url.trim_end_matches('/'), suite.name);
    let attempt = context.get(&format!("{base}/{}", file.fetch_path), limit);
    match attempt {
        Err(Error::Fetch { source: FetchError::NotFound, .. }) if file.fetch_path != file.path => {
            context.get(&format!("{base}/{}", file.path), limit)
        }
        other => other,
    }
}

fn unpack(packed: Vec<u8>, file: &IndexFile, what: &str) -> Result<Vec<u8>, Error> {
    let limit = file.plain.as_ref().map_or(PLAIN_BYTES_MAX, |plain| plain.size);
    if limit > PLAIN_BYTES_MAX {
        return Err(Error::TooLarge { what: what.to_owned(), limit: PLAIN_BYTES_MAX });
    }
    let malformed = |source: &dyn std::fmt::Display| Error::Malformed {
        what: what.to_owned(),
        line: 0,
        message: source.to_string(),
    };
    let reader = sealift_archive::open(Box::new(std::io::Cursor::new(packed)))
        .map_err(|source| malformed(&source))?;
    let mut plain = Vec::new();
    reader.take(limit + 1).read_to_end(&mut plain).map_err(|source| malformed(&source))?;
    if plain.len() as u64 > limit {
        return Err(Error::TooLarge { what: what.to_owned(), limit });
    }
    if let Some(listed) = &file.plain {
        check_digest(what, &plain, &listed.digest)?;
    }
    Ok(plain)
}

/// Refuses bytes with another digest.
pub(crate) fn check_digest(what: &str, bytes: &[u8], expected: &Digest) -> Result<(), Error> {
    if expected.matches(bytes) {
        return Ok(());
    }
    Err(Error::WrongDigest {
        what: what.to_owned(),
        expected: expected.clone(),
        actual: Digest::sha256(bytes),
    })
}

fn utf8(bytes: Vec<u8>, what: &str) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::Malformed {
        what: what.to_owned(),
        line: 0,
        message: "it is not UTF-8".to_owned(),
    })
}
