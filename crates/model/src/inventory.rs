//! What is inside an image.

use crate::{Package, PackageId};

/// What is inside an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The distribution, from os-release.
    pub distro: Option<Distro>,
    /// Packages, sorted by kind, name and version; [`PackageId`] is the place in this list.
    pub packages: Vec<Package>,
    /// How they relate.
    pub relations: Vec<Relation>,
    /// What could not be read or judged.
    pub notes: Vec<Note>,
}

impl Inventory {
    /// A package by its id.
    pub fn package(&self, id: PackageId) -> Option<&Package> {
        self.packages.get(id.0)
    }

    /// The packages that are components of their own: those that no operating-system package brought.
    pub fn components(&self) -> impl Iterator<Item = (PackageId, &Package)> {
        self.packages
            .iter()
            .enumerate()
            .filter(|(_, package)| package.owner.is_none())
            .map(|(index, package)| (PackageId(index), package))
    }
}

/// A distribution (os-release(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distro {
    /// `ID`, `debian`.
    pub id: String,
    /// `VERSION_ID`, `12`; absent on rolling ones.
    pub version_id: Option<String>,
    /// `VERSION_CODENAME`, `bookworm`.
    pub codename: Option<String>,
    /// `PRETTY_NAME`.
    pub pretty_name: Option<String>,
    /// `ID_LIKE`.
    pub id_like: Vec<String>,
}

/// How two packages relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// From this one.
    pub from: PackageId,
    /// Kind.
    pub kind: RelationKind,
    /// To that one.
    pub to: PackageId,
}

/// Kind of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelationKind {
    /// The first needs the second.
    DependsOn,
    /// The first's files are among the second's.
    OwnedBy,
    /// The first contains code of the second, which was there when it was built.
    BuiltFrom,
}

/// Something that could not be read or judged. Analyses are total: they return what they have and notes on the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Where: a path, a package, an advisory.
    pub subject: String,
    /// What and why.
    pub message: String,
}
