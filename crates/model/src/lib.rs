//! What the crates talk about: packages and inventories, advisories, findings and reports, secrets, verdicts.
//!
//! Invariant: plain data. No type here derives `Serialize`; wire formats live beside their encoders
//! (`sbom`, `report`, `sign`), so that a change here changes no format by accident.

mod advisory;
mod finding;
mod inventory;
mod life;
mod package;
mod purl;
mod report;
mod secret;
mod severity;
mod verdict;

pub use advisory::{
    Advisory, Affected, Cvss, CvssVersion, DatabaseInfo, Ecosystem, Epss, Kev, Life, Qualifier,
    QualifierKind, RangeEvent, Rating, RatingBasis, Statement,
};
pub use finding::{
    DataSource, Finding, FixState, FoundPackage, Origin, Reason, Suppressed, Suppression,
    SuppressionStatus,
};
pub use inventory::{
    Coverage, Distro, FileCount, Inventory, Layer, Note, Relation, RelationKind, UNOWNED_FILES_MAX,
    UnownedFile,
};
pub use life::{RELEASES, Release, known_life};
pub use package::{
    Confidence, Evidence, Functions, Hash, HashAlgorithm, LayerRef, License, LicenseSource, Method,
    Package, PackageId, PackageKind, Scope, SourcePackage, Supplier,
};
pub use purl::Purl;
pub use report::{
    Artifact, ArtifactKind, BaseChoice, BaseImage, Comparison, Hidden, ImageFacts, Novelty,
    ReleaseLife, Remedy, Report, Scanned, StaleIgnore,
};
pub use secret::{CommitRef, SecretFinding, SecretPlace};
pub use severity::{Severity, UnknownSeverity};
pub use verdict::{Level, Outcome, Verdict, Violation};
