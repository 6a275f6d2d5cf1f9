//! The findings on one artifact.

use sealift_oci::Digest;

use crate::{
    DatabaseInfo, Distro, Finding, LayerRef, Note, PackageKind, SecretFinding, Severity, Suppressed,
};

/// The findings on one artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was scanned.
    pub artifact: Artifact,
    /// When, in seconds since 1970.
    pub created_secs: i64,
    /// Its distribution.
    pub distro: Option<Distro>,
    /// What was looked at, one entry a kind of package; a kind that the artifact does not have is absent.
    pub scanned: Vec<Scanned>,
    /// Findings: by kind, package name, version, severity (worst first), id.
    pub findings: Vec<Finding>,
    /// Secrets, by place; `None` if nobody looked for any.
    pub secrets: Option<Vec<SecretFinding>>,
    /// Findings that the options left out.
    pub hidden: Hidden,
    /// Findings that somebody answered for, in the order of `findings`.
    pub suppressed: Vec<Suppressed>,
    /// Answers that no finding asked for, or that are too old to count.
    pub stale_ignores: Vec<StaleIgnore>,
    /// Upgrades that repair something, best first.
    pub remedies: Vec<Remedy>,
    /// The base image, if it is known.
    pub base: Option<BaseImage>,
    /// How long the distribution's release is looked after, if that is known.
    pub life: Option<ReleaseLife>,
    /// What has changed since an older image, if one was given to compare with.
    pub comparison: Option<Comparison>,
    /// The advisories that were used.
    pub database: DatabaseInfo,
    /// What could not be read or judged.
    pub notes: Vec<Note>,
}

impl Report {
    /// Whether packages were held against advisories; a scan for secrets alone has none.
    pub fn judges_packages(&self) -> bool {
        self.secrets.is_none() || !self.database.source.is_empty()
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// What was scanned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// Its name as the user wrote it.
    pub name: String,
    /// What it is.
    pub kind: ArtifactKind,
    /// More, if it is an image.
    pub image: Option<ImageFacts>,
}

/// What an artifact is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArtifactKind {
    /// A container image.
    #[default]
    Image,
    /// A directory.
    Filesystem,
    /// An SBOM in SPDX.
    Spdx,
    /// An SBOM in CycloneDX.
    CycloneDx,
    /// An SBOM in syft's own format.
    Syft,
}

/// An image's facts, as reports repeat them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFacts {
    /// Digest of the config.
    pub id: Digest,
    /// Digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<Digest>,
    /// Names with tags, `app:1.0`.
    pub tags: Vec<String>,
    /// Names with digests, `app@sha256:…`.
    pub digests: Vec<String>,
    /// The config document, verbatim.
    pub config: String,
}

/// How many packages of one kind were looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scanned {
    /// The kind.
    pub kind: PackageKind,
    /// Packages of that kind that are components of their own.
    pub packages: usize,
    /// Those of them that could be judged.
    pub judged: usize,
}

/// Findings that the options left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Because of their severity: how many of each, worst first.
    pub by_severity: Vec<(Severity, usize)>,
    /// Because no version repairs them.
    pub unfixed: usize,
    /// Because of what their publisher says of a repair (`FixState`).
    pub by_status: usize,
    /// Because their packages never run: headers, documentation.
    pub not_running: usize,
    /// Because an earlier report has them.
    pub known: usize,
}

impl Hidden {
    /// How many in all.
    pub fn total(&self) -> usize {
        let others = self.unfixed + self.by_status + self.not_running + self.known;
        others + self.by_severity.iter().map(|(_, count)| count).sum::<usize>()
    }
}

/// An upgrade that repairs something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// What installs it.
    pub kind: PackageKind,
    /// The package or, for a distribution, the source package.
    pub name: String,
    /// Installed packages that it concerns.
    pub packages: Vec<String>,
    /// Installed version.
    pub from: String,
    /// The lowest version that repairs them all.
    pub to: String,
    /// How many findings it repairs.
    pub repairs: usize,
    /// The worst of them.
    pub severity: Severity,
    /// The layer that has the package.
    pub layer: Option<LayerRef>,
    /// What made that layer, as the image's history has it.
    pub instruction: Option<String>,
    /// What to type, or the line to write.
    pub action: Option<String>,
}

/// An entry of an ignore file that has no effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StaleIgnore {
    /// File and line, `.trivyignore:3`.
    pub place: String,
    /// What it names.
    pub id: String,
    /// The day from which on it does not count; `None` if no finding asked for it.
    pub expired: Option<String>,
}

/// How long a release of a distribution is looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseLife {
    /// The release, `Debian 10`.
    pub release: String,
    /// Its last day with everybody's support, `2024-06-30`.
    pub ends: String,
    /// The last day of longer support, if that costs.
    pub extended_ends: Option<String>,
    /// True if the first of them is over.
    pub is_over: bool,
}

/// What has changed since an older image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The older one's name.
    pub old_name: String,
    /// Findings of the older one that are gone.
    pub fixed: Vec<Finding>,
    /// Places in `Report::findings` of those that both have.
    pub left: Vec<usize>,
    /// Places in `Report::findings` of the new ones, and why they are new.
    pub new: Vec<(usize, Novelty)>,
}

/// Why a finding is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Novelty {
    /// The older image does not have such a package, or not in this version.
    Introduced,
    /// The older image has the same package: the flaw became known since, or was not shown then.
    Disclosed,
}

/// The image that another was built upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseImage {
    /// Its name.
    pub name: String,
    /// So many of the lowest layers are its.
    pub layers: usize,
    /// Findings that it brought.
    pub findings: usize,
    /// What others would change.
    pub choices: Vec<BaseChoice>,
}

/// What another base would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseChoice {
    /// Its name.
    pub name: String,
    /// Findings of the base that it does not have.
    pub repairs: usize,
    /// Findings that it has and the base does not.
    pub brings: usize,
}
