//! The ledger's own time: seconds that a depot was open, counted by a clock that nobody can set.
//!
//! A lease ends by this time, so that a wall clock that jumps a year ahead loses nothing. What passed since the time was
//! last written is counted again after a crash, and the time that the depot was closed is not counted at all: leases
//! only ever get longer by it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::Error;
use crate::ledger::{Ledger, Transaction, values};

/// The ledger's time.
pub(crate) struct Clock {
    at_start: i64,
    since: Instant,
    // By how much others were ahead that count in the same ledger.
    ahead: AtomicI64,
}

impl Clock {
    /// Goes on from what the ledger has: the time that was written down, or that of a change after it.
    pub(crate) fn open(ledger: &Ledger) -> Result<Self, Error> {
        let written = ledger.main().read_blocking(|transaction| {
            let time = "SELECT value FROM meta WHERE name = 'time'";
            let time = transaction.one(time, &[], |row| row.parsed::<i64>(0))?;
            let deleted = "SELECT MAX(deleted) FROM manifest WHERE deleted IS NOT NULL";
            let deleted = transaction.one(deleted, &[], |row| row.integer_or_null(0))?;
            Ok(time.max(deleted.flatten()))
        })?;
        // A process that is killed again and again before it writes the time down would never see a window pass.
        let touched = ledger.uploads().read_blocking(|transaction| {
            let touched = "SELECT MAX(touched) FROM upload";
            transaction.one(touched, &[], |row| row.integer_or_null(0))
        })?;
        let at_start = written.max(touched.flatten());
        Ok(Self {
            at_start: at_start.unwrap_or(0),
            since: Instant::now(),
            ahead: AtomicI64::new(0),
        })
    }

    /// Seconds now.
    pub(crate) fn now(&self) -> i64 {
        let passed = i64::try_from(self.since.elapsed().as_secs()).unwrap_or(i64::MAX);
        self.at_start.saturating_add(passed).saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    /// When the depot was opened.
    pub(crate) fn at_start(&self) -> i64 {
        self.at_start
    }

    /// Writes the time down and tells what the ledger has then: another replica may be ahead.
    pub(crate) fn keep(transaction: &Transaction<'_>, now: i64) -> Result<i64, Error> {
        transaction.execute(
            "INSERT INTO meta (name, value) VALUES ('time', ?1)
             ON CONFLICT (name) DO UPDATE SET value = CASE
             WHEN CAST(meta.value AS BIGINT) < CAST(excluded.value AS BIGINT) THEN excluded.value
             ELSE meta.value END",
            values![&now.to_string()],
        )?;
        let sql = "SELECT value FROM meta WHERE name = 'time'";
        Ok(transaction.one(sql, &[], |row| row.parsed(0))?.unwrap_or(now))
    }

    /// Goes on from there, if that is later.
    pub(crate) fn follow(&self, time: i64) {
        let behind = time.saturating_sub(self.now()).max(0);
        self.ahead.fetch_add(behind, Ordering::Relaxed);
    }

    /// Lets time pass.
    #[cfg(test)]
    pub(crate) fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }
}
