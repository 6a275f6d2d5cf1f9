//! The journal: one line for each change of manifests and tags, written to a file after the ledger has it.
//!
//! The ledger keeps a line until the file has it on the disk, and a manifest's copy lies beside the blobs before its line
//! is written. From the files alone the ledger can be made again.

use sealift_oci::{Digest, RepositoryName, Tag};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::ledger::{Transaction, values};

/// A change. With a tag: it names the digest now, or nothing. Without: the manifest is there with this media type, or
/// was deleted if it has none.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) repository: &'a RepositoryName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<&'a Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<&'a Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<&'a str>,
    pub(crate) by: &'a str,
    pub(crate) at: i64,
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
}

/// Writes a line, in the transaction of the change.
pub(crate) fn write(transaction: &Transaction<'_>, line: &Line<'_>) -> Result<(), Error> {
    let text = serde_json::to_string(line)
        .map_err(|error| Error::Unavailable { what: "the journal", reason: error.to_string() })?;
    transaction.execute("INSERT INTO journal (line) VALUES (?1)", values![&text])?;
    Ok(())
}
