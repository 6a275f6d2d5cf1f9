//! What is inside an image.

use sealift_oci::Digest;
use serde::{Deserialize, Serialize};

use crate::{ArtifactKind, Package, PackageId};

/// What is inside an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The distribution, from os-release.
    pub distro: Option<Distro>,
    /// Packages, sorted by kind, name and version; [`PackageId`] is the place in this list.
    pub packages: Vec<Package>,
    /// How they relate.
    pub relations: Vec<Relation>,
    /// What could not be read or judged.
    pub notes: Vec<Note>,
    /// The layers, lowest first, with the instructions that made them; empty for what has none.
    pub layers: Vec<Layer>,
    /// Repositories that packages come from, sorted, where the image says so: `rhel-9-for-x86_64-baseos-rpms`.
    pub repositories: Vec<String>,
    /// How much of the files the packages account for; absent where there are no files to look at.
    pub coverage: Option<Coverage>,
}

/// A layer and what made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the uncompressed bytes.
    pub diff_id: Digest,
    /// Bytes of the blob.
    pub size_bytes: u64,
    /// The Dockerfile instruction that made it, as the image's history has it.
    pub instruction: Option<String>,
    /// Why it could not be read; what is in it is then not in the inventory.
    pub unread: Option<String>,
}

/// How much of the files the packages account for. Every regular file is in exactly one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Files of packages.
    pub owned: FileCount,
    /// Files that no package lists, with a known reason to be there: databases, caches, what the system makes at start.
    pub explained: FileCount,
    /// The rest.
    pub unowned: FileCount,
    /// The largest of the rest, largest first; at most [`UNOWNED_FILES_MAX`].
    pub unowned_files: Vec<UnownedFile>,
}

/// So many unowned files are listed one by one.
pub const UNOWNED_FILES_MAX: usize = 10_000;

impl Coverage {
    /// The share of all bytes that is unowned, in hundredths of a percent; 0 if there are none.
    pub fn unowned_basis_points(&self) -> u64 {
        let bytes = [self.owned.bytes, self.explained.bytes, self.unowned.bytes];
        let total: u128 = bytes.iter().map(|bytes| u128::from(*bytes)).sum();
        let share = (u128::from(self.unowned.bytes) * 10_000).checked_div(total).unwrap_or(0);
        u64::try_from(share).unwrap_or(10_000)
    }
}

/// Files and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCount {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A file that nothing accounts for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnownedFile {
    /// Absolute path.
    pub path: String,
    /// Its bytes.
    pub size_bytes: u64,
    /// Place of its layer.
    pub layer: usize,
}

impl Inventory {
    /// The layers that could not be read.
    pub fn unread_layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(|layer| layer.unread.is_some())
    }

    /// A package by its id.
    pub fn package(&self, id: PackageId) -> Option<&Package> {
        self.packages.get(id.0)
    }

    /// Whether what a lock file or a manifest only names counts without being asked for. In an image it may not be there
    /// at all; in a folder that is no system it is all that there is; and whoever made a document has chosen.
    pub fn lists_declared(&self, kind: ArtifactKind) -> bool {
        match kind {
            ArtifactKind::Image => false,
            ArtifactKind::Filesystem => self.distro.is_none(),
            ArtifactKind::Spdx | ArtifactKind::CycloneDx | ArtifactKind::Syft => true,
        }
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Relation {
    /// From this one.
    pub from: PackageId,
    /// Kind.
    pub kind: RelationKind,
    /// To that one.
    pub to: PackageId,
}

/// Kind of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RelationKind {
    /// The first needs the second.
    DependsOn,
    /// The first's files are among the second's.
    OwnedBy,
    /// The first contains code of the second, which was there when it was built.
    BuiltFrom,
}

/// Something that could not be read or judged. Analyses are total: they return what they have and notes on the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// Where: a path, a package, an advisory.
    pub subject: String,
    /// What and why.
    pub message: String,
}
