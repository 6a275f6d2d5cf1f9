//! The ledger in SQLite: one thread writes, and commits for all that wait; readers have connections of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::{Answer, Job, Part, Transaction};
use crate::Error;

// Bytes "Sdep" in the file's head, so that another program's database is refused.
const APPLICATION: i64 = 0x5364_6570;
const BATCH_MAX: usize = 256;
const READERS_KEPT: usize = 8;
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// A database of SQLite.
pub(crate) struct Sqlite {
    path: PathBuf,
    jobs: Mutex<Option<Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    n_syncs: AtomicU64,
    // After a failed write of the disk nobody knows what it holds: only a new start reads that.
    is_broken: AtomicBool,
}

impl Sqlite {
    /// Opens a database, which is made if it is not there.
    pub(crate) fn open(path: &Path, part: Part) -> Result<Self, Error> {
        let mut connection = connect(path)?;
        prepare(&mut connection, part)?;
        let synchronous = match part {
            // What was answered with success has to be there after a loss of power.
            Part::Main => "full",
            // The end of the process loses nothing of it.
            Part::Uploads => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        let (jobs, received) = mpsc::channel();
        let state = Arc::new(State::default());
        let writer = {
            let state = Arc::clone(&state);
            std::thread::Builder::new()
                .name("ledger".to_owned())
                .spawn(move || run(&connection, part, &received, &state))
                .map_err(Error::file("a thread"))?
        };
        Ok(Self {
            path: path.to_owned(),
            jobs: Mutex::new(Some(jobs)),
            writer: Mutex::new(Some(writer)),
            readers: Mutex::default(),
            state,
        })
    }

    /// Hands a job to the writer.
    pub(crate) fn send(&self, job: Job) -> Result<(), Error> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        sent.then_some(()).ok_or_else(|| Error::lost("the ledger"))
    }

    /// Reads one state of the database.
    pub(crate) fn read<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = if let Some(connection) = kept {
            connection
        } else {
            let connection = connect(&self.path)?;
            connection.pragma_update(None, "query_only", true)?;
            connection
        };
        connection.prepare_cached("BEGIN DEFERRED")?.execute([])?;
        let result = job(&Transaction::Sqlite(&connection));
        connection.prepare_cached("COMMIT")?.execute([])?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_KEPT {
            readers.push(connection);
        }
        result
    }

    /// True if the disk failed while it was written.
    pub(crate) fn is_broken(&self) -> bool {
        self.state.is_broken.load(Ordering::Acquire)
    }

    /// Why a job got no answer.
    pub(crate) fn silence(&self) -> Error {
        if self.is_broken() {
            return Error::Unavailable {
                what: "the ledger",
                reason: "the disk failed while it was written; see to the disk, then restart the registry"
                    .to_owned(),
            };
        }
        Error::lost("the ledger")
    }

    /// How many commits waited for the disk.
    pub(crate) fn n_syncs(&self) -> u64 {
        self.state.n_syncs.load(Ordering::Relaxed)
    }

    /// Writes a whole copy to a new file.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let Some(text) = path.to_str() else {
            return Err(Error::Unavailable {
                what: "the copy",
                reason: "its path is not UTF-8".to_owned(),
            });
        };
        connect(&self.path)?.execute("VACUUM INTO ?1", [text])?;
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // Without a sender the writer ends when it has done what was sent.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A panic there was already told to whoever waited.
            drop(writer.join());
        }
    }
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection)
}

fn prepare(connection: &mut Connection, part: Part) -> Result<(), Error> {
    let number = |name: &str| -> Result<i64, Error> {
        Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let migrations = part.migrations();
    let newest = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if !matches!((application, version), (APPLICATION, _) | (0, 0)) {
        return Err(Error::Format { reason: "it is the database of another program".to_owned() });
    }
    if version > newest {
        return Err(Error::Format {
            reason: format!("it has format {version}, and this program reads up to {newest}"),
        });
    }
    let done = usize::try_from(version).unwrap_or(0);
    if done == migrations.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for statements in &migrations[done..] {
        transaction.execute_batch(statements)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", newest)?;
    Ok(transaction.commit()?)
}

fn run(connection: &Connection, part: Part, jobs: &Receiver<Job>, state: &State) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        if state.is_broken.load(Ordering::Acquire) {
            // Nobody is told, and so everybody is by `Sqlite::silence`.
            continue;
        }
        let mut answers = Vec::with_capacity(batch.len());
        let result = commit(connection, batch, &mut answers);
        let is_failure = result.as_ref().is_err_and(|error| {
            use rusqlite::ErrorCode::{DatabaseCorrupt, SystemIoFailure};
            matches!(error.sqlite_error_code(), Some(SystemIoFailure | DatabaseCorrupt))
        });
        if is_failure {
            state.is_broken.store(true, Ordering::Release);
        } else if part == Part::Main {
            state.n_syncs.fetch_add(1, Ordering::Relaxed);
        }
        let result = result.map_err(Error::from);
        for answer in answers {
            answer(result.as_ref().copied().map_err(Error::again));
        }
    }
}

// Each job is a savepoint, so that one that fails takes nothing of the others back.
fn commit(
    connection: &Connection,
    batch: Vec<Job>,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<()> {
    let execute = |sql: &str| connection.prepare_cached(sql)?.execute([]).map(drop);
    execute("BEGIN IMMEDIATE")?;
    let transaction = Transaction::Sqlite(connection);
    let jobs = || -> rusqlite::Result<()> {
        for job in batch {
            execute("SAVEPOINT job")?;
            let is_kept = match catch_unwind(AssertUnwindSafe(|| job(&transaction))) {
                Ok((answer, is_kept)) => {
                    answers.push(answer);
                    is_kept
                }
                // Whoever waits sees that nobody will answer.
                Err(_) => false,
            };
            if !is_kept {
                execute("ROLLBACK TO job")?;
            }
            execute("RELEASE job")?;
        }
        execute("COMMIT")
    };
    let result = jobs();
    if result.is_err() && !connection.is_autocommit() {
        // Some errors have rolled it back already.
        execute("ROLLBACK")?;
    }
    result
}
