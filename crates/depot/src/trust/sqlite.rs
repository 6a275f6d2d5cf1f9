//! A store of trust data in SQLite: an update is one transaction and one wait for the disk.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Transaction, params};
use sealift_tuf::server::{
    Change, ChangeRange, Document, HashKind, KeyRecord, NewDocument, Store, StoreError, trim_keys,
};
use sealift_tuf::{Gun, Role};

// Bytes "Seal" in the file's head, so that another program's database is refused.
const APPLICATION: i64 = 0x5365_616c;
const VERSION: i64 = 1;
const LOCK_WAIT: Duration = Duration::from_secs(10);

// Times are text, so that a person can read them: RFC 3339.
const SCHEMA: &str = "
    CREATE TABLE document (
        gun TEXT NOT NULL, role TEXT NOT NULL, version INTEGER NOT NULL, bytes BLOB NOT NULL,
        sha256 TEXT NOT NULL, sha384 TEXT NOT NULL, sha512 TEXT NOT NULL,
        modified TEXT NOT NULL, expires TEXT NOT NULL,
        PRIMARY KEY (gun, role, version)) WITHOUT ROWID;
    CREATE INDEX document_sha256 ON document (gun, role, sha256);
    CREATE INDEX document_sha384 ON document (gun, role, sha384);
    CREATE INDEX document_sha512 ON document (gun, role, sha512);
    CREATE TABLE key (
        gun TEXT NOT NULL, role TEXT NOT NULL, place INTEGER NOT NULL,
        id TEXT NOT NULL, public TEXT NOT NULL, sealed TEXT NOT NULL,
        PRIMARY KEY (gun, role, place)) WITHOUT ROWID;
    CREATE TABLE change (
        number INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, gun TEXT NOT NULL,
        version INTEGER NOT NULL, sha256 TEXT NOT NULL, category TEXT NOT NULL);
    CREATE INDEX change_gun ON change (gun, number);
";

/// A store in a SQLite database.
pub struct SqliteTrustStore {
    writer: Mutex<Connection>,
    // Readers do not wait for a writer that waits for the disk.
    reader: Mutex<Connection>,
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

fn locked(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A transaction that panicked was rolled back when it was dropped.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // What was answered with success has to be there after a loss of power.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

impl SqliteTrustStore {
    /// Opens a database, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut writer = connect(path).map_err(failed)?;
        prepare(&mut writer)?;
        let reader = connect(path).map_err(failed)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(reader) })
    }

    fn document(&self, sql: &str, parameters: impl Params) -> Result<Option<Document>, StoreError> {
        let connection = locked(&self.reader);
        let mut statement = connection.prepare_cached(sql).map_err(failed)?;
        statement.query_row(parameters, read_document).optional().map_err(failed)
    }

    fn write<T>(
        &self,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = locked(&self.writer);
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(failed)?;
        let done = act(&transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(done)
    }
}

fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let number = |name: &str| -> Result<i64, StoreError> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(failed)
    };
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, VERSION) => Ok(()),
        (APPLICATION, version) => Err(StoreError::Failed(format!(
            "the database has format {version}, and this program reads format {VERSION}"
        ))),
        (0, 0) => {
            let transaction = connection.transaction().map_err(failed)?;
            transaction.execute_batch(SCHEMA).map_err(failed)?;
            transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
            transaction.pragma_update(None, "user_version", VERSION).map_err(failed)?;
            transaction.commit().map_err(failed)
        }
        _ => Err(StoreError::Failed("it is the database of another program".to_owned())),
    }
}

fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn read_document(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        version: row.get("version")?,
        bytes: row.get("bytes")?,
        modified: time(row, "modified")?,
        expires: time(row, "expires")?,
    })
}

fn read_change(row: &Row<'_>) -> rusqlite::Result<Change> {
    let number: i64 = row.get("number")?;
    Ok(Change {
        id: number.to_string(),
        created_at: row.get("created_at")?,
        gun: row.get("gun")?,
        version: row.get("version")?,
        sha256: row.get("sha256")?,
        category: row.get("category")?,
    })
}

fn add_document(
    transaction: &Transaction<'_>,
    gun: &Gun,
    document: &NewDocument,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (gun, role) = (gun.as_str(), document.role.as_str());
    let newest: Option<u64> = transaction
        .prepare_cached("SELECT max(version) FROM document WHERE gun = ? AND role = ?")
        .and_then(|mut statement| statement.query_row(params![gun, role], |row| row.get(0)))
        .map_err(failed)?;
    if newest.is_some_and(|newest| newest >= document.version) {
        return Err(StoreError::OldVersion);
    }
    let [sha256, sha384, sha512] = [HashKind::Sha256, HashKind::Sha384, HashKind::Sha512]
        .map(|kind| kind.hex(&document.bytes));
    transaction
        .prepare_cached("INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .and_then(|mut statement| {
            statement.execute(params![
                gun,
                role,
                document.version,
                document.bytes,
                sha256,
                sha384,
                sha512,
                now.to_string(),
                document.expires.to_string()
            ])
        })
        .map_err(failed)?;
    if document.role == Role::TIMESTAMP {
        add_change(transaction, gun, document.version, &sha256, "update", now)?;
    }
    Ok(())
}

fn has_root(connection: &Connection, gun: &Gun) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM document WHERE gun = ? AND role = ?")
        .and_then(|mut statement| statement.exists(params![gun.as_str(), Role::ROOT.as_str()]))
        .map_err(failed)
}

fn add_change(
    transaction: &Transaction<'_>,
    gun: &str,
    version: u64,
    sha256: &str,
    category: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO change (created_at, gun, version, sha256, category) VALUES (?, ?, ?, ?, ?)",
        )
        .and_then(|mut statement| {
            statement.execute(params![now.to_string(), gun, version, sha256, category])
        })
        .map_err(failed)?;
    Ok(())
}

fn keys(connection: &Connection, gun: &Gun, role: &Role) -> Result<Vec<KeyRecord>, StoreError> {
    let read = |row: &Row<'_>| -> rusqlite::Result<(String, String, String)> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    };
    let mut statement = connection
        .prepare_cached(
            "SELECT id, public, sealed FROM key WHERE gun = ? AND role = ? ORDER BY place",
        )
        .map_err(failed)?;
    let rows = statement.query_map(params![gun.as_str(), role.as_str()], read).map_err(failed)?;
    let mut keys = Vec::new();
    for row in rows {
        let (id, public, sealed) = row.map_err(failed)?;
        let public = serde_json::from_str(&public)
            .map_err(|error| StoreError::Failed(format!("key {id} of `{gun}`: {error}")))?;
        keys.push(KeyRecord { id, public, sealed });
    }
    Ok(keys)
}

impl Store for SqliteTrustStore {
    fn newest(&self, gun: &Gun, role: &Role) -> Result<Option<Document>, StoreError> {
        self.document(
            "SELECT * FROM document WHERE gun = ? AND role = ? ORDER BY version DESC LIMIT 1",
            params![gun.as_str(), role.as_str()],
        )
    }

    fn by_version(
        &self,
        gun: &Gun,
        role: &Role,
        version: u64,
    ) -> Result<Option<Document>, StoreError> {
        // No document has a version that the database cannot hold.
        let Ok(version) = i64::try_from(version) else { return Ok(None) };
        self.document(
            "SELECT * FROM document WHERE gun = ? AND role = ? AND version = ?",
            params![gun.as_str(), role.as_str(), version],
        )
    }

    fn by_hash(
        &self,
        gun: &Gun,
        role: &Role,
        kind: HashKind,
        hash: &str,
    ) -> Result<Option<Document>, StoreError> {
        let sql = match kind {
            HashKind::Sha256 => {
                "SELECT * FROM document WHERE gun = ? AND role = ? AND sha256 = ? ORDER BY version DESC"
            }
            HashKind::Sha384 => {
                "SELECT * FROM document WHERE gun = ? AND role = ? AND sha384 = ? ORDER BY version DESC"
            }
            HashKind::Sha512 => {
                "SELECT * FROM document WHERE gun = ? AND role = ? AND sha512 = ? ORDER BY version DESC"
            }
        };
        self.document(sql, params![gun.as_str(), role.as_str(), hash])
    }

    fn update(
        &self,
        gun: &Gun,
        documents: &[NewDocument],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            for document in documents {
                add_document(transaction, gun, document, now)?;
            }
            if documents.is_empty() || has_root(transaction, gun)? {
                return Ok(());
            }
            Err(StoreError::OldVersion)
        })
    }

    fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            let n_deleted = transaction
                .execute("DELETE FROM document WHERE gun = ?", params![gun.as_str()])
                .map_err(failed)?;
            match n_deleted {
                0 => Ok(()),
                _ => add_change(transaction, gun.as_str(), 0, "", "deletion", now),
            }
        })
    }

    fn changes(&self, gun: Option<&Gun>, range: ChangeRange) -> Result<Vec<Change>, StoreError> {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (is_backwards, number, count) = match range {
            ChangeRange::After { number, count } => (false, whole(number), count),
            ChangeRange::Before { number, count } => (true, number.map_or(i64::MAX, whole), count),
        };
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let sql = match (gun.is_some(), is_backwards) {
            (false, false) => "SELECT * FROM change WHERE number > ?1 ORDER BY number LIMIT ?2",
            (false, true) => "SELECT * FROM change WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
            (true, false) => {
                "SELECT * FROM change WHERE gun = ?3 AND number > ?1 ORDER BY number LIMIT ?2"
            }
            (true, true) => {
                "SELECT * FROM change WHERE gun = ?3 AND number < ?1 ORDER BY number DESC LIMIT ?2"
            }
        };
        let connection = locked(&self.reader);
        let mut statement = connection.prepare_cached(sql).map_err(failed)?;
        let rows = match gun {
            Some(gun) => statement.query_map(params![number, count, gun.as_str()], read_change),
            None => statement.query_map(params![number, count], read_change),
        };
        let mut changes: Vec<Change> =
            rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
        if is_backwards {
            changes.reverse();
        }
        Ok(changes)
    }

    fn keys(&self, gun: &Gun, role: &Role) -> Result<Vec<KeyRecord>, StoreError> {
        keys(&locked(&self.reader), gun, role)
    }

    fn add_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
        keep: &[String],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut all = keys(transaction, gun, role)?;
            all.push(key.clone());
            trim_keys(&mut all, keep);
            transaction
                .execute(
                    "DELETE FROM key WHERE gun = ? AND role = ?",
                    params![gun.as_str(), role.as_str()],
                )
                .map_err(failed)?;
            (0_i64..).zip(&all).try_for_each(|(place, key)| {
                insert_key(transaction, gun, role, (place, key)).map_err(failed)
            })
        })
    }

    fn add_first_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
    ) -> Result<KeyRecord, StoreError> {
        self.write(|transaction| {
            if let Some(newest) = keys(transaction, gun, role)?.pop() {
                return Ok(newest);
            }
            insert_key(transaction, gun, role, (0, key)).map_err(failed)?;
            Ok(key.clone())
        })
    }
}

fn insert_key(
    connection: &Connection,
    gun: &Gun,
    role: &Role,
    (place, key): (i64, &KeyRecord),
) -> rusqlite::Result<()> {
    let KeyRecord { id, public, sealed } = key;
    let (gun, role, public) = (gun.as_str(), role.as_str(), public.to_string());
    connection
        .prepare_cached("INSERT INTO key VALUES (?, ?, ?, ?, ?, ?)")?
        .execute(params![gun, role, place, id, public, sealed])?;
    Ok(())
}
