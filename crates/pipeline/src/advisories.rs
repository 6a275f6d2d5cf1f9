//! The advisories that images are matched against: a database, or the documents that one is made of.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sealift_advisory::{Ecosystem, Feed, Wanted};
use sealift_database::{CORE_NAME, Contents, Database, Source, build};
use sealift_oci::Digest;

use crate::findings::Findings;
use crate::{Error, Session};

const OSV_LICENSE: &str =
    "each record under its publisher's terms (https://google.github.io/osv.dev/data/)";

// Databases that are kept of documents; each is as large as these, compressed.
const KEPT_MAX: usize = 4;

/// Opens the database at this place. Of documents one is made of what is wanted, and kept: the next time it is only
/// opened, unless a document has changed.
pub(crate) fn open(
    session: &Session<'_>,
    path: &Path,
    wanted: &[Ecosystem],
) -> Result<Database, Error> {
    if path.join(CORE_NAME).is_file() {
        return Ok(Database::open(path)?);
    }
    let wanted = Wanted::Only(wanted);
    let known = Findings::beside(session.store, "advisories");
    let folder = known.and_then(|findings| Some(findings.folder(&fingerprint(path, wanted)?)));
    if let Some(folder) = &folder
        && let Ok(database) = Database::open(folder)
    {
        return Ok(database);
    }
    let built = build(read(path, wanted, session.document_secs())?);
    session.check()?;
    if let Some(folder) = folder {
        // A cache that cannot be written costs time and nothing else.
        if Database::install(&folder, &built).is_ok() {
            remove_oldest(&folder);
        }
    }
    Ok(Database::of_bytes(built.core, Some(built.texts))
        .map_err(|source| sealift_database::Error::Damaged { path: path.to_owned(), source })?)
}

/// What a database is made of, from documents.
pub(crate) fn read(path: &Path, wanted: Wanted<'_>, made_secs: i64) -> Result<Contents, Error> {
    let Feed { advisories, info, kev, epss, lives, repositories, sources, notes } =
        Feed::read(path, wanted)?;
    let source = Source {
        id: "osv".to_owned(),
        location: info.source,
        records: info.records as u64,
        newest: info.newest_modified,
        license: OSV_LICENSE.to_owned(),
        is_example: info.example_only,
    };
    let others = sources.into_iter().map(|other| Source {
        id: other.id,
        location: other.location,
        records: other.records as u64,
        newest: other.newest,
        license: other.license,
        is_example: false,
    });
    let documents = (source.records > 0 || others.len() == 0).then_some(source);
    let sources = documents.into_iter().chain(others).collect();
    Ok(Contents { advisories, kev, epss, lives, repositories, sources, notes, made_secs })
}

// Names the documents and what is wanted of them; `None` if that cannot be told.
fn fingerprint(path: &Path, wanted: Wanted<'_>) -> Option<String> {
    let mut text = format!("{wanted:?}\n{}\n", path.display());
    for file in Feed::files(path, wanted).ok()? {
        let metadata = fs::metadata(&file).ok()?;
        let changed = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        text.push_str(&file.display().to_string());
        text.extend([" ", &metadata.len().to_string(), " ", &changed.as_nanos().to_string(), "\n"]);
    }
    let marker = path.join(sealift_advisory::EXAMPLE_MARKER).exists();
    text.push_str(if marker { "example" } else { "" });
    Some(Digest::sha256(text.as_bytes()).hex().to_owned())
}

fn remove_oldest(newest: &Path) {
    let Some(entries) = newest.parent().and_then(|all| fs::read_dir(all).ok()) else { return };
    let mut known: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
        })
        .collect();
    known.sort();
    let too_many = known.len().saturating_sub(KEPT_MAX);
    for (_, folder) in known.into_iter().take(too_many).filter(|(_, folder)| folder != newest) {
        // Whoever has it open keeps it.
        fs::remove_dir_all(folder).ok();
    }
}
