//! The ledger in PostgreSQL, for several replicas: one thread of each writes, and commits for all that wait; readers have
//! connections of their own.
//!
//! Whoever writes what others depend on holds one advisory lock of the whole database until the commit, so that changes
//! come one after another as in SQLite, and whatever a change read is still so when it is committed. A connection that
//! is lost is made again; what was under way then fails, and nobody was told that it was done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::schema::{self, SHARED_FORMAT};
use super::session::{Engine, Session};
use super::{Answer, Job, Transaction};
use crate::Error;

const BATCH_MAX: usize = 256;
const READERS_MAX: usize = 16;
// A database that is started anew is waited for so long; then whoever asks is told, and asks again.
const START_WAIT: Duration = Duration::from_secs(4);
const START_PAUSE: Duration = Duration::from_millis(200);
// After that it is not waited for again for a while.
const DOWN_FOR: Duration = Duration::from_secs(2);
const READER_WAIT: Duration = Duration::from_secs(10);

/// The lock of whoever changes what others depend on: bytes "Sealdep1".
const TURN: &str = "BEGIN; SELECT pg_advisory_xact_lock(6013571264963472433)";

/// A database of PostgreSQL.
pub(crate) struct Postgres {
    engine: Arc<Engine>,
    jobs: Mutex<Option<Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Readers>,
    freed: Condvar,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Session>,
    n_busy: usize,
}

/// Whether changes wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// One after another, over all replicas.
    Strict,
    /// As they come: each concerns rows of its own.
    Free,
}

impl Postgres {
    /// Opens the database behind an engine.
    pub(crate) fn open(engine: &Arc<Engine>, order: Order) -> Result<Self, Error> {
        let (jobs, received) = mpsc::channel();
        let of_writer = Arc::clone(engine);
        let writer = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || run(&of_writer, order, &received))
            .map_err(Error::file("a thread"))?;
        Ok(Self {
            engine: Arc::clone(engine),
            jobs: Mutex::new(Some(jobs)),
            writer: Mutex::new(Some(writer)),
            readers: Mutex::default(),
            freed: Condvar::new(),
        })
    }

    /// Hands a job to the writer.
    pub(crate) fn send(&self, job: Job) -> Result<(), Error> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        sent.then_some(()).ok_or_else(|| Error::lost("the ledger"))
    }

    /// Reads; with `one_state`, all of it as it was at one moment.
    pub(crate) fn read<T>(
        &self,
        one_state: bool,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        blocking(|| {
            let session = self.reader()?;
            let result = if one_state {
                session
                    .run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .and_then(|()| job(&Transaction::Postgres(&session)))
                    .and_then(|value| session.run("COMMIT").map(|()| value))
            } else {
                job(&Transaction::Postgres(&session))
            };
            if one_state && result.is_err() {
                // A session for which this fails is broken, and not kept.
                drop(session.run("ROLLBACK"));
            }
            self.give_back(session);
            result
        })
    }

    fn reader(&self) -> Result<Session, Error> {
        let until = Instant::now() + READER_WAIT;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while let Some(session) = readers.idle.pop() {
                if !session.is_broken() {
                    readers.n_busy += 1;
                    return Ok(session);
                }
            }
            if readers.n_busy < READERS_MAX {
                readers.n_busy += 1;
                drop(readers);
                return connect(&self.engine).inspect_err(|_| self.freed_one());
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return Err(Error::database("it is asked for too much at once"));
            };
            let waited = self.freed.wait_timeout(readers, left);
            readers = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_back(&self, session: Session) {
        if !session.is_broken() {
            let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            readers.idle.push(session);
        }
        self.freed_one();
    }

    fn freed_one(&self) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.n_busy = readers.n_busy.saturating_sub(1);
        drop(readers);
        self.freed.notify_one();
    }
}

impl Drop for Postgres {
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

/// Runs what waits for the database, so that the runtime's other tasks go on.
pub(crate) fn blocking<T>(job: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    if matches!(flavor, Ok(RuntimeFlavor::MultiThread)) {
        return tokio::task::block_in_place(job);
    }
    job()
}

/// Makes the tables, or refuses those of another program or a newer one.
pub(crate) fn prepare(engine: &Arc<Engine>) -> Result<(), Error> {
    let session = connect(engine)?;
    session.run(TURN)?;
    let transaction = Transaction::Postgres(&session);
    let is_there = transaction.exists("SELECT 1 WHERE to_regclass('meta') IS NOT NULL", &[])?;
    if !is_there {
        session.run(&schema::shared())?;
        add(&session)?;
        return session.run("COMMIT");
    }
    let format = transaction
        .one("SELECT value FROM meta WHERE name = 'format'", &[], |row| row.text(0))
        .map_err(|_| Error::Format {
            reason: "the database has tables of another program".to_owned(),
        })?;
    match format.as_deref() {
        Some(SHARED_FORMAT) => {
            add(&session)?;
            session.run("COMMIT")
        }
        Some(other) => Err(Error::Format {
            reason: format!(
                "it has format {}, and this program reads {SHARED_FORMAT}",
                other.escape_debug()
            ),
        }),
        None => {
            Err(Error::Format { reason: "the database has tables of another program".to_owned() })
        }
    }
}

// The tables that a ledger of an earlier version lacks.
fn add(session: &Session) -> Result<(), Error> {
    let transaction = Transaction::Postgres(session);
    for (table, statements) in schema::ADDITIONS {
        let sql = "SELECT 1 WHERE to_regclass(?1) IS NOT NULL";
        if !transaction.exists(sql, &[(*table).into()])? {
            session.run(statements)?;
        }
    }
    Ok(())
}

// Waits a little for a database that is being started.
fn connect(engine: &Arc<Engine>) -> Result<Session, Error> {
    let until = Instant::now() + START_WAIT;
    loop {
        let was_down = engine.is_down();
        match Session::open(engine) {
            Ok(session) => {
                engine.is_down_for(None);
                return Ok(session);
            }
            Err(error) if was_down || Instant::now() >= until => {
                engine.is_down_for(Some(DOWN_FOR));
                return Err(error);
            }
            Err(error @ Error::Unavailable { .. }) => {
                // Credentials that are wrong stay so.
                if error.to_string().contains("authentication") {
                    return Err(error);
                }
                std::thread::sleep(START_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

fn run(engine: &Arc<Engine>, order: Order, jobs: &Receiver<Job>) {
    let mut session: Option<Session> = None;
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        let mut answers = Vec::with_capacity(batch.len());
        let result = begin(engine, order, &mut session)
            .and_then(|session| commit(session, &mut batch, &mut answers));
        if let Err(error) = &result {
            // Those that did not come to their turn are told the same.
            let refuse = |job: Job| job(&Transaction::Refused(error)).0;
            answers.extend(batch.drain(..).map(refuse));
            session = session
                .take()
                .filter(|session| session.run("ROLLBACK").is_ok() && !session.is_broken());
        }
        for answer in answers {
            answer(result.as_ref().copied().map_err(Error::again));
        }
    }
}

// A session in a transaction. One that broke while nobody used it is made again: nothing was done in it yet.
fn begin<'a>(
    engine: &Arc<Engine>,
    order: Order,
    kept: &'a mut Option<Session>,
) -> Result<&'a Session, Error> {
    let sql = match order {
        Order::Strict => TURN,
        Order::Free => "BEGIN",
    };
    if let Some(session) = kept.take_if(|session| session.is_broken() || session.run(sql).is_err())
    {
        drop(session);
    }
    if kept.is_none() {
        let session = connect(engine)?;
        session.run(sql)?;
        *kept = Some(session);
    }
    kept.as_ref().ok_or_else(|| Error::lost("the ledger"))
}

// Each job is a savepoint, so that one that fails takes nothing of the others back; a single one needs none.
fn commit(session: &Session, batch: &mut Vec<Job>, answers: &mut Vec<Answer>) -> Result<(), Error> {
    let transaction = Transaction::Postgres(session);
    let is_single = batch.len() == 1;
    batch.reverse();
    while let Some(job) = batch.pop() {
        if !is_single {
            session.run("SAVEPOINT job")?;
        }
        let is_kept = match catch_unwind(AssertUnwindSafe(|| job(&transaction))) {
            Ok((answer, is_kept)) => {
                answers.push(answer);
                is_kept
            }
            // Whoever waits sees that nobody will answer.
            Err(_) => false,
        };
        match (is_single, is_kept) {
            (true, false) => return session.run("ROLLBACK"),
            (true, true) => {}
            (false, true) => session.run("RELEASE job")?,
            (false, false) => session.run("ROLLBACK TO job; RELEASE job")?,
        }
    }
    session.run("COMMIT")
}
