//! A repository on disk: where its objects lie, and reading one.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;

use crate::index::Index;
use crate::object::{head, loose};
use crate::pack::{Data, Pack};
use crate::{Error, Id, Kind, Limits, Object};

/// Other folders that a repository borrows objects from.
const ALTERNATES_MAX: usize = 16;
/// Bytes of the small files that say where something is.
const POINTER_BYTES_MAX: u64 = 64 << 10;
/// Packs that are read.
const PACKS_MAX: usize = 10_000;

/// A repository.
#[derive(Debug)]
pub struct Repository {
    folders: Vec<PathBuf>,
    pub(crate) packs: Vec<Pack>,
    pub(crate) loose: Vec<Id>,
    pub(crate) id_length: usize,
    pub(crate) limits: Limits,
    pub(crate) left: Cell<u64>,
    pub(crate) notes: Vec<String>,
}

impl Repository {
    /// The repository of a folder: its `.git`, what that points to, or the folder itself if it is a bare one.
    pub fn open(folder: &Path, limits: &Limits) -> Result<Self, Error> {
        let none = || Error::NoRepository { path: folder.to_owned() };
        let dot = folder.join(".git");
        let own = if dot.is_file() {
            let text = read_small(&dot)?;
            let place = text.trim().strip_prefix("gitdir:").ok_or_else(none)?;
            folder.join(place.trim())
        } else if dot.is_dir() {
            dot
        } else {
            folder.to_owned()
        };
        // A further work tree has its objects in the repository that it belongs to.
        let common = own.join("commondir");
        let common =
            if common.is_file() { own.join(read_small(&common)?.trim()) } else { own.clone() };
        let objects = common.join("objects");
        if !objects.is_dir() || !own.join("HEAD").exists() {
            return Err(none());
        }
        let config = read_small(&common.join("config")).unwrap_or_default().to_ascii_lowercase();
        let squeezed: String = config.chars().filter(|it| !it.is_whitespace()).collect();
        let id_length = if squeezed.contains("objectformat=sha256") { 32 } else { 20 };
        let mut repository = Self {
            folders: vec![objects],
            packs: Vec::new(),
            loose: Vec::new(),
            id_length,
            limits: *limits,
            left: Cell::new(limits.unpacked_bytes),
            notes: Vec::new(),
        };
        repository.find_alternates();
        repository.list();
        Ok(repository)
    }

    /// A repository of a single pack in memory.
    pub fn of_pack(index: Vec<u8>, pack: Vec<u8>, limits: &Limits) -> Result<Self, Error> {
        let index = Index::read(index, 20)?;
        Ok(Self {
            folders: Vec::new(),
            packs: vec![Pack::new(index, Data::Bytes(pack))?],
            loose: Vec::new(),
            id_length: 20,
            limits: *limits,
            left: Cell::new(limits.unpacked_bytes),
            notes: Vec::new(),
        })
    }

    fn find_alternates(&mut self) {
        let mut next = 0;
        while let Some(folder) = self.folders.get(next).cloned() {
            next += 1;
            let file = folder.join("info/alternates");
            let Ok(text) = read_small(&file) else { continue };
            for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                let other = folder.join(line);
                if self.folders.len() >= ALTERNATES_MAX {
                    self.notes.push(format!("more than {ALTERNATES_MAX} alternates are not read"));
                    return;
                }
                if other.is_dir() && !self.folders.contains(&other) {
                    self.folders.push(other);
                }
            }
        }
    }

    fn list(&mut self) {
        let mut left = self.limits.objects;
        for folder in self.folders.clone() {
            for path in sorted(&folder.join("pack")) {
                if path.extension().is_none_or(|it| it != "idx") || self.packs.len() >= PACKS_MAX {
                    continue;
                }
                match self.open_pack(&path) {
                    Ok(pack) if pack.index.len() > left => {
                        self.note(&path, &Error::TooLarge("the number of objects"));
                    }
                    Ok(pack) => {
                        left -= pack.index.len();
                        self.packs.push(pack);
                    }
                    Err(error) => self.note(&path, &error),
                }
            }
            for path in sorted(&folder) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if name.len() != 2 {
                    continue;
                }
                for file in sorted(&path) {
                    let rest = file.file_name().unwrap_or_default().to_string_lossy();
                    let id = Id::from_hex(format!("{name}{rest}").as_bytes());
                    let Some(id) = id.filter(|id| id.as_bytes().len() == self.id_length) else {
                        continue;
                    };
                    if left == 0 {
                        self.note(&path, &Error::TooLarge("the number of objects"));
                        return;
                    }
                    left -= 1;
                    self.loose.push(id);
                }
            }
        }
    }

    fn note(&mut self, path: &Path, error: &Error) {
        self.notes.push(format!("`{}` is not read: {error}", path.display()));
    }

    fn open_pack(&self, path: &Path) -> Result<Pack, Error> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { path, source }
        };
        let mut bytes = Vec::new();
        let limit = self.limits.index_bytes;
        let file = File::open(path).map_err(fail(path))?;
        file.take(limit + 1).read_to_end(&mut bytes).map_err(fail(path))?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge("the index of a pack"));
        }
        let pack = path.with_extension("pack");
        let file = File::open(&pack).map_err(fail(&pack))?;
        Pack::new(Index::read(bytes, self.id_length)?, Data::File(file))
    }

    /// Every object once for each place that has it.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Id> {
        let packed = self
            .packs
            .iter()
            .flat_map(|pack| (0..pack.index.len()).filter_map(|place| pack.index.id(place)));
        packed.chain(self.loose.iter().copied())
    }

    /// An object.
    pub fn read(&self, id: &Id) -> Result<Object, Error> {
        let mut left = self.left.get();
        let mut failed = None;
        for pack in &self.packs {
            let Some(start) = pack.index.find(id) else { continue };
            let found = pack.object(start, &self.limits, &mut left);
            self.left.set(left);
            match found {
                Ok(object) => return Ok(object),
                // Another pack may have it whole.
                Err(error) => failed = Some(error),
            }
        }
        let Some(mut file) = self.open_loose(id) else {
            return Err(failed.unwrap_or(Error::Missing(*id)));
        };
        let mut bytes = Vec::new();
        let most = self.limits.object_bytes as u64 + (1 << 20);
        let source = Read::by_ref(&mut file).take(most).read_to_end(&mut bytes);
        source.map_err(|source| Error::File { path: self.loose_path(id, 0), source })?;
        let object = loose(&bytes, &self.limits)?;
        let cost = object.bytes.len() as u64 + 512;
        self.left.set(left.checked_sub(cost).ok_or(Error::TooLarge("the history"))?);
        Ok(object)
    }

    /// What an object is, without unpacking all of it.
    pub(crate) fn kind(&self, id: &Id) -> Result<Kind, Error> {
        let mut left = self.left.get();
        for pack in &self.packs {
            let Some(start) = pack.index.find(id) else { continue };
            let found = pack.kind(start, &mut left);
            self.left.set(left);
            return found;
        }
        let mut bytes = Vec::new();
        let file = self.open_loose(id).ok_or(Error::Missing(*id))?;
        let read = ZlibDecoder::new(file).take(32).read_to_end(&mut bytes);
        read.map_err(|_| Error::Damaged("an object cannot be unpacked"))?;
        head(&bytes)
            .map(|(kind, _)| kind)
            .ok_or(Error::Damaged("an object does not say what it is"))
    }

    fn loose_path(&self, id: &Id, folder: usize) -> PathBuf {
        let hex = id.to_string();
        self.folders.get(folder).cloned().unwrap_or_default().join(&hex[..2]).join(&hex[2..])
    }

    fn open_loose(&self, id: &Id) -> Option<File> {
        let paths = (0..self.folders.len()).map(|folder| self.loose_path(id, folder));
        // Opening a pipe would wait for somebody to write.
        let mut files = paths.filter(|path| path.metadata().is_ok_and(|it| it.is_file()));
        files.find_map(|path| File::open(path).ok())
    }
}

// What cannot be listed has nothing.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn read_small(path: &Path) -> Result<String, Error> {
    let fail = |source| Error::File { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(fail)?;
    file.take(POINTER_BYTES_MAX).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}
