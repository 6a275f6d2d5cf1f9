//! What is read of a source: repositories, one after the other, each with where its bytes lie.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sealift_oci::{Digest, RepositoryName, Tag};

use crate::Report;

/// Largest manifest that is read; a depot takes no larger ones.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The tree of distribution's file system driver.
    Distribution,
    /// The tree of zot: a layout for each repository.
    Zot,
    /// One OCI layout.
    Layout,
}

/// Why nothing could be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such tree.
    #[error("`{path}` is no {kind}: {reason}")]
    NoSource {
        /// The path.
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
        /// Why it is none.
        reason: String,
    },
    /// The depot cannot take it.
    #[error("cannot keep what was read: {0}")]
    Depot(#[from] sealift_depot::Error),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSource { .. } => Some(
                "give the registry's `rootdirectory`; `distribution`, `zot` or `layout` says what it is",
            ),
            Self::Depot(sealift_depot::Error::InUse) => {
                Some("stop the server, or give a folder of its own with --data")
            }
            Self::Depot(_) => Some("run it again; what was brought is not brought twice"),
        }
    }
}

/// Repositories of a source.
pub(crate) trait Repositories: Send {
    /// The next one; what cannot be read is told to the report.
    fn next(&mut self, report: &mut Report) -> Option<Found>;
}

/// A repository of a source.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) name: RepositoryName,
    /// Its manifests with their tags.
    pub(crate) manifests: BTreeMap<Digest, BTreeSet<Tag>>,
    /// Media types that stand beside manifests and not in them.
    pub(crate) media_types: BTreeMap<Digest, String>,
    /// Where blobs lie.
    pub(crate) blobs: Blobs,
}

/// Where blobs lie.
#[derive(Clone, Debug)]
pub(crate) enum Blobs {
    /// `sha256/ab/<hex>/data` beneath a folder.
    Distribution(PathBuf),
    /// `sha256/<hex>` beneath a folder.
    Layout(PathBuf),
}

impl Blobs {
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let (algorithm, hex) = (digest.algorithm().as_str(), digest.hex());
        match self {
            Self::Distribution(folder) => {
                folder.join(algorithm).join(&hex[..2]).join(hex).join("data")
            }
            Self::Layout(folder) => folder.join(algorithm).join(hex),
        }
    }
}

/// The whole content of a small regular file.
pub(crate) fn read_small(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let is_file = fs::symlink_metadata(path).map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("it is no file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("it is larger than {bytes_max} bytes"));
    }
    Ok(bytes)
}

/// Names of the folders (or files) in a folder, sorted; none if it is not there.
pub(crate) fn names(folder: &Path, wants_folders: bool) -> Result<Vec<String>, String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        // A link leads elsewhere, and is neither.
        let kind = entry.file_type().map_err(|error| error.to_string())?;
        if (wants_folders && kind.is_dir()) || (!wants_folders && kind.is_file()) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Folders beneath a root that are repositories, found one after the other.
pub(crate) struct Walk {
    root: PathBuf,
    waiting: Vec<String>,
}

// A name has 255 letters at most, so that it cannot have more parts.
const PARTS_MAX: usize = 128;

impl Walk {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, waiting: vec![String::new()] }
    }

    /// The next folder for which `is_repository` holds, as a path beneath the root and a name. Folders whose names begin
    /// with `_` or `.` are never parts of names.
    pub(crate) fn next(
        &mut self,
        is_repository: &dyn Fn(&Path) -> bool,
        is_inside: &dyn Fn(&str) -> bool,
        report: &mut Report,
    ) -> Option<(PathBuf, RepositoryName)> {
        while let Some(name) = self.waiting.pop() {
            let folder = self.root.join(&name);
            match names(&folder, true) {
                Ok(inner) if name.split('/').count() <= PARTS_MAX => {
                    let inner = inner
                        .into_iter()
                        .rev()
                        .filter(|part| !part.starts_with(['_', '.']) && !is_inside(part));
                    let join = |part: String| {
                        if name.is_empty() { part } else { format!("{name}/{part}") }
                    };
                    self.waiting.extend(inner.map(join));
                }
                Ok(_) => report.damage(&name, "folders", "there are too many within each other"),
                Err(reason) => report.damage(&name, "folder", reason),
            }
            if name.is_empty() || !is_repository(&folder) {
                continue;
            }
            match RepositoryName::parse(&name) {
                Ok(name) => return Some((folder, name)),
                Err(error) => report.damage(&name, "name", error.to_string()),
            }
        }
        None
    }
}
