//! The list of changes: which repository got a new timestamp, which one was deleted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Code, Refusal};
use crate::Gun;

const RECORDS_DEFAULT: i64 = 100;
const RECORDS_MAX: i64 = 10_000;

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
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
    pub(super) fn update(
        number: u64,
        gun: &Gun,
        version: u64,
        sha256: String,
        now: Timestamp,
    ) -> Self {
        let category = "update".to_owned();
        let (id, created_at) = (number.to_string(), now.to_string());
        Self { id, created_at, gun: gun.to_string(), version, sha256, category }
    }

    pub(super) fn deletion(number: u64, gun: &Gun, now: Timestamp) -> Self {
        let category = "deletion".to_owned();
        Self { category, ..Self::update(number, gun, 0, String::new(), now) }
    }

    pub(super) fn number(&self) -> u64 {
        self.id.parse().unwrap_or(0)
    }
}

/// A page of changes: those after a number, or the last ones before it if the count is negative.
pub(super) fn page(changes: &[Change], after: &str, records: &str) -> Result<Vec<u8>, Refusal> {
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
    let is_backwards = records < 0 || after < 0;
    let page: Vec<&Change> = if is_backwards {
        let is_before = |change: &&Change| after < 0 || change.number() < after.unsigned_abs();
        let before: Vec<&Change> = changes.iter().filter(is_before).collect();
        before[before.len().saturating_sub(count)..].to_vec()
    } else {
        changes.iter().filter(|change| change.number() > after.unsigned_abs()).take(count).collect()
    };
    // Go writes an empty list that nobody made as `null`, and clients expect it.
    let records = if page.is_empty() { json!(null) } else { json!(page) };
    Ok(json!({ "count": page.len(), "records": records }).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(after: &str, records: &str) -> String {
        let gun = Gun::parse("a").unwrap();
        let change =
            |number| Change::update(number, &gun, number, String::new(), Timestamp::UNIX_EPOCH);
        let changes: Vec<Change> = (1..=5).map(change).collect();
        match page(&changes, after, records) {
            Ok(json) => {
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
