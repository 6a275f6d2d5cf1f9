//! The audit log: what happened, in the order in which it was written down, each line with the hash of the one before.
//!
//! Whoever can write to the storage can write a new log; whoever kept the hash of one line can tell.

use sealift_depot::Depot;
use sealift_oci::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

const LOG: &str = "audit";
const PAGE: usize = 500;

/// A line of the log: what happened since the line before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// The digest of the line before; the first has none.
    pub previous: Option<Digest>,
    /// Events, as JSON.
    pub events: Vec<Value>,
    /// Events that could not be written down, because there were too many at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Adds a line.
pub(crate) async fn append(depot: &Depot, events: Vec<Value>, lost: u64) -> Result<u64, Error> {
    let line = move |number: u64, before: Option<&[u8]>| {
        let line = Line { number, previous: before.map(Digest::sha256), events, lost };
        serde_json::to_vec(&line).unwrap_or_default()
    };
    Ok(depot.log_append(LOG, line).await?)
}

/// What is wrong with a log, if anything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line cannot be read.
    Unreadable(u64),
    /// A line does not follow the one before: one was changed or taken out.
    Broken(u64),
}

/// Reads the log from a line on, and checks that each line follows the one before. The visitor gets each line; it is told
/// of the first fault.
pub async fn read(
    depot: &Depot,
    from: u64,
    mut visit: impl FnMut(&Line),
) -> Result<Option<Fault>, Error> {
    let mut from = from.max(1);
    let mut before: Option<Digest> = None;
    let mut is_first = true;
    loop {
        let lines = depot.log_lines(LOG, from, PAGE).await?;
        let Some((last, _)) = lines.last() else { return Ok(None) };
        let next = last.saturating_add(1);
        for (number, bytes) in &lines {
            let Ok(line) = serde_json::from_slice::<Line>(bytes) else {
                return Ok(Some(Fault::Unreadable(*number)));
            };
            let follows = if is_first {
                line.previous.is_some() == (*number > 1)
            } else {
                line.previous == before
            };
            if line.number != *number || !follows || (!is_first && *number != from) {
                return Ok(Some(Fault::Broken(*number)));
            }
            before = Some(Digest::sha256(bytes));
            is_first = false;
            from = number.saturating_add(1);
            visit(&line);
        }
        from = next;
    }
}
