//! Judging an image by policies: the facts, the verdict, the gate.

use std::fmt::Write as _;
use std::path::Path;

use sealift_diagnostic::Diagnostic;
use sealift_model::{Inventory, Level, Outcome, Rating, RatingBasis, Report, Verdict};
use sealift_oci::{ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, Reference};
use sealift_policy::{
    BaseFacts, Exempted, Facts, Judgement, LayerFacts, LifeFacts, LintFacts, Policies,
    ProvenanceFacts, ScanStatus, Settings, SignatureFacts, VulnerabilityFacts, exempt,
};

use crate::open::Opened;
use crate::session::nanoseconds;
use crate::{Error, Gate};

pub use crate::policies::{PolicyRequest, PolicySet};

/// What is known of an image besides the image itself.
#[derive(Clone, Default)]
pub struct Evidence<'a> {
    /// What is inside.
    pub inventory: Option<&'a Inventory>,
    /// The vulnerabilities.
    pub report: Option<&'a Report>,
    /// Whether they passed the gate.
    pub scan_status: ScanStatus,
    /// The Dockerfile's findings, with its path and text.
    pub lint: Option<(&'a Path, &'a str, &'a [Diagnostic])>,
    /// The signatures.
    pub signatures: Vec<SignatureFacts>,
    /// How it was made, if that is known.
    pub provenance: Option<ProvenanceFacts>,
    /// The name it is judged under, if not its own.
    pub reference: Option<Reference>,
    /// What time it is, in seconds since 1970.
    pub now_secs: Option<i64>,
}

/// What the policies can know. Of what is no image, that is what is inside: its config is one that says nothing.
pub fn facts(opened: Option<&Opened>, evidence: &Evidence<'_>, request: &PolicyRequest) -> Facts {
    let environment = request.data.iter().find(|(name, _)| name == "environment");
    let image = opened.map(image_facts).unwrap_or_default();
    Facts {
        reference: evidence.reference.clone().or(image.reference),
        signatures: evidence.signatures.clone(),
        scan_status: evidence.scan_status,
        environment: environment.map(|(_, value)| value.clone()),
        inventory: evidence.inventory.cloned().unwrap_or_default(),
        vulnerabilities: evidence.report.map(vulnerabilities).unwrap_or_default(),
        secrets: evidence.report.and_then(|report| report.secrets.clone()),
        lint: evidence
            .lint
            .map(|(path, text, found)| lint_facts(path, text, found))
            .unwrap_or_default(),
        provenance: evidence.provenance.clone(),
        life: evidence
            .report
            .and_then(|report| report.life.as_ref())
            .map(|life| LifeFacts { is_over: life.is_over, until: Some(life.ends.clone()) }),
        now_ns: evidence.now_secs.and_then(|now| now.checked_mul(1_000_000_000)),
        ..image
    }
}

fn image_facts(opened: &Opened) -> Facts {
    let manifest = opened.image.manifest.value();
    let config = opened.image.config.value();
    let annotation = |name: &str| manifest.annotations.get(name).cloned();
    Facts {
        reference: opened.reference.clone(),
        digest: Some(opened.descriptor.digest.clone()),
        created_ns: config.created.as_deref().and_then(nanoseconds),
        architecture: config.architecture.clone(),
        os: config.os.clone(),
        config: config.config.clone(),
        base: annotation(ANNOTATION_BASE_NAME).map(|name| BaseFacts {
            // The annotation is fully qualified; policies name images as Dockerfiles do.
            name: Reference::parse(&name).map_or(name, |base| base.familiar()),
            digest: annotation(ANNOTATION_BASE_DIGEST).and_then(|digest| digest.parse().ok()),
        }),
        history: config.history.clone(),
        layers: opened
            .image
            .layers()
            .map(|(layer, diff_id)| LayerFacts {
                digest: layer.digest.clone(),
                diff_id: diff_id.clone(),
                size_bytes: layer.size,
            })
            .collect(),
        ..Facts::default()
    }
}

/// The document that the policies see as `input`.
pub fn input(facts: &Facts, request: &PolicyRequest) -> serde_json::Value {
    let mut input = facts.input();
    if let Some(object) = input.as_object_mut() {
        for (name, value) in &request.data {
            // What is known of the image cannot be talked away from the command line.
            object.entry(name.clone()).or_insert_with(|| serde_json::Value::String(value.clone()));
        }
    }
    input
}

/// A verdict, and what it does not count.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The verdict with what belongs to it.
    pub judgement: Judgement,
    /// What somebody answers for.
    pub exempted: Exempted,
}

/// Judges an image.
pub fn judge(
    facts: &Facts,
    request: &PolicyRequest,
    policies: &PolicySet,
) -> Result<Judged, Error> {
    let settings = settings(request);
    let loaded = Policies::load(&settings, &policies.sources, &policies.data)?;
    let name = facts.reference.as_ref().map(Reference::to_string).unwrap_or_default();
    Ok(exempted(loaded.judge(&input(facts, request))?, request, &name, facts.now_ns))
}

/// Limits and packages for a request.
pub fn settings(request: &PolicyRequest) -> Settings {
    Settings { namespaces: request.namespaces.clone(), ..Settings::default() }
}

/// Takes out what somebody answers for. Without a clock every exemption has expired.
pub fn exempted(
    mut judgement: Judgement,
    request: &PolicyRequest,
    name: &str,
    now_ns: Option<i64>,
) -> Judged {
    let now_ns = now_ns.unwrap_or(i64::MAX);
    let exempted = exempt(&mut judgement, &request.exemptions, name, now_ns);
    Judged { judgement, exempted }
}

/// Shuts the gate on a verdict that refuses.
pub fn gate(verdict: &Verdict) -> Result<(), Error> {
    if verdict.outcome != Outcome::Fail {
        return Ok(());
    }
    let refusals: Vec<_> =
        verdict.violations.iter().filter(|violation| violation.level != Level::Warn).collect();
    let first = refusals.first().map_or_else(String::new, |violation| {
        format!("{} ({}, rule `{}`)", violation.message, violation.file, violation.rule)
    });
    let more = match refusals.len() {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    Err(Error::Gate {
        gate: Gate::Policy,
        finding: format!("{first}{more}"),
        remedy: "change the image so that the rule is met; `sealift policy check --show-input IMAGE` shows what it sees"
            .to_owned(),
    })
}

/// One line: the outcome and by how many policies.
pub fn summary(verdict: &Verdict) -> String {
    let warnings = match verdict.violations.len() {
        0 => String::new(),
        count => format!(" with {count} warnings"),
    };
    match verdict.policies.len() {
        0 => "no policy is set".to_owned(),
        count => format!("passed by {count} policies{warnings}"),
    }
}

/// One line a violation, and one for each that does not count.
pub fn details(judged: &Judged) -> String {
    let mut text = String::new();
    let Judged { judgement, exempted } = judged;
    for (violation, metadata) in judgement.verdict.violations.iter().zip(&judgement.metadata) {
        let place = format!("{}: {}.{}", violation.file, violation.package, violation.rule);
        let id = metadata.get("id").and_then(|id| id.as_str());
        let id = id.map(|id| format!("{id} ")).unwrap_or_default();
        writeln!(text, "{}: {id}{} [{place}]", word(violation.level), violation.message)
            .expect("a string takes everything");
    }
    for violation in &judgement.excepted {
        writeln!(
            text,
            "except: {} [{}: {}.{}]",
            violation.message, violation.file, violation.package, violation.rule
        )
        .expect("a string takes everything");
    }
    for (violation, by) in &exempted.held {
        writeln!(
            text,
            "exempt: {} (until {}, {}: {})",
            violation.message, by.expires, by.owner, by.reason
        )
        .expect("a string takes everything");
    }
    for by in &exempted.expired {
        writeln!(
            text,
            "expired: the exemption of {} held until {}: {}",
            by.owner, by.expires, by.reason
        )
        .expect("a string takes everything");
    }
    text
}

/// The word for a level.
pub fn word(level: Level) -> &'static str {
    match level {
        Level::Warn => "warn",
        Level::Deny => "deny",
        Level::Error => "error",
    }
}

fn vulnerabilities(report: &Report) -> Vec<VulnerabilityFacts> {
    report
        .findings
        .iter()
        .map(|finding| VulnerabilityFacts {
            id: finding.id.clone(),
            package: finding.package.name.clone(),
            installed_version: finding.package.version.clone(),
            fixed_version: finding.fix.version().map(str::to_owned),
            severity: finding.severity,
            score: finding.ratings.iter().filter_map(score).reduce(f64::max),
            title: finding.title.clone(),
        })
        .collect()
}

fn score(rating: &Rating) -> Option<f64> {
    match &rating.basis {
        RatingBasis::Cvss(cvss) => Some(cvss.score()),
        _ => None,
    }
}

fn lint_facts(path: &Path, text: &str, found: &[Diagnostic]) -> Vec<LintFacts> {
    found
        .iter()
        .map(|diagnostic| LintFacts {
            rule: diagnostic.rule.as_deref().unwrap_or_default().to_owned(),
            level: diagnostic.level.as_str().to_owned(),
            message: diagnostic.message.clone(),
            file: path.display().to_string(),
            line: sealift_diagnostic::line_column(text, diagnostic.span.start).0,
        })
        .collect()
}
