//! Small things of others in the same ledger: records, logs and queues.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::Error;
use crate::depot::Depot;
use crate::ledger::{Row, Transaction, Value, values};
use crate::listing::Page;

const LIMIT_MAX: usize = 10_000;

/// A job that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its queue.
    pub queue: String,
    /// Its key in the queue.
    pub key: String,
    /// What it is.
    pub value: Bytes,
    /// The how manieth attempt this is, from 1.
    pub attempt: u64,
    // A job that was replaced or claimed again has another one.
    ticket: i64,
}

/// How much waits in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueLength {
    /// Jobs, those included that somebody works on.
    pub jobs: u64,
    /// For how long the oldest has been due.
    pub waited_secs: u64,
}

impl Depot {
    /// A record.
    pub async fn record(&self, kind: &str, key: &str) -> Result<Option<Bytes>, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.one(
                "SELECT value FROM record WHERE kind = ?1 AND key = ?2",
                values![kind, key],
                |row| row.bytes(0).map(Bytes::from),
            )
        };
        self.0.ledger.main().read(read).await
    }

    /// Writes a record; one that is there is replaced.
    pub async fn put_record(&self, kind: &str, key: &str, value: &[u8]) -> Result<(), Error> {
        let (kind, key, value) = (kind.to_owned(), key.to_owned(), value.to_owned());
        let job = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "INSERT INTO record (kind, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
                values![&kind, &key, value.as_slice()],
            )
        };
        self.0.ledger.main().write(job, |_| ()).await.map(drop)
    }

    /// The record, which becomes this one if there is none: all who ask at once get the same.
    pub async fn record_or(&self, kind: &str, key: &str, value: &[u8]) -> Result<Bytes, Error> {
        let (kind, key, value) = (kind.to_owned(), key.to_owned(), value.to_owned());
        let job = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "INSERT INTO record (kind, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, key) DO NOTHING",
                values![&kind, &key, value.as_slice()],
            )?;
            let sql = "SELECT value FROM record WHERE kind = ?1 AND key = ?2";
            let found = transaction.one(sql, values![&kind, &key], |row| row.bytes(0))?;
            Ok(found.map_or_else(|| Bytes::from(value), Bytes::from))
        };
        self.0.ledger.main().write(job, |_| ()).await
    }

    /// Deletes a record; true if there was one.
    pub async fn delete_record(&self, kind: &str, key: &str) -> Result<bool, Error> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        let job = move |transaction: &Transaction<'_>| {
            let sql = "DELETE FROM record WHERE kind = ?1 AND key = ?2";
            Ok(transaction.execute(sql, values![&kind, &key])? > 0)
        };
        self.0.ledger.main().write(job, |_| ()).await
    }

    /// Records whose keys begin so, in the order of their keys' bytes.
    pub async fn records(
        &self,
        kind: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<(String, Bytes)>, Error> {
        let limit = limit.min(LIMIT_MAX);
        let read = |transaction: &Transaction<'_>| {
            transaction.query(
                "SELECT key, value FROM record WHERE kind = ?1 AND key >= ?2 AND key > ?3
                 AND SUBSTR(key, 1, ?4) = ?2 ORDER BY key LIMIT ?5",
                &[
                    Value::from(kind),
                    Value::from(prefix),
                    Value::from(after.unwrap_or("")),
                    Value::from(prefix.chars().count()),
                    Value::from(limit + 1),
                ],
                |row| Ok((row.text(0)?, Bytes::from(row.bytes(1)?))),
            )
        };
        let mut items = self.0.ledger.main().read(read).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        Ok(Page { items, more })
    }

    /// Appends a line to a log: `line` is told its number and the line before, and nothing comes in between.
    pub async fn log_append(
        &self,
        log: &str,
        line: impl FnOnce(u64, Option<&[u8]>) -> Vec<u8> + Send + 'static,
    ) -> Result<u64, Error> {
        let log = log.to_owned();
        let job = move |transaction: &Transaction<'_>| {
            let last = transaction.one(
                "SELECT number, line FROM log WHERE name = ?1 ORDER BY number DESC LIMIT 1",
                values![&log],
                |row| Ok((row.size(0)?, row.bytes(1)?)),
            )?;
            let number = last.as_ref().map_or(0, |(number, _)| *number) + 1;
            let bytes = line(number, last.as_ref().map(|(_, line)| line.as_slice()));
            transaction.execute(
                "INSERT INTO log (name, number, line) VALUES (?1, ?2, ?3)",
                values![&log, number, bytes.as_slice()],
            )?;
            Ok(number)
        };
        self.0.ledger.main().write(job, |_| ()).await
    }

    /// Lines of a log, from a number on. The first line has number 1.
    pub async fn log_lines(
        &self,
        log: &str,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Bytes)>, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.query(
                "SELECT number, line FROM log WHERE name = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
                values![log, from, limit.min(LIMIT_MAX)],
                |row| Ok((row.size(0)?, Bytes::from(row.bytes(1)?))),
            )
        };
        self.0.ledger.main().read(read).await
    }

    /// The number of the last line of a log; 0 if it has none.
    pub async fn log_last(&self, log: &str) -> Result<u64, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.one(
                "SELECT number FROM log WHERE name = ?1 ORDER BY number DESC LIMIT 1",
                values![log],
                |row| row.size(0),
            )
        };
        Ok(self.0.ledger.main().read(read).await?.unwrap_or(0))
    }

    /// How much waits in a queue.
    pub async fn queue_length(&self, queue: &str) -> Result<QueueLength, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.one(
                "SELECT COUNT(*), MIN(not_before_at) FROM queue WHERE queue = ?1",
                values![queue],
                |row| Ok((row.size(0)?, row.integer_or_null(1)?)),
            )
        };
        let (jobs, since) = self.0.ledger.main().read(read).await?.unwrap_or_default();
        let waited = since.map_or(0, |since| Timestamp::now().as_millisecond() - since);
        Ok(QueueLength { jobs, waited_secs: u64::try_from(waited / 1000).unwrap_or(0) })
    }

    /// Puts a job into a queue. A job with the same key is replaced, also if somebody works on it: it is done again.
    pub async fn enqueue(
        &self,
        queue: &str,
        key: &str,
        value: &[u8],
        not_before: Timestamp,
    ) -> Result<(), Error> {
        let (queue, key, value) = (queue.to_owned(), key.to_owned(), value.to_owned());
        let job = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "INSERT INTO queue (queue, key, value, not_before_at, attempt, claimed_until, ticket)
                 VALUES (?1, ?2, ?3, ?4, 0, 0, 0) ON CONFLICT (queue, key) DO UPDATE SET
                 value = excluded.value, not_before_at = excluded.not_before_at, attempt = 0,
                 claimed_until = 0, ticket = queue.ticket + 1",
                values![&queue, &key, value.as_slice(), not_before.as_millisecond()],
            )
        };
        self.0.ledger.main().write(job, |_| ()).await.map(drop)
    }

    /// Claims the job that waits longest, for as long as the lease; who does not finish it by then loses it.
    pub async fn claim(&self, queue: &str, lease: Duration) -> Result<Option<Job>, Error> {
        self.claim_by(queue, lease, next_job).await
    }

    /// As [`Depot::claim`], but only the first job of the queue, in the order of their times and keys: while somebody has it,
    /// there is none.
    pub async fn claim_first(&self, queue: &str, lease: Duration) -> Result<Option<Job>, Error> {
        self.claim_by(queue, lease, first_job).await
    }

    async fn claim_by(
        &self,
        queue: &str,
        lease: Duration,
        next_job: fn(&Transaction<'_>, &str, i64) -> Result<Option<Job>, Error>,
    ) -> Result<Option<Job>, Error> {
        let now = self.0.clock.now();
        let until = now.saturating_add(i64::try_from(lease.as_secs().max(1)).unwrap_or(i64::MAX));
        // An empty queue is asked again and again, and that must not wait for the disk.
        let read = |transaction: &Transaction<'_>| next_job(transaction, queue, now);
        if self.0.ledger.main().read(read).await?.is_none() {
            return Ok(None);
        }
        let queue = queue.to_owned();
        let job = move |transaction: &Transaction<'_>| {
            let Some(mut job) = next_job(transaction, &queue, now)? else { return Ok(None) };
            job.ticket += 1;
            job.attempt += 1;
            transaction.execute(
                "UPDATE queue SET claimed_until = ?3, attempt = ?4, ticket = ?5
                 WHERE queue = ?1 AND key = ?2",
                values![&queue, &job.key, until, job.attempt, job.ticket],
            )?;
            Ok(Some(job))
        };
        self.0.ledger.main().write(job, |_| ()).await
    }

    /// Removes a job that is done, unless it was replaced meanwhile.
    pub async fn finish_job(&self, job: &Job) -> Result<(), Error> {
        let job = job.clone();
        let delete = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "DELETE FROM queue WHERE queue = ?1 AND key = ?2 AND ticket = ?3",
                values![&job.queue, &job.key, job.ticket],
            )
        };
        self.0.ledger.main().write(delete, |_| ()).await.map(drop)
    }

    /// Gives a job back, to be done again later, unless it was replaced meanwhile.
    pub async fn retry_job(&self, job: &Job, not_before: Timestamp) -> Result<(), Error> {
        let job = job.clone();
        let update = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "UPDATE queue SET claimed_until = 0, not_before_at = ?4
                 WHERE queue = ?1 AND key = ?2 AND ticket = ?3",
                values![&job.queue, &job.key, job.ticket, not_before.as_millisecond()],
            )
        };
        self.0.ledger.main().write(update, |_| ()).await.map(drop)
    }
}

fn next_job(transaction: &Transaction<'_>, queue: &str, now: i64) -> Result<Option<Job>, Error> {
    transaction.one(
        "SELECT key, value, attempt, ticket FROM queue
         WHERE queue = ?1 AND not_before_at <= ?2 AND claimed_until <= ?3 ORDER BY not_before_at, key LIMIT 1",
        values![queue, Timestamp::now().as_millisecond(), now],
        |row: &Row<'_>| job(queue, row),
    )
}

fn first_job(transaction: &Transaction<'_>, queue: &str, now: i64) -> Result<Option<Job>, Error> {
    let first = transaction.one(
        "SELECT key, value, attempt, ticket, claimed_until FROM queue
         WHERE queue = ?1 AND not_before_at <= ?2 ORDER BY not_before_at, key LIMIT 1",
        values![queue, Timestamp::now().as_millisecond()],
        |row: &Row<'_>| Ok((job(queue, row)?, row.integer(4)?)),
    )?;
    Ok(first.filter(|(_, claimed_until)| *claimed_until <= now).map(|(job, _)| job))
}

fn job(queue: &str, row: &Row<'_>) -> Result<Job, Error> {
    Ok(Job {
        queue: queue.to_owned(),
        key: row.text(0)?,
        value: row.bytes(1)?.into(),
        attempt: row.size(2)?,
        ticket: row.integer(3)?,
    })
}
