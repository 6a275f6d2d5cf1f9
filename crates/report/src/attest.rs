//! Reports as statements for attestations and for other scanners: cosign's vulnerability predicate
//! (<https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md>) and OpenVEX 0.2.0
//! (<https://github.com/openvex/spec>).

use std::collections::BTreeMap;

use sealift_model::{Finding, FixState, Report};
use sealift_oci::Digest;
use serde_json::{Value, json};

use crate::{json, text};

/// The predicate of cosign's vulnerability attestation; the result is the JSON report.
pub(crate) fn cosign_vuln(report: &Report) -> String {
    let result: Value = serde_json::from_str(&json::json(report)).expect("the JSON report is JSON");
    let time = text::time(report.created_secs);
    let mut database = json!({"uri": report.database.source});
    if let Some(newest) = &report.database.newest_modified {
        database["version"] = json!(newest);
        database["lastUpdate"] = json!(newest);
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

/// The report as OpenVEX: one statement a flaw and what is said of its packages.
pub(crate) fn openvex(report: &Report) -> String {
    let mut groups: BTreeMap<(&str, &'static str, String), Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        let (status, action) = status(finding);
        groups.entry((&finding.id, status, action)).or_default().push(finding);
    }
    let product = product(report);
    let statements: Vec<Value> = groups
        .iter()
        .map(|((id, status, action), findings)| statement(id, status, action, findings, &product))
        .collect();
    let time = text::time(report.created_secs);
    let mut document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": "Sealift",
        "role": "Document Creator",
        "timestamp": time,
        "version": 1,
        "tooling": concat!("sealift ", env!("CARGO_PKG_VERSION")),
        "statements": statements,
    });
    let content = Digest::sha256(document.to_string().as_bytes());
    document["@id"] = json!(format!("https://openvex.dev/docs/public/vex-{}", content.hex()));
    text::document(&document)
}

fn statement(id: &str, status: &str, action: &str, findings: &[&Finding], product: &str) -> Value {
    let mut aliases: Vec<&str> = findings
        .iter()
        .flat_map(|finding| finding.aliases.iter().map(String::as_str))
        .filter(|alias| !alias.is_empty() && *alias != id)
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
        "vulnerability": {"name": id, "aliases": aliases},
        "products": [{"@id": product, "subcomponents": parts}],
        "status": status,
    });
    if status == "affected" {
        statement["action_statement"] = json!(action);
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

fn status(finding: &Finding) -> (&'static str, String) {
    match finding.fix {
        FixState::UnderInvestigation => ("under_investigation", String::new()),
        _ => ("affected", text::line(&text::solution(finding), 2000)),
    }
}
