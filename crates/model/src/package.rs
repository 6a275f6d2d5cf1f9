//! A package found in an image.

use sealift_oci::Digest;
use serde::{Deserialize, Serialize};

use crate::Purl;

/// Place of a package in its [`crate::Inventory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageId(pub usize);

/// What installs it, and so how its versions are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Conda's packages.
    Conda,
    /// .NET's NuGet.
    Nuget,
    /// R's CRAN.
    Cran,
    /// Perl's CPAN.
    Cpan,
    /// Lua's LuaRocks.
    LuaRocks,
    /// Erlang's and Elixir's Hex.
    Hex,
    /// Applications of Erlang/OTP itself.
    Otp,
    /// Dart's pub.
    Pub,
    /// Swift's package manager.
    Swift,
    /// CocoaPods.
    CocoaPods,
    /// C and C++'s Conan.
    Conan,
    /// C and C++'s vcpkg.
    Vcpkg,
    /// Haskell's Hackage.
    Hackage,
    /// Julia's registry.
    Julia,
    /// OCaml's opam.
    Opam,
    /// Providers of Terraform and OpenTofu.
    Terraform,
    /// Actions and workflows of GitHub.
    GithubAction,
    /// Nix's store.
    Nix,
    /// OpenWrt's and Yocto's opkg.
    Opkg,
    /// Bitnami's components.
    Bitnami,
    /// WordPress plugins and themes.
    Wordpress,
    /// Snaps.
    Snap,
    /// Models of machine learning.
    Model,
    /// Homebrew's formulae.
    Homebrew,
    /// Jenkins plugins.
    Jenkins,
    /// PHP's PECL and PEAR.
    Pecl,
    /// The Linux kernel and its modules.
    Kernel,
    /// Programs known by what is in them; no package manager brought them.
    Binary,
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
            Self::Conda => "conda",
            Self::Nuget => "nuget",
            Self::Cran => "cran",
            Self::Cpan => "cpan",
            Self::LuaRocks => "luarocks",
            Self::Hex => "hex",
            Self::Otp => "otp",
            Self::Pub => "pub",
            Self::Swift => "swift",
            Self::CocoaPods => "cocoapods",
            Self::Conan => "conan",
            Self::Vcpkg => "vcpkg",
            Self::Hackage => "hackage",
            Self::Julia => "julia",
            Self::Opam => "opam",
            Self::Terraform => "terraform",
            Self::GithubAction => "github",
            Self::Nix => "nix",
            Self::Opkg => "opkg",
            Self::Bitnami => "bitnami",
            Self::Wordpress => "wordpress",
            Self::Snap => "snap",
            Self::Model => "mlmodel",
            Self::Homebrew => "brew",
            Self::Jenkins => "jenkins",
            Self::Pecl => "pecl",
            Self::Kernel | Self::Binary | Self::Other => "generic",
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
            "conda" => Self::Conda,
            "nuget" => Self::Nuget,
            "cran" => Self::Cran,
            "cpan" => Self::Cpan,
            "luarocks" => Self::LuaRocks,
            "hex" => Self::Hex,
            "otp" => Self::Otp,
            "pub" => Self::Pub,
            "swift" => Self::Swift,
            "cocoapods" => Self::CocoaPods,
            "conan" => Self::Conan,
            "vcpkg" => Self::Vcpkg,
            "hackage" => Self::Hackage,
            "julia" => Self::Julia,
            "opam" => Self::Opam,
            "terraform" => Self::Terraform,
            "github" => Self::GithubAction,
            "nix" => Self::Nix,
            "opkg" => Self::Opkg,
            "bitnami" => Self::Bitnami,
            "wordpress" => Self::Wordpress,
            "snap" => Self::Snap,
            "mlmodel" | "huggingface" => Self::Model,
            "brew" => Self::Homebrew,
            "jenkins" => Self::Jenkins,
            "pecl" => Self::Pecl,
            _ => Self::Other,
        }
    }

    /// True for the package manager of the operating system.
    pub fn is_os(self) -> bool {
        matches!(
            self,
            Self::Deb | Self::Apk | Self::Rpm | Self::Alpm | Self::Portage | Self::Opkg | Self::Nix
        )
    }
}

/// A package found in an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// What installs it.
    pub kind: PackageKind,
    /// Name as its package manager writes it.
    pub name: String,
    /// Version; absent if it is not known, never a placeholder.
    pub version: Option<String>,
    /// When the file that shows it was changed last, in seconds since 1970; looked up only where no version is known.
    pub modified_secs: Option<i64>,
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
    /// Names in the National Vulnerability Database (NISTIR 7695, CPE 2.3 formatted strings), likeliest first.
    pub cpes: Vec<String>,
    /// Hashes of what was installed or downloaded, as its record says.
    pub hashes: Vec<Hash>,
    /// Where it was downloaded from.
    pub download_url: Option<String>,
    /// The lines that say who holds the copyright.
    pub copyright: Option<String>,
    /// Its functions that are in the program that it is part of; absent if the program does not tell.
    pub functions: Option<Functions>,
}

impl Package {
    /// A package of which nothing but kind and name is known.
    pub fn new(kind: PackageKind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            version: None,
            modified_secs: None,
            architecture: None,
            source: None,
            purl: Purl::new(kind.purl_type(), name),
            licenses: Vec::new(),
            supplier: None,
            homepage: None,
            summary: None,
            evidence: Vec::new(),
            introduced_by: None,
            owner: None,
            scope: Scope::Installed,
            files: Vec::new(),
            cpes: Vec::new(),
            hashes: Vec::new(),
            download_url: None,
            copyright: None,
            functions: None,
        }
    }
}

/// Names of functions, kept as hashes: what it has it is always said to have, and almost never more than that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Functions(Vec<u32>);

impl Functions {
    /// Of the hashes of names.
    pub fn of(mut hashes: Vec<u32>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    /// What is kept of a name (FNV-1a).
    pub fn hash(name: &str) -> u32 {
        let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        name.bytes().fold(0x811c_9dc5, step)
    }

    /// Whether this name is among them.
    pub fn has(&self, name: &str) -> bool {
        self.0.binary_search(&Self::hash(name)).is_ok()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A hash that a record has of a package's content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hash {
    /// Which function.
    pub algorithm: HashAlgorithm,
    /// Value, lower-case hexadecimal.
    pub hex: String,
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HashAlgorithm {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The source package of a binary package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// A licence as declared, and as an SPDX expression if it could be read as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct License {
    /// The text that was found.
    pub declared: String,
    /// SPDX licence expression.
    pub spdx: Option<String>,
    /// How it is known.
    pub source: LicenseSource,
}

impl License {
    /// A licence as the package's own record names it.
    pub fn declared(declared: impl Into<String>, spdx: Option<String>) -> Self {
        Self { declared: declared.into(), spdx, source: LicenseSource::Declared }
    }
}

/// How a licence is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LicenseSource {
    /// The package's own record names it.
    #[default]
    Declared,
    /// A licence text among its files was recognised.
    Detected,
}

/// A person or an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Supplier {
    /// A person, `Name <mail>` or a name.
    Person(String),
    /// An organisation.
    Organization(String),
}

/// A place that shows a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Absolute path in the image.
    pub path: String,
    /// Layer the file comes from.
    pub layer: Option<LayerRef>,
    /// How it shows the package.
    pub method: Method,
    /// How sure that is.
    pub confidence: Confidence,
}

/// How sure it is that the evidence shows the package, in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Confidence {
    /// It may be another one: a path's shape, a text in a program.
    Low,
    /// It is very likely: a pattern that only this program has.
    Medium,
    /// It is the record of whoever installed or built it.
    High,
}

impl Confidence {
    /// In percent, as formats that ask for a number have it.
    pub fn percent(self) -> u8 {
        match self {
            Self::Low => 40,
            Self::Medium => 75,
            Self::High => 100,
        }
    }
}

/// How a file shows a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// A package manager's own record of what it installed.
    Database,
    /// A manifest that the package itself carries.
    Manifest,
    /// A file that says what is to be installed.
    LockFile,
    /// What a compiler or linker wrote into the program.
    BuildRecord,
    /// Bytes in the program that only this program has.
    Signature,
    /// The name of a file or folder.
    FileName,
    /// An SBOM that is inside the image.
    Sbom,
}

impl Method {
    /// How sure a package is that is shown so, unless the cataloger knows better.
    pub fn confidence(self) -> Confidence {
        match self {
            Self::Database | Self::Manifest | Self::LockFile | Self::BuildRecord | Self::Sbom => {
                Confidence::High
            }
            Self::Signature => Confidence::Medium,
            Self::FileName => Confidence::Low,
        }
    }
}

/// A layer, by place and by content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LayerRef {
    /// Place, lowest is 0.
    pub index: usize,
    /// Digest of the uncompressed layer.
    pub diff_id: Digest,
}

/// How real a package is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
