//! Zip archives with limits (APPNOTE.TXT), over the `zip` crate.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::zip::{ZipArchive, result::ZipError};

use crate::{Bounded, Error, FileSlice, Limits, Result};

/// An open zip archive. Clones share the directory and read independently, from any thread.
#[derive(Clone)]
pub struct Archive {
    inner: ZipArchive<FileSlice>,
    limits: Limits,
}

impl Archive {
    /// Opens a file and reads its directory.
    pub fn open(path: &Path, limits: Limits) -> Result<Self> {
        Self::new(File::open(path)?, limits)
    }

    /// Reads the directory of an open file.
    pub fn new(file: File, limits: Limits) -> Result<Self> {
        let inner =
            ZipArchive::new(FileSlice::whole(file)?).map_err(|error| zip_error(None, error))?;
        if inner.len() as u64 > limits.entries_max {
            let limit = limits.entries_max;
            return Err(Error::Limit { what: "number of zip entries", limit, path: None });
        }
        if inner.has_duplicate_names() {
            // Readers differ in which of the two they take.
            let reason = "two entries have the same name".to_owned();
            return Err(Error::Zip { path: None, reason });
        }
        Ok(Self { inner, limits })
    }

    /// Number of entries, directories among them.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Name of an entry, lossy; it is for people and for telling file types, not for opening files.
    pub fn name(&self, index: usize) -> Option<String> {
        let entry = self.inner.by_index_data(index).ok()?;
        Some(String::from_utf8_lossy(entry.name_raw()).into_owned())
    }

    /// Content of an entry; a directory is empty. It has at most `entry_bytes_max` bytes, whatever its header says.
    pub fn read(&mut self, index: usize) -> Result<Vec<u8>> {
        let name = self.name(index);
        let entry = self.inner.by_index(index).map_err(|error| zip_error(name.clone(), error))?;
        let limit = self.limits.entry_bytes_max;
        let mut bytes = Vec::new();
        Bounded::new(entry, limit, "size of a zip entry").read_to_end(&mut bytes).map_err(
            |error| match Error::from(error) {
                Error::Io(error) => Error::Zip { path: name.clone(), reason: error.to_string() },
                Error::Limit { what, limit, .. } => {
                    Error::Limit { what, limit, path: name.clone() }
                }
                other => other,
            },
        )?;
        Ok(bytes)
    }

    /// Calls back for every file in the order of the directory, within `total_bytes_max` for all together.
    pub fn for_each(&mut self, mut each: impl FnMut(&str, &[u8])) -> Result<()> {
        let mut total = 0_u64;
        for index in 0..self.len() {
            let Some(name) = self.name(index) else { continue };
            if name.ends_with('/') {
                continue;
            }
            let bytes = self.read(index)?;
            total = total.saturating_add(bytes.len() as u64);
            if total > self.limits.total_bytes_max {
                let limit = self.limits.total_bytes_max;
                return Err(Error::Limit {
                    what: "size of all zip entries",
                    limit,
                    path: Some(name),
                });
            }
            each(&name, &bytes);
        }
        Ok(())
    }
}

fn zip_error(path: Option<String>, error: ZipError) -> Error {
    match error {
        ZipError::Io(error) => match Error::from(error) {
            // The reader is a file on disk: what is not a failing disk is a damaged archive.
            Error::Io(error) => Error::Zip { path, reason: error.to_string() },
            own => own,
        },
        other => Error::Zip { path, reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn open(bytes: &[u8], limits: Limits) -> Result<Archive> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Archive::new(file, limits)
    }

    fn read(bytes: &[u8], limits: Limits) -> Result<Vec<(String, usize)>> {
        let mut found = Vec::new();
        open(bytes, limits)?
            .for_each(|name, content| found.push((name.to_owned(), content.len())))?;
        Ok(found)
    }

    #[test]
    fn entries_in_order() {
        let bytes = archive(&[("b.json", b"{}"), ("a.json", b"[1]"), ("empty", b"")]);
        let found = read(&bytes, Limits::default()).unwrap();
        assert_eq!(found, [("b.json".into(), 2), ("a.json".into(), 3), ("empty".into(), 0)]);
    }

    #[test]
    fn clones_read_in_parallel() {
        let bytes = archive(&[("a", &vec![1; 100_000]), ("b", &vec![2; 100_000])]);
        let zip = open(&bytes, Limits::default()).unwrap();
        std::thread::scope(|scope| {
            for index in 0..2 {
                let mut zip = zip.clone();
                scope.spawn(move || {
                    let content = zip.read(index).unwrap();
                    assert!(content.iter().all(|byte| usize::from(*byte) == index + 1));
                });
            }
        });
    }

    #[test]
    fn bombs_are_bounded() {
        let bytes = archive(&[("a", &vec![0; 1 << 20]), ("b", &vec![0; 1 << 20])]);
        let limits = Limits { entry_bytes_max: 1 << 16, ..Limits::default() };
        let error = read(&bytes, limits).unwrap_err();
        assert_eq!(error.to_string(), "size of a zip entry above the limit of 65536 in `a`");
        let limits = Limits { total_bytes_max: 3 << 19, ..Limits::default() };
        let error = read(&bytes, limits).unwrap_err();
        assert_eq!(error.to_string(), "size of all zip entries above the limit of 1572864 in `b`");
        let limits = Limits { entries_max: 1, ..Limits::default() };
        assert!(matches!(read(&bytes, limits), Err(Error::Limit { .. })));
    }

    #[test]
    fn every_cut_is_refused() {
        let bytes = archive(&[("a", b"hello hello hello"), ("b", b"x")]);
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end], Limits::default()).is_err(), "cut at {end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(at in 0_usize..1000, byte: u8) {
            let mut bytes = archive(&[("a", b"hello hello hello"), ("b", b"x")]);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes, Limits { entry_bytes_max: 1 << 16, ..Limits::default() });
        }
    }
}
