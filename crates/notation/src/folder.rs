//! The folder of a trust store, `truststore/x509`: files added, listed and deleted.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sealift_crypto::Certificate;

use crate::store::read_certificates;
use crate::text::clean;
use crate::{Error, StoreName, StoreType, check_certificates};

const ENDINGS: [&str; 4] = ["crt", "pem", "cer", "der"];

/// A file of a trust store.
#[derive(Clone, Debug)]
pub struct StoreFile {
    /// Type and name of the store.
    pub store: StoreName,
    /// Name of the file.
    pub name: String,
    /// Its certificates, or why it has none.
    pub certificates: Result<Vec<Certificate>, String>,
}

/// Adds a file of certificates, PEM or DER. Nothing that is there is replaced.
pub fn add(root: &Path, store: &StoreName, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
    let refused = |reason: String| Error::Store { store: store.to_string(), reason };
    let path = file_path(root, store, name)?;
    let certificates = read_certificates(bytes).map_err(refused)?;
    check_certificates(store.kind, &certificates).map_err(refused)?;
    let write = || -> io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        let mut file = fs::File::create_new(&path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| refused(format!("`{}`: {error}", path.display())))?;
    Ok(path)
}

/// All files, or those of one type or of the stores with one name.
pub fn list(
    root: &Path,
    kind: Option<StoreType>,
    name: Option<&str>,
) -> Result<Vec<StoreFile>, Error> {
    let mut files = Vec::new();
    for of_type in
        StoreType::ALL.into_iter().filter(|of_type| kind.is_none_or(|kind| kind == *of_type))
    {
        let folder = root.join(of_type.as_str());
        for store in names(&folder)? {
            if name.is_some_and(|name| name != store) {
                continue;
            }
            // What cannot be the name of a store is none.
            let Ok(store_name) = StoreName::new(of_type, &store) else { continue };
            for file in names(&folder.join(&store))? {
                let path = folder.join(&store).join(&file);
                let certificates = crate::store::read_file(&path)
                    .map_err(|error| error.to_string())
                    .and_then(|bytes| read_certificates(&bytes))
                    .and_then(|all| check_certificates(of_type, &all).map(|()| all));
                files.push(StoreFile { store: store_name.clone(), name: file, certificates });
            }
        }
    }
    Ok(files)
}

/// Deletes a file of a store, or all of it. Returns how many files there were.
pub fn delete(root: &Path, store: &StoreName, name: Option<&str>) -> Result<usize, Error> {
    let refused = |reason: String| Error::Store { store: store.to_string(), reason };
    let folder = root.join(store.kind.as_str()).join(store.name());
    let doomed = match name {
        Some(name) => vec![file_path(root, store, name)?],
        None => names(&folder)?.iter().map(|name| folder.join(name)).collect(),
    };
    if doomed.is_empty() {
        return Err(refused("it is not here".to_owned()));
    }
    for path in &doomed {
        fs::remove_file(path).map_err(|error| refused(format!("`{}`: {error}", path.display())))?;
    }
    // An empty folder is no store; if somebody has put something into it, it stays.
    let _ = fs::remove_dir(&folder);
    Ok(doomed.len())
}

fn file_path(root: &Path, store: &StoreName, name: &str) -> Result<PathBuf, Error> {
    let path = Path::new(name);
    let is_plain = path.file_name().is_some_and(|only| only == name) && !name.starts_with('.');
    let has_ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| ENDINGS.contains(&ending));
    if is_plain && has_ending {
        return Ok(root.join(store.kind.as_str()).join(store.name()).join(name));
    }
    let reason = format!("`{}` is not the name of a .crt, .pem, .cer or .der file", clean(name));
    Err(Error::Store { store: store.to_string(), reason })
}

// Names in a folder, sorted; none if there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let refused = |error: io::Error| Error::Store {
        store: folder.display().to_string(),
        reason: error.to_string(),
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(refused)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(refused)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use sealift_crypto::SigningKey;

    use super::*;
    use crate::{DistinguishedName, TrustStore, Validity, issue_signer, new_root};

    #[test]
    fn added_listed_read_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let key = SigningKey::generate_p256();
        let subject = DistinguishedName::parse("CN=a,O=b,ST=c,C=CH").unwrap();
        let validity = Validity {
            from: "2026-11-21T00:00:00Z".parse().unwrap(),
            to: "2027-11-21T00:00:00Z".parse().unwrap(),
        };
        let authority = new_root(&key, &subject, validity).unwrap();
        let leaf = issue_signer(&authority, &key, &subject, validity).unwrap().remove(0);
        let store = StoreName::new(StoreType::Authority, "team").unwrap();
        assert!(list(root, None, None).unwrap().is_empty());
        add(root, &store, "root.crt", authority.to_pem().as_bytes()).unwrap();
        add(root, &store, "root.der", authority.der()).unwrap();
        let refused =
            |name: &str, bytes: &[u8]| add(root, &store, name, bytes).unwrap_err().to_string();
        assert!(refused("root.crt", authority.der()).ends_with("File exists (os error 17)"));
        assert!(refused("leaf.crt", leaf.der()).ends_with(
            "the certificate `CN=a,O=b,ST=c,C=CH` is neither an authority nor self-signed"
        ));
        for name in ["../root.crt", "a/root.crt", "root.key", ".crt", "root", ""] {
            assert!(refused(name, authority.der()).contains("is not the name of a .crt"), "{name}");
        }
        let files = list(root, Some(StoreType::Authority), Some("team")).unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].certificates, Ok(vec![authority.clone()]));
        assert!(list(root, Some(StoreType::Timestamp), None).unwrap().is_empty());
        assert!(list(root, None, Some("other")).unwrap().is_empty());
        let names = std::slice::from_ref(&store);
        let read = TrustStore::read(root, names);
        let found = read.certificates(StoreType::Authority, names).unwrap();
        assert_eq!(found, [authority.clone(), authority]);
        // A link or a file of something else spoils the whole store: it may have been a revocation.
        std::os::unix::fs::symlink("root.crt", root.join("ca/team/link.crt")).unwrap();
        let read = TrustStore::read(root, names);
        assert!(read.certificates(StoreType::Authority, names).is_err());
        assert_eq!(delete(root, &store, Some("link.crt")).unwrap(), 1);
        assert_eq!(delete(root, &store, None).unwrap(), 2);
        assert!(!root.join("ca/team").exists());
        assert!(delete(root, &store, None).is_err());
        let read = TrustStore::read(root, names);
        assert!(read.certificates(StoreType::Authority, names).is_err());
    }
}
