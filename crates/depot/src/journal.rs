//! The journal: one line for each change of manifests and tags, written to a file after the ledger has it.
//!
//! The ledger keeps a line until the file has it on the disk. A manifest's line has its exact bytes, so that the ledger
//! can be made again from the journal and the blobs. A line says what is, not what changed: to read one twice, or after a
//! newer copy of the whole, changes nothing.

use std::fs::{self, File};
use std::io::{
    self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _,
};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_oci::{Digest, RepositoryName, Tag};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::files::Files;
use crate::ledger::{Database, Ledger, Row, Transaction, Value, values};

const BATCH: usize = 500;
const BATCH_BYTES: usize = 8 << 20;
// A manifest of the largest size, each of its characters escaped.
const LINE_BYTES_MAX: u64 = 64 << 20;
const COMPACT_BYTES_MIN: u64 = 16 << 20;

/// A change. With a tag: it names the digest now, or nothing. Without: the manifest is there with this media type, or
/// was deleted if it has none.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) repository: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<&'a Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<&'a str>,
    pub(crate) by: &'a str,
    pub(crate) at: i64,
    /// The manifest; JSON is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<&'a str>,
}

/// A line as it is read back.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OwnedLine {
    pub(crate) repository: RepositoryName,
    pub(crate) tag: Option<Tag>,
    pub(crate) digest: Option<Digest>,
    pub(crate) media_type: Option<String>,
    pub(crate) by: String,
    pub(crate) at: i64,
    pub(crate) content: Option<String>,
}

/// Writes a line, in the transaction of the change. The content of a manifest is added when the line is written to the
/// file, so that the ledger has it once. Replicas have no file: there the database is backed up by its own means.
pub(crate) fn write(transaction: &Transaction<'_>, line: &Line<'_>) -> Result<(), Error> {
    if transaction.is_shared() {
        return Ok(());
    }
    transaction.execute("INSERT INTO journal (line) VALUES (?1)", values![&to_text(line)?])?;
    Ok(())
}

fn to_text(line: &Line<'_>) -> Result<String, Error> {
    serde_json::to_string(line)
        .map_err(|error| Error::Unavailable { what: "the journal", reason: error.to_string() })
}

/// The journal's file.
pub(crate) struct Journal {
    files: Arc<Files>,
    file: File,
    n_bytes: u64,
    // After a failed write nobody knows what the file holds: a whole copy replaces it.
    is_broken: bool,
}

fn failed(error: io::Error) -> Error {
    Error::file("the journal")(error)
}

impl Journal {
    /// Opens the journal of a folder; what a power failure left of a line is cut off.
    pub(crate) fn open(files: &Arc<Files>) -> Result<Self, Error> {
        let path = path(files.root());
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let n_bytes = whole_lines(&mut file).map_err(failed)?;
        file.set_len(n_bytes).map_err(failed)?;
        file.seek(SeekFrom::Start(n_bytes)).map_err(failed)?;
        Ok(Self { files: Arc::clone(files), file, n_bytes, is_broken: false })
    }

    /// Brings the ledger's lines to the file.
    pub(crate) fn flush(&mut self, ledger: &Ledger) -> Result<(), Error> {
        if self.is_broken {
            self.rewrite(ledger.main())?;
        }
        loop {
            let (lines, last) = ledger.main().read_blocking(pending)?;
            let Some(last) = last else { break };
            let mut text = lines.join("\n");
            text.push('\n');
            let written =
                self.file.write_all(text.as_bytes()).and_then(|()| self.files.sync(&self.file));
            if let Err(error) = written {
                self.is_broken = true;
                return Err(failed(error));
            }
            self.n_bytes += text.len() as u64;
            ledger.main().write_blocking(move |transaction| {
                transaction.execute("DELETE FROM journal WHERE number <= ?1", values![last])
            })?;
        }
        Ok(())
    }

    /// If most of the file is history, a copy of what is replaces it.
    pub(crate) fn compact(&mut self, ledger: &Ledger) -> Result<(), Error> {
        if self.n_bytes > COMPACT_BYTES_MIN {
            let needed = ledger.main().read_blocking(needed_bytes)?;
            if self.n_bytes > COMPACT_BYTES_MIN + 2 * needed {
                self.rewrite(ledger.main())?;
            }
        }
        Ok(())
    }

    fn rewrite(&mut self, ledger: &Database) -> Result<(), Error> {
        let (from, to) = (self.files.root().join("journal.new"), path(self.files.root()));
        let mut out = BufWriter::new(Files::create(&from).map_err(failed)?);
        ledger.read_blocking(|transaction| write_all(transaction, &mut out))?;
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        self.files.sync(&file).map_err(failed)?;
        fs::rename(&from, &to).map_err(failed)?;
        self.files.sync_folder(self.files.root()).map_err(failed)?;
        self.n_bytes = file.metadata().map_err(failed)?.len();
        self.file = file;
        self.is_broken = false;
        Ok(())
    }
}

/// Where the journal of a folder lies.
pub(crate) fn path(root: &Path) -> PathBuf {
    root.join("journal")
}

/// Reads a journal, line by line. Lines that cannot be read are counted.
pub(crate) fn read(
    root: &Path,
    mut each: impl FnMut(OwnedLine) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut input = match File::open(path(root)) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(error)),
    };
    let mut n_unreadable = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let n_bytes =
            (&mut input).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        if n_bytes == 0 {
            return Ok(n_unreadable);
        }
        match serde_json::from_slice(&line) {
            Ok(line) => each(line)?,
            Err(_) => n_unreadable += 1,
        }
    }
}

// How many bytes whole lines have.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 64 << 10;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        // At most one step.
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
        file.read_exact(&mut bytes)?;
        if let Some(place) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + place as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

// The oldest lines of the ledger, complete, and the number of the last one.
fn pending(transaction: &Transaction<'_>) -> Result<(Vec<String>, Option<i64>), Error> {
    let rows = transaction.query(
        "SELECT number, line FROM journal ORDER BY number LIMIT ?1",
        values![BATCH],
        |row| Ok((row.integer(0)?, row.text(1)?)),
    )?;
    let (mut lines, mut last, mut n_bytes) = (Vec::with_capacity(rows.len()), None, 0);
    for (number, text) in rows {
        if n_bytes > BATCH_BYTES {
            break;
        }
        last = Some(number);
        let line: OwnedLine = serde_json::from_str(&text)
            .map_err(|error| Error::Format { reason: error.to_string() })?;
        let (Some(digest), Some(_)) = (&line.digest, &line.media_type) else {
            lines.push(text);
            continue;
        };
        let content = transaction.one(
            "SELECT bytes FROM manifest WHERE repository = ?1 AND digest = ?2",
            values![line.repository.as_str(), &digest.to_string()],
            |row| row.bytes(0),
        )?;
        // What was purged meanwhile is followed by the line of its deletion.
        let content = content.and_then(|bytes| String::from_utf8(bytes).ok());
        n_bytes += content.as_ref().map_or(0, String::len);
        lines.push(to_text(&Line {
            repository: line.repository.as_str(),
            tag: None,
            digest: Some(digest),
            media_type: line.media_type.as_deref(),
            by: &line.by,
            at: line.at,
            content: content.as_deref(),
        })?);
    }
    Ok((lines, last))
}

fn needed_bytes(transaction: &Transaction<'_>) -> Result<u64, Error> {
    let sum = transaction.one(
        "SELECT COALESCE(SUM(size) + 400 * COUNT(*), 0) FROM manifest WHERE deleted IS NULL",
        &[],
        |row| row.size(0),
    )?;
    let tags = transaction.one("SELECT 300 * COUNT(*) FROM tag", &[], |row| row.size(0))?;
    Ok(sum.unwrap_or(0) + tags.unwrap_or(0))
}

// All that is, in pages, so that memory does not grow with it.
fn write_all(transaction: &Transaction<'_>, out: &mut impl io::Write) -> Result<(), Error> {
    const PAGE: i64 = 100;
    let mut after = (String::new(), String::new());
    loop {
        let rows = transaction.query(
            "SELECT repository, digest, media_type, author, pushed_at, bytes FROM manifest
             WHERE deleted IS NULL AND (repository, digest) > (?1, ?2)
             ORDER BY repository, digest LIMIT ?3",
            values![&after.0, &after.1, PAGE],
            |row| write_manifest(row, out),
        )?;
        let Some(last) = rows.into_iter().next_back() else { break };
        after = last;
    }
    let mut after = (String::new(), String::new());
    loop {
        let rows = transaction.query(
            "SELECT repository, name, digest, author, updated_at FROM tag
             WHERE (repository, name) > (?1, ?2) ORDER BY repository, name LIMIT ?3",
            &[Value::from(&after.0), Value::from(&after.1), Value::from(PAGE)],
            |row| {
                let (repository, tag) = (row.text(0)?, row.text(1)?);
                let line = Line {
                    repository: &repository,
                    tag: Some(&tag),
                    digest: Some(&row.parsed(2)?),
                    media_type: None,
                    by: &row.text(3)?,
                    at: row.integer(4)?,
                    content: None,
                };
                writeln!(out, "{}", to_text(&line)?).map_err(failed)?;
                Ok((repository, tag))
            },
        )?;
        let Some(last) = rows.into_iter().next_back() else { return Ok(()) };
        after = last;
    }
}

fn write_manifest(row: &Row<'_>, out: &mut impl io::Write) -> Result<(String, String), Error> {
    let (repository, digest) = (row.text(0)?, row.text(1)?);
    let content = String::from_utf8(row.bytes(5)?).ok();
    let line = Line {
        repository: &repository,
        tag: None,
        digest: Some(&row.parsed(1)?),
        media_type: Some(&row.text(2)?),
        by: &row.text(3)?,
        at: row.integer(4)?,
        content: content.as_deref(),
    };
    writeln!(out, "{}", to_text(&line)?).map_err(failed)?;
    Ok((repository, digest))
}
