//! GitLab's reports: container scanning, schema 15.0.7
//! (<https://gitlab.com/gitlab-org/security-products/security-report-schemas>), and code quality
//! (<https://docs.gitlab.com/ci/testing/code_quality/>).

use sealift_model::{CvssVersion, Finding, Report, SecretFinding, Severity};
use serde_json::{Value, json};

use crate::part::Part;
use crate::{remark, secrets, text};

const SCHEMA_VERSION: &str = "15.0.7";
const NAME_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 200_000;
const LINKS_MAX: usize = 100;
const VECTORS_MAX: usize = 10;

/// The report as GitLab's container scanning has it.
pub(crate) fn gitlab(report: &Report) -> String {
    // The schema wants UTC without a zone.
    let time = text::time(report.created_secs).trim_end_matches('Z').to_owned();
    let tool = json!({
        "id": "sealift",
        "name": "Sealift",
        "url": "https://github.com/sealift/sealift",
        "vendor": {"name": "Sealift"},
        "version": env!("CARGO_PKG_VERSION"),
    });
    let scan = json!({
        "analyzer": tool,
        "scanner": tool,
        "start_time": time,
        "end_time": time,
        "status": "success",
        "type": "container_scanning",
        "messages": messages(report),
    });
    let one = |place, finding| vulnerability(finding, place, report);
    text::document(&Part::Object(vec![
        ("version", Part::Whole(json!(SCHEMA_VERSION))),
        ("scan", Part::Whole(scan)),
        ("vulnerabilities", Part::each(&report.findings, one)),
        ("remediations", Part::Whole(json!([]))),
    ]))
}

// GitLab has no place for findings that somebody answered for: they are told, and not counted.
fn messages(report: &Report) -> Vec<Value> {
    let message =
        |level: &str, value: &str| json!({"level": level, "value": text::line(value, 1000)});
    let mut messages = vec![message("info", &remark::basis(report))];
    messages.extend(
        report
            .life
            .iter()
            .map(|life| message(if life.is_over { "warn" } else { "info" }, &remark::life(life))),
    );
    messages.extend(report.suppressed.iter().map(|suppressed| {
        let finding = &suppressed.finding;
        let name = format!("{} in {}", finding.id, finding.package.name);
        message("info", &format!("{name}: {}", remark::answer(&suppressed.by)))
    }));
    // Container scanning is for packages; `gitlab-secrets` is for these.
    messages.extend(secrets::all(report).iter().map(|it| {
        message("warn", &format!("{} {} at {}", it.title, it.masked, secrets::place(it)))
    }));
    messages
        .extend(report.stale_ignores.iter().map(|entry| message("warn", &remark::stale(entry))));
    let notes = report.notes.iter();
    messages
        .extend(notes.map(|note| message("warn", &format!("{}: {}", note.subject, note.message))));
    messages
}

// What has no field of its own.
fn details(finding: &Finding) -> Value {
    let text = |name: &str, value: &str| json!({"name": name, "type": "text", "value": text::line(value, 1000)});
    let mut details = serde_json::Map::new();
    let urgency = remark::urgency(finding);
    if !urgency.is_empty() {
        details.insert("urgency".to_owned(), text("Urgency", &urgency));
    }
    if let Some(kev) = &finding.kev {
        details.insert("exploited_since".to_owned(), text("In CISA's catalogue since", &kev.added));
    }
    if let Some(epss) = &finding.epss {
        let value = format!("{:.5}", epss.score());
        details.insert("epss".to_owned(), text("EPSS", &value));
    }
    Value::Object(details)
}

fn vulnerability(finding: &Finding, place: usize, report: &Report) -> Value {
    let package = &finding.package;
    let description = finding.description.as_deref().unwrap_or(&finding.title);
    let links: Vec<Value> =
        text::urls(finding).into_iter().take(LINKS_MAX).map(|url| json!({"url": url})).collect();
    let system = match &report.distro {
        Some(distro) => {
            let release = distro.version_id.as_deref().or(distro.codename.as_deref());
            text::line(
                format!("{} {}", distro.id, release.unwrap_or_default()).trim(),
                NAME_CHARS_MAX,
            )
        }
        None => String::new(),
    };
    let image = text::line(&report.artifact.name, NAME_CHARS_MAX);
    let mut vulnerability = json!({
        "id": text::uuid(&text::unique_digest(finding, place)),
        "name": name(finding),
        "description": text::block(description, DESCRIPTION_CHARS_MAX),
        "severity": match finding.severity {
            Severity::Negligible => "Info".to_owned(),
            severity => text::capitalized(severity),
        },
        "solution": text::line(&text::solution(finding), 7000),
        "identifiers": identifiers(finding),
        "links": links,
        "location": {
            "dependency": {
                "package": {"name": text::line(&package.name, NAME_CHARS_MAX)},
                "version": text::line(&package.version, NAME_CHARS_MAX),
            },
            // Both must not be empty.
            "operating_system": if system.is_empty() { "none".to_owned() } else { system },
            "image": if image.is_empty() { "none".to_owned() } else { image },
        },
    });
    let details = details(finding);
    if details != json!({}) {
        vulnerability["details"] = details;
    }
    let vectors = vectors(finding);
    if !vectors.is_empty() {
        vulnerability["cvss_vectors"] = json!(vectors);
    }
    vulnerability
}

fn name(finding: &Finding) -> String {
    let title = text::line(&finding.title, NAME_CHARS_MAX);
    if title.is_empty() { text::line(&finding.id, NAME_CHARS_MAX) } else { title }
}

// The schema knows CVSS 2 and 3, in vectors of these forms.
fn vectors(finding: &Finding) -> Vec<Value> {
    text::cvss(finding)
        .filter(|(_, cvss)| match cvss.version {
            CvssVersion::V2 => {
                (16..=128).contains(&cvss.vector.len()) && !cvss.vector.starts_with('(')
            }
            CvssVersion::V30 | CvssVersion::V31 => (32..=128).contains(&cvss.vector.len()),
            CvssVersion::V4 => false,
        })
        .take(VECTORS_MAX)
        .map(|(rating, cvss)| {
            let vendor = if rating.source.is_empty() { "unknown" } else { &rating.source };
            json!({"vendor": text::line(vendor, 100), "vector": cvss.vector})
        })
        .collect()
}

fn identifiers(finding: &Finding) -> Vec<Value> {
    let mut ids: Vec<&str> = vec![&finding.id];
    for id in finding.aliases.iter().chain(&finding.advisories).map(String::as_str) {
        if !id.is_empty() && !ids.contains(&id) {
            ids.push(id);
        }
    }
    let mut identifiers: Vec<Value> = ids.into_iter().take(LINKS_MAX).map(identifier).collect();
    for cwe in finding.cwes.iter().take(LINKS_MAX) {
        let Some(number) = cwe.strip_prefix("CWE-").and_then(|cwe| cwe.parse::<u32>().ok()) else {
            continue;
        };
        identifiers.push(json!({
            "type": "cwe", "name": cwe, "value": number.to_string(),
            "url": format!("https://cwe.mitre.org/data/definitions/{number}.html"),
        }));
    }
    identifiers
}

// A type by the series of the id, and a page only where the series has one whose address follows from the id.
fn identifier(id: &str) -> Value {
    let id = text::line(id, NAME_CHARS_MAX);
    let id = if id.is_empty() { "unknown".to_owned() } else { id };
    let (kind, page) = series(&id);
    let mut identifier = json!({"type": kind, "name": id, "value": id});
    if let Some(page) = page {
        identifier["url"] = json!(page);
    }
    identifier
}

/// The page of a flaw or an advisory, if its address follows from the id.
pub(crate) fn page(id: &str) -> Option<String> {
    series(id).1
}

fn series(id: &str) -> (&'static str, Option<String>) {
    let is_plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    let series = id.split(['-', ':']).next().unwrap_or_default().to_ascii_uppercase();
    let (kind, page) = match series.as_str() {
        "CVE" => ("cve", "https://nvd.nist.gov/vuln/detail/"),
        "GHSA" => ("ghsa", "https://github.com/advisories/"),
        "RHSA" | "RHBA" | "RHEA" => ("rhsa", "https://access.redhat.com/errata/"),
        "USN" => ("usn", "https://ubuntu.com/security/notices/"),
        "ELSA" => ("elsa", "https://linux.oracle.com/errata/"),
        "DSA" | "DLA" => ("dsa", "https://security-tracker.debian.org/tracker/"),
        _ => ("osv", "https://osv.dev/vulnerability/"),
    };
    let end = if kind == "elsa" { ".html" } else { "" };
    (kind, (is_plain && !id.is_empty()).then(|| format!("{page}{id}{end}")))
}

/// The report as GitLab's code quality has it.
pub(crate) fn gitlab_codequality(report: &Report) -> String {
    // There is no place for what concerns them all.
    let age = remark::age(report).map(|age| format!("\n\nadvisories {age}")).unwrap_or_default();
    let mut issues: Vec<Value> = report
        .findings
        .iter()
        .enumerate()
        .map(|(place, finding)| {
            let package = &finding.package;
            let description = format!(
                "{} - {} - {}: {} {} {}",
                finding.id,
                package.name,
                package.version,
                finding.title,
                text::solution(finding),
                remark::urgency(finding)
            );
            let body = text::block(finding.description.as_deref().unwrap_or_default(), 20_000);
            let path = package.path.as_deref().unwrap_or(&report.artifact.name);
            json!({
                "type": "issue",
                "check_name": text::line(&finding.id, NAME_CHARS_MAX),
                "categories": ["Security"],
                "description": text::line(&description, 1000),
                "content": {"body": format!("{body}{age}").trim_start()},
                "fingerprint": text::unique_digest(finding, place),
                "severity": match finding.severity {
                    Severity::Critical => "blocker",
                    Severity::High => "critical",
                    Severity::Medium => "major",
                    Severity::Low => "minor",
                    Severity::Negligible | Severity::Unknown => "info",
                },
                "location": {
                    "path": text::line(path.trim_start_matches('/'), 4096),
                    "lines": {"begin": 1},
                },
            })
        })
        .collect();
    issues.extend(secrets::all(report).iter().map(secret_issue));
    text::document(&issues)
}

fn secret_issue(finding: &SecretFinding) -> Value {
    let path = finding.place.describe();
    json!({
        "type": "issue",
        "check_name": finding.rule,
        "categories": ["Security"],
        "description": text::line(&format!("{}: {} {}", finding.title, finding.masked, secrets::origin(finding)), 1000),
        "content": {"body": secrets::ADVICE},
        "fingerprint": finding.fingerprint,
        "severity": match finding.severity {
            Severity::Critical => "blocker",
            Severity::High => "critical",
            Severity::Medium => "major",
            Severity::Low => "minor",
            Severity::Negligible | Severity::Unknown => "info",
        },
        "location": {
            "path": text::line(path.trim_start_matches('/'), 4096),
            "lines": {"begin": finding.line.max(1)},
        },
    })
}

/// The secrets of the report as GitLab's secret detection has them.
pub(crate) fn gitlab_secrets(report: &Report) -> String {
    let time = text::time(report.created_secs).trim_end_matches('Z').to_owned();
    let tool = json!({
        "id": "sealift",
        "name": "Sealift",
        "url": "https://github.com/sealift/sealift",
        "vendor": {"name": "Sealift"},
        "version": env!("CARGO_PKG_VERSION"),
    });
    let one = |finding: &SecretFinding| {
        let path = finding.place.describe();
        let mut commit = json!({"sha": "0000000"});
        if let Some(known) = &finding.commit {
            commit = json!({
                "sha": known.id,
                "author": text::line(&known.author, 255),
                "date": text::time(known.date_secs),
            });
        }
        json!({
            "id": text::uuid(&finding.fingerprint),
            "category": "secret_detection",
            "name": text::line(&finding.title, NAME_CHARS_MAX),
            "description": text::block(&format!("{} {}\n{}", finding.masked, secrets::origin(finding), secrets::ADVICE), 20_000),
            "severity": match finding.severity {
                Severity::Negligible => "Info".to_owned(),
                severity => text::capitalized(severity),
            },
            "confidence": text::line(secrets::confidence(finding), 20),
            "raw_source_code_extract": text::line(&finding.masked, 1000),
            "identifiers": [{
                "type": "sealift_rule", "name": format!("Sealift {}", finding.rule), "value": finding.rule,
            }],
            "location": {
                "file": text::line(path.trim_start_matches('/'), 4096),
                "start_line": finding.line.max(1),
                "end_line": finding.end_line.max(1),
                "commit": commit,
            },
        })
    };
    let found: Vec<Value> = secrets::all(report).iter().map(one).collect();
    text::document(&json!({
        "version": SCHEMA_VERSION,
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "start_time": time,
            "end_time": time,
            "status": "success",
            "type": "secret_detection",
        },
        "vulnerabilities": found,
    }))
}
