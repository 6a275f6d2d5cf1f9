//! The ledger: all that is known of repositories, blobs, manifests, tags and uploads, in a database.
//!
//! Entry points: [`Ledger`], [`Transaction`]. The rest of the crate writes statements with `?1`, `?2` and closures over a
//! [`Transaction`], and does not know which database runs them. Many writers that wait are one commit, and so one wait
//! for the disk.

mod channel;
mod postgres;
mod schema;
mod session;
mod sqlite;

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

use crate::{DatabaseSettings, Error};

pub(crate) use postgres::blocking;
use postgres::{Order, Postgres, prepare};
pub(crate) use schema::{BLOB, DAMAGED, DELETING, LIVE, MANIFEST, Part};
use session::{Engine, Integer, Session};
use sqlite::Sqlite;

/// The databases of a depot.
pub(crate) struct Ledger {
    main: Database,
    uploads: Database,
}

/// One database.
pub(crate) enum Database {
    /// A file of this process.
    Sqlite(Sqlite),
    /// A database that several processes have.
    Postgres(Postgres),
}

// Tells whoever waits for a job, once it is known whether it was committed.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
// The answer, and whether the changes shall stay.
type Job = Box<dyn FnOnce(&Transaction<'_>) -> (Answer, bool) + Send>;

/// A value bound to a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A number.
    Integer(i64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Nothing.
    Null,
}

/// A transaction, or the reading side of one.
pub(crate) enum Transaction<'a> {
    /// On a connection of SQLite.
    Sqlite(&'a Connection),
    /// On a connection of PostgreSQL.
    Postgres(&'a Session),
    /// On none: the database cannot be reached.
    Refused(&'a Error),
}

/// A row of an answer.
pub(crate) enum Row<'a> {
    /// Of SQLite.
    Sqlite(&'a rusqlite::Row<'a>),
    /// Of PostgreSQL.
    Postgres(&'a tokio_postgres::Row),
}

impl Ledger {
    /// Opens the ledger of a folder, which is made or brought to today's form.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            main: Database::Sqlite(Sqlite::open(&folder.join("meta.db"), Part::Main)?),
            uploads: Database::Sqlite(Sqlite::open(&folder.join("uploads.db"), Part::Uploads)?),
        })
    }

    /// Opens the ledger in a database, whose tables are made if they are not there.
    pub(crate) fn open_shared(database: &DatabaseSettings) -> Result<Self, Error> {
        let engine = Engine::new(database)?;
        blocking(|| prepare(&engine))?;
        Ok(Self {
            main: Database::Postgres(Postgres::open(&engine, Order::Strict)?),
            uploads: Database::Postgres(Postgres::open(&engine, Order::Free)?),
        })
    }

    /// What must survive a loss of power.
    pub(crate) fn main(&self) -> &Database {
        &self.main
    }

    /// Uploads under way.
    pub(crate) fn uploads(&self) -> &Database {
        &self.uploads
    }
}

impl Database {
    /// Runs a job in a transaction; `after` is run once it is committed and before anybody is told, also if the caller
    /// has gone away meanwhile.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, Error> {
        let (tell, told) = tokio::sync::oneshot::channel();
        self.send(job_of(job, after, move |result| drop(tell.send(result))))?;
        told.await.map_err(|_| self.silence())?
    }

    /// The same for a thread that may wait.
    pub(crate) fn write_blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (tell, told) = std::sync::mpsc::channel();
        self.send(job_of(job, |_| (), move |result| drop(tell.send(result))))?;
        told.recv().map_err(|_| self.silence())?
    }

    /// Runs a job that nobody waits for.
    pub(crate) fn write_later(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        self.send(job_of(job, |()| (), drop))
    }

    fn send(&self, job: Job) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.send(job),
            Self::Postgres(postgres) => postgres.send(job),
        }
    }

    // Why a job got no answer.
    fn silence(&self) -> Error {
        match self {
            Self::Sqlite(sqlite) => sqlite.silence(),
            Self::Postgres(_) => Error::lost("the ledger"),
        }
    }

    /// Reads a little: some rows by index. It is run where it is called, since handing it to a thread costs more than
    /// the rows do, which lie in memory nearly always. Behind a network each query sees what is committed by then.
    #[allow(clippy::unused_async, reason = "whoever asks need not know that it is done at once")]
    pub(crate) async fn read<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.read_little(job)
    }

    /// The same for a thread that may wait.
    pub(crate) fn read_little<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(job),
            Self::Postgres(postgres) => postgres.read(false, job),
        }
    }

    /// Reads one state of the ledger, for a thread that may wait.
    pub(crate) fn read_blocking<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(job),
            Self::Postgres(postgres) => postgres.read(true, job),
        }
    }

    /// How often the disk was waited for.
    pub(crate) fn n_syncs(&self) -> u64 {
        match self {
            Self::Sqlite(sqlite) => sqlite.n_syncs(),
            Self::Postgres(_) => 0,
        }
    }

    /// Refuses if the disk failed while it was written, or the database cannot be reached.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) if sqlite.is_broken() => Err(sqlite.silence()),
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => {
                postgres.read(false, |transaction| transaction.exists("SELECT 1", &[])).map(drop)
            }
        }
    }

    /// Writes a whole copy to a new file.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.copy_to(path),
            Self::Postgres(_) => Err(Error::Shared { what: "a copy of the ledger" }),
        }
    }
}

// A job with its answer: `tell` is told once it is committed, and before that `after` is run.
fn job_of<T: Send + 'static>(
    job: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    after: impl FnOnce(&T) + Send + 'static,
    tell: impl FnOnce(Result<T, Error>) + Send + 'static,
) -> Job {
    Box::new(move |transaction| {
        let result = job(transaction);
        let is_kept = result.is_ok();
        let answer: Answer = Box::new(move |committed| {
            tell(result.and_then(|value| {
                committed?;
                after(&value);
                Ok(value)
            }));
        });
        (answer, is_kept)
    })
}

impl Transaction<'_> {
    /// Runs a statement and tells how many rows it changed.
    pub(crate) fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<usize, Error> {
        match self {
            Self::Sqlite(connection) => {
                Ok(connection.prepare_cached(sql)?.execute(rusqlite::params_from_iter(values))?)
            }
            Self::Postgres(session) => session.execute(sql, values),
            Self::Refused(error) => Err(error.again()),
        }
    }

    /// All rows of a query.
    pub(crate) fn query<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push(read(&Row::Sqlite(row))?);
                }
                Ok(found)
            }
            Self::Postgres(session) => {
                session.query(sql, values)?.iter().map(|row| read(&Row::Postgres(row))).collect()
            }
            Self::Refused(error) => Err(error.again()),
        }
    }

    /// The first row of a query.
    pub(crate) fn one<T>(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                rows.next()?.map(|row| read(&Row::Sqlite(row))).transpose()
            }
            Self::Postgres(session) => {
                let rows = session.query(sql, values)?;
                rows.first().map(|row| read(&Row::Postgres(row))).transpose()
            }
            Self::Refused(error) => Err(error.again()),
        }
    }

    /// True if a query has a row.
    pub(crate) fn exists(&self, sql: &'static str, values: &[Value<'_>]) -> Result<bool, Error> {
        Ok(self.one(sql, values, |_| Ok(()))?.is_some())
    }

    /// Whether several replicas share the ledger.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }
}

impl Row<'_> {
    /// A text.
    pub(crate) fn text(&self, column: usize) -> Result<String, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A text or nothing.
    pub(crate) fn text_or_null(&self, column: usize) -> Result<Option<String>, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A number.
    pub(crate) fn integer(&self, column: usize) -> Result<i64, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => Ok(row.try_get::<_, Integer>(column)?.0),
        }
    }

    /// A number or nothing.
    pub(crate) fn integer_or_null(&self, column: usize) -> Result<Option<i64>, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => {
                Ok(row.try_get::<_, Option<Integer>>(column)?.map(|number| number.0))
            }
        }
    }

    /// A size or count.
    pub(crate) fn size(&self, column: usize) -> Result<u64, Error> {
        self.integer(column).map(|size| u64::try_from(size).unwrap_or(0))
    }

    /// Bytes.
    pub(crate) fn bytes(&self, column: usize) -> Result<Vec<u8>, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// Bytes or nothing.
    pub(crate) fn bytes_or_null(&self, column: usize) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    /// A text that was checked before it was written.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, column: usize) -> Result<T, Error> {
        let text = self.text(column)?;
        text.parse().map_err(|_| Error::Format {
            reason: format!("`{}` is not what its column holds", text.escape_debug()),
        })
    }

    /// A checked text or nothing.
    pub(crate) fn parsed_or_null<T: std::str::FromStr>(
        &self,
        column: usize,
    ) -> Result<Option<T>, Error> {
        match self.text_or_null(column)? {
            Some(_) => self.parsed(column).map(Some),
            None => Ok(None),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Null => ValueRef::Null,
        }))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u64> for Value<'_> {
    // What does not fit is larger than any disk, and stays the largest.
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

impl<'a, T> From<Option<&'a T>> for Value<'a>
where
    Value<'a>: From<&'a T>,
    T: ?Sized,
{
    fn from(value: Option<&'a T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

/// Values of a statement, in the order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::ledger::Value::from($value)),*] };
}
pub(crate) use values;
