//! Bringing the advisory database up to date from a mirror of the OSV bucket: `ecosystems.txt`, and for each ecosystem
//! `modified_id.csv` and `all.zip`. What has not changed is not fetched; what broke off is continued.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sealift_client::{Fetched, Part};
use sealift_database::Database;
use sealift_oci::Digest;

use crate::{Error, Session, database};

/// Where the OSV project publishes its advisories.
pub const OSV_BUCKET: &str = "https://osv-vulnerabilities.storage.googleapis.com";

const LIST_BYTES_MAX: u64 = 1 << 20;
const CHANGES_BYTES_MAX: u64 = 256 << 20;
const ZIP_BYTES_MAX: u64 = 8 << 30;
const ECOSYSTEMS_MAX: usize = 500;

/// What was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Ecosystems whose advisories had changed.
    pub changed: Vec<String>,
    /// How many had not.
    pub unchanged: usize,
}

/// Brings the database in a folder up to date. If anything fails the old one stays, and what was fetched is there for the
/// next time.
pub fn update(
    session: &Session<'_>,
    source: &str,
    folder: &Path,
) -> Result<(Database, Updated), Error> {
    let source = source.trim_end_matches('/');
    let name = Digest::sha256(source.as_bytes());
    let mirror = session.store.cache_dir("feeds")?.join(&name.hex()[..16]);
    make(&mirror)?;
    let names = ecosystems(session, source, &mirror)?;
    let mut updated = Updated::default();
    for name in &names {
        session.check()?;
        let own = mirror.join(name);
        make(&own)?;
        let place = format!("{source}/{}", name.replace(' ', "%20"));
        let changes = fetch(session, &format!("{place}/modified_id.csv"), &own, CHANGES_BYTES_MAX)?;
        let is_whole = own.join("all.zip").is_file() && own.join("all.zip.read").is_file();
        if !changes && is_whole {
            updated.unchanged += 1;
            continue;
        }
        // The list of changes is the newer one from now on: the zip must come before it is believed again.
        fs::remove_file(own.join("all.zip.read")).ok();
        fetch(session, &format!("{place}/all.zip"), &own, ZIP_BYTES_MAX)?;
        let marker = own.join("all.zip.read");
        File::create(&marker).map_err(|source| Error::file("write", &marker, source))?;
        updated.changed.push(name.clone());
    }
    forget_others(&mirror, &names)?;
    // Also if nothing has changed: the database then says that it is as fresh as this moment.
    let database = database::build(session, &[mirror], folder)?;
    Ok((database, updated))
}

fn ecosystems(session: &Session<'_>, source: &str, mirror: &Path) -> Result<Vec<String>, Error> {
    fetch(session, &format!("{source}/ecosystems.txt"), mirror, LIST_BYTES_MAX)?;
    let path = mirror.join("ecosystems.txt");
    let text = fs::read_to_string(&path).map_err(|source| Error::file("read", &path, source))?;
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| is_name(name)).map(str::to_owned).collect();
    if names.is_empty() || names.len() > ECOSYSTEMS_MAX {
        return Err(Error::usage(
            format!("`{source}/ecosystems.txt` names {} ecosystems", names.len()),
            "name a mirror of the OSV bucket with `--source URL`",
        ));
    }
    Ok(names)
}

// It becomes a folder here.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || " .-_".contains(c))
}

// Brings one file up to date; true if it had changed. Beside it lies which state of it that is.
fn fetch(session: &Session<'_>, url: &str, folder: &Path, limit: u64) -> Result<bool, Error> {
    let name = url.rsplit('/').next().unwrap_or_default();
    let beside = |ending: &str| folder.join(format!("{name}{ending}"));
    let (path, state, part_path, part_state) =
        (beside(""), beside(".state"), beside(".part"), beside(".part.state"));
    let known = path.is_file().then(|| read_state(&state)).flatten();
    let fail = |source| Error::file("write", &part_path, source);
    let mut file =
        File::options().create(true).append(true).read(true).open(&part_path).map_err(fail)?;
    let mut part = Part { file: &mut file, state: read_state(&part_state) };
    let outcome = session.network.fetch(url, known.as_deref(), &mut part, limit);
    match (&outcome, part.state) {
        (Err(_), Some(text)) => {
            fs::write(&part_state, text)
                .map_err(|source| Error::file("write", &part_state, source))?;
        }
        _ => {
            fs::remove_file(&part_state).ok();
        }
    }
    match outcome? {
        Fetched::Unchanged => {
            fs::remove_file(&part_path).ok();
            Ok(false)
        }
        Fetched::Complete(new) => {
            file.sync_all().map_err(fail)?;
            let is_same = new.is_none() && is_equal(&path, &part_path);
            fs::rename(&part_path, &path).map_err(fail)?;
            fs::write(&state, new.unwrap_or_default())
                .map_err(|source| Error::file("write", &state, source))?;
            Ok(!is_same)
        }
    }
}

// For hosts that do not tell states apart.
fn is_equal(left: &Path, right: &Path) -> bool {
    match (fs::read(left), fs::read(right)) {
        (Ok(left), Ok(right)) => left == right,
        _ => false,
    }
}

fn read_state(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().filter(|text| !text.is_empty())
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::file("make", folder, source))
}

// An ecosystem that is no longer listed has no advisories any more.
fn forget_others(mirror: &Path, names: &[String]) -> Result<(), Error> {
    let fail = |source| Error::file("read", mirror, source);
    let entries: Vec<PathBuf> = fs::read_dir(mirror)
        .map_err(fail)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()
        .map_err(fail)?;
    for path in entries.iter().filter(|path| path.is_dir()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !names.iter().any(|known| known == name) {
            fs::remove_dir_all(path).map_err(|source| Error::file("remove", path, source))?;
        }
    }
    Ok(())
}
