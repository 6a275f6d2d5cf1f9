//! What a policy can know about an image, and the JSON in which it sees it.

use sealift_model::{Inventory, Package, SecretFinding, Severity};
use sealift_oci::{ContainerConfig, Digest, Healthcheck, History, Reference};
use serde_json::{Map, Value};

use crate::wire;

const DAY_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

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
    /// Secrets, if somebody looked for them.
    pub secrets: Option<Vec<SecretFinding>>,
    /// How it was made, if that is attested.
    pub provenance: Option<ProvenanceFacts>,
    /// How long its distribution is looked after, if that is known.
    pub life: Option<LifeFacts>,
    /// What time it is, in nanoseconds since 1970, to tell its age.
    pub now_ns: Option<i64>,
    /// How it was made, step by step.
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

/// How an image was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenanceFacts {
    /// True if a trusted key attested it.
    pub verified: bool,
    /// URI of the builder.
    pub builder: String,
    /// URI of the kind of build.
    pub build_type: String,
    /// What went in: URI and digest.
    pub materials: Vec<(String, Option<String>)>,
}

/// How long a distribution is looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeFacts {
    /// True if nobody looks after it any more.
    pub is_over: bool,
    /// The last day, `2028-06-30`.
    pub until: Option<String>,
}

impl Facts {
    /// The policy's `input`, as docs/facts.md has it.
    ///
    /// `Config` has the shape of `docker inspect`; what the image does not set is absent, except for `User`,
    /// `WorkingDir` (empty texts) and `Env` (an empty list). A health check that the Dockerfile switched off is
    /// absent too. `Config.Image` is the base image's name as the Dockerfile has it.
    pub fn input(&self) -> Value {
        let input = wire::Input {
            config: self.config(),
            architecture: self.architecture.clone(),
            os: self.os.clone(),
            image: self.image(),
            environment: self.environment.clone(),
            distro: self.distro(),
            packages: self.inventory.components().map(|(_, package)| package_of(package)).collect(),
            vulnerabilities: self.vulnerabilities.iter().map(vulnerability).collect(),
            lint: self.lint.iter().map(lint).collect(),
            secrets: self.secrets.as_ref().map(|found| found.iter().map(secret).collect()),
            provenance: self.provenance.as_ref().map(provenance),
            history: self.history.iter().map(step).collect(),
            layers: self.layers.iter().map(layer).collect(),
        };
        // Structs of texts, numbers and lists always are JSON; an empty object denies the most.
        serde_json::to_value(&input).unwrap_or_else(|_| Value::Object(Map::new()))
    }

    fn config(&self) -> wire::Config {
        let config = &self.config;
        wire::Config {
            user: config.user.clone(),
            working_dir: config.working_dir.clone(),
            env: config.env.clone(),
            cmd: config.cmd.clone(),
            entrypoint: config.entrypoint.clone(),
            exposed_ports: Some(config.exposed_ports.clone()).filter(|it| !it.is_empty()),
            volumes: Some(config.volumes.clone()).filter(|it| !it.is_empty()),
            labels: Some(config.labels.clone()).filter(|it| !it.is_empty()),
            healthcheck: config.healthcheck.as_ref().and_then(healthcheck),
            stop_signal: config.stop_signal.clone(),
            shell: Some(config.shell.clone()).filter(|it| !it.is_empty()),
            on_build: Some(config.on_build.clone()).filter(|it| !it.is_empty()),
            args_escaped: config.args_escaped.then_some(true),
            image: self.base.as_ref().map(|base| base.name.clone()),
        }
    }

    fn image(&self) -> wire::Image {
        let reference = self.reference.as_ref();
        let digest = self.digest.as_ref().or_else(|| reference.and_then(Reference::digest));
        let age_ns = self.now_ns.zip(self.created_ns).map(|(now, created)| now - created);
        wire::Image {
            name: reference.map(Reference::to_string),
            registry: reference.map(|it| it.registry().to_owned()),
            repository: reference.map(|it| it.repository().to_owned()),
            tag: reference.and_then(Reference::tag).map(str::to_owned),
            digest: digest.map(Digest::to_string),
            created: self.created_ns.unwrap_or(0),
            age_days: age_ns.map(|age| age.div_euclid(DAY_NS)),
            size_bytes: self.layers.iter().map(|layer| layer.size_bytes).sum(),
            scan_status: self.scan_status.as_str().to_owned(),
            runs_as_root: runs_as_root(&self.config.user),
            signatures: self.signatures.iter().map(signature).collect(),
            base: self.base.as_ref().map(|base| wire::Base {
                name: base.name.clone(),
                digest: base.digest.as_ref().map(Digest::to_string),
            }),
        }
    }

    fn distro(&self) -> wire::Distro {
        let distro = self.inventory.distro.as_ref();
        wire::Distro {
            id: distro.map(|it| it.id.clone()),
            version_id: distro.and_then(|it| it.version_id.clone()),
            codename: distro.and_then(|it| it.codename.clone()),
            end_of_life: self.life.as_ref().map(|life| life.is_over),
            end_of_life_date: self.life.as_ref().and_then(|life| life.until.clone()),
        }
    }
}

fn healthcheck(check: &Healthcheck) -> Option<wire::Healthcheck> {
    let set = |number: i64| Some(number).filter(|number| *number != 0);
    check.test.first().filter(|kind| *kind != "NONE")?;
    Some(wire::Healthcheck {
        test: check.test.clone(),
        interval: set(check.interval),
        timeout: set(check.timeout),
        start_period: set(check.start_period),
        start_interval: set(check.start_interval),
        retries: set(check.retries),
    })
}

// A name that is not `root` may still be root by the image's passwd; that needs the files.
fn runs_as_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    name.is_empty() || name == "root" || name.parse::<u32>() == Ok(0)
}

fn package_of(package: &Package) -> wire::Package {
    let licenses = package.licenses.iter();
    wire::Package {
        name: package.name.clone(),
        kind: package.kind.purl_type().to_owned(),
        purl: package.purl.to_string(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        source: package.source.as_ref().map(|source| wire::Source {
            name: source.name.clone(),
            version: source.version.clone(),
        }),
        licenses: licenses
            .map(|license| license.spdx.as_ref().unwrap_or(&license.declared).clone())
            .collect(),
        layer: package.introduced_by.as_ref().map(|layer| wire::LayerPlace {
            index: layer.index,
            diff_id: layer.diff_id.to_string(),
        }),
    }
}

fn vulnerability(facts: &VulnerabilityFacts) -> wire::Vulnerability {
    wire::Vulnerability {
        id: facts.id.clone(),
        package: facts.package.clone(),
        installed_version: facts.installed_version.clone(),
        fixed_version: facts.fixed_version.clone(),
        severity: facts.severity.as_str().to_owned(),
        score: facts.score,
        title: facts.title.clone(),
    }
}

fn signature(facts: &SignatureFacts) -> wire::Signature {
    wire::Signature {
        verified: facts.verified,
        key: facts.key.clone(),
        fingerprint: facts.fingerprint.clone(),
    }
}

fn lint(facts: &LintFacts) -> wire::Lint {
    wire::Lint {
        rule: facts.rule.clone(),
        level: facts.level.clone(),
        message: facts.message.clone(),
        file: facts.file.clone(),
        line: facts.line,
    }
}

fn secret(found: &SecretFinding) -> wire::Secret {
    wire::Secret {
        rule: found.rule.clone(),
        title: found.title.clone(),
        severity: found.severity.as_str().to_owned(),
        place: found.place.describe(),
        line: found.line,
        masked: found.masked.clone(),
        layer: found.layer.as_ref().map(|layer| layer.index),
        hidden: found.hidden_by.is_some(),
    }
}

fn provenance(facts: &ProvenanceFacts) -> wire::Provenance {
    let material = |(uri, digest): &(String, Option<String>)| wire::Material {
        uri: uri.clone(),
        digest: digest.clone(),
    };
    wire::Provenance {
        verified: facts.verified,
        builder: facts.builder.clone(),
        build_type: facts.build_type.clone(),
        materials: facts.materials.iter().map(material).collect(),
    }
}

fn step(step: &History) -> wire::Step {
    wire::Step {
        created: step.created.clone(),
        created_by: step.created_by.clone(),
        author: step.author.clone(),
        comment: step.comment.clone(),
        empty_layer: step.empty_layer,
    }
}

fn layer(facts: &LayerFacts) -> wire::Layer {
    wire::Layer {
        digest: facts.digest.to_string(),
        diff_id: facts.diff_id.to_string(),
        size: facts.size_bytes,
    }
}
