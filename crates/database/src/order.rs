//! How the versions of an ecosystem are ordered.

use sealift_version::Scheme;

/// The order of an ecosystem's versions, by its name in OSV (OSV schema 1.7, "Defined ecosystems"); `None` if it is not
/// known.
pub fn scheme(ecosystem: &str) -> Option<Scheme> {
    Some(match ecosystem {
        "Debian" | "Ubuntu" | "Echo" => Scheme::Dpkg,
        "Alpine"
        | "Wolfi"
        | "Chainguard"
        | "Alpaquita"
        | "BellSoft Hardened Containers"
        | "MinimOS" => Scheme::Apk,
        "AlmaLinux" | "Rocky Linux" | "Red Hat" | "SUSE" | "openSUSE" | "Oracle Linux"
        | "Amazon Linux" | "Photon OS" | "Mariner" | "Azure Linux" | "openEuler" | "Mageia"
        | "Fedora" => Scheme::Rpm,
        "Arch" => Scheme::Pacman,
        "PyPI" => Scheme::Pep440,
        "npm" => Scheme::Npm,
        "Go" => Scheme::Go,
        "crates.io" | "Hex" | "SwiftURL" => Scheme::Semver,
        "Pub" => Scheme::Pub,
        "Julia" => Scheme::Julia,
        "RubyGems" => Scheme::Gem,
        "Maven" => Scheme::Maven,
        "Packagist" => Scheme::Composer,
        "NuGet" => Scheme::Nuget,
        "Hackage" => Scheme::Hackage,
        "CRAN" => Scheme::Cran,
        "Bitnami" => Scheme::Bitnami,
        _ => return None,
    })
}
