//! A connection to PostgreSQL, used by one thread at a time: statements are prepared once, and no wait is endless.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error as _;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::runtime::Runtime;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, Row, Statement};

use super::Value;
use super::channel::Channel;
use crate::{DatabaseSettings, Error};

// The server gives up before the client does, so that the session can go on.
const OPTIONS: &str = "-c statement_timeout=20s -c lock_timeout=10s \
                       -c idle_in_transaction_session_timeout=30s -c client_min_messages=warning";
const ANSWER_WAIT: Duration = Duration::from_secs(25);
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// How connections are made, and what drives them: a thread of its own, whatever the runtime of the caller does.
pub(crate) struct Engine {
    config: Config,
    channel: Channel,
    runtime: Option<Runtime>,
    down_until: Mutex<Option<Instant>>,
}

/// A connection.
pub(crate) struct Session {
    client: Client,
    statements: RefCell<HashMap<&'static str, Statement>>,
    is_broken: Cell<bool>,
}

/// A number of any width.
pub(crate) struct Integer(pub(crate) i64);

impl Engine {
    /// An engine for a database.
    pub(crate) fn new(settings: &DatabaseSettings) -> Result<Arc<Self>, Error> {
        let mut config = settings.config()?;
        let channel = Channel::new(settings)?;
        let options = match config.get_options() {
            Some(own) => format!("{OPTIONS} {own}"),
            None => OPTIONS.to_owned(),
        };
        config
            .options(options)
            .application_name("sealift registry")
            .connect_timeout(CONNECT_WAIT)
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(10))
            .tcp_user_timeout(ANSWER_WAIT);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("database")
            .enable_all()
            .build()
            .map_err(Error::file("a thread"))?;
        let (runtime, down_until) = (Some(runtime), Mutex::default());
        Ok(Arc::new(Self { config, channel, runtime, down_until }))
    }

    /// Whether the database could not be reached a moment ago.
    pub(crate) fn is_down(&self) -> bool {
        let until = *self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Says so, or that it can be reached.
    pub(crate) fn is_down_for(&self, time: Option<Duration>) {
        let until = time.map(|time| Instant::now() + time);
        *self.down_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may be dropped where nobody may wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Session {
    /// Connects.
    pub(crate) fn open(engine: &Engine) -> Result<Self, Error> {
        let Some(runtime) = &engine.runtime else { return Err(Error::lost("the ledger")) };
        let (config, channel) = (engine.config.clone(), engine.channel.clone());
        let connecting = runtime.spawn(async move {
            let (client, connection) = config.connect(channel).await?;
            // It ends with the client, and whoever waits for an answer is told what it failed of.
            tokio::spawn(connection);
            Ok(client)
        });
        let client = wait(connecting, 2 * CONNECT_WAIT)
            .ok_or_else(|| Error::database("it does not answer"))?
            .map_err(|_| Error::lost("the ledger"))?
            .map_err(|error: tokio_postgres::Error| refused(&error))?;
        Ok(Self { client, statements: RefCell::default(), is_broken: Cell::new(false) })
    }

    /// True if nothing more can be done with it.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.get() || self.client.is_closed()
    }

    /// Runs statements without values.
    pub(crate) fn run(&self, sql: &str) -> Result<(), Error> {
        self.done(self.client.batch_execute(sql))
    }

    /// Runs a statement and tells how many rows it changed.
    pub(crate) fn execute(&self, sql: &'static str, values: &[Value<'_>]) -> Result<usize, Error> {
        let statement = self.statement(sql)?;
        let values = bound(values);
        let n_rows = self.done(self.client.execute(&statement, &values))?;
        Ok(usize::try_from(n_rows).unwrap_or(usize::MAX))
    }

    /// All rows of a query.
    pub(crate) fn query(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql)?;
        let values = bound(values);
        self.done(self.client.query(&statement, &values))
    }

    fn statement(&self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        // `?1` is `$1` here; no statement has a question mark else.
        let text = sql.replace('?', "$");
        let statement = self.done(self.client.prepare(&text))?;
        self.statements.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }

    fn done<T>(
        &self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        match wait(asked, ANSWER_WAIT) {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => {
                let is_told = error.as_db_error().is_some_and(|told| !is_fatal(told.code().code()));
                if !is_told && !error.is_closed() {
                    self.is_broken.set(true);
                }
                if error.is_closed() {
                    self.is_broken.set(true);
                }
                Err(told(&error))
            }
            None => {
                self.is_broken.set(true);
                Err(Error::database("it does not answer"))
            }
        }
    }
}

fn bound<'a>(values: &'a [Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

// The session ends with it: class 57 is the operator's intervention.
fn is_fatal(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("08") || code == "25P03"
}

// Why a connection was not made. The address may have a password, and is not told.
fn refused(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(told) => Error::database(told.message()),
        None => Error::database(&reason(error)),
    }
}

fn told(error: &tokio_postgres::Error) -> Error {
    let Some(told) = error.as_db_error() else { return Error::database(&reason(error)) };
    match told.code().code() {
        // A text with a zero byte, which PostgreSQL does not take: it came from the manifest that is pushed.
        "22021" | "22P05" => {
            Error::ManifestInvalid { reason: "a text of it has a zero character".to_owned() }
        }
        "53100" => Error::Full,
        code => Error::database(&format!("{} ({code})", told.message())),
    }
}

fn reason(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

// Waits on this thread; none if it took too long. What is waited for is driven elsewhere.
fn wait<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let until = Instant::now() + limit;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        std::thread::park_timeout(until.checked_duration_since(Instant::now())?);
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match *self {
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Integer(number) if *kind == Type::INT4 => {
                i32::try_from(number).unwrap_or(i32::MAX).to_sql(kind, out)
            }
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Null => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> tokio_postgres::types::FromSql<'a> for Integer {
    fn from_sql(
        kind: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        if *kind == Type::INT4 {
            return i32::from_sql(kind, raw).map(|number| Self(number.into()));
        }
        i64::from_sql(kind, raw).map(Self)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT4 | Type::INT8)
    }
}
