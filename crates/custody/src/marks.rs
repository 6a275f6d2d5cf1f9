//! Marks: what was seen last of tag maps and revocation lists, so that nobody shows an older one.
//!
//! One file each, named by the hash of what it is about, replaced by rename under a lock. A mark that cannot be read is
//! an error: forgetting would open the way back.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sealift_oci::Digest;
use sealift_pipeline::Error;
use sealift_trust::revocation::Mark;
use sealift_trust::tag_map::{self, TagMap};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const FILE_BYTES_MAX: u64 = 8 << 20;

/// The folder of marks.
#[derive(Clone, Debug)]
pub struct Marks {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptMap {
    version: u32,
    repository: String,
    key: String,
    map: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptList {
    version: u32,
    file: String,
    mark: Mark,
}

impl Marks {
    /// Marks in a folder, which is made when the first is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The newest map of a repository that was seen.
    pub fn tag_map(&self, repository: &str) -> Result<Option<TagMap>, Error> {
        let path = self.path("tag-map", repository);
        let Some(kept) = read::<KeptMap>(&path)? else { return Ok(None) };
        let damaged = |why: &str| damaged(&path, why);
        if kept.version != 1 || kept.repository != repository {
            return Err(damaged("it is of another repository or version"));
        }
        let map = tag_map::decode(kept.map.as_bytes(), &kept.key)
            .map_err(|error| damaged(&error.to_string()))?;
        if map.repository != repository {
            return Err(damaged("its map is of another repository"));
        }
        Ok(Some(map))
    }

    /// Keeps a map, if it is newer than the one at hand. One by a key that is trusted no more makes room.
    pub fn keep_tag_map(
        &self,
        map: &TagMap,
        is_trusted: &dyn Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let path = self.path("tag-map", &map.repository);
        let _lock = self.lock()?;
        let known = self.tag_map(&map.repository)?.filter(|known| is_trusted(&known.key));
        if known.is_some_and(|known| known.counter >= map.counter) {
            return Ok(());
        }
        let map_text = String::from_utf8_lossy(&tag_map::encode(map)).into_owned();
        let kept = KeptMap {
            version: 1,
            repository: map.repository.clone(),
            key: map.key.clone(),
            map: map_text,
        };
        write(&path, &kept)
    }

    /// What was seen last of a revocation list.
    pub fn list(&self, file: &str) -> Result<Option<Mark>, Error> {
        let path = self.path("revocation", file);
        let Some(kept) = read::<KeptList>(&path)? else { return Ok(None) };
        if kept.version != 1 || kept.file != file {
            return Err(damaged(&path, "it is of another list or version"));
        }
        Ok(Some(kept.mark))
    }

    /// Keeps what was seen of a list.
    pub fn keep_list(&self, file: &str, mark: &Mark) -> Result<(), Error> {
        let _lock = self.lock()?;
        if self.list(file)?.is_some_and(|known| known.counter >= mark.counter) {
            return Ok(());
        }
        let kept = KeptList { version: 1, file: file.to_owned(), mark: mark.clone() };
        write(&self.path("revocation", file), &kept)
    }

    fn path(&self, kind: &str, about: &str) -> PathBuf {
        self.folder.join(format!("{kind}-{}.json", Digest::sha256(about.as_bytes()).hex()))
    }

    fn lock(&self) -> Result<File, Error> {
        fs::create_dir_all(&self.folder)
            .map_err(|source| Error::file("make", &self.folder, source))?;
        let path = self.folder.join("lock");
        let fail = |source| Error::file("lock", &path, source);
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(fail)?;
        file.lock().map_err(fail)?;
        Ok(file)
    }
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::Refused {
        what: format!("mark `{}`", path.display()),
        why: format!("what was seen before cannot be read: {why}"),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let size = match fs::metadata(path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::file("read", path, source)),
    };
    if size > FILE_BYTES_MAX {
        return Err(damaged(path, "it is larger than 8 MiB"));
    }
    let bytes = fs::read(path).map_err(|source| Error::file("read", path, source))?;
    sealift_crypto::strict_json::from_slice(&bytes, "mark")
        .map(Some)
        .map_err(|error| damaged(path, &error.to_string()))
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let bytes = serde_json::to_vec(value).expect("all keys are text");
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let run = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    run().map_err(|source| {
        let _ = fs::remove_file(&temporary);
        Error::file("write", path, source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealift_oci::Reference;

    #[test]
    fn marks_only_rise() {
        let folder = tempfile::tempdir().unwrap();
        let marks = Marks::new(folder.path().join("marks"));
        let image = Reference::parse("registry.corp/app:1").unwrap();
        let digest = Digest::sha256(b"image");
        let first = tag_map::next(None, &image, &digest, 1_000, 1_000).unwrap();
        let second = tag_map::next(Some(&first), &image, &digest, 1_001, 1_000).unwrap();
        assert_eq!(marks.tag_map("registry.corp/app").unwrap(), None);
        for map in [&first, &second, &first] {
            marks.keep_tag_map(map, &|_| true).unwrap();
        }
        assert_eq!(marks.tag_map("registry.corp/app").unwrap(), Some(second));
        let mark = |counter| Mark { counter, content: String::new() };
        for counter in [2, 1] {
            marks.keep_list("list", &mark(counter)).unwrap();
        }
        assert_eq!(marks.list("list").unwrap(), Some(mark(2)));
        assert_eq!(marks.list("other").unwrap(), None);
    }

    #[test]
    fn a_damaged_mark_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let marks = Marks::new(folder.path());
        marks.keep_list("list", &Mark { counter: 1, content: String::new() }).unwrap();
        fs::write(marks.path("revocation", "list"), "{}").unwrap();
        assert!(matches!(marks.list("list"), Err(Error::Refused { .. })));
        fs::rename(marks.path("revocation", "list"), marks.path("revocation", "other")).unwrap();
        assert!(marks.list("other").is_err());
    }

    #[test]
    fn two_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let marks = Marks::new(folder.path());
        std::thread::scope(|scope| {
            for counter in 1..20 {
                let marks = &marks;
                let mark = Mark { counter, content: String::new() };
                scope.spawn(move || marks.keep_list("list", &mark).unwrap());
            }
        });
        assert_eq!(marks.list("list").unwrap().unwrap().counter, 19);
    }
}
