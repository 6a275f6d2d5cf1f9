//! The document that `grype -o json --by-cve` writes, for scripts that read it. Fields of our own come last.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{
    CvssVersion, Finding, FixState, PackageId, PackageKind, Report, Severity, Suppressed,
    Suppression, SuppressionStatus,
};
use sealift_sbom::syft;
use serde_json::{Value, json};

use crate::part::Part;
use crate::{Context, gitlab, remark, text};

const TEXT_CHARS_MAX: usize = 100_000;
// The keys of syft's artifacts that grype's have too.
const ARTIFACT_KEYS: [&str; 9] =
    ["id", "name", "version", "type", "locations", "language", "licenses", "cpes", "purl"];

/// The report as grype's JSON.
pub(crate) fn grype(report: &Report, context: &Context<'_>) -> String {
    let suppressed = report.suppressed.iter().map(|suppressed| &suppressed.finding);
    let findings = report.findings.iter().chain(suppressed);
    let wanted: BTreeSet<PackageId> = findings.map(|finding| finding.package.id).collect();
    let artifacts = syft::artifacts(context.inventory, context.subject, &wanted);
    let artifacts = &artifacts;
    let found = move |_, finding| match_of(finding, report, artifacts);
    let ignored = move |_, Suppressed { finding, by }: &Suppressed| {
        let mut value = match_of(finding, report, artifacts);
        value["appliedIgnoreRules"] = json!([rule(finding, by)]);
        value
    };
    text::document(&Part::Object(vec![
        ("matches", Part::each(&report.findings, found)),
        ("ignoredMatches", Part::each(&report.suppressed, ignored)),
        ("source", Part::Whole(source(report, context))),
        ("distro", Part::Whole(distro(report))),
        ("descriptor", Part::Whole(descriptor(report))),
    ]))
}

fn match_of(finding: &Finding, report: &Report, artifacts: &BTreeMap<PackageId, Value>) -> Value {
    let namespace = namespace(finding, report);
    let mut vulnerability = metadata(&finding.id, finding, &namespace);
    vulnerability["fix"] = json!({
        "versions": finding.fix.version().into_iter().collect::<Vec<_>>(),
        "state": match finding.fix {
            FixState::Fixed(_) => "fixed",
            FixState::WillNotFix | FixState::EndOfLife => "wont-fix",
            FixState::UnderInvestigation => "unknown",
            _ => "not-fixed",
        },
    });
    let advisories = finding.advisories.iter().filter(|id| !id.is_empty());
    vulnerability["advisories"] = advisories
        .map(|id| json!({"id": text::line(id, 300), "link": gitlab::page(id).unwrap_or_default()}))
        .collect();
    vulnerability["risk"] = json!(risk(finding));
    let others = finding.aliases.iter().filter(|alias| !alias.is_empty() && **alias != finding.id);
    let related: Vec<Value> = others
        .map(|alias| {
            let namespace = if alias.starts_with("CVE-") { "nvd:cpe" } else { namespace.as_str() };
            metadata(alias, finding, namespace)
        })
        .collect();
    json!({
        "vulnerability": vulnerability,
        "relatedVulnerabilities": related,
        "matchDetails": details(finding, report, &namespace),
        "artifact": artifact(finding, artifacts),
    })
}

fn metadata(id: &str, finding: &Finding, namespace: &str) -> Value {
    let id = text::line(id, 300);
    let page = text::primary_url(finding).filter(|_| id == finding.id);
    let page = page.map(str::to_owned).or_else(|| gitlab::page(&id)).unwrap_or_default();
    let mut value = json!({
        "id": id,
        "dataSource": page,
        "namespace": namespace,
        "severity": text::capitalized(finding.severity),
        "urls": text::urls(finding),
        "description": text::block(finding.description.as_deref().unwrap_or(&finding.title), TEXT_CHARS_MAX),
        "cvss": cvss(finding),
    });
    if let Some(kev) = &finding.kev {
        value["knownExploited"] = json!([{
            "cve": finding.id,
            "dateAdded": kev.added,
            "dueDate": kev.due.as_deref().unwrap_or_default(),
            "knownRansomwareCampaignUse": if kev.is_used_by_ransomware { "Known" } else { "Unknown" },
        }]);
    }
    if let Some(epss) = &finding.epss {
        value["epss"] = json!([
            {"cve": finding.id, "epss": epss.score(), "percentile": epss.percentile()}
        ]);
    }
    if !finding.cwes.is_empty() {
        let cwes = finding.cwes.iter();
        let cwes = cwes.map(|cwe| json!({"cve": finding.id, "cwe": text::line(cwe, 50)}));
        value["cwes"] = cwes.collect();
    }
    value
}

fn cvss(finding: &Finding) -> Vec<Value> {
    text::cvss(finding)
        .map(|(rating, cvss)| {
            json!({
                "source": text::line(&rating.source, 300),
                "type": if rating.source == "nvd" { "Primary" } else { "Secondary" },
                "version": match cvss.version {
                    CvssVersion::V2 => "2.0",
                    CvssVersion::V30 => "3.0",
                    CvssVersion::V31 => "3.1",
                    CvssVersion::V4 => "4.0",
                },
                "vector": text::line(&cvss.vector, 500),
                "metrics": {"baseScore": cvss.score()},
                "vendorMetadata": {},
            })
        })
        .collect()
}

// How grype weighs: how likely it is that the flaw is used, times how bad that would be, from 0 to 100.
fn risk(finding: &Finding) -> f64 {
    let threat = if finding.kev.is_some() {
        1.0
    } else {
        finding.epss.as_ref().map_or(0.0, sealift_model::Epss::score)
    };
    let word = match finding.severity {
        Severity::Critical => 9.0,
        Severity::High => 7.5,
        Severity::Medium | Severity::Unknown => 5.0,
        Severity::Low => 3.0,
        Severity::Negligible => 0.5,
    };
    let scores: Vec<u32> =
        text::cvss(finding).map(|(_, cvss)| u32::from(cvss.score_tenths)).collect();
    let count = u32::try_from(scores.len()).unwrap_or(u32::MAX);
    let badness = match count {
        0 => word,
        count => {
            let mean = f64::from(scores.iter().sum::<u32>()) / f64::from(count) / 10.0;
            f64::midpoint(word, mean)
        }
    };
    let weight = match &finding.kev {
        Some(kev) if kev.is_used_by_ransomware => 1.1,
        Some(_) => 1.05,
        None => 1.0,
    };
    let risk = (threat * badness / 10.0 * weight).min(1.0) * 100.0;
    // More digits would be noise.
    (risk * 10_000.0).round() / 10_000.0
}

fn namespace(finding: &Finding, report: &Report) -> String {
    let kind = finding.package.kind;
    if let Some(distro) = report.distro.as_ref().filter(|_| kind.is_os()) {
        let release = distro.version_id.as_deref().or(distro.codename.as_deref());
        return format!("{0}:distro:{0}:{1}", distro.id, release.unwrap_or("rolling"));
    }
    let (_, language) = syft::kind_and_language(kind.purl_type());
    let source = match finding.data_source.id.as_str() {
        "ghsa" | "" => "github",
        other => other,
    };
    format!("{source}:language:{}", if language.is_empty() { kind.purl_type() } else { language })
}

fn matcher(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Deb => "dpkg-matcher",
        PackageKind::Rpm => "rpm-matcher",
        PackageKind::Apk => "apk-matcher",
        PackageKind::Alpm => "pacman-matcher",
        PackageKind::Portage => "portage-matcher",
        PackageKind::Python => "python-matcher",
        PackageKind::Npm => "javascript-matcher",
        PackageKind::Go => "go-module-matcher",
        PackageKind::Cargo => "rust-matcher",
        PackageKind::Maven | PackageKind::Jenkins => "java-matcher",
        PackageKind::Gem => "ruby-gem-matcher",
        PackageKind::Nuget => "dotnet-matcher",
        PackageKind::Bitnami => "bitnami-matcher",
        _ => "stock-matcher",
    }
}

fn details(finding: &Finding, report: &Report, namespace: &str) -> Vec<Value> {
    let package = &finding.package;
    let reasons = finding.reasons.iter().map(|reason| {
        let is_direct = reason.matched_name == package.name;
        let mut searched = json!({
            "namespace": namespace,
            "package": {"name": reason.matched_name, "version": reason.installed},
        });
        if let Some(distro) = report.distro.as_ref().filter(|_| package.kind.is_os()) {
            searched["distro"] = json!({
                "type": distro.id,
                "version": distro.version_id.as_deref().unwrap_or_default(),
            });
        }
        let mut detail = json!({
            "type": if is_direct { "exact-direct-match" } else { "exact-indirect-match" },
            "matcher": matcher(package.kind),
            "searchedBy": searched,
            "found": {
                "vulnerabilityID": reason.advisory,
                "versionConstraint": format!("{} ({})", reason.range, reason.comparator),
            },
        });
        if let Some(version) = finding.fix.version() {
            detail["fix"] = json!({"suggestedVersion": version});
        }
        detail
    });
    reasons.collect()
}

fn artifact(finding: &Finding, artifacts: &BTreeMap<PackageId, Value>) -> Value {
    let package = &finding.package;
    let known = artifacts.get(&package.id).filter(|known| known["name"] == package.name);
    let mut value = json!({});
    for key in ARTIFACT_KEYS {
        if let Some(part) = known.and_then(|known| known.get(key)) {
            value[key] = part.clone();
        }
    }
    if known.is_none() {
        let (kind, language) = syft::kind_and_language(package.kind.purl_type());
        value = json!({
            "id": text::unique_digest(finding, 0).get(..16),
            "name": text::line(&package.name, 1000),
            "version": text::line(&package.version, 1000),
            "type": kind,
            "locations": package.path.iter().map(|path| json!({"path": text::line(path, 4096)})).collect::<Vec<_>>(),
            "language": language,
            "licenses": [],
            "cpes": [],
            "purl": package.purl,
        });
    }
    // Licences and CPEs are plain texts there.
    for (key, inner) in [("licenses", "value"), ("cpes", "cpe")] {
        let list = value[key].as_array().into_iter().flatten();
        value[key] = list.filter_map(|item| item.get(inner).cloned()).collect();
    }
    let source = package.source_name.as_ref().filter(|name| **name != package.name);
    value["upstreams"] = source.map(|name| json!({"name": name})).into_iter().collect();
    value
}

fn rule(finding: &Finding, by: &Suppression) -> Value {
    let mut rule = json!({
        "vulnerability": finding.id,
        "reason": text::line(&remark::answer(by), 5000),
        "namespace": "",
        "fix-state": "",
        "package": {"name": finding.package.name, "version": finding.package.version},
    });
    let status = match by.status {
        SuppressionStatus::Ignored => None,
        SuppressionStatus::NotAffected => Some("not_affected"),
        SuppressionStatus::Fixed => Some("fixed"),
    };
    if let Some(status) = status {
        rule["vex-status"] = json!(status);
        rule["vex-justification"] = json!(by.justification.as_deref().unwrap_or_default());
    }
    rule["source"] = json!(by.place);
    rule
}

fn source(report: &Report, context: &Context<'_>) -> Value {
    let known = syft::source_of(context.inventory, context.subject);
    match &report.artifact.image {
        Some(image) => {
            let mut target = known["metadata"].clone();
            target["userInput"] = json!(report.artifact.name);
            target["imageID"] = json!(image.id.to_string());
            target["tags"] = json!(image.tags);
            target["repoDigests"] = json!(image.digests);
            json!({"type": "image", "target": target})
        }
        None => json!({"type": "directory", "target": report.artifact.name}),
    }
}

fn distro(report: &Report) -> Value {
    let distro = report.distro.as_ref();
    let version = distro.and_then(|distro| distro.version_id.as_deref());
    json!({
        "name": distro.map(|distro| distro.id.as_str()).unwrap_or_default(),
        "version": version.unwrap_or_default(),
        "idLike": distro.map(|distro| distro.id_like.as_slice()).unwrap_or_default(),
    })
}

fn descriptor(report: &Report) -> Value {
    let database = &report.database;
    let mut status = json!({
        "from": database.source,
        "path": database.source,
        "valid": true,
        "records": database.records,
    });
    if database.made_secs > 0 {
        status["built"] = json!(text::time(database.made_secs));
        status["age"] = json!(remark::age(report));
    }
    let notes = report.notes.iter().map(|note| format!("{}: {}", note.subject, note.message));
    json!({
        "name": "sealift",
        "version": env!("CARGO_PKG_VERSION"),
        "configuration": {"by-cve": true},
        "db": {"status": status, "providers": {}},
        "timestamp": text::time(report.created_secs),
        "staleIgnores": report.stale_ignores.iter().map(remark::stale).collect::<Vec<_>>(),
        "releaseLife": report.life.as_ref().map(remark::life),
        "notes": notes.collect::<Vec<_>>(),
    })
}
