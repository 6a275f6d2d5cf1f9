//! A package found in an image.

use sealift_oci::Digest;

use crate::Purl;

/// Place of a package in its [`crate::Inventory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(pub usize);

/// What installs it, and so how its versions are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PackageKind {
    /// Debian's dpkg.
    Deb,
    /// Python's pip and its like.
    Python,
    /// Node's npm and its like.
    Npm,
    /// Go modules.
    Go,
    /// Rust's cargo.
    Cargo,
    /// Java's Maven and its like.
    Maven,
    /// Ruby's gems.
    Gem,
    /// PHP's Composer.
    Composer,
    /// Alpine's apk.
    Apk,
    /// RPM.
    Rpm,
    /// Arch Linux's pacman.
    Alpm,
    /// Gentoo's portage.
    Portage,
    /// Anything else; the package URL says what.
    Other,
}

impl PackageKind {
    /// The purl type (package-url, PURL-TYPES).
    pub fn purl_type(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Python => "pypi",
            Self::Npm => "npm",
            Self::Go => "golang",
            Self::Cargo => "cargo",
            Self::Maven => "maven",
            Self::Gem => "gem",
            Self::Composer => "composer",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Alpm => "alpm",
            Self::Portage => "ebuild",
            Self::Other => "generic",
        }
    }

    /// The kind of a purl type.
    pub fn from_purl_type(purl_type: &str) -> Self {
        match purl_type {
            "deb" => Self::Deb,
            "pypi" => Self::Python,
            "npm" => Self::Npm,
            "golang" => Self::Go,
            "cargo" => Self::Cargo,
            "maven" => Self::Maven,
            "gem" => Self::Gem,
            "composer" => Self::Composer,
            "apk" => Self::Apk,
            "rpm" => Self::Rpm,
            "alpm" => Self::Alpm,
            "ebuild" => Self::Portage,
            _ => Self::Other,
        }
    }

    /// True for the package manager of the operating system.
    pub fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm | Self::Alpm | Self::Portage)
    }
}

/// A package found in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What installs it.
    pub kind: PackageKind,
    /// Name as its package manager writes it.
    pub name: String,
    /// Version; absent if it is not known, never a placeholder.
    pub version: Option<String>,
    /// Processor it was built for, in its package manager's words.
    pub architecture: Option<String>,
    /// The source package it was built from, where advisories are keyed by source.
    pub source: Option<SourcePackage>,
    /// Package URL.
    pub purl: Purl,
    /// Licences as declared.
    pub licenses: Vec<License>,
    /// Who made or ships it.
    pub supplier: Option<Supplier>,
    /// Home page.
    pub homepage: Option<String>,
    /// One line about it.
    pub summary: Option<String>,
    /// Where it was seen, strongest first.
    pub evidence: Vec<Evidence>,
    /// The layer that brought it.
    pub introduced_by: Option<LayerRef>,
    /// The operating-system package that brought it; it then is not a component of its own.
    pub owner: Option<PackageId>,
    /// How real it is.
    pub scope: Scope,
    /// Absolute paths of its files, as its database lists them.
    pub files: Vec<String>,
}

/// The source package of a binary package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// A licence as declared, and as an SPDX expression if it could be read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// The text that was found.
    pub declared: String,
    /// SPDX licence expression.
    pub spdx: Option<String>,
}

/// A person or an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supplier {
    /// A person, `Name <mail>` or a name.
    Person(String),
    /// An organisation.
    Organization(String),
}

/// A place that shows a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Absolute path in the image.
    pub path: String,
    /// Layer the file comes from.
    pub layer: Option<LayerRef>,
    /// How it shows the package.
    pub method: Method,
}

/// How a file shows a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A package manager's own record of what it installed.
    Database,
    /// A manifest that the package itself carries.
    Manifest,
}

/// A layer, by place and by content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerRef {
    /// Place, lowest is 0.
    pub index: usize,
    /// Digest of the uncompressed layer.
    pub diff_id: Digest,
}

/// How real a package is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// It is installed.
    #[default]
    Installed,
    /// A lock file or requirements file names it.
    Declared,
    /// It is part of another file.
    Embedded,
    /// Another package was built from it.
    BuiltFrom,
    /// It is a test's data.
    TestData,
}
