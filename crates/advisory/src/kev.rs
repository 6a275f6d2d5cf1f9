//! CISA's catalogue of known exploited vulnerabilities (its JSON schema and its CSV).

use sealift_model::Kev;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::csv::Rows;
use crate::kind::{Found, is_cve, is_date};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalogue<'a> {
    #[serde(default)]
    date_released: Option<String>,
    #[serde(borrow)]
    vulnerabilities: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve: String,
    date_added: String,
    #[serde(default)]
    due_date: Option<String>,
    #[serde(default)]
    known_ransomware_campaign_use: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape<'a> {
    // A JSON schema has neither.
    #[serde(rename = "catalogVersion")]
    _version: String,
    #[serde(borrow, rename = "vulnerabilities")]
    _entries: &'a RawValue,
}

/// True for the catalogue in JSON.
pub(crate) fn is_catalogue(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Shape<'_>>(bytes).is_ok()
}

/// Reads the catalogue in JSON.
pub(crate) fn read_json(text: &str) -> Result<Found, String> {
    let catalogue: Catalogue<'_> = serde_json::from_str(text)
        .map_err(|error| format!("it is not CISA's catalogue: {error}"))?;
    let mut found = Found { newest: catalogue.date_released, ..Found::default() };
    for (index, raw) in catalogue.vulnerabilities.into_iter().enumerate() {
        match serde_json::from_str(raw.get()) {
            Ok(entry) => take(entry, index, &mut found),
            Err(error) => found.notes.push(format!("entry {index} is not understood: {error}")),
        }
    }
    Ok(found)
}

/// Reads the catalogue in CSV, which does not say when it was released.
pub(crate) fn read_csv(text: &str) -> Result<Found, String> {
    let mut rows = Rows::new(text);
    let head = rows.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|found| found == name);
    let (Some(cve), Some(added)) = (column("cveID"), column("dateAdded")) else {
        return Err("it is not CISA's catalogue: a column is missing".to_owned());
    };
    let (due, ransomware) = (column("dueDate"), column("knownRansomwareCampaignUse"));
    let mut found = Found::default();
    for (index, row) in rows.enumerate() {
        let value = |column: Option<usize>| row.get(column?).cloned();
        let entry = Entry {
            cve: value(Some(cve)).unwrap_or_default(),
            date_added: value(Some(added)).unwrap_or_default(),
            due_date: value(due),
            known_ransomware_campaign_use: value(ransomware),
        };
        take(entry, index, &mut found);
    }
    found.newest = found.kev.iter().map(|(_, kev)| kev.added.clone()).max();
    Ok(found)
}

fn take(entry: Entry, index: usize, found: &mut Found) {
    if !is_cve(&entry.cve) || !is_date(&entry.date_added) {
        found.notes.push(format!("entry {index} has no CVE or no date"));
        return;
    }
    let use_known = entry.known_ransomware_campaign_use;
    let kev = Kev {
        added: entry.date_added,
        due: entry.due_date.filter(|date| is_date(date)),
        is_used_by_ransomware: use_known.is_some_and(|word| word.eq_ignore_ascii_case("known")),
    };
    found.kev.push((entry.cve, kev));
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"catalogVersion":"1","dateReleased":"2025-01-02T00:00:00Z","vulnerabilities":[
        {"cveID":"CVE-2021-44228","dateAdded":"2021-12-10","dueDate":"2021-12-24","knownRansomwareCampaignUse":"Known"},
        {"cveID":"CVE-2020-0001","dateAdded":"2022-01-01","dueDate":"soon","knownRansomwareCampaignUse":"Unknown"},
        {"cveID":"nothing","dateAdded":"2022-01-01"}, 7]}"#;

    #[test]
    fn json_and_csv() {
        assert!(is_catalogue(JSON.as_bytes()));
        assert!(!is_catalogue(br#"{"$schema":"x","properties":{"catalogVersion":{}}}"#));
        let found = read_json(JSON).unwrap();
        let known = Kev {
            added: "2021-12-10".to_owned(),
            due: Some("2021-12-24".to_owned()),
            is_used_by_ransomware: true,
        };
        let unknown =
            Kev { added: "2022-01-01".to_owned(), due: None, is_used_by_ransomware: false };
        let expected =
            [("CVE-2021-44228".to_owned(), known.clone()), ("CVE-2020-0001".to_owned(), unknown)];
        assert_eq!(found.kev, expected);
        assert_eq!(found.notes.len(), 2);
        let found = read_csv(
            "cveID,product,dateAdded,dueDate,knownRansomwareCampaignUse\n\
             CVE-2021-44228,\"a,\nb\",2021-12-10,2021-12-24,Known\nCVE-1,,,\n",
        );
        let found = found.unwrap();
        assert_eq!(found.kev, [("CVE-2021-44228".to_owned(), known)]);
        assert_eq!((found.newest.as_deref(), found.notes.len()), (Some("2021-12-10"), 1));
        for end in 0..JSON.len() {
            assert!(read_json(&JSON[..end]).is_err(), "{end}");
        }
        assert!(read_csv("cveID\nCVE-2021-44228").is_err());
    }
}
