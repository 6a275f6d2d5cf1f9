//! A store in a folder.
//!
//! A repository is a folder named after the hash of its name: `index.json` says which versions there are, `bytes/` has
//! them by hash. `changes` has a line for each change. An update is one transaction: bytes first, then `journal.json`
//! by rename, which is the moment it happened; index and changes follow from the journal, now or when the store is used
//! next. Writers take turns by a lock on `lock`; readers need none, since an index is replaced by rename.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shelf::{Entry, Shelf};
use super::{Change, Document, KeyRecord, NewDocument, Store, StoreError};
use crate::hash::sha256_hex;
use crate::{Gun, Role};

/// A store in a folder; several processes may use it at once.
pub struct FolderStore {
    root: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Journal {
    index: Shelf,
    change: Option<Change>,
    is_deletion: bool,
}

fn failed(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |error| StoreError::Failed(format!("`{}`: {error}", path.display()))
}

impl FolderStore {
    /// Opens a folder, which is made if it is not there, and ends what was begun.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(root).map_err(failed(root))?;
        let store = Self { root: root.to_path_buf() };
        store.lock()?;
        Ok(store)
    }

    // The lock goes with the file.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.root.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed(&path))?;
        file.lock().map_err(failed(&path))?;
        self.replay()?;
        Ok(file)
    }

    fn folder(&self, gun: &str) -> PathBuf {
        self.root.join(sha256_hex(gun.as_bytes()))
    }

    fn shelf(&self, gun: &Gun) -> Result<Shelf, StoreError> {
        let path = self.folder(gun.as_str()).join("index.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Shelf { gun: gun.to_string(), ..Shelf::default() });
            }
            Err(error) => return Err(failed(&path)(error)),
        };
        serde_json::from_slice(&bytes).map_err(|error| failed(&path)(error.into()))
    }

    fn find(
        &self,
        gun: &Gun,
        find: impl Fn(&Shelf) -> Option<&Entry>,
    ) -> Result<Option<Document>, StoreError> {
        let shelf = self.shelf(gun)?;
        let Some(entry) = find(&shelf) else { return Ok(None) };
        let path = self.folder(gun.as_str()).join("bytes").join(&entry.sha256);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // Deleted since the index was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path)(error)),
        };
        if sha256_hex(&bytes) != entry.sha256 {
            return Err(StoreError::Failed(format!("`{}` is damaged", path.display())));
        }
        let (modified, expires) = (entry.modified(), entry.expires());
        Ok(Some(Document { version: entry.version, bytes, modified, expires }))
    }

    fn all_changes(&self) -> Result<Vec<Change>, StoreError> {
        let path = self.root.join("changes");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&path)(error)),
        };
        // The last line may be cut by a crash; the journal has it.
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        let read = |line| {
            serde_json::from_str(line)
                .map_err(|error: serde_json::Error| failed(&path)(error.into()))
        };
        complete.lines().map(read).collect()
    }

    fn next_number(&self) -> Result<u64, StoreError> {
        Ok(self.all_changes()?.last().map_or(0, Change::number) + 1)
    }

    fn commit(&self, journal: &Journal) -> Result<(), StoreError> {
        let text = serde_json::to_vec(journal).expect("all keys are text");
        write(&self.root.join("journal.json"), &text)?;
        self.replay()
    }

    // Doing it twice is doing it once.
    fn replay(&self) -> Result<(), StoreError> {
        let path = self.root.join("journal.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&path)(error)),
        };
        let journal: Journal =
            serde_json::from_slice(&bytes).map_err(|error| failed(&path)(error.into()))?;
        let folder = self.folder(&journal.index.gun);
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let index = serde_json::to_vec(&journal.index).expect("all keys are text");
        write(&folder.join("index.json"), &index)?;
        if let Some(change) = &journal.change {
            self.append(change)?;
        }
        if journal.is_deletion {
            let bytes = folder.join("bytes");
            match fs::remove_dir_all(&bytes) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(&bytes)(error));
                }
                _ => {}
            }
        }
        fs::remove_file(&path).map_err(failed(&path))
    }

    fn append(&self, change: &Change) -> Result<(), StoreError> {
        let changes = self.all_changes()?;
        if changes.last().is_some_and(|last| last.number() >= change.number()) {
            return Ok(());
        }
        let path = self.root.join("changes");
        let line =
            |change: &Change| serde_json::to_string(change).expect("all keys are text") + "\n";
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed(&path))?;
        // What a crash cut is written over.
        let complete: usize = changes.iter().map(|change| line(change).len()).sum();
        file.set_len(complete as u64).map_err(failed(&path))?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0)).map_err(failed(&path))?;
        file.write_all(line(change).as_bytes()).map_err(failed(&path))?;
        file.sync_data().map_err(failed(&path))
    }
}

// By rename, after the bytes are on the disk.
fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let new = path.with_extension("new");
    let mut file = File::create(&new).map_err(failed(&new))?;
    file.write_all(bytes).map_err(failed(&new))?;
    file.sync_data().map_err(failed(&new))?;
    fs::rename(&new, path).map_err(failed(path))
}

impl Store for FolderStore {
    fn newest(&self, gun: &Gun, role: &Role) -> Result<Option<Document>, StoreError> {
        self.find(gun, |shelf| shelf.newest(role))
    }

    fn by_version(
        &self,
        gun: &Gun,
        role: &Role,
        version: u64,
    ) -> Result<Option<Document>, StoreError> {
        self.find(gun, |shelf| shelf.find(role, |entry| entry.version == version))
    }

    fn by_sha256(
        &self,
        gun: &Gun,
        role: &Role,
        sha256: &str,
    ) -> Result<Option<Document>, StoreError> {
        self.find(gun, |shelf| shelf.find(role, |entry| entry.sha256 == sha256))
    }

    fn update(
        &self,
        gun: &Gun,
        documents: &[NewDocument],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let mut index = self.shelf(gun)?;
        index.add(documents, now)?;
        let folder = self.folder(gun.as_str()).join("bytes");
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let mut change = None;
        for document in documents {
            let sha256 = sha256_hex(&document.bytes);
            write(&folder.join(&sha256), &document.bytes)?;
            if document.role == Role::TIMESTAMP {
                let number = self.next_number()?;
                change = Some(Change::update(number, gun, document.version, sha256, now));
            }
        }
        self.commit(&Journal { index, change, is_deletion: false })
    }

    fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let mut index = self.shelf(gun)?;
        if !index.clear() {
            return Ok(());
        }
        let change = Some(Change::deletion(self.next_number()?, gun, now));
        self.commit(&Journal { index, change, is_deletion: true })
    }

    fn changes(&self, gun: Option<&Gun>) -> Result<Vec<Change>, StoreError> {
        let mut changes = self.all_changes()?;
        changes.retain(|change| gun.is_none_or(|gun| change.gun == gun.as_str()));
        Ok(changes)
    }

    fn keys(&self, gun: &Gun, role: &Role) -> Result<Vec<KeyRecord>, StoreError> {
        Ok(self.shelf(gun)?.keys(role))
    }

    fn add_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
        keep: &[String],
    ) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let mut index = self.shelf(gun)?;
        index.add_key(role, key, keep);
        self.commit(&Journal { index, change: None, is_deletion: false })
    }
}
