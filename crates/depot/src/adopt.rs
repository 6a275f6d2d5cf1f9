//! Taking in files that lie elsewhere: shared with whoever has them where the file system allows, copied else.
//!
//! A shared file is never written to here, nor is its mode changed: it is the other's too.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_oci::{Digest, Hasher, RepositoryName};

use crate::Error;
use crate::blob::Blob;
use crate::depot::{Depot, Inner};
use crate::files::{Files, hash_file, remove};
use crate::ledger::{Transaction, values};
use crate::upload::UploadId;

const PIECE_BYTES: usize = 1 << 20;

/// How a blob was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It was there.
    Known,
    /// Its file is shared; so many bytes.
    Linked(u64),
    /// Its file was copied; so many bytes.
    Copied(u64),
}

impl Depot {
    /// Takes in a file as a blob of a repository. The file is read and stays as it is.
    pub async fn adopt_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        path: &Path,
    ) -> Result<Adopted, Error> {
        if self.blob(repository, digest).await?.is_some() {
            return Ok(Adopted::Known);
        }
        if self.is_shared() {
            return self.adopt_copy(repository, digest, path).await;
        }
        let (inner, repository) = (Arc::clone(&self.0), repository.clone());
        let (digest, path) = (digest.clone(), path.to_owned());
        let task = tokio::spawn(async move { inner.adopt(&repository, digest, path).await });
        task.await.map_err(|_| Error::lost("the file"))?
    }
}

impl Inner {
    async fn adopt(
        self: Arc<Self>,
        repository: &RepositoryName,
        digest: Digest,
        source: PathBuf,
    ) -> Result<Adopted, Error> {
        let to = self.files()?.upload(&UploadId::random()?.to_string());
        // Another repository may have it: then nothing is read.
        let text = digest.to_string();
        let read = move |transaction: &Transaction<'_>| {
            transaction.one(
                "SELECT size FROM blob WHERE digest = ?1 AND state = 0",
                values![&text],
                |row| row.size(0),
            )
        };
        let known: Option<u64> = self.ledger.main().read(read).await?;
        let place = self.files()?.blob(&digest);
        let is_there = |size: &u64| fs::metadata(&place).is_ok_and(|found| found.len() == *size);
        if let Some(size) = known.filter(is_there) {
            self.admit(repository, &Blob { digest, size }, &to).await?;
            return Ok(Adopted::Known);
        }
        let (inner, wanted, place) = (Arc::clone(&self), digest.clone(), to.clone());
        let bring = move || inner.bring(&source, &place, &wanted);
        let brought = tokio::task::spawn_blocking(bring).await;
        let adopted = brought.map_err(|_| Error::lost("the file"))??;
        let (Adopted::Linked(size) | Adopted::Copied(size)) = adopted else { return Ok(adopted) };
        let result = self.admit(repository, &Blob { digest, size }, &to).await;
        remove(&to).map_err(Error::file("the blob's file"))?;
        result.map(|()| adopted)
    }

    fn bring(&self, source: &Path, to: &Path, wanted: &Digest) -> Result<Adopted, Error> {
        let unknown = || Error::BlobUnknown { digest: wanted.clone() };
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => unknown(),
            _ => Error::file("the file")(error),
        };
        let metadata = fs::symlink_metadata(source).map_err(failed)?;
        // A link to elsewhere is not what was meant.
        if !metadata.is_file() {
            return Err(unknown());
        }
        let limit = self.settings.blob_bytes_max.unwrap_or(u64::MAX);
        if metadata.len() > limit {
            return Err(Error::TooLarge { limit });
        }
        // An empty one is made anew when it is put in its place.
        let is_linked = metadata.len() > 0 && fs::hard_link(source, to).is_ok();
        let hashed = if is_linked {
            // Read under its new name, so that it is the file that was linked.
            hash_file(to, wanted.algorithm(), u64::MAX, |_| ())
        } else {
            self.check_free(metadata.len())?;
            copy(source, to, Hasher::new(wanted.algorithm()))
        };
        let found = hashed.map(Hasher::finish);
        let result = match found {
            Ok(found) if found == *wanted => {
                let size = fs::metadata(to).map(|metadata| metadata.len()).map_err(failed);
                return size.map(if is_linked { Adopted::Linked } else { Adopted::Copied });
            }
            Ok(found) => Error::DigestWrong { wanted: wanted.clone(), found },
            Err(error) => Error::file("the file")(error),
        };
        // The name that is not wanted any more; the file itself is the other's.
        remove(to).map_err(Error::file("the blob's file"))?;
        Err(result)
    }
}

fn copy(source: &Path, to: &Path, mut hasher: Hasher) -> io::Result<Hasher> {
    let (mut source, mut to) = (File::open(source)?, Files::create(to)?);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(hasher),
            Ok(n_bytes) => {
                hasher.update(&piece[..n_bytes]);
                to.write_all(&piece[..n_bytes])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;
    use crate::Settings;

    #[tokio::test]
    async fn a_file_is_shared_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let depot = Depot::open_folder(&folder.path().join("depot"), &Settings::default()).unwrap();
        let source = folder.path().join("data");
        fs::write(&source, b"content").unwrap();
        fs::set_permissions(&source, fs::Permissions::from_mode(0o444)).unwrap();
        let before = fs::metadata(&source).unwrap();
        let digest = Digest::sha256(b"content");
        let [one, two] = ["a/one", "a/two"].map(|name| RepositoryName::parse(name).unwrap());
        let adopted = depot.adopt_blob(&one, &digest, &source).await.unwrap();
        assert_eq!(adopted, Adopted::Linked(7));
        let after = fs::metadata(&source).unwrap();
        assert_eq!(
            (after.ino(), after.mode(), after.mtime()),
            (before.ino(), before.mode(), before.mtime())
        );
        assert_eq!(after.nlink(), 2);
        assert_eq!(depot.adopt_blob(&one, &digest, &source).await.unwrap(), Adopted::Known);
        // The other repository needs no file any more.
        fs::remove_file(&source).unwrap();
        assert_eq!(depot.adopt_blob(&two, &digest, &source).await.unwrap(), Adopted::Known);
        assert_eq!(depot.blob(&two, &digest).await.unwrap().unwrap().size, 7);
    }

    #[tokio::test]
    async fn what_is_not_what_it_should_be_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("depot");
        let depot = Depot::open_folder(&root, &Settings::default()).unwrap();
        let (source, link) = (folder.path().join("data"), folder.path().join("link"));
        fs::write(&source, b"contents").unwrap();
        std::os::unix::fs::symlink(&source, &link).unwrap();
        let name = RepositoryName::parse("a").unwrap();
        let (wrong, right) = (Digest::sha256(b"content"), Digest::sha256(b"contents"));
        let result = depot.adopt_blob(&name, &wrong, &source).await;
        assert!(matches!(result, Err(Error::DigestWrong { .. })));
        let result = depot.adopt_blob(&name, &right, &link).await;
        assert!(matches!(result, Err(Error::BlobUnknown { .. })));
        let result = depot.adopt_blob(&name, &right, &folder.path().join("none")).await;
        assert!(matches!(result, Err(Error::BlobUnknown { .. })));
        assert_eq!(fs::read(&source).unwrap(), b"contents");
        assert_eq!(fs::read_dir(root.join("uploads")).unwrap().count(), 0);
        let empty = folder.path().join("empty");
        fs::write(&empty, b"").unwrap();
        let adopted = depot.adopt_blob(&name, &Digest::sha256(b""), &empty).await.unwrap();
        assert_eq!(adopted, Adopted::Copied(0));
        assert_eq!(fs::metadata(&empty).unwrap().nlink(), 1);
    }
}
