//! The list of changes: which repository got a new timestamp, which one was deleted.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{ChangeRange, Code, Refusal};
use crate::Gun;

const RECORDS_DEFAULT: i64 = 100;
const RECORDS_MAX: i64 = 10_000;

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Change {
    /// Number, from 1.
    #[serde(rename = "ID")]
    pub id: String,
    /// When, in RFC 3339.
    pub created_at: String,
    /// Repository.
    #[serde(rename = "GUN")]
    pub gun: String,
    /// Version of the timestamp, 0 for a deletion.
    pub version: u64,
    /// SHA-256 of the timestamp in hex, empty for a deletion.
    #[serde(rename = "SHA256")]
    pub sha256: String,
    /// `update` or `deletion`.
    pub category: String,
}

impl Change {
    /// The change that an update is.
    pub fn update(number: u64, gun: &Gun, version: u64, sha256: String, now: Timestamp) -> Self {
        let category = "update".to_owned();
        let (id, created_at) = (number.to_string(), now.to_string());
        Self { id, created_at, gun: gun.to_string(), version, sha256, category }
    }

    /// The change that a deletion is.
    pub fn deletion(number: u64, gun: &Gun, now: Timestamp) -> Self {
        let category = "deletion".to_owned();
        Self { category, ..Self::update(number, gun, 0, String::new(), now) }
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.id.parse().unwrap_or(0)
    }
}

/// Reads the parameters of a request for changes: those after a number, or the last ones before it if the count is
/// negative.
pub(super) fn read_range(after: &str, records: &str) -> Result<ChangeRange, Refusal> {
    let invalid = |text: String| Refusal::with(Code::InvalidParameters, json!(text));
    let records: i64 = records.parse().map_err(|_| {
        let records = crate::error::printable(records);
        invalid(format!(
            "invalid records parameter: strconv.ParseInt: parsing {records:?}: invalid syntax"
        ))
    })?;
    let after: i64 = match after {
        "" => 0,
        after => after.parse().map_err(|_| {
            let after = crate::error::printable(after);
            invalid(format!("change ID expected to be integer, provided ID was: {after}"))
        })?,
    };
    let count =
        if records == 0 { RECORDS_DEFAULT } else { records.saturating_abs().min(RECORDS_MAX) };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let number = u64::try_from(after).ok();
    Ok(match number {
        Some(number) if records >= 0 => ChangeRange::After { number, count },
        number => ChangeRange::Before { number, count },
    })
}

/// Changes as JSON.
pub(super) fn write(changes: &[Change]) -> Vec<u8> {
    // Go writes an empty list that nobody made as `null`, and clients expect it.
    let records = if changes.is_empty() { json!(null) } else { json!(changes) };
    json!({ "count": changes.len(), "records": records }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(after: &str, records: &str) -> String {
        let gun = Gun::parse("a").unwrap();
        let change =
            |number| Change::update(number, &gun, number, String::new(), Timestamp::UNIX_EPOCH);
        let changes: Vec<Change> = (1..=5).map(change).collect();
        match read_range(after, records) {
            Ok(range) => {
                let json = write(&range.cut(changes));
                let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
                let ids = value["records"].as_array().cloned().unwrap_or_default();
                assert_eq!(value["count"], ids.len());
                ids.iter().map(|change| change["ID"].as_str().unwrap().to_owned()).collect()
            }
            Err(refusal) => refusal.detail.unwrap().to_string(),
        }
    }

    #[test]
    fn pages() {
        assert_eq!(check("", "2"), "12");
        assert_eq!(check("2", "2"), "34");
        assert_eq!(check("0", "0"), "12345");
        assert_eq!(check("5", "2"), "");
        assert_eq!(check("-1", "2"), "45");
        assert_eq!(check("4", "-2"), "23");
        assert_eq!(check("x", "2"), r#""change ID expected to be integer, provided ID was: x""#);
        let expected =
            r#""invalid records parameter: strconv.ParseInt: parsing \"\": invalid syntax""#;
        assert_eq!(check("", ""), expected);
    }
}
