//! The signed tag map: which tag of a repository stands for which digest, since when, and until when.
//!
//! It is the predicate of an in-toto statement, so that every tool that verifies attestations proves it, and lies beside
//! each image as a referrer and under the tag [`TAG`]. It gives signatures that know neither tags nor time what they
//! lack: the tag is bound, the map ends, and its number only rises.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_crypto::strict_json;
use sealift_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::text::clean;

/// Type of the predicate.
pub const PREDICATE_TYPE: &str = "https://sealift.dev/tag-map/v1";
/// The tag under which the newest map of a repository lies.
pub const TAG: &str = "sealift-tag-map";
/// How long a map is good if nobody says otherwise.
pub const LIFETIME_SECS: i64 = 30 * 86_400;

const BYTES_MAX: usize = 4 << 20;
const TAGS_MAX: usize = 20_000;
/// A clock may be so far ahead.
pub(crate) const CLOCK_SECS: i64 = 300;
const WHAT: &str = "tag map";

/// A tag map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagMap {
    /// The repository with its registry.
    pub repository: String,
    /// Its number; each map of a repository has a higher one.
    pub counter: u64,
    /// When it was made, in seconds since 1970.
    pub issued_secs: i64,
    /// When it ends.
    pub expires_secs: i64,
    /// The tags.
    pub tags: BTreeMap<String, Entry>,
    /// Fingerprint of the key that signed it.
    pub key: String,
}

/// What a tag stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Digest of the manifest or index.
    pub digest: Digest,
    /// How often the tag was set.
    pub counter: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    repository: String,
    counter: u64,
    issued: String,
    expires: String,
    tags: BTreeMap<String, WireEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    digest: String,
    counter: u64,
}

/// The repository of a reference, as maps name it.
pub fn repository(image: &Reference) -> String {
    format!("{}/{}", image.registry(), image.repository())
}

/// The next map: all that the last one has, and one tag more or set anew.
pub fn next(
    last: Option<&TagMap>,
    image: &Reference,
    digest: &Digest,
    now_secs: i64,
    lifetime_secs: i64,
) -> Result<TagMap, Error> {
    let tag = image.tag().ok_or_else(|| error("the image has no tag that a map could have"))?;
    let overrun = || error("its number cannot rise any more");
    let counter = last.map_or(0, |last| last.counter).checked_add(1).ok_or_else(overrun)?;
    let mut map = TagMap {
        repository: repository(image),
        counter,
        issued_secs: now_secs,
        expires_secs: now_secs.saturating_add(lifetime_secs),
        tags: last.map(|last| last.tags.clone()).unwrap_or_default(),
        key: String::new(),
    };
    if last.is_some_and(|last| last.repository != map.repository) {
        return Err(error("the last map is of another repository"));
    }
    let counter = match map.tags.get(tag) {
        Some(entry) if entry.digest == *digest => entry.counter,
        Some(entry) => entry.counter.checked_add(1).ok_or_else(overrun)?,
        None => 1,
    };
    map.tags.insert(tag.to_owned(), Entry { digest: digest.clone(), counter });
    if map.tags.len() > TAGS_MAX {
        return Err(error("it would have more than 20000 tags"));
    }
    Ok(map)
}

/// The predicate of a map.
pub fn encode(map: &TagMap) -> Vec<u8> {
    let entry = |(tag, entry): (&String, &Entry)| {
        let (digest, counter) = (entry.digest.to_string(), entry.counter);
        (tag.clone(), WireEntry { digest, counter })
    };
    let wire = Wire {
        version: 1,
        repository: map.repository.clone(),
        counter: map.counter,
        issued: crate::text::time(map.issued_secs),
        expires: crate::text::time(map.expires_secs),
        tags: map.tags.iter().map(entry).collect(),
    };
    serde_json::to_vec(&wire).expect("all keys are text")
}

/// Reads a proved predicate; `key` has signed it.
pub fn decode(predicate: &[u8], key: &str) -> Result<TagMap, Error> {
    if predicate.len() > BYTES_MAX {
        return Err(error("it is larger than 4 MiB"));
    }
    let wire: Wire = strict_json::from_slice(predicate, WHAT)
        .map_err(|source| error(&clean(&source.to_string())))?;
    if wire.version != 1 {
        return Err(error("its version is not 1"));
    }
    let secs = |text: &str| {
        let time: Timestamp = text.parse().map_err(|_| error("a time in it is not RFC 3339"))?;
        Ok(time.as_second())
    };
    // A repository is a reference without anything behind it.
    let name = Reference::parse(&wire.repository).ok();
    if name.is_none_or(|name| repository(&name) != wire.repository) {
        return Err(error("its repository is not a whole name"));
    }
    if wire.tags.len() > TAGS_MAX {
        return Err(error("it has more than 20000 tags"));
    }
    let mut tags = BTreeMap::new();
    for (tag, entry) in wire.tags {
        let digest = entry.digest.parse().map_err(|_| error("a digest in it is none"))?;
        if entry.counter == 0 || entry.counter > wire.counter {
            return Err(error("a tag was set more often than there were maps"));
        }
        tags.insert(tag, Entry { digest, counter: entry.counter });
    }
    let (issued_secs, expires_secs) = (secs(&wire.issued)?, secs(&wire.expires)?);
    if issued_secs >= expires_secs {
        return Err(error("it ends before it begins"));
    }
    Ok(TagMap {
        repository: wire.repository,
        counter: wire.counter,
        issued_secs,
        expires_secs,
        tags,
        key: key.to_owned(),
    })
}

/// The newest of some maps that is of this repository. Two publishers at once make two of one number: then the one that
/// has the tag counts, and two that say different things of it are an error.
pub fn newest<'a>(
    maps: &'a [TagMap],
    repository: &str,
    tag: Option<&str>,
) -> Result<Option<&'a TagMap>, Error> {
    let of_this = || maps.iter().filter(|map| map.repository == repository);
    let Some(number) = of_this().map(|map| map.counter).max() else { return Ok(None) };
    let entry = |map: &'a TagMap| tag.and_then(|tag| map.tags.get(tag));
    let mut newest: Option<&TagMap> = None;
    for map in of_this().filter(|map| map.counter == number) {
        match (newest.and_then(entry), entry(map)) {
            (Some(one), Some(other)) if one.digest != other.digest => {
                let subject = repository.to_owned();
                return Err(Error::Forked { what: WHAT, subject, number });
            }
            (Some(_), None) => {}
            // Of two that agree the one that was made last.
            (None, None) | (Some(_), Some(_))
                if newest.is_some_and(|known| known.issued_secs >= map.issued_secs) => {}
            _ => newest = Some(map),
        }
    }
    Ok(newest)
}

/// What publishers at once have made, in one: of each tag what was set last. For whoever makes the next map.
pub fn merge(maps: &[TagMap], repository: &str) -> Option<TagMap> {
    let mut maps: Vec<&TagMap> = maps.iter().filter(|map| map.repository == repository).collect();
    maps.sort_by_key(|map| (map.counter, map.issued_secs));
    let mut merged = (*maps.last()?).clone();
    for map in maps {
        for (tag, entry) in &map.tags {
            let is_newer = |known: &Entry| known.counter < entry.counter;
            if merged.tags.get(tag).is_none_or(is_newer) {
                merged.tags.insert(tag.clone(), entry.clone());
            }
        }
    }
    Some(merged)
}

/// Refuses a map that says less than one that was seen: a lower number of a tag in a newer map is a way back.
pub fn check_next(known: &TagMap, newer: &TagMap) -> Result<(), Error> {
    for (tag, entry) in &newer.tags {
        let Some(before) = known.tags.get(tag) else { continue };
        let is_moved = entry.digest != before.digest;
        if entry.counter < before.counter || is_moved && entry.counter == before.counter {
            return Err(Error::Older {
                what: "tag map entry",
                subject: format!("{}:{}", newer.repository, clean(tag)),
                found: entry.counter,
                known: before.counter,
            });
        }
    }
    Ok(())
}

fn error(reason: &str) -> Error {
    Error::Signed { what: WHAT, reason: reason.to_owned() }
}
