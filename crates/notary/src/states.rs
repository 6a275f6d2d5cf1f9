//! The folder of kept state: for each repository its marks, and beside them the documents.
//!
//! Marks are what must not be lost: the highest versions, what tags pointed to, which pin held. They are replaced by
//! rename and never overwritten in place. Documents are a cache: what is damaged there is fetched again, and a mark says
//! which root it must have been. Two processes at once: who finds other marks than he began with looks again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sealift_tuf::{Gun, State, sha256_hex};

use crate::Error;

const FILE_BYTES_MAX: u64 = 64 << 20;
const READABLE_CHARS: usize = 80;

/// The folder of kept state.
#[derive(Clone, Debug)]
pub struct States {
    folder: PathBuf,
}

/// What was kept, and what its file said.
pub(crate) struct Kept {
    pub(crate) state: Option<State>,
    marks: Option<Vec<u8>>,
}

impl States {
    /// State in a folder; it is made when something is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file with the marks of a repository.
    pub fn marks_path(&self, gun: &Gun) -> PathBuf {
        self.path(gun, "marks.json")
    }

    // People should see which file is whose; the hash keeps names apart that look alike.
    fn path(&self, gun: &Gun, ending: &str) -> PathBuf {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || character == '.';
        let plain = |character: char| if is_plain(character) { character } else { '-' };
        let readable: String = gun.as_str().chars().take(READABLE_CHARS).map(plain).collect();
        let hash = &sha256_hex(gun.as_str().as_bytes())[..16];
        self.folder.join(format!("{readable}-{hash}.{ending}"))
    }

    /// What was kept of a repository. Marks that cannot be read are an error, documents that cannot be used are left out.
    pub fn read(&self, gun: &Gun) -> Result<Option<State>, Error> {
        Ok(self.read_kept(gun)?.state)
    }

    pub(crate) fn read_kept(&self, gun: &Gun) -> Result<Kept, Error> {
        let path = self.marks_path(gun);
        let Some(bytes) = read_file(&path)? else { return Ok(Kept { state: None, marks: None }) };
        let marks = State::from_json(gun, &bytes).map_err(|source| Error::Refused {
            gun: gun.to_string(),
            source: Box::new(source),
            state: path,
        })?;
        let documents = read_file(&self.path(gun, "documents.json")).ok().flatten();
        let documents: BTreeMap<String, String> =
            documents.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Kept { state: Some(marks.with_documents(documents)), marks: Some(bytes) })
    }

    /// Keeps a state, if the marks are still those of before. False if another process was faster.
    pub(crate) fn replace(&self, gun: &Gun, before: &Kept, state: &State) -> Result<bool, Error> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| Error::file("make", &self.folder, error))?;
        let _lock = self.lock(gun)?;
        let path = self.marks_path(gun);
        if read_file(&path)? != before.marks {
            return Ok(false);
        }
        // First the documents: marks without them cost a fetch, documents without marks count for nothing.
        let documents = serde_json::to_vec(state.documents()).expect("names and texts");
        self.write(&self.path(gun, "documents.json"), &documents)?;
        let marks = state.clone().with_documents(BTreeMap::new()).to_json();
        if before.marks.as_ref() != Some(&marks) {
            self.write(&path, &marks)?;
        }
        Ok(true)
    }

    fn lock(&self, gun: &Gun) -> Result<File, Error> {
        let path = self.path(gun, "lock");
        let fail = |error: std::io::Error| Error::file("lock", &path, error);
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(fail)?;
        lock.lock().map_err(fail)?;
        Ok(lock)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        write_file(&self.folder, path, bytes)
    }
}

/// Writes a file for its owner's eyes: all of it or nothing.
pub(crate) fn write_file(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let fail = |error: std::io::Error| Error::file("write", path, error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

pub(crate) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let fail = |error: std::io::Error| Error::file("read", path, error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::file("read", path, "it is too large"));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_apart_and_plain() {
        let states = States::new("/s");
        let path = |name: &str| states.marks_path(&Gun::parse(name).unwrap());
        assert_ne!(path("h/a-b"), path("h/a_b"));
        let long = format!("h/{}", "a/".repeat(100) + "b");
        assert!(path(&long).file_name().unwrap().len() < 150);
        let text = path("localhost:5443/team/app").display().to_string();
        assert!(text.starts_with("/s/localhost-5443-team-app-"), "{text}");
    }

    #[test]
    fn who_comes_second_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let states = States::new(folder.path().join("deep/state"));
        let gun = Gun::parse("h/app").unwrap();
        let before = states.read_kept(&gun).unwrap();
        assert!(before.state.is_none());
        let state = State::new(&gun);
        assert!(states.replace(&gun, &before, &state).unwrap());
        assert!(!states.replace(&gun, &before, &state).unwrap());
        assert_eq!(states.read(&gun).unwrap(), Some(state));
        // Marks that cannot be read are not forgotten.
        fs::write(states.marks_path(&gun), "{").unwrap();
        let error = states.read(&gun).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(error.hint().unwrap().contains("bring `"));
    }
}
