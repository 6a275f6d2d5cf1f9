//! What a policy can know about an image, and the JSON in which it sees it.

use sealift_model::{Inventory, Package, Severity};
use sealift_oci::{ContainerConfig, Digest, History, Reference};
use serde_json::{Map, Value, json};

/// What a policy can know about an image; [`Facts::input`] is the policy's `input`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The name under which the image is judged.
    pub reference: Option<Reference>,
    /// Digest of its manifest, or of what will be its manifest.
    pub digest: Option<Digest>,
    /// Time of creation in nanoseconds since 1970. If it is not known, the policy sees 1970, so that a rule about
    /// age refuses.
    pub created_ns: Option<i64>,
    /// Processor.
    pub architecture: String,
    /// Operating system.
    pub os: String,
    /// Its config.
    pub config: ContainerConfig,
    /// What its last stage was built on.
    pub base: Option<BaseFacts>,
    /// Signatures that were looked at.
    pub signatures: Vec<SignatureFacts>,
    /// What the vulnerability scan said.
    pub scan_status: ScanStatus,
    /// Where it is to run: `production`, …
    pub environment: Option<String>,
    /// Packages.
    pub inventory: Inventory,
    /// Known vulnerabilities.
    pub vulnerabilities: Vec<VulnerabilityFacts>,
    /// Findings of the linter.
    pub lint: Vec<LintFacts>,
    /// How it was made.
    pub history: Vec<History>,
    /// Layers, lowest first.
    pub layers: Vec<LayerFacts>,
}

/// The base image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseFacts {
    /// Name as the Dockerfile has it, `python:3.11-slim`.
    pub name: String,
    /// Digest of its manifest.
    pub digest: Option<Digest>,
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureFacts {
    /// True if it is good and by a trusted key.
    pub verified: bool,
    /// Name of the key.
    pub key: Option<String>,
    /// Fingerprint of the key, hex.
    pub fingerprint: Option<String>,
}

/// What the vulnerability scan said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanStatus {
    /// Within the thresholds.
    Passed,
    /// Not within them.
    Failed,
    /// It was not scanned.
    #[default]
    Unknown,
}

impl ScanStatus {
    /// The word that a policy sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A known vulnerability of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct VulnerabilityFacts {
    /// `CVE-…`, or the advisory's own name.
    pub id: String,
    /// Package.
    pub package: String,
    /// Version that is installed.
    pub installed_version: String,
    /// First version without it.
    pub fixed_version: Option<String>,
    /// How bad.
    pub severity: Severity,
    /// CVSS base score.
    pub score: Option<f64>,
    /// One line.
    pub title: String,
}

/// A finding of the linter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFacts {
    /// Rule.
    pub rule: String,
    /// `error`, `warning`, `info`, `style`.
    pub level: String,
    /// What.
    pub message: String,
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFacts {
    /// Digest as stored.
    pub digest: Digest,
    /// Digest of its content, uncompressed.
    pub diff_id: Digest,
    /// Size as stored.
    pub size_bytes: u64,
}

impl Facts {
    /// The policy's `input`.
    ///
    /// `Config` has the shape of `docker inspect`; what the image does not set is absent, except for `User`,
    /// `WorkingDir` (empty texts) and `Env` (an empty list). A health check that the Dockerfile switched off is
    /// absent too. `Config.Image` is the base image's name as the Dockerfile has it.
    pub fn input(&self) -> Value {
        let mut input = Map::new();
        input.insert("Config".to_owned(), self.config());
        input.insert("Architecture".to_owned(), json!(self.architecture));
        input.insert("Os".to_owned(), json!(self.os));
        input.insert("image".to_owned(), self.image());
        if let Some(environment) = &self.environment {
            input.insert("environment".to_owned(), json!(environment));
        }
        input.insert("distro".to_owned(), self.distro());
        let packages: Vec<Value> =
            self.inventory.components().map(|(_, package)| package_json(package)).collect();
        input.insert("packages".to_owned(), Value::Array(packages));
        let vulnerabilities = self.vulnerabilities.iter().map(vulnerability_json).collect();
        input.insert("vulnerabilities".to_owned(), Value::Array(vulnerabilities));
        input.insert("lint".to_owned(), self.lint.iter().map(lint_json).collect());
        input.insert("history".to_owned(), self.history.iter().map(history_json).collect());
        input.insert("layers".to_owned(), self.layers.iter().map(layer_json).collect());
        Value::Object(input)
    }

    fn config(&self) -> Value {
        let config = &self.config;
        let mut object = match serde_json::to_value(config) {
            Ok(Value::Object(object)) => object,
            // A struct of texts, lists and maps of texts always is an object; an empty one denies the most.
            _ => Map::new(),
        };
        object.insert("User".to_owned(), json!(config.user));
        object.insert("WorkingDir".to_owned(), json!(config.working_dir));
        object.insert("Env".to_owned(), json!(config.env));
        let is_checked = config
            .healthcheck
            .as_ref()
            .is_some_and(|check| check.test.first().is_some_and(|kind| kind != "NONE"));
        if !is_checked {
            object.remove("Healthcheck");
        }
        if let Some(base) = &self.base {
            object.insert("Image".to_owned(), json!(base.name));
        }
        Value::Object(object)
    }

    fn image(&self) -> Value {
        let mut image = Map::new();
        if let Some(reference) = &self.reference {
            image.insert("name".to_owned(), json!(reference.to_string()));
            image.insert("registry".to_owned(), json!(reference.registry()));
            image.insert("repository".to_owned(), json!(reference.repository()));
            if let Some(tag) = reference.tag() {
                image.insert("tag".to_owned(), json!(tag));
            }
        }
        let named = self.reference.as_ref().and_then(Reference::digest);
        if let Some(digest) = self.digest.as_ref().or(named) {
            image.insert("digest".to_owned(), json!(digest.to_string()));
        }
        image.insert("created".to_owned(), json!(self.created_ns.unwrap_or(0)));
        image.insert("scan_status".to_owned(), json!(self.scan_status.as_str()));
        image.insert("runs_as_root".to_owned(), json!(runs_as_root(&self.config.user)));
        let signatures = self.signatures.iter().map(signature_json).collect();
        image.insert("signatures".to_owned(), Value::Array(signatures));
        if let Some(base) = &self.base {
            let mut object = Map::new();
            object.insert("name".to_owned(), json!(base.name));
            insert_some(&mut object, "digest", base.digest.as_ref().map(Digest::to_string));
            image.insert("base".to_owned(), Value::Object(object));
        }
        Value::Object(image)
    }

    fn distro(&self) -> Value {
        let mut object = Map::new();
        if let Some(distro) = &self.inventory.distro {
            object.insert("id".to_owned(), json!(distro.id));
            insert_some(&mut object, "version_id", distro.version_id.clone());
            insert_some(&mut object, "codename", distro.codename.clone());
        }
        Value::Object(object)
    }
}

// A name that is not `root` may still be root by the image's passwd; that needs the files.
fn runs_as_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    name.is_empty() || name == "root" || name.parse::<u32>() == Ok(0)
}

fn insert_some(object: &mut Map<String, Value>, key: &str, text: Option<String>) {
    if let Some(text) = text {
        object.insert(key.to_owned(), Value::String(text));
    }
}

fn package_json(package: &Package) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(package.name));
    object.insert("type".to_owned(), json!(package.kind.purl_type()));
    object.insert("purl".to_owned(), json!(package.purl.to_string()));
    insert_some(&mut object, "version", package.version.clone());
    insert_some(&mut object, "architecture", package.architecture.clone());
    if let Some(source) = &package.source {
        object.insert("source".to_owned(), json!({"name": source.name, "version": source.version}));
    }
    let licenses: Vec<&str> = package
        .licenses
        .iter()
        .map(|license| license.spdx.as_deref().unwrap_or(&license.declared))
        .collect();
    object.insert("licenses".to_owned(), json!(licenses));
    if let Some(layer) = &package.introduced_by {
        object.insert(
            "layer".to_owned(),
            json!({"index": layer.index, "diff_id": layer.diff_id.to_string()}),
        );
    }
    Value::Object(object)
}

fn vulnerability_json(vulnerability: &VulnerabilityFacts) -> Value {
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(vulnerability.id));
    object.insert("package".to_owned(), json!(vulnerability.package));
    object.insert("installed_version".to_owned(), json!(vulnerability.installed_version));
    insert_some(&mut object, "fixed_version", vulnerability.fixed_version.clone());
    object.insert("severity".to_owned(), json!(vulnerability.severity.as_str()));
    if let Some(score) = vulnerability.score {
        object.insert("score".to_owned(), json!(score));
    }
    object.insert("title".to_owned(), json!(vulnerability.title));
    Value::Object(object)
}

fn signature_json(signature: &SignatureFacts) -> Value {
    let mut object = Map::new();
    object.insert("verified".to_owned(), json!(signature.verified));
    insert_some(&mut object, "key", signature.key.clone());
    insert_some(&mut object, "fingerprint", signature.fingerprint.clone());
    Value::Object(object)
}

fn lint_json(finding: &LintFacts) -> Value {
    json!({
        "rule": finding.rule,
        "level": finding.level,
        "message": finding.message,
        "file": finding.file,
        "line": finding.line,
    })
}

fn history_json(step: &History) -> Value {
    let mut object = Map::new();
    insert_some(&mut object, "created", step.created.clone());
    insert_some(&mut object, "created_by", step.created_by.clone());
    insert_some(&mut object, "author", step.author.clone());
    insert_some(&mut object, "comment", step.comment.clone());
    object.insert("empty_layer".to_owned(), json!(step.empty_layer));
    Value::Object(object)
}

fn layer_json(layer: &LayerFacts) -> Value {
    json!({
        "digest": layer.digest.to_string(),
        "diff_id": layer.diff_id.to_string(),
        "size": layer.size_bytes,
    })
}
