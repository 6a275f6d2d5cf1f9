//! Photon OS: what each release has of a flaw (`cve_data_photon5.0.json`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use sealift_model::{Advisory, Affected, Ecosystem, RangeEvent, Statement};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fixes::below;
use crate::kind::{Found, is_cve};
use crate::rating;

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    cve_id: Cow<'a, str>,
    #[serde(borrow)]
    pkg: Cow<'a, str>,
    #[serde(default)]
    cve_score: Option<f64>,
    #[serde(borrow, default)]
    res_ver: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
}

/// True for the file. Only its first bytes are looked at.
pub(crate) fn is_list(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    let has = |name: &[u8]| head.windows(name.len()).any(|part| part == name);
    bytes.starts_with(b"[") && has(b"\"cve_id\"") && has(b"\"res_ver\"")
}

/// Reads it. Which release it is about only its versions tell.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let list: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|error| format!("it is not Photon's list: {error}"))?;
    let mut found = Found::default();
    let mut entries = Vec::new();
    for raw in list {
        match serde_json::from_str::<Entry<'_>>(raw.get()) {
            Ok(entry) if entry.pkg.is_empty() || entry.cve_id.is_empty() => {
                found.note("an entry names no package or no flaw");
            }
            Ok(entry) => entries.push(entry),
            Err(_) => found.note("an entry is not understood"),
        }
    }
    let mut releases: BTreeMap<&str, usize> = BTreeMap::new();
    for release in entries.iter().filter_map(|it| release(it.res_ver.as_deref()?)) {
        *releases.entry(release).or_default() += 1;
    }
    let Some((number, _)) = releases.into_iter().max_by_key(|(_, count)| *count) else {
        return Err("it is not known which release of Photon OS it is about".to_owned());
    };
    let ecosystem =
        Ecosystem { name: "Photon OS".to_owned(), release: Some(format!("{number}.0")) };
    let mut advisories: BTreeMap<String, Advisory> = BTreeMap::new();
    for entry in &entries {
        // Some flaws have a number of another publisher's only.
        let id = &*entry.cve_id;
        if !is_cve(id) {
            found.note("an entry is about a flaw that has no CVE");
            continue;
        }
        let Some(affected) = affected(entry, &ecosystem) else {
            found.note("an entry says neither a repaired version nor that there is none");
            continue;
        };
        let advisory = advisories.entry(id.to_owned()).or_insert_with(|| Advisory {
            id: format!("PHOTON-{id}"),
            upstream: vec![id.to_owned()],
            ..Advisory::default()
        });
        let score = entry.cve_score.map(|score| score.to_string());
        let rating = score.and_then(|score| rating::from_score("photon", &score));
        advisory.ratings = advisory.ratings.drain(..).chain(rating).max().into_iter().collect();
        advisory.affected.push(affected);
    }
    found.advisories = advisories.into_values().collect();
    Ok(found)
}

fn affected(entry: &Entry<'_>, ecosystem: &Ecosystem) -> Option<Affected> {
    let version = entry.res_ver.as_deref().filter(|it| release(it).is_some());
    let status = entry.status.as_deref().unwrap_or_default();
    let (range, statement) = match version {
        _ if status.eq_ignore_ascii_case("not affected") => (None, Statement::NotAffected),
        Some(version) => (Some(version), Statement::Affected),
        None if status.eq_ignore_ascii_case("fixed") => return None,
        None => (None, Statement::Affected),
    };
    Some(Affected {
        ecosystem: ecosystem.clone(),
        name: entry.pkg.to_string(),
        ranges: vec![match range {
            Some(version) => below(version.to_owned()),
            None => vec![RangeEvent::Introduced("0".to_owned())],
        }],
        statement,
        ..Affected::default()
    })
}

// `4` of `7.88.1-4.ph4`.
fn release(version: &str) -> Option<&str> {
    let number = version.rsplit('.').find_map(|part| part.strip_prefix("ph"))?;
    let is_number = number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !number.is_empty()).then_some(number)
}
