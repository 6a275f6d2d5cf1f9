//! Which files hold advisories: one file, a folder, a zip, or a copy of the OSV bucket.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sealift_model::Note;

use crate::{EXAMPLE_MARKER, Error, Limits, Wanted, debian_list};

/// Records in a folder of this name beside a zip stand before those of the same name in it.
pub(crate) const CHANGED: &str = "changed";

// Enough for a line.
const LINE_BYTES: u64 = 512;

/// Files to read, sorted.
#[derive(Default)]
pub(crate) struct Sources {
    /// JSON and CSV files, compressed or not, and lists of advisories.
    pub(crate) files: Vec<PathBuf>,
    /// Zip files of documents.
    pub(crate) zips: Vec<PathBuf>,
    /// Tar files of documents, compressed or not.
    pub(crate) tars: Vec<PathBuf>,
    /// True if they are marked as example data.
    pub(crate) is_example: bool,
    /// What is missing.
    pub(crate) notes: Vec<Note>,
}

/// Finds them. The bucket's layout is `<ecosystem>/all.zip`; only the wanted ones are taken from it.
pub(crate) fn find(path: &Path, wanted: Wanted<'_>, limits: &Limits) -> Result<Sources, Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let mut sources = Sources::default();
    let folder = if fs::metadata(path).map_err(read)?.is_dir() {
        let is_bucket = |names: &BTreeSet<&str>| {
            path.join("ecosystems.txt").is_file()
                || names.iter().any(|name| zip_of(path, name).is_some())
        };
        match wanted.names().filter(is_bucket) {
            Some(names) => find_in_bucket(path, &names, &mut sources, limits)?,
            None => walk(path, &mut sources, limits)?,
        }
        Some(path)
    } else {
        if has_extension(path, "zip") {
            take_zip(path.to_owned(), &mut sources, limits)?;
        } else if is_tar(path) {
            sources.tars.push(path.to_owned());
        } else {
            sources.files.push(path.to_owned());
        }
        path.parent()
    };
    sources.is_example = folder.is_some_and(|folder| folder.join(EXAMPLE_MARKER).is_file());
    sources.files.sort_unstable();
    sources.zips.sort_unstable();
    sources.tars.sort_unstable();
    Ok(sources)
}

fn find_in_bucket(
    path: &Path,
    names: &BTreeSet<&str>,
    sources: &mut Sources,
    limits: &Limits,
) -> Result<(), Error> {
    for name in names {
        let folder = path.join(name);
        if let Some(zip) = zip_of(path, name) {
            take_zip(zip, sources, limits)?;
        } else if is_plain(name) && folder.is_dir() {
            walk(&folder, sources, limits)?;
        } else {
            sources.notes.push(Note {
                subject: (*name).to_owned(),
                message: format!("no advisories for this ecosystem in `{}`", path.display()),
            });
        }
    }
    Ok(())
}

fn take_zip(zip: PathBuf, sources: &mut Sources, limits: &Limits) -> Result<(), Error> {
    let changed = zip.parent().map(|folder| folder.join(CHANGED)).filter(|folder| folder.is_dir());
    sources.zips.push(zip);
    changed.map_or(Ok(()), |folder| walk(&folder, sources, limits))
}

fn zip_of(path: &Path, name: &str) -> Option<PathBuf> {
    let encoded = name.replace(' ', "%20");
    [name, &encoded]
        .into_iter()
        .filter(|name| is_plain(name))
        .map(|name| path.join(name).join("all.zip"))
        .find(|zip| zip.is_file())
}

// An ecosystem's name comes from the image's os-release; it must stay one part of a path.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

fn walk(root: &Path, sources: &mut Sources, limits: &Limits) -> Result<(), Error> {
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let read = |source| Error::Read { path: folder.clone(), source };
        if depth > limits.depth_max {
            return Err(too_much(root, "nested folders", limits.depth_max as u64));
        }
        for entry in fs::read_dir(&folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let path = entry.path();
            // Links to folders are not followed, so that there is no way round in circles.
            if entry.file_type().map_err(read)?.is_dir() {
                folders.push((path, depth + 1));
            } else if (is_document(&path) && is_file(&path).map_err(read)?)
                || (may_be_list(&path) && is_file(&path).map_err(read)? && is_list(&path))
            {
                sources.files.push(path);
            } else if has_extension(&path, "zip") && is_file(&path).map_err(read)? {
                sources.zips.push(path);
            } else if is_tar(&path) && is_file(&path).map_err(read)? {
                sources.tars.push(path);
            }
            let count = sources.files.len() + sources.zips.len() + sources.tars.len();
            if count as u64 > limits.files_max {
                return Err(too_much(root, "files", limits.files_max));
            }
        }
    }
    Ok(())
}

// Devices and pipes are no advisories, and reading them may never end.
fn is_file(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

// JSON or CSV, compressed or not.
fn is_document(path: &Path) -> bool {
    has_inner_extension(path, &["json", "csv", "xml"])
}

fn is_tar(path: &Path) -> bool {
    has_inner_extension(path, &["tar"])
}

// One of these extensions, or one below that of a compression.
fn has_inner_extension(path: &Path, extensions: &[&str]) -> bool {
    let is_plain = |path: &Path| extensions.iter().any(|it| has_extension(path, it));
    let is_packed = ["gz", "zst", "xz", "bz2"].iter().any(|end| has_extension(path, end));
    is_plain(path) || (is_packed && path.file_stem().is_some_and(|stem| is_plain(Path::new(stem))))
}

// The lists of Debian's advisories have no extension of their own; any other text beside feeds is none.
fn may_be_list(path: &Path) -> bool {
    has_extension(path, "txt") || path.file_name().is_some_and(|name| name == "list")
}

fn is_list(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(LINE_BYTES).read_to_end(&mut head));
    read.is_ok() && debian_list::is_list(&head)
}

fn too_much(path: &Path, what: &'static str, limit: u64) -> Error {
    Error::TooMuch { path: path.to_owned(), what, limit }
}
