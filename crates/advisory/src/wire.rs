//! OSV documents on the wire (OSV schema 1.7), read as tolerantly as can be: only what is used is looked at, what is
//! not understood is left out and noted, and numbers where texts should be are taken as texts.

use sealift_model::{
    Advisory, Affected, Ecosystem, Qualifier, QualifierKind, RangeEvent, Rating, RatingBasis,
    Statement,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Wanted;
use crate::kind::is_cve;
use crate::name::normalize;
use crate::publisher::data_source;
use crate::{rating, redhat, suse};

// Beyond these an entry is cut; real records stay far below.
const TEXT_BYTES_MAX: usize = 64 << 10;
const NAME_BYTES_MAX: usize = 1 << 10;
const LINKS_MAX: usize = 200;
const IDS_MAX: usize = 1000;
const AFFECTED_MAX: usize = 20_000;
const EVENTS_MAX: usize = 20_000;
const VERSIONS_MAX: usize = 200_000;
const IMPORTS_MAX: usize = 5_000;

/// What a document is.
pub(crate) enum Outcome {
    /// An advisory with packages of the wanted ecosystems.
    Wanted(Box<Parsed>),
    /// An advisory without such packages, or one that was withdrawn.
    Other,
}

/// An advisory that was read.
pub(crate) struct Parsed {
    pub(crate) advisory: Advisory,
    pub(crate) is_example: bool,
    /// What in it was not understood.
    pub(crate) remarks: Vec<&'static str>,
}

/// Reads a file: one document or an array of them.
pub(crate) fn parse_file(bytes: &[u8], wanted: Wanted<'_>) -> Vec<Result<Outcome, String>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'[') {
        return vec![parse(bytes, wanted)];
    }
    match serde_json::from_slice::<Vec<&RawValue>>(bytes) {
        Ok(list) => list.iter().map(|raw| parse(raw.get().as_bytes(), wanted)).collect(),
        Err(error) => vec![Err(format!("it is not JSON: {error}"))],
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    id: Raw<'a>,
    #[serde(borrow, default)]
    withdrawn: Raw<'a>,
    #[serde(borrow, default)]
    aliases: Raw<'a>,
    #[serde(borrow, default)]
    upstream: Raw<'a>,
    #[serde(borrow, default)]
    summary: Raw<'a>,
    #[serde(borrow, default)]
    details: Raw<'a>,
    #[serde(borrow, default)]
    published: Raw<'a>,
    #[serde(borrow, default)]
    modified: Raw<'a>,
    #[serde(borrow, default)]
    severity: Raw<'a>,
    #[serde(borrow, default)]
    references: Raw<'a>,
    #[serde(borrow, default)]
    affected: Raw<'a>,
    #[serde(borrow, default)]
    database_specific: Raw<'a>,
}

#[derive(Deserialize)]
struct AffectedDocument<'a> {
    #[serde(borrow, default)]
    package: Raw<'a>,
    #[serde(borrow, default)]
    ranges: Raw<'a>,
    #[serde(borrow, default)]
    versions: Raw<'a>,
    #[serde(borrow, default)]
    severity: Raw<'a>,
    #[serde(borrow, default)]
    ecosystem_specific: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Package {
    ecosystem: String,
    name: String,
}

impl Package {
    fn is_short(&self) -> bool {
        self.ecosystem.len() <= NAME_BYTES_MAX && self.name.len() <= NAME_BYTES_MAX
    }
}

#[derive(Deserialize)]
struct RangeDocument<'a> {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(borrow, default)]
    events: Raw<'a>,
}

#[derive(Deserialize)]
struct EventDocument<'a> {
    #[serde(borrow, default)]
    introduced: Raw<'a>,
    #[serde(borrow, default)]
    fixed: Raw<'a>,
    #[serde(borrow, default)]
    last_affected: Raw<'a>,
    #[serde(borrow, default)]
    limit: Raw<'a>,
}

#[derive(Deserialize)]
struct SeverityDocument<'a> {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(borrow, default)]
    score: Raw<'a>,
}

#[derive(Deserialize)]
struct ReferenceDocument {
    url: String,
}

#[derive(Deserialize)]
struct Specific<'a> {
    #[serde(borrow, default)]
    severity: Raw<'a>,
    #[serde(borrow, default)]
    urgency: Raw<'a>,
    #[serde(borrow, default)]
    cwe_ids: Raw<'a>,
    #[serde(borrow, default)]
    sealift_example: Raw<'a>,
    #[serde(borrow, default)]
    imports: Raw<'a>,
}

#[derive(Deserialize)]
struct Import<'a> {
    #[serde(borrow, default)]
    path: Raw<'a>,
    #[serde(borrow, default)]
    symbols: Raw<'a>,
}

fn parse(bytes: &[u8], wanted: Wanted<'_>) -> Result<Outcome, String> {
    let document: Document<'_> = serde_json::from_slice(bytes)
        .map_err(|error| format!("it is not an OSV record: {error}"))?;
    let id = document.id.text().ok_or("it is not an OSV record: its `id` is no text")?;
    if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) {
        return Err("it is not an OSV record: its `id` is no id".to_owned());
    }
    if is_withdrawn(document.withdrawn) {
        return Ok(Outcome::Other);
    }
    let mut remarks = Vec::new();
    let publisher = data_source(&id).id;
    let affected = affected(&document, &publisher, wanted, &mut remarks);
    // A CVE record of other packages may still say how bad the flaw is.
    let may_rate = id.starts_with("CVE-") && !document.severity.is_absent();
    if affected.is_empty() && remarks.is_empty() && !may_rate {
        return Ok(Outcome::Other);
    }
    let specific = document.database_specific.parse::<Specific<'_>>();
    let mut ratings = ratings(document.severity, &publisher, &mut remarks);
    let word = specific.as_ref().and_then(|specific| specific.severity.text());
    ratings.extend(word.and_then(|word| rating::from_word(&publisher, &word, RatingBasis::Word)));
    let advisory = Advisory {
        aliases: ids(document.aliases, &mut remarks),
        upstream: upstream(&id, &document, &mut remarks),
        summary: document.summary.long_text().filter(|text| !text.trim().is_empty()),
        details: document.details.long_text().filter(|text| !text.trim().is_empty()),
        published: date(document.published, &mut remarks),
        modified: date(document.modified, &mut remarks),
        ratings,
        cwes: specific
            .as_ref()
            .map(|specific| ids(specific.cwe_ids, &mut remarks))
            .unwrap_or_default(),
        references: references(document.references),
        affected,
        is_original: false,
        id,
    };
    let is_example = specific.is_some_and(|specific| specific.sealift_example.is_true());
    remarks.sort_unstable();
    remarks.dedup();
    Ok(Outcome::Wanted(Box::new(Parsed { advisory, is_example, remarks })))
}

// Canonical's notices name its own records of CVEs, and these do not always name the CVE: it is in their ids.
fn upstream(id: &str, document: &Document<'_>, remarks: &mut Vec<&'static str>) -> Vec<String> {
    let mut upstream = ids(document.upstream, remarks);
    let named = ids(document.aliases, &mut Vec::new());
    if !upstream.iter().chain(&named).any(|id| is_cve(id)) {
        let cves = upstream.iter().map(String::as_str).chain([id]).filter_map(|id| {
            let (_, cve) = id.split_once('-')?;
            (cve.starts_with("CVE-") && is_cve(cve)).then(|| cve.to_owned())
        });
        let cves: Vec<String> = cves.collect();
        upstream.extend(cves);
    }
    upstream
}

// Ubuntu's releases with long support were once written without saying so.
fn ecosystem(text: &str) -> Ecosystem {
    let plain = Ecosystem::parse(text);
    let number = plain.release.as_deref().and_then(|release| release.rsplit(':').next());
    let year = number.and_then(|number| number.strip_suffix(".04")?.parse::<u32>().ok());
    if plain.name == "Ubuntu" && year.is_some_and(|year| year % 2 == 0) {
        return Ecosystem::parse(&format!("{text}:LTS"));
    }
    plain
}

fn affected(
    document: &Document<'_>,
    publisher: &str,
    wanted: Wanted<'_>,
    remarks: &mut Vec<&'static str>,
) -> Vec<Affected> {
    let mut list = Vec::new();
    for raw in document.affected.list(AFFECTED_MAX, remarks) {
        let Some(entry) = raw.parse::<AffectedDocument<'_>>() else {
            remarks.push("an entry of `affected` is not understood");
            continue;
        };
        let package = entry.package.parse::<Package>().filter(Package::is_short);
        let Some(package) = package else {
            // Records on source repositories alone name no package.
            if !entry.package.is_absent() {
                remarks.push("a `package` is not understood");
            }
            continue;
        };
        let mut ecosystem = ecosystem(&package.ecosystem);
        let mut qualifiers = Vec::new();
        let split =
            redhat::split_ecosystem(&ecosystem).or_else(|| suse::split_ecosystem(&ecosystem));
        if let Some((place, product)) = split {
            ecosystem = place;
            qualifiers.push(product);
        }
        if !wanted.has(&ecosystem) {
            continue;
        }
        let versions = versions(entry.versions, remarks);
        let ranges = ranges(entry.ranges, remarks);
        if ranges.is_empty() && versions.is_empty() {
            remarks.push("it names a package without affected versions");
        }
        let specific = entry.ecosystem_specific.parse::<Specific<'_>>();
        let urgency = specific.as_ref().and_then(|specific| specific.urgency.name());
        let mut ratings = ratings(entry.severity, publisher, remarks);
        ratings.extend(
            urgency
                .as_deref()
                .and_then(|word| rating::from_word(publisher, word, RatingBasis::Distribution)),
        );
        if let Some(specific) = specific.as_ref().filter(|_| ecosystem.name == "Go") {
            qualifiers.extend(functions(specific.imports, remarks));
        }
        let word = specific.as_ref().and_then(|specific| specific.severity.text());
        ratings
            .extend(word.and_then(|word| rating::from_word(publisher, &word, RatingBasis::Word)));
        list.push(Affected {
            name: normalize(&ecosystem.name, &package.name),
            ecosystem,
            ranges,
            versions,
            ratings,
            statement: match urgency.as_deref() {
                Some("end-of-life") => Statement::EndOfLife,
                _ => Statement::Affected,
            },
            qualifiers,
        });
    }
    list
}

// Go's advisories name the packages and their functions that have the flaw (go.dev/security/vuln/database). If one of them
// is not understood, they say nothing: the flaw may be in that one.
fn functions(raw: Raw<'_>, remarks: &mut Vec<&'static str>) -> Vec<Qualifier> {
    let mut qualifiers = Vec::new();
    let before = remarks.len();
    for raw in raw.list(IMPORTS_MAX, remarks) {
        let import = raw.parse::<Import<'_>>();
        let path = import.as_ref().and_then(|import| import.path.name());
        let (Some(import), Some(path)) = (import, path) else {
            remarks.push("a package with the flaw is not understood");
            return Vec::new();
        };
        let symbols = import.symbols.list(IMPORTS_MAX, remarks);
        let names: Vec<String> = symbols.iter().filter_map(|raw| raw.name()).collect();
        if names.len() < symbols.len() {
            remarks.push("a function with the flaw is not understood");
            return Vec::new();
        }
        let value = if names.is_empty() { path } else { format!("{path}:{}", names.join(",")) };
        qualifiers.push(Qualifier { kind: QualifierKind::Symbol, value });
    }
    if remarks.len() > before { Vec::new() } else { qualifiers }
}

fn versions(raw: Raw<'_>, remarks: &mut Vec<&'static str>) -> Vec<String> {
    let all = raw.list(VERSIONS_MAX, remarks);
    let versions: Vec<String> = all.iter().filter_map(|raw| raw.name()).collect();
    if versions.len() < all.len() {
        remarks.push("a version is not understood");
    }
    versions
}

fn ranges(raw: Raw<'_>, remarks: &mut Vec<&'static str>) -> Vec<Vec<RangeEvent>> {
    let mut ranges = Vec::new();
    for raw in raw.list(EVENTS_MAX, remarks) {
        let Some(range) = raw.parse::<RangeDocument<'_>>() else {
            remarks.push("a range is not understood");
            continue;
        };
        // Commits order nothing that a package manager knows.
        if range.kind == "GIT" {
            continue;
        }
        let mut events = Vec::new();
        for raw in range.events.list(EVENTS_MAX, remarks) {
            let before = events.len();
            if let Some(event) = raw.parse::<EventDocument<'_>>() {
                events.extend(event.introduced.name().map(RangeEvent::Introduced));
                events.extend(event.fixed.name().map(RangeEvent::Fixed));
                events.extend(event.last_affected.name().map(RangeEvent::LastAffected));
                events.extend(event.limit.name().map(RangeEvent::Limit));
            }
            if events.len() == before {
                remarks.push("an event of a range is not understood");
            }
        }
        if !events.is_empty() {
            ranges.push(events);
        }
    }
    ranges
}

fn ratings(raw: Raw<'_>, publisher: &str, remarks: &mut Vec<&'static str>) -> Vec<Rating> {
    let mut ratings = Vec::new();
    for raw in raw.list(IDS_MAX, remarks) {
        let rating = raw.parse::<SeverityDocument<'_>>().and_then(|document| {
            let score = document.score.name()?;
            match document.kind.as_str() {
                // Its own word on its own packages.
                "Ubuntu" => rating::from_word("ubuntu", &score, RatingBasis::Distribution),
                _ => rating::from_score(publisher, &score),
            }
        });
        match rating {
            Some(rating) => ratings.push(rating),
            None => remarks.push("a severity is neither a CVSS vector nor a known word"),
        }
    }
    ratings
}

fn references(raw: Raw<'_>) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    // Links are for people; a bad one is not worth a note.
    for raw in raw.list(LINKS_MAX, &mut Vec::new()) {
        if let Some(reference) = raw.parse::<ReferenceDocument>()
            && is_link(&reference.url)
            && !urls.contains(&reference.url)
        {
            urls.push(reference.url);
        }
    }
    urls
}

/// True for an address on the web.
pub(crate) fn is_link(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= 2048
        && !url.chars().any(|character| character.is_control() || character.is_whitespace())
}

fn ids(raw: Raw<'_>, remarks: &mut Vec<&'static str>) -> Vec<String> {
    let texts = raw.list(IDS_MAX, remarks).into_iter().filter_map(Raw::name);
    texts.filter(|id| !id.is_empty() && id.len() <= 200 && !id.contains(char::is_control)).collect()
}

// What stands there without a date counts too: nobody writes it who does not mean it.
fn is_withdrawn(raw: Raw<'_>) -> bool {
    match raw.text() {
        Some(text) => !is_placeholder(&text),
        None => raw.0.is_some_and(|raw| raw.get() != "false"),
    }
}

// Programs in Go write the first second of the calendar for a date that is not set.
fn is_placeholder(text: &str) -> bool {
    text.is_empty() || text.starts_with("0001-01-01") || text.starts_with("0000-00-00")
}

// The shape of RFC 3339 is enough: dates are shown and compared, never computed with.
fn date(raw: Raw<'_>, remarks: &mut Vec<&'static str>) -> Option<String> {
    let text = raw.text().filter(|text| !is_placeholder(text))?;
    let pattern = b"0000-00-00T00:00:00";
    let head = text.as_bytes().get(..pattern.len());
    let is_date = head.is_some_and(|head| {
        head.iter().zip(pattern).all(|(byte, expected)| match expected {
            b'0' => byte.is_ascii_digit(),
            other => byte.eq_ignore_ascii_case(other),
        })
    });
    let has_zone = text.get(pattern.len()..).is_some_and(|rest| {
        !rest.is_empty()
            && rest.len() <= 20
            && rest.bytes().all(|b| b"0123456789.:+-Zz".contains(&b))
    });
    if is_date && has_zone {
        return Some(text);
    }
    remarks.push("a date is not RFC 3339");
    None
}

// A value that is looked at only when it is used; absent and null are the same.
#[derive(Clone, Copy, Default)]
struct Raw<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self((raw.get() != "null").then_some(raw)))
    }
}

impl<'a> Raw<'a> {
    fn is_absent(self) -> bool {
        self.0.is_none()
    }

    fn parse<T: Deserialize<'a>>(self) -> Option<T> {
        serde_json::from_str(self.0?.get()).ok()
    }

    fn is_true(self) -> bool {
        self.0.is_some_and(|raw| raw.get() == "true")
    }

    // A text; or a number that should have been one, verbatim: `1.10` as a number would be `1.1`.
    fn text(self) -> Option<String> {
        let raw = self.0?.get();
        match raw.as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw).ok(),
            Some(b'0'..=b'9') => Some(raw.to_owned()),
            _ => None,
        }
    }

    // The same, if it is as short as names and versions are.
    fn name(self) -> Option<String> {
        // Each character may be escaped.
        let is_short = self.0?.get().len() <= 6 * NAME_BYTES_MAX + 2;
        if is_short { self.text().filter(|text| text.len() <= NAME_BYTES_MAX) } else { None }
    }

    fn long_text(self) -> Option<String> {
        let mut text = self.text()?;
        if text.len() > TEXT_BYTES_MAX {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
            text.shrink_to_fit();
        }
        Some(text)
    }

    fn list(self, max: usize, remarks: &mut Vec<&'static str>) -> Vec<Raw<'a>> {
        if self.is_absent() {
            return Vec::new();
        }
        let Some(mut list) = self.parse::<Vec<Raw<'a>>>() else {
            remarks.push("a list is not understood");
            return Vec::new();
        };
        if list.len() > max {
            list.truncate(max);
            remarks.push("a list is too long and was cut");
        }
        list
    }
}
