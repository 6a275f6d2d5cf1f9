//! Where small things are kept: in a file, or wherever the registry keeps its own.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use super::FileStamp;
use super::file::{self, Held};

const FILE_BYTES_MAX: usize = 16 << 20;

/// A future that somebody else makes.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Texts by name.
pub trait Records: Send + Sync {
    /// One of them.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, io::Result<Option<String>>>;

    /// All of them, by name.
    fn list(&self) -> BoxFuture<'_, io::Result<Vec<(String, String)>>>;

    /// Puts one, in the place of the one that was there.
    fn put<'a>(&'a self, key: &'a str, value: &'a str) -> BoxFuture<'a, io::Result<()>>;

    /// Removes one; says whether there was one.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, io::Result<bool>>;
}

type Texts = BTreeMap<String, String>;

/// Records in a file of JSON, which other processes may change.
pub struct RecordFile {
    path: PathBuf,
    // What was read, and of which file.
    read: Mutex<(Option<FileStamp>, Texts)>,
}

impl RecordFile {
    /// In this file, which is made when something is put.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), read: Mutex::default() }
    }

    // A look at the file's stamp costs a microsecond.
    fn with<T>(&self, use_it: impl FnOnce(&Texts) -> T) -> io::Result<T> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = FileStamp::of(&self.path);
        if read.0 != stamp || stamp.is_none() {
            *read = (stamp, self.load()?);
        }
        Ok(use_it(&read.1))
    }

    fn load(&self) -> io::Result<Texts> {
        let Some(bytes) = file::read(&self.path, FILE_BYTES_MAX)? else { return Ok(Texts::new()) };
        let fault = |error| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("`{}`: {error}", self.path.display()),
            )
        };
        serde_json::from_slice(&bytes).map_err(fault)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Texts) -> T) -> io::Result<T> {
        let held = Held::new(&self.path)?;
        let mut texts = self.load()?;
        let result = change(&mut texts);
        held.replace(serde_json::to_string_pretty(&texts)?.as_bytes())?;
        Ok(result)
    }
}

impl Records for RecordFile {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, io::Result<Option<String>>> {
        Box::pin(async move { self.with(|texts| texts.get(key).cloned()) })
    }

    fn list(&self) -> BoxFuture<'_, io::Result<Vec<(String, String)>>> {
        Box::pin(async move { self.with(|texts| texts.clone().into_iter().collect()) })
    }

    fn put<'a>(&'a self, key: &'a str, value: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            self.change(|texts| texts.insert(key.to_owned(), value.to_owned())).map(drop)
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(async move { self.change(|texts| texts.remove(key).is_some()) })
    }
}

/// Records of two places. What is put goes into the first.
pub struct JoinedRecords {
    first: Arc<dyn Records>,
    second: Arc<dyn Records>,
}

impl JoinedRecords {
    /// Of these; where both have a key, the first counts.
    pub fn new(first: Arc<dyn Records>, second: Arc<dyn Records>) -> Self {
        Self { first, second }
    }
}

impl Records for JoinedRecords {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, io::Result<Option<String>>> {
        Box::pin(async move {
            match self.first.get(key).await? {
                Some(text) => Ok(Some(text)),
                None => self.second.get(key).await,
            }
        })
    }

    fn list(&self) -> BoxFuture<'_, io::Result<Vec<(String, String)>>> {
        Box::pin(async move {
            let mut all: Texts = self.second.list().await?.into_iter().collect();
            all.extend(self.first.list().await?);
            Ok(all.into_iter().collect())
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: &'a str) -> BoxFuture<'a, io::Result<()>> {
        self.first.put(key, value)
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(async move {
            // From both: what is left in one would be there again.
            let was_first = self.first.remove(key).await?;
            Ok(self.second.remove(key).await? || was_first)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn two_places_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| Arc::new(RecordFile::new(&folder.path().join(name)));
        let (first, second) = (file("first"), file("second"));
        run(second.put("old", "1")).unwrap();
        run(second.put("both", "1")).unwrap();
        let joined =
            JoinedRecords::new(Arc::clone(&first) as Arc<dyn Records>, Arc::clone(&second) as _);
        run(joined.put("both", "2")).unwrap();
        assert_eq!(run(second.get("both")).unwrap().as_deref(), Some("1"));
        assert_eq!(run(joined.get("both")).unwrap().as_deref(), Some("2"));
        assert_eq!(run(joined.get("old")).unwrap().as_deref(), Some("1"));
        let names: Vec<_> = run(joined.list()).unwrap();
        assert_eq!(names, [("both".into(), "2".into()), ("old".into(), "1".into())]);
        assert!(run(joined.remove("both")).unwrap());
        assert_eq!(run(joined.get("both")).unwrap(), None);
        assert!(run(joined.remove("old")).unwrap() && !run(joined.remove("old")).unwrap());
    }
}
