//! Copies of files that lie elsewhere, brought up to date.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sealift_client::{Fetched, Part};

use crate::{Error, Session};

/// Brings one file up to date; true if it had changed. Beside it lies which state of it that is.
pub(crate) fn fetch(
    session: &Session<'_>,
    url: &str,
    path: &Path,
    limit: u64,
) -> Result<bool, Error> {
    let (state, part_path, part_state) =
        (beside(path, ".state"), beside(path, ".part"), beside(path, ".part.state"));
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
            let is_same = new.is_none() && is_equal(path, &part_path);
            fs::rename(&part_path, path).map_err(fail)?;
            fs::write(&state, new.unwrap_or_default())
                .map_err(|source| Error::file("write", &state, source))?;
            Ok(!is_same)
        }
    }
}

/// Forgets which state of a file is at hand, so that it is fetched whole the next time.
pub(crate) fn forget_state(path: &Path) {
    for ending in [".state", ".part", ".part.state"] {
        fs::remove_file(beside(path, ending)).ok();
    }
}

/// Makes a folder and those above it.
pub(crate) fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::file("make", folder, source))
}

/// True if both files are there and say the same.
pub(crate) fn is_equal(left: &Path, right: &Path) -> bool {
    match (fs::read(left), fs::read(right)) {
        (Ok(left), Ok(right)) => left == right,
        _ => false,
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn read_state(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().filter(|text| !text.is_empty())
}
