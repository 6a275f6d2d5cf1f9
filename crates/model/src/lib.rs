//! What the crates talk about: packages and inventories, advisories, findings and reports, verdicts.
//!
//! Invariant: plain data. No type here derives `Serialize`; wire formats live beside their encoders
//! (`sbom`, `report`, `sign`), so that a change here changes no format by accident.

mod inventory;
mod package;
mod purl;
mod severity;
mod verdict;

pub use inventory::{Distro, Inventory, Note, Relation, RelationKind};
pub use package::{
    Evidence, LayerRef, License, Method, Package, PackageId, PackageKind, Scope, SourcePackage,
    Supplier,
};
pub use purl::Purl;
pub use severity::{Severity, UnknownSeverity};
pub use verdict::{Level, Outcome, Verdict, Violation};
