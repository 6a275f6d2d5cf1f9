//! Judging an image by policies: the facts, the verdict, the gate.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sealift_diagnostic::Diagnostic;
use sealift_model::{Inventory, Level, Outcome, Rating, RatingBasis, Report, Verdict};
use sealift_oci::{ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME, Reference};
use sealift_policy::{
    BaseFacts, Facts, LayerFacts, LintFacts, ScanStatus, SignatureFacts, Source, VulnerabilityFacts,
};

use crate::open::Opened;
use crate::session::nanoseconds;
use crate::{Error, Gate};

const POLICY_BYTES_MAX: u64 = 1 << 20;

/// Policies and what they are told besides the image.
#[derive(Clone, Debug, Default)]
pub struct PolicyRequest {
    /// Rego files, or folders of them.
    pub files: Vec<PathBuf>,
    /// More input at the top level: `environment` and what `--data` gives.
    pub data: Vec<(String, String)>,
}

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
    /// The name it is judged under, if not its own.
    pub reference: Option<Reference>,
}

/// Reads policies: files as they are, folders by the names of their `.rego` files. Tests beside them are left out.
pub fn sources(files: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let mut paths = Vec::new();
    for path in files {
        if !path.is_dir() {
            paths.push(path.clone());
            continue;
        }
        let entries =
            std::fs::read_dir(path).map_err(|source| Error::file("read", path, source))?;
        let mut found: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.ends_with(".rego") && !name.ends_with("_test.rego")
            })
            .collect();
        if found.is_empty() {
            return Err(Error::usage(
                format!("the folder `{}` has no policy", path.display()),
                "a policy is a file ending in `.rego`; without one nothing would be judged",
            ));
        }
        found.sort();
        paths.append(&mut found);
    }
    paths.iter().map(|path| read_source(path)).collect()
}

fn read_source(path: &Path) -> Result<Source, Error> {
    let fail = |source| Error::file("read", path, source);
    let size = std::fs::metadata(path).map_err(fail)?.len();
    if size > POLICY_BYTES_MAX {
        return Err(Error::usage(
            format!("the policy `{}` is larger than 1 MiB", path.display()),
            "check that it is the right file",
        ));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Source::new(name, std::fs::read_to_string(path).map_err(fail)?))
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
        lint: evidence
            .lint
            .map(|(path, text, found)| lint_facts(path, text, found))
            .unwrap_or_default(),
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

/// Judges.
pub fn judge(
    facts: &Facts,
    request: &PolicyRequest,
    policies: &[Source],
) -> Result<Verdict, Error> {
    let nothing = serde_json::Value::Object(serde_json::Map::new());
    Ok(sealift_policy::evaluate(policies, &input(facts, request), &nothing)?)
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

/// One line a violation.
pub fn details(verdict: &Verdict) -> String {
    let mut text = String::new();
    for violation in &verdict.violations {
        let level = match violation.level {
            Level::Warn => "warn",
            Level::Deny => "deny",
            Level::Error => "error",
        };
        let place = format!("{}: {}.{}", violation.file, violation.package, violation.rule);
        writeln!(text, "{level}: {} [{place}]", violation.message)
            .expect("a string takes everything");
    }
    text
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
            rule: diagnostic.rule.clone().unwrap_or_default(),
            level: diagnostic.level.as_str().to_owned(),
            message: diagnostic.message.clone(),
            file: path.display().to_string(),
            line: sealift_diagnostic::line_column(text, diagnostic.span.start).0,
        })
        .collect()
}
