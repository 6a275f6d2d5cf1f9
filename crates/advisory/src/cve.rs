//! CVE records (CVE JSON 5): what the finder of a flaw and those who add to it say of it, CISA's Vulnrichment among them.
//!
//! Which software is affected they say in words of their own; that part is not read, and nothing is found by it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sealift_model::{Advisory, Rating};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kind::{Found, is_cve};
use crate::nvd::{self, Link, Text, Vector};
use crate::rating;

const TITLE_BYTES_MAX: usize = 1000;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, rename = "cveMetadata")]
    metadata: Metadata<'a>,
    #[serde(borrow)]
    containers: Containers<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    cve_id: Cow<'a, str>,
    #[serde(borrow, default)]
    state: Cow<'a, str>,
    #[serde(default)]
    date_published: Option<String>,
    #[serde(default)]
    date_updated: Option<String>,
}

#[derive(Deserialize)]
struct Containers<'a> {
    #[serde(borrow)]
    cna: Container<'a>,
    #[serde(borrow, default)]
    adp: Vec<Container<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow)]
    provider_metadata: Provider<'a>,
    title: Option<String>,
    #[serde(borrow)]
    descriptions: Vec<Text<'a>>,
    #[serde(borrow)]
    metrics: Vec<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(borrow)]
    problem_types: Vec<Problem<'a>>,
    references: Vec<Link>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Provider<'a> {
    #[serde(borrow)]
    short_name: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem<'a> {
    #[serde(borrow)]
    descriptions: Vec<Kind<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Kind<'a> {
    #[serde(borrow)]
    cwe_id: Cow<'a, str>,
}

/// True for a record. Only the first bytes are looked at.
pub(crate) fn is_record(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    let has = |text: &[u8]| head.windows(text.len()).any(|part| part == text);
    has(b"\"CVE_RECORD\"")
}

/// Reads a record; nothing of one that was taken back.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let document: Document<'_> =
        serde_json::from_str(text).map_err(|error| format!("it is not a CVE record: {error}"))?;
    let Document { metadata, containers } = document;
    if !is_cve(&metadata.cve_id) {
        return Err("it is not a CVE record: its id is none".to_owned());
    }
    let modified = metadata.date_updated.and_then(nvd::time);
    let mut found = Found { newest: modified.clone(), ..Found::default() };
    if metadata.state != "PUBLISHED" {
        return Ok(found);
    }
    let all = || std::iter::once(&containers.cna).chain(&containers.adp);
    let mut ratings: Vec<Rating> = Vec::new();
    for container in all() {
        let source = source(&container.provider_metadata.short_name);
        for (name, raw) in container.metrics.iter().flatten() {
            if !name.starts_with("cvss") {
                continue;
            }
            match serde_json::from_str::<Vector<'_>>(raw.get()) {
                Ok(vector) => ratings.extend(rating::from_score(&source, &vector.text)),
                Err(_) => found.note("a score is not understood"),
            }
        }
    }
    let kinds = all().flat_map(|it| &it.problem_types).flat_map(|it| &it.descriptions);
    let mut cwes: Vec<String> =
        kinds.map(|it| it.cwe_id.to_string()).filter(|it| nvd::is_weakness(it)).collect();
    nvd::settle(&mut ratings, &mut cwes);
    let mut references: Vec<String> = Vec::new();
    for link in all().flat_map(|it| nvd::links(&it.references)) {
        if !references.contains(&link) {
            references.push(link);
        }
    }
    let cut = |title: &String| title[..title.floor_char_boundary(TITLE_BYTES_MAX)].to_owned();
    found.advisories.push(Advisory {
        id: format!("CVEORG-{}", metadata.cve_id),
        upstream: vec![metadata.cve_id.into_owned()],
        summary: containers.cna.title.as_ref().map(cut).filter(|title| !title.trim().is_empty()),
        details: nvd::english(&containers.cna.descriptions),
        published: metadata.date_published.and_then(nvd::time),
        modified,
        ratings,
        cwes,
        references,
        ..Advisory::default()
    });
    Ok(found)
}

// Short names are chosen by those who have them.
fn source(short_name: &str) -> String {
    let plain = short_name.len() <= 100 && !short_name.contains(char::is_control);
    match short_name {
        "CISA-ADP" => "cisa".to_owned(),
        "" => "cna".to_owned(),
        _ if plain => short_name.to_lowercase(),
        _ => "cna".to_owned(),
    }
}
