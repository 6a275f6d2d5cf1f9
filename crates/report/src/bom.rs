//! What is inside, with what is found in it: CycloneDX 1.6 with vulnerabilities. And without, as trivy has them: SPDX 2.3,
//! and a snapshot for GitHub's dependency graph.
//!
//! The documents are those of `sealift-sbom`, and so the same as `sealift sbom` writes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{
    ArtifactKind, CvssVersion, Finding, FixState, Inventory, PackageId, Rating, RatingBasis,
    Report, Severity, Suppressed, Suppression, SuppressionStatus,
};
use sealift_sbom::cyclonedx::{self, Findings};
use sealift_sbom::github::{self, Submission};
use sealift_sbom::{is_present, part, spdx};
use serde_json::{Value, json};

use crate::{Context, gitlab, remark, text};

const TEXT_CHARS_MAX: usize = 100_000;

/// The inventory as CycloneDX, with the findings as vulnerabilities.
pub(crate) fn cyclonedx(report: &Report, context: &Context<'_>) -> String {
    let (inventory, places) = shown(report, context.inventory);
    let refs = cyclonedx::references(&inventory);
    let reference = |id: PackageId| {
        let place = places.as_ref().map_or(Some(id), |places| places.get(id.0).copied().flatten());
        refs.get(&place?).cloned()
    };
    let mut groups: BTreeMap<(&str, Option<SaidBy<'_>>), Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        groups.entry((&finding.id, None)).or_default().push(finding);
    }
    for Suppressed { finding, by } in &report.suppressed {
        groups.entry((&finding.id, Some(SaidBy(by)))).or_default().push(finding);
    }
    let vulnerabilities = groups
        .into_iter()
        .enumerate()
        .map(|(number, ((_, said), findings))| {
            vulnerability(number + 1, &findings, said.map(|said| said.0), &reference)
        })
        .collect();
    let mut properties = vec![("sealift:advisories", remark::basis(report))];
    properties.extend(report.life.iter().map(|life| ("sealift:support", remark::life(life))));
    let stale = report.stale_ignores.iter().map(remark::stale);
    properties.extend(stale.map(|line| ("sealift:stale-answer", line)));
    cyclonedx::encode_with(&inventory, context.subject, Findings { properties, vulnerabilities })
}

// What `sealift sbom` lists: of an image, not what a file only names; of a document, all of it. A package with a finding
// is always there. None for the places if they are the same as before.
fn shown<'a>(
    report: &Report,
    inventory: &'a Inventory,
) -> (Cow<'a, Inventory>, Option<Vec<Option<PackageId>>>) {
    if !matches!(report.artifact.kind, ArtifactKind::Image | ArtifactKind::Filesystem) {
        return (Cow::Borrowed(inventory), None);
    }
    let suppressed = report.suppressed.iter().map(|suppressed| &suppressed.finding);
    let findings = report.findings.iter().chain(suppressed);
    let found: BTreeSet<PackageId> = findings.map(|finding| finding.package.id).collect();
    let (part, places) = part(inventory, |id, package| {
        is_present(inventory, package, report.artifact.kind) || found.contains(&id)
    });
    (Cow::Owned(part), Some(places))
}

// Answers in an order, so that one document always comes out the same.
#[derive(PartialEq, Eq)]
struct SaidBy<'a>(&'a Suppression);

impl SaidBy<'_> {
    fn key(&self) -> (SuppressionStatus, &str, [Option<&str>; 4]) {
        let by = self.0;
        let texts = [&by.reason, &by.justification, &by.owner, &by.expires];
        (by.status, &by.place, texts.map(|text| text.as_deref()))
    }
}

impl PartialOrd for SaidBy<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SaidBy<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

// A flaw in all packages that have it.
fn vulnerability(
    number: usize,
    findings: &[&Finding],
    by: Option<&Suppression>,
    reference: &impl Fn(PackageId) -> Option<String>,
) -> Value {
    let first = findings[0];
    let description = first.description.as_deref().unwrap_or(&first.title);
    let mut remedies: Vec<String> =
        findings.iter().map(|finding| text::line(&text::solution(finding), 2000)).collect();
    remedies.sort_unstable();
    remedies.dedup();
    let mut vulnerability = json!({
        "bom-ref": format!("vulnerability-{number}"),
        "id": text::line(&first.id, 300),
        "ratings": ratings(findings),
        "description": text::block(description, TEXT_CHARS_MAX),
        "recommendation": remedies.join("\n"),
        "affects": affects(findings, by, reference),
    });
    let source = &first.data_source;
    if !source.name.is_empty() {
        vulnerability["source"] = described(&source.name, text::web_address(&source.url));
    }
    let numbers = first.cwes.iter().filter_map(|cwe| cwe.strip_prefix("CWE-")?.parse::<u32>().ok());
    let numbers: BTreeSet<u32> = numbers.filter(|number| *number > 0).collect();
    let optional = [
        ("cwes", json!(numbers)),
        ("references", json!(others(first))),
        ("advisories", text::urls(first).into_iter().map(|url| json!({"url": url})).collect()),
        ("properties", json!(properties(first))),
    ];
    for (name, list) in optional {
        if list != json!([]) {
            vulnerability[name] = list;
        }
    }
    for (name, time) in [("published", &first.published), ("updated", &first.modified)] {
        let time = time.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
        if let Some(time) = time {
            vulnerability[name] = json!(time.to_string());
        }
    }
    if let Some(analysis) = analysis(first, by) {
        vulnerability["analysis"] = analysis;
    }
    vulnerability
}

fn described(name: &str, url: Option<&str>) -> Value {
    match url {
        Some(url) => json!({"name": text::line(name, 300), "url": url}),
        None => json!({"name": text::line(name, 300)}),
    }
}

// Other ids of the flaw, and whose they are.
fn others(finding: &Finding) -> Vec<Value> {
    let ids = finding.aliases.iter().chain(&finding.advisories);
    let ids: BTreeSet<&str> = ids.map(String::as_str).filter(|id| !id.is_empty()).collect();
    let other = ids.into_iter().filter(|id| *id != finding.id);
    other
        .map(|id| {
            let series = id.split(['-', ':']).next().unwrap_or(id);
            let page = gitlab::page(id);
            json!({"id": text::line(id, 300), "source": described(series, page.as_deref())})
        })
        .collect()
}

// The level that counts first, then all that was said.
fn ratings(findings: &[&Finding]) -> Vec<Value> {
    let mut list: Vec<Value> = Vec::new();
    let mut add = |rating: Value| {
        if !list.contains(&rating) {
            list.push(rating);
        }
    };
    for finding in findings {
        let mut rating = json!({"severity": level(finding.severity)});
        if let Some(source) = &finding.severity_source {
            rating["source"] = described(source, None);
        }
        add(rating);
    }
    for rating in findings.iter().flat_map(|finding| &finding.ratings) {
        add(rated(rating));
    }
    list
}

fn rated(rating: &Rating) -> Value {
    let mut value = json!({
        "source": described(&rating.source, None),
        "severity": level(rating.severity),
    });
    if let RatingBasis::Cvss(cvss) = &rating.basis {
        value["method"] = json!(match cvss.version {
            CvssVersion::V2 => "CVSSv2",
            CvssVersion::V30 => "CVSSv3",
            CvssVersion::V31 => "CVSSv31",
            CvssVersion::V4 => "CVSSv4",
        });
        value["score"] = json!(cvss.score());
        value["vector"] = json!(text::line(&cvss.vector, 500));
    }
    value
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Negligible => "info",
        Severity::Unknown => "unknown",
    }
}

fn affects(
    findings: &[&Finding],
    by: Option<&Suppression>,
    reference: &impl Fn(PackageId) -> Option<String>,
) -> Vec<Value> {
    let is_free = by.is_some_and(|by| by.status != SuppressionStatus::Ignored);
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for finding in findings {
        let Some(reference) = reference(finding.package.id) else { continue };
        if !seen.insert((reference.clone(), finding.package.version.as_str())) {
            continue;
        }
        let status = match finding.fix {
            _ if is_free => "unaffected",
            FixState::UnderInvestigation => "unknown",
            _ => "affected",
        };
        let mut affected = json!({"ref": reference});
        if !finding.package.version.is_empty() {
            let version = text::line(&finding.package.version, 1024);
            affected["versions"] = json!([{"version": version, "status": status}]);
        }
        list.push(affected);
    }
    list
}

fn properties(finding: &Finding) -> Vec<Value> {
    let mut list = Vec::new();
    let mut add = |name: &str, value: &str| {
        list.push(json!({"name": name, "value": text::line(value, 1000)}));
    };
    if let Some(kev) = &finding.kev {
        add("sealift:known-exploited", &kev.added);
        if kev.is_used_by_ransomware {
            add("sealift:ransomware", "true");
        }
    }
    if let Some(epss) = &finding.epss {
        add("sealift:epss", &format!("{:.5}", epss.score()));
        add("sealift:epss-percentile", &format!("{:.5}", epss.percentile()));
    }
    for reason in &finding.reasons {
        add("sealift:reason", &reason.to_string());
    }
    list
}

// Who accepts a flaw has it still, and will not repair it.
fn analysis(finding: &Finding, by: Option<&Suppression>) -> Option<Value> {
    let Some(by) = by else {
        let is_open = finding.fix == FixState::UnderInvestigation;
        return is_open.then(|| json!({"state": "in_triage"}));
    };
    let detail = text::line(&remark::answer(by), 5000);
    let mut analysis = json!({"detail": detail});
    analysis["state"] = json!(match by.status {
        SuppressionStatus::Ignored => "exploitable",
        SuppressionStatus::NotAffected => "not_affected",
        SuppressionStatus::Fixed => "resolved",
    });
    if by.status == SuppressionStatus::Ignored {
        analysis["response"] = json!(["will_not_fix"]);
    }
    let word = match by.justification.as_deref() {
        Some("component_not_present" | "vulnerable_code_not_present" | "code_not_present") => {
            Some("code_not_present")
        }
        Some("vulnerable_code_not_in_execute_path" | "code_not_reachable") => {
            Some("code_not_reachable")
        }
        Some("vulnerable_code_cannot_be_controlled_by_adversary") => Some("requires_environment"),
        Some("inline_mitigations_already_exist" | "protected_by_mitigating_control") => {
            Some("protected_by_mitigating_control")
        }
        _ => None,
    };
    if let Some(word) = word.filter(|_| by.status == SuppressionStatus::NotAffected) {
        analysis["justification"] = json!(word);
    }
    Some(analysis)
}

/// The inventory as SPDX's tag-value.
pub(crate) fn spdx(report: &Report, context: &Context<'_>) -> String {
    spdx::encode_tag_value(&shown(report, context.inventory).0, context.subject)
}

/// The inventory as SPDX's JSON.
pub(crate) fn spdx_json(report: &Report, context: &Context<'_>) -> String {
    spdx::encode(&shown(report, context.inventory).0, context.subject)
}

/// The inventory as a snapshot for GitHub's dependency graph, for the job that the environment tells.
pub(crate) fn github(report: &Report, context: &Context<'_>) -> String {
    let variable = |name: &str| (context.variable)(name).filter(|value| !value.is_empty());
    let correlator = match (variable("GITHUB_WORKFLOW"), variable("GITHUB_JOB")) {
        (Some(workflow), Some(job)) => Some(format!("{workflow}_{job}")),
        (workflow, job) => workflow.or(job),
    };
    let mut metadata = BTreeMap::new();
    if let Some(image) = &report.artifact.image {
        for (name, list) in
            [("sealift:RepoTag", &image.tags), ("sealift:RepoDigest", &image.digests)]
        {
            if !list.is_empty() {
                metadata.insert(name.to_owned(), text::line(&list.join(", "), 2000));
            }
        }
    }
    let submission = Submission {
        reference: variable("GITHUB_REF"),
        commit: variable("GITHUB_SHA"),
        correlator,
        run: variable("GITHUB_RUN_ID"),
        metadata,
    };
    github::encode_with(&shown(report, context.inventory).0, context.subject, &submission)
}
