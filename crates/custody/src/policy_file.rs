//! Reading a trust policy and the files that it names.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sealift_notation::StoreName;
use sealift_pipeline::Error;
use sealift_trust::{Imported, Policy};

const FILE_BYTES_MAX: u64 = 1 << 20;

/// A policy and where it lies.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// The policy.
    pub policy: Policy,
    /// Its file.
    pub path: PathBuf,
    /// The folder that its paths stand behind.
    pub folder: PathBuf,
    /// All files that it was read of, and those that are read for a judgement.
    pub files: Vec<PathBuf>,
}

/// Whether a file that somebody named as a policy is one about trust, by its ending and its fields.
pub fn is_trust_policy(path: &Path) -> bool {
    let is_candidate = path.extension().is_some_and(|ending| {
        ending.eq_ignore_ascii_case("toml") || ending.eq_ignore_ascii_case("json")
    });
    is_candidate
        && path.is_file()
        && read(path)
            .is_ok_and(|bytes| sealift_trust::is_trust_policy(&path.to_string_lossy(), &bytes))
}

/// Reads a policy. Keys stand behind its folder or, by their bare name, in the key folder.
pub fn open(path: &Path, key_folder: &Path) -> Result<PolicyFile, Error> {
    let bytes = read(path).map_err(|source| Error::file("read", path, source))?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let seen = RefCell::new(vec![path.to_owned()]);
    let files = |named: &str| {
        let beside = folder.join(named);
        let is_bare = !named.contains('/');
        let chosen = if is_bare && !beside.exists() { key_folder.join(named) } else { beside };
        seen.borrow_mut().push(chosen.clone());
        read(&chosen).map_err(|error| format!("`{}`: {error}", chosen.display()))
    };
    let name = path.display().to_string();
    let policy = sealift_trust::read_policy(&name, &bytes, &files)
        .map_err(|error| crate::refuse("trust policy", error))?;
    let mut files = seen.into_inner();
    files.extend(policy.revocations.iter().map(|list| folder.join(&list.file)));
    Ok(PolicyFile { policy, path: path.to_owned(), folder, files })
}

/// Reads a policy of another language and writes it as `trust.toml`.
pub fn import(path: &Path, key_folder: &Path) -> Result<Imported, Error> {
    let file = open(path, key_folder)?;
    let stores = |name: &StoreName| {
        let below = Path::new("truststore/x509").join(name.kind.as_str()).join(name.name());
        let Ok(entries) = std::fs::read_dir(file.folder.join(&below)) else { return Vec::new() };
        let is_certificate = |name: &String| {
            [".crt", ".pem", ".cer"]
                .iter()
                .any(|ending| name.to_ascii_lowercase().ends_with(ending))
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(is_certificate).collect();
        names.sort();
        names.iter().map(|name| below.join(name).display().to_string()).collect()
    };
    sealift_trust::import(&file.policy, &stores)
        .map_err(|error| crate::refuse("trust policy", error))
}

/// Reads a file of at most 1 MiB.
pub(crate) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(bytes)
}
