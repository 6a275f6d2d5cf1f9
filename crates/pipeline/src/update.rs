//! Bringing the advisory database up to date: from a mirror of the OSV bucket, and from feeds of one file each. What has
//! not changed is not fetched; what broke off is continued.

use std::path::{Path, PathBuf};

use sealift_database::Database;
use sealift_model::Note;
use sealift_oci::Digest;

use crate::bucket;
use crate::mirror::{fetch, make};
use crate::{Error, Session, database};

/// What is fetched if nothing is named: short name and address. The first is a bucket, the others are files.
pub const SOURCES: [(&str, &str); 6] = [
    (OSV, "https://osv-vulnerabilities.storage.googleapis.com"),
    ("kev", "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"),
    ("epss", "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"),
    ("debian", "https://security-tracker.debian.org/tracker/data/json"),
    ("debian-releases", "https://salsa.debian.org/debian/distro-info-data/-/raw/main/debian.csv"),
    ("ubuntu-releases", "https://salsa.debian.org/debian/distro-info-data/-/raw/main/ubuntu.csv"),
];

const OSV: &str = "osv";
const FILE_BYTES_MAX: u64 = 1 << 30;

/// What was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Ecosystems and feeds that had changed; with a number, if only so many records were fetched.
    pub changed: Vec<(String, Option<usize>)>,
    /// How many had not.
    pub unchanged: usize,
    /// Feeds that could not be fetched, and why: what was fetched of them before is still used.
    pub failed: Vec<Note>,
}

/// Brings the database in a folder up to date. `named` are addresses of buckets and `NAME=ADDRESS` of files; if there are
/// none, all that is known is fetched. If anything that was named fails, or the bucket, then the old database stays, and
/// what was fetched is there for the next time.
pub fn update(
    session: &Session<'_>,
    named: &[String],
    folder: &Path,
) -> Result<(Database, Updated), Error> {
    let mut updated = Updated::default();
    let mut mirrors = Vec::new();
    for source in sources(named)? {
        session.check()?;
        let mirror = mirror_of(session, &source.url)?;
        if source.name == OSV {
            bucket::update(session, &source.url, &mirror, &mut updated)?;
            mirrors.push(mirror);
            continue;
        }
        let path = mirror.join(file_name(&source));
        match fetch(session, &source.url, &path, FILE_BYTES_MAX) {
            Ok(true) => updated.changed.push((source.name, None)),
            Ok(false) => updated.unchanged += 1,
            Err(error) if named.is_empty() => {
                updated.failed.push(Note { subject: source.name, message: reason(&error) });
            }
            Err(error) => return Err(error),
        }
        if path.is_file() {
            mirrors.push(mirror);
        }
    }
    // Also if nothing has changed: the database then says that it is as fresh as this moment.
    let database = database::build(session, &mirrors, &updated.failed, folder)?;
    Ok((database, updated))
}

/// The copy of what lies at an address, brought up to date: of a file if the address ends like one, else of a bucket.
pub fn copy(session: &Session<'_>, url: &str) -> Result<PathBuf, Error> {
    let source = Source { name: OSV.to_owned(), url: url.trim_end_matches('/').to_owned() };
    let mirror = mirror_of(session, &source.url)?;
    if is_file_name(last_part(&source.url)) {
        fetch(session, &source.url, &mirror.join(file_name(&source)), FILE_BYTES_MAX)?;
    } else {
        bucket::update(session, &source.url, &mirror, &mut Updated::default())?;
    }
    Ok(mirror)
}

fn mirror_of(session: &Session<'_>, url: &str) -> Result<PathBuf, Error> {
    let hash = Digest::sha256(url.as_bytes());
    let mirror = session.store.cache_dir("feeds")?.join(&hash.hex()[..16]);
    make(&mirror)?;
    Ok(mirror)
}

struct Source {
    name: String,
    url: String,
}

fn sources(named: &[String]) -> Result<Vec<Source>, Error> {
    let all = SOURCES.map(|(name, url)| format!("{name}={url}"));
    let named = if named.is_empty() { &all[..] } else { named };
    named.iter().map(|text| source(text)).collect()
}

// An address has a colon before the first `=`, if it has one.
fn source(text: &str) -> Result<Source, Error> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let (name, url) = text.split_once('=').filter(|(name, _)| is_name(name)).unwrap_or((OSV, text));
    if url.is_empty() {
        return Err(Error::usage(
            format!("the source `{name}` has no address"),
            "write `--source NAME=URL`, or name only the sources that you want",
        ));
    }
    Ok(Source { name: name.to_owned(), url: url.trim_end_matches('/').to_owned() })
}

// What the file is, its content will tell; its name only says that it is to be read.
fn file_name(source: &Source) -> PathBuf {
    let last = last_part(&source.url);
    if is_file_name(last) {
        return PathBuf::from(last);
    }
    PathBuf::from(format!("{}.json", source.name))
}

fn last_part(url: &str) -> &str {
    let last = url.rsplit('/').next().unwrap_or_default();
    last.split(['?', '#']).next().unwrap_or_default()
}

// As `sealift_advisory` takes files of a folder: documents and archives, compressed or not, and Debian's lists.
fn is_file_name(last: &str) -> bool {
    let is_plain = last.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let packings = [".gz", ".zst", ".xz", ".bz2"];
    let inner = packings.iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
    let ends = [".json", ".csv", ".xml", ".tar", ".txt"];
    let is_known = ends.iter().any(|end| inner.len() > end.len() && inner.ends_with(end));
    let is_zip = last.strip_suffix(".zip").is_some_and(|name| !name.is_empty());
    is_plain && !last.starts_with('.') && (is_known || is_zip || last == "list")
}

fn reason(error: &Error) -> String {
    let mut text = format!("it could not be fetched: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.extend([": ".to_owned(), error.to_string()]);
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named() {
        for (text, expected) in [
            ("https://a.example/b/", "osv https://a.example/b osv.json"),
            ("https://a.example/b?c=d", "osv https://a.example/b?c=d osv.json"),
            ("kev=https://a.example/k.json", "kev https://a.example/k.json k.json"),
            (
                "debian=https://a.example/data/json",
                "debian https://a.example/data/json debian.json",
            ),
            ("x=https://a.example/f.csv.gz?x=/../y", "x https://a.example/f.csv.gz?x=/../y x.json"),
            ("x=https://a.example/.json", "x https://a.example/.json x.json"),
            ("x=https://a.example/v.tar.zst", "x https://a.example/v.tar.zst v.tar.zst"),
            ("x=https://a.example/elsa.xml.bz2", "x https://a.example/elsa.xml.bz2 elsa.xml.bz2"),
            ("x=https://a.example/DSA/list", "x https://a.example/DSA/list list"),
        ] {
            let source = source(text).unwrap();
            let name = file_name(&source);
            let told = format!("{} {} {}", source.name, source.url, name.display());
            assert_eq!(told, expected);
        }
        assert!(source("kev=").is_err());
        assert_eq!(sources(&[]).unwrap().len(), SOURCES.len());
    }
}
