//! The ledger's tables, and how an older ledger becomes a newer one.
//!
//! The statements are those that PostgreSQL runs too: `BLOB` is its `BYTEA`, `INTEGER PRIMARY KEY` its identity column,
//! and texts are compared byte by byte (`COLLATE "C"`). Times named `…_at` are milliseconds of the wall clock and only
//! shown; leases and deadlines are seconds of the ledger's own time, which no clock can set.

/// A database of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What must survive a loss of power once it was answered.
    Main,
    /// Uploads under way: what must survive the end of the process.
    Uploads,
}

impl Part {
    /// Each version's statements, oldest first: a ledger of version `n` has run the first `n`.
    pub(crate) fn migrations(self) -> &'static [&'static str] {
        match self {
            Self::Main => &[MAIN],
            Self::Uploads => &[UPLOADS],
        }
    }
}

/// The blob can be read.
pub(crate) const LIVE: i64 = 0;
/// The blob's file is being removed.
pub(crate) const DELETING: i64 = 1;
/// The blob's file was found damaged and set aside.
pub(crate) const DAMAGED: i64 = 2;

/// A child that is a blob.
pub(crate) const BLOB: i64 = 0;
/// A child that is a manifest.
pub(crate) const MANIFEST: i64 = 1;

const MAIN: &str = "
    CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE repository (
        name TEXT NOT NULL PRIMARY KEY, bytes BIGINT NOT NULL, manifests BIGINT NOT NULL, tags BIGINT NOT NULL);
    CREATE TABLE blob (
        digest TEXT NOT NULL PRIMARY KEY, size BIGINT NOT NULL, state BIGINT NOT NULL, generation BIGINT NOT NULL);
    CREATE INDEX blob_state ON blob (state) WHERE state <> 0;
    CREATE TABLE link (
        repository TEXT NOT NULL, digest TEXT NOT NULL, size BIGINT NOT NULL, hidden BIGINT NOT NULL,
        lease BIGINT NOT NULL, PRIMARY KEY (repository, digest));
    CREATE INDEX link_digest ON link (digest);
    CREATE TABLE manifest (
        repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, size BIGINT NOT NULL,
        subject TEXT, artifact_type TEXT, depth BIGINT NOT NULL, pushed_at BIGINT NOT NULL, author TEXT NOT NULL,
        pulled_at BIGINT NOT NULL, deleted BIGINT, annotations TEXT NOT NULL, bytes BLOB NOT NULL,
        PRIMARY KEY (repository, digest));
    CREATE INDEX manifest_subject ON manifest (repository, subject, digest) WHERE subject IS NOT NULL;
    CREATE INDEX manifest_deleted ON manifest (deleted) WHERE deleted IS NOT NULL;
    CREATE INDEX manifest_digest ON manifest (digest);
    CREATE TABLE child (
        repository TEXT NOT NULL, parent TEXT NOT NULL, digest TEXT NOT NULL, kind BIGINT NOT NULL,
        PRIMARY KEY (repository, parent, digest, kind));
    CREATE INDEX child_digest ON child (repository, digest);
    CREATE TABLE tag (
        repository TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, updated_at BIGINT NOT NULL,
        author TEXT NOT NULL, PRIMARY KEY (repository, name));
    CREATE INDEX tag_digest ON tag (repository, digest);
    CREATE TABLE tag_event (
        number INTEGER PRIMARY KEY, repository TEXT NOT NULL, name TEXT NOT NULL, digest TEXT, digest_before TEXT,
        happened_at BIGINT NOT NULL, author TEXT NOT NULL);
    CREATE INDEX tag_event_name ON tag_event (repository, name, number);
    CREATE TABLE record (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key));
    CREATE TABLE log (name TEXT NOT NULL, number BIGINT NOT NULL, line BLOB NOT NULL, PRIMARY KEY (name, number));
    CREATE TABLE queue (
        queue TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, not_before_at BIGINT NOT NULL,
        attempt BIGINT NOT NULL, claimed_until BIGINT NOT NULL, ticket BIGINT NOT NULL, PRIMARY KEY (queue, key));
    CREATE INDEX queue_next ON queue (queue, not_before_at);
    CREATE TABLE journal (number INTEGER PRIMARY KEY, line TEXT NOT NULL);
";

const UPLOADS: &str = "
    CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE upload (
        id TEXT NOT NULL PRIMARY KEY, repository TEXT NOT NULL, algorithm TEXT NOT NULL, received BIGINT NOT NULL,
        hash_state BLOB, author TEXT NOT NULL, touched BIGINT NOT NULL);
";
