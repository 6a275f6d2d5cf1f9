//! The National Vulnerability Database: scores, kinds of weakness and texts of CVEs (its API 2.0 and yearly files).
//!
//! What software a CVE is in it says by CPE, which names no package; that part is not read, and nothing is found by it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;
use sealift_model::{Advisory, Rating};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kind::{Found, is_cve};
use crate::{rating, wire};

// CISA's programme that adds scores to CVEs of others, by its number.
const CISA: &str = "134c704f-9b21-4f2e-91b3-4a467353bcc0";
const TEXT_BYTES_MAX: usize = 16 << 10;
const LINKS_MAX: usize = 50;
const RATINGS_MAX: usize = 20;
const WEAKNESSES_MAX: usize = 50;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    vulnerabilities: Vec<&'a RawValue>,
    #[serde(default)]
    timestamp: Option<String>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    cve: Flaw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flaw<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(default)]
    published: Option<String>,
    #[serde(default)]
    last_modified: Option<String>,
    #[serde(borrow, default)]
    vuln_status: Cow<'a, str>,
    #[serde(borrow, default)]
    descriptions: Vec<Text<'a>>,
    #[serde(borrow, default)]
    metrics: BTreeMap<Cow<'a, str>, &'a RawValue>,
    #[serde(borrow, default)]
    weaknesses: Vec<Weakness<'a>>,
    #[serde(default)]
    references: Vec<Link>,
}

/// A text in a language.
#[derive(Deserialize)]
pub(crate) struct Text<'a> {
    #[serde(borrow, default)]
    lang: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Metric<'a> {
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "cvssData")]
    data: Vector<'a>,
}

/// A CVSS vector as those who write CVEs do.
#[derive(Deserialize)]
pub(crate) struct Vector<'a> {
    #[serde(borrow, rename = "vectorString")]
    pub(crate) text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Weakness<'a> {
    #[serde(borrow, default)]
    description: Vec<Text<'a>>,
}

/// A link.
#[derive(Deserialize)]
pub(crate) struct Link {
    #[serde(default)]
    url: String,
}

/// True for the database's pages. Only the first bytes are looked at.
pub(crate) fn is_page(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    let has = |text: &[u8]| head.windows(text.len()).any(|part| part == text);
    has(b"\"NVD_CVE\"")
}

/// Reads a page.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let page: Page<'_> = serde_json::from_str(text).map_err(|error| {
        format!("it is no page of the National Vulnerability Database: {error}")
    })?;
    let mut found = Found { newest: page.timestamp.and_then(time), ..Found::default() };
    let read = |raw: &&RawValue| serde_json::from_str::<Entry<'_>>(raw.get()).ok().map(advisory);
    let read: Vec<Option<Option<Advisory>>> = page.vulnerabilities.par_iter().map(read).collect();
    for one in read {
        match one {
            Some(advisory) => found.advisories.extend(advisory),
            None => found.note("a flaw is not understood"),
        }
    }
    Ok(found)
}

// Nothing for what was taken back.
fn advisory(entry: Entry<'_>) -> Option<Advisory> {
    let flaw = entry.cve;
    if !is_cve(&flaw.id) || flaw.vuln_status == "Rejected" {
        return None;
    }
    let mut ratings: Vec<Rating> = Vec::new();
    for raw in flaw.metrics.values() {
        // Some are no CVSS: they have a shape of their own.
        let metrics = serde_json::from_str::<Vec<&RawValue>>(raw.get()).unwrap_or_default();
        let metrics =
            metrics.iter().filter_map(|it| serde_json::from_str::<Metric<'_>>(it.get()).ok());
        ratings.extend(
            metrics.filter_map(|it| rating::from_score(&source(&it.source), &it.data.text)),
        );
    }
    let mut cwes: Vec<String> = flaw
        .weaknesses
        .iter()
        .flat_map(|it| &it.description)
        .filter(|it| is_weakness(&it.value))
        .map(|it| it.value.to_string())
        .collect();
    settle(&mut ratings, &mut cwes);
    Some(Advisory {
        id: format!("NVD-{}", flaw.id),
        upstream: vec![flaw.id.into_owned()],
        details: english(&flaw.descriptions),
        published: flaw.published.and_then(time),
        modified: flaw.last_modified.and_then(time),
        ratings,
        cwes,
        references: links(&flaw.references),
        ..Advisory::default()
    })
}

/// Each once, in order, and not too many.
pub(crate) fn settle(ratings: &mut Vec<Rating>, cwes: &mut Vec<String>) {
    ratings.sort();
    ratings.dedup();
    ratings.truncate(RATINGS_MAX);
    cwes.sort();
    cwes.dedup();
    cwes.truncate(WEAKNESSES_MAX);
}

/// True for `CWE-79`.
pub(crate) fn is_weakness(text: &str) -> bool {
    let number = text.strip_prefix("CWE-").unwrap_or_default();
    (1..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The English text, cut if it is too long.
pub(crate) fn english(texts: &[Text<'_>]) -> Option<String> {
    let text = texts.iter().find(|it| it.lang.starts_with("en"))?.value.trim();
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    (!text.is_empty()).then(|| text.to_owned())
}

/// Good links, each once.
pub(crate) fn links(all: &[Link]) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for Link { url } in all.iter().filter(|it| wire::is_link(&it.url)) {
        if links.len() < LINKS_MAX && !links.contains(url) {
            links.push(url.clone());
        }
    }
    links
}

/// A time; one without a zone is in UTC.
pub(crate) fn time(text: String) -> Option<String> {
    let is_time = text.len() >= 19
        && text.len() <= 40
        && text.is_ascii()
        && crate::kind::is_date(&text[..10])
        && text.as_bytes()[10] == b'T';
    let has_zone = || text.ends_with('Z') || text[19..].contains(['+', '-']);
    match is_time {
        true if has_zone() => Some(text),
        true => Some(format!("{text}Z")),
        false => None,
    }
}

// Who gave a score: its own people, CISA, or whoever the address is of.
fn source(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((_, "nist.gov")) => "nvd".to_owned(),
        Some((_, domain)) if domain.len() <= 100 && !domain.contains(char::is_control) => {
            domain.to_lowercase()
        }
        _ if address == CISA => "cisa".to_owned(),
        _ => "cna".to_owned(),
    }
}
