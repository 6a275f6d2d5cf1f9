//! A version under its scheme.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::{apk, composer, conda, dpkg, gem, lists, maven, pacman, pep440, portage, rpm, semver};

/// The longest text that is read as a version.
pub const VERSION_BYTES_MAX: usize = 4096;

/// How versions are written and ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Debian's dpkg (deb-version(7)).
    Dpkg,
    /// Python (PEP 440).
    Pep440,
    /// Alpine's apk (apk-package(5)).
    Apk,
    /// RPM (rpm-version(7)).
    Rpm,
    /// Arch Linux's pacman (vercmp(8)).
    Pacman,
    /// Semantic versions, as crates.io, Hex and Swift have them (Semantic Versioning 2.0.0).
    Semver,
    /// npm (node-semver, loose).
    Npm,
    /// Go's modules (golang.org/x/mod/semver), and Go itself.
    Go,
    /// Dart's Pub (pub_semver): a build is newer than none.
    Pub,
    /// Julia (`VersionNumber`): a build is newer than none.
    Julia,
    /// NuGet (`NuGetVersion`).
    Nuget,
    /// Bitnami: semantic, with a revision.
    Bitnami,
    /// Ruby (`Gem::Version`).
    Gem,
    /// Maven (`ComparableVersion`).
    Maven,
    /// PHP's Composer (composer/semver).
    Composer,
    /// CPAN (version.pm).
    Cpan,
    /// Hackage (PVP).
    Hackage,
    /// CRAN (R's `package_version`).
    Cran,
    /// Gentoo (Package Manager Specification, §3.3).
    Portage,
    /// Conda (`VersionOrder`).
    Conda,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Dpkg,
        Self::Pep440,
        Self::Apk,
        Self::Rpm,
        Self::Pacman,
        Self::Semver,
        Self::Npm,
        Self::Go,
        Self::Pub,
        Self::Julia,
        Self::Nuget,
        Self::Bitnami,
        Self::Gem,
        Self::Maven,
        Self::Composer,
        Self::Cpan,
        Self::Hackage,
        Self::Cran,
        Self::Portage,
        Self::Conda,
    ];

    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dpkg => "dpkg",
            Self::Pep440 => "PEP 440",
            Self::Apk => "apk",
            Self::Rpm => "RPM",
            Self::Pacman => "pacman",
            Self::Semver => "semantic",
            Self::Npm => "npm",
            Self::Go => "Go",
            Self::Pub => "Pub",
            Self::Julia => "Julia",
            Self::Nuget => "NuGet",
            Self::Bitnami => "Bitnami",
            Self::Gem => "gem",
            Self::Maven => "Maven",
            Self::Composer => "Composer",
            Self::Cpan => "CPAN",
            Self::Hackage => "Hackage",
            Self::Cran => "CRAN",
            Self::Portage => "Portage",
            Self::Conda => "Conda",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// A version, parsed once; comparing two is comparing bytes.
///
/// Two texts of one meaning (`1.0` and `1.0.0` in Python, `1-0` and `1` for dpkg) are equal.
/// Versions of two schemes never are; they sort by scheme, which means nothing but is stable.
#[derive(Clone)]
pub struct Version {
    scheme: Scheme,
    key: Box<[u8]>,
    text: Box<str>,
}

impl Version {
    /// Reads a version.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, InvalidVersion> {
        let invalid =
            |reason| InvalidVersion { scheme, text: text.chars().take(100).collect(), reason };
        if text.len() > VERSION_BYTES_MAX {
            return Err(invalid("it is too long"));
        }
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(invalid("it is empty"));
        }
        let key = match scheme {
            Scheme::Dpkg => dpkg::key(trimmed),
            Scheme::Pep440 => pep440::key(trimmed),
            Scheme::Apk => apk::key(trimmed),
            Scheme::Rpm => rpm::key(trimmed),
            Scheme::Pacman => pacman::key(trimmed),
            Scheme::Semver => semver::key(trimmed),
            Scheme::Npm => semver::npm(trimmed),
            Scheme::Go => semver::go(trimmed),
            Scheme::Pub => semver::pub_dart(trimmed),
            Scheme::Julia => semver::julia(trimmed),
            Scheme::Nuget => semver::nuget(trimmed),
            Scheme::Bitnami => semver::bitnami(trimmed),
            Scheme::Gem => gem::key(trimmed),
            Scheme::Maven => maven::key(trimmed),
            Scheme::Composer => composer::key(trimmed),
            Scheme::Cpan => lists::cpan(trimmed),
            Scheme::Hackage => lists::hackage(trimmed),
            Scheme::Cran => lists::cran(trimmed),
            Scheme::Portage => portage::key(trimmed),
            Scheme::Conda => conda::key(trimmed),
        }
        .map_err(invalid)?;
        Ok(Self { scheme, key, text: trimmed.into() })
    }

    /// The text it was read from, without surrounding blanks.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its key: under one scheme, the keys of two versions compare as bytes as the versions do.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.scheme, &self.key).cmp(&(other.scheme, &other.key))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.scheme, &self.key).hash(state);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.text)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.scheme, self.text)
    }
}

/// Why a text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {scheme} version: {reason}")]
pub struct InvalidVersion {
    /// The scheme it was read under.
    pub scheme: Scheme,
    /// The text, cut to 100 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The order of two texts under a scheme.
pub fn compare(scheme: Scheme, left: &str, right: &str) -> Result<Ordering, InvalidVersion> {
    Ok(Version::parse(scheme, left)?.cmp(&Version::parse(scheme, right)?))
}
