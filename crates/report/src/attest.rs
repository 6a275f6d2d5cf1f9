//! Reports as statements for attestations and for other scanners: cosign's vulnerability predicate
//! (<https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md>) and OpenVEX 0.2.0
//! (<https://github.com/openvex/spec>).

use std::collections::BTreeMap;

use sealift_model::{Finding, FixState, Report, Suppressed, SuppressionStatus};
use sealift_oci::Digest;
use serde_json::{Value, json};

use crate::{json, remark, text};

// OpenVEX's words for why something is not affected.
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// The predicate of cosign's vulnerability attestation; the result is the JSON report.
pub(crate) fn cosign_vuln(report: &Report) -> String {
    let result: Value = serde_json::from_str(&json::json(report)).expect("the JSON report is JSON");
    let time = text::time(report.created_secs);
    let mut database = json!({"uri": report.database.source});
    if let Some(newest) = &report.database.newest_modified {
        database["version"] = json!(newest);
        database["lastUpdate"] = json!(newest);
    }
    if report.database.made_secs > 0 {
        database["lastUpdate"] = json!(text::time(report.database.made_secs));
    }
    text::document(&json!({
        "invocation": {"parameters": null, "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": "https://github.com/sealift/sealift",
            "version": env!("CARGO_PKG_VERSION"),
            "db": database,
            "result": result,
        },
        "metadata": {"scanStartedOn": time, "scanFinishedOn": time},
    }))
}

// What a statement says; all packages of a flaw of which the same is said are in one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Said<'a> {
    id: &'a str,
    status: &'static str,
    action: String,
    justification: Option<&'a str>,
    impact: String,
    notes: String,
}

/// The report as OpenVEX: one statement a flaw and what is said of its packages. That a package is not affected is said
/// only where somebody said so before.
pub(crate) fn openvex(report: &Report) -> String {
    let mut groups: BTreeMap<Said<'_>, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        groups.entry(said(finding)).or_default().push(finding);
    }
    for suppressed in &report.suppressed {
        groups.entry(said_by(suppressed)).or_default().push(&suppressed.finding);
    }
    let product = product(report);
    let statements: Vec<Value> =
        groups.iter().map(|(said, findings)| statement(said, findings, &product)).collect();
    let time = text::time(report.created_secs);
    let age = remark::age(report).map(|age| format!(", advisories {age}")).unwrap_or_default();
    let mut document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": "Sealift",
        "role": "Document Creator",
        "timestamp": time,
        "version": 1,
        "tooling": format!("sealift {}{age}", env!("CARGO_PKG_VERSION")),
        "statements": statements,
    });
    let content = Digest::sha256(document.to_string().as_bytes());
    document["@id"] = json!(format!("https://openvex.dev/docs/public/vex-{}", content.hex()));
    text::document(&document)
}

fn said(finding: &Finding) -> Said<'_> {
    let (status, action) = match finding.fix {
        FixState::UnderInvestigation => ("under_investigation", String::new()),
        _ => ("affected", text::line(&text::solution(finding), 2000)),
    };
    let (justification, impact) = (None, String::new());
    Said { id: &finding.id, status, action, justification, impact, notes: remark::urgency(finding) }
}

fn said_by(suppressed: &Suppressed) -> Said<'_> {
    let answer = text::line(&remark::answer(&suppressed.by), 2000);
    let known = suppressed.by.justification.as_deref();
    let justification = known.filter(|justification| JUSTIFICATIONS.contains(justification));
    let said = Said {
        id: &suppressed.finding.id,
        status: "",
        action: String::new(),
        justification: None,
        impact: String::new(),
        notes: String::new(),
    };
    match suppressed.by.status {
        // Who accepts a flaw has it still.
        SuppressionStatus::Ignored => Said { status: "affected", action: answer, ..said },
        SuppressionStatus::Fixed => Said { status: "fixed", notes: answer, ..said },
        SuppressionStatus::NotAffected => {
            Said { status: "not_affected", justification, impact: answer, ..said }
        }
    }
}

fn statement(said: &Said<'_>, findings: &[&Finding], product: &str) -> Value {
    let mut aliases: Vec<&str> = findings
        .iter()
        .flat_map(|finding| finding.aliases.iter().map(String::as_str))
        .filter(|alias| !alias.is_empty() && *alias != said.id)
        .collect();
    aliases.sort_unstable();
    aliases.dedup();
    let mut purls: Vec<&str> =
        findings.iter().map(|finding| finding.package.purl.as_str()).collect();
    purls.sort_unstable();
    purls.dedup();
    let parts: Vec<Value> =
        purls.iter().map(|purl| json!({"@id": purl, "identifiers": {"purl": purl}})).collect();
    let mut statement = json!({
        "vulnerability": {"name": said.id, "aliases": aliases},
        "products": [{"@id": product, "subcomponents": parts}],
        "status": said.status,
    });
    if said.status == "affected" {
        statement["action_statement"] = json!(said.action);
    }
    if let Some(justification) = said.justification {
        statement["justification"] = json!(justification);
    }
    if said.status == "not_affected" {
        statement["impact_statement"] = json!(said.impact);
    }
    if !said.notes.is_empty() {
        statement["status_notes"] = json!(said.notes);
    }
    statement
}

// The package URL of the image, if its digest is known; else its name.
fn product(report: &Report) -> String {
    let digests = report.artifact.image.iter().flat_map(|image| &image.digests);
    for name in digests {
        if let Some((repository, digest)) = name.split_once('@') {
            let short = repository.rsplit('/').next().unwrap_or(repository).to_lowercase();
            let digest = digest.replace(':', "%3A");
            return format!("pkg:oci/{short}@{digest}?repository_url={repository}");
        }
    }
    match text::line(&report.artifact.name, 1000) {
        name if name.is_empty() => "image".to_owned(),
        name => name,
    }
}
