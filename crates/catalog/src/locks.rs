//! Lock files of languages with one such file each, and the manifests that have exact versions.

use sealift_lockfile as lockfile;
use sealift_lockfile::Listing;
use sealift_model::PackageKind;

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::listed::declared;

/// Gradle.
pub(crate) const GRADLE: Cataloger = Cataloger {
    name: "gradle-lock",
    what: "Maven packages that Gradle's lock file names",
    evidence: &[
        Pattern::Named("", "gradle.lockfile"),
        Pattern::Named("", "buildscript-gradle.lockfile"),
    ],
    companions: &[],
    read: |bytes, context| declared(lockfile::gradle_lock(bytes), PackageKind::Maven, context),
};

/// NuGet.
pub(crate) const NUGET: Cataloger = Cataloger {
    name: "nuget-lock",
    what: "NuGet packages that a lock file names",
    evidence: &[Pattern::Named("", "packages.lock.json")],
    companions: &[],
    read: |bytes, context| declared(lockfile::nuget_lock(bytes), PackageKind::Nuget, context),
};

/// NuGet's older list.
pub(crate) const NUGET_CONFIG: Cataloger = Cataloger {
    name: "nuget-config",
    what: "NuGet packages that `packages.config` names",
    evidence: &[Pattern::Named("", "packages.config")],
    companions: &[],
    read: |bytes, context| declared(lockfile::packages_config(bytes), PackageKind::Nuget, context),
};

/// Elixir's Mix.
pub(crate) const MIX: Cataloger = Cataloger {
    name: "mix-lock",
    what: "Hex packages that Mix's lock file names",
    evidence: &[Pattern::Named("", "mix.lock")],
    companions: &[],
    read: |bytes, context| declared(lockfile::mix_lock(bytes), PackageKind::Hex, context),
};

/// Erlang's rebar3.
pub(crate) const REBAR: Cataloger = Cataloger {
    name: "rebar-lock",
    what: "Hex packages that rebar3's lock file names",
    evidence: &[Pattern::Named("", "rebar.lock")],
    companions: &[],
    read: |bytes, context| declared(lockfile::rebar_lock(bytes), PackageKind::Hex, context),
};

/// Dart.
pub(crate) const PUB: Cataloger = Cataloger {
    name: "pub-lock",
    what: "Dart packages that a lock file names",
    evidence: &[Pattern::Named("", "pubspec.lock")],
    companions: &[],
    read: |bytes, context| declared(lockfile::pub_lock(bytes), PackageKind::Pub, context),
};

/// Swift.
pub(crate) const SWIFT: Cataloger = Cataloger {
    name: "swift-resolved",
    what: "Swift packages that `Package.resolved` names",
    evidence: &[Pattern::Named("", "Package.resolved"), Pattern::Named("", ".package.resolved")],
    companions: &[],
    read: |bytes, context| declared(lockfile::swift_resolved(bytes), PackageKind::Swift, context),
};

/// CocoaPods.
pub(crate) const PODS: Cataloger = Cataloger {
    name: "cocoapods-lock",
    what: "Pods that CocoaPods' lock file names",
    evidence: &[Pattern::Named("", "Podfile.lock")],
    companions: &[],
    read: |bytes, context| declared(lockfile::pod_lock(bytes), PackageKind::CocoaPods, context),
};

/// Conan's lock file.
pub(crate) const CONAN: Cataloger = Cataloger {
    name: "conan-lock",
    what: "Conan packages that a lock file names",
    evidence: &[Pattern::Named("", "conan.lock")],
    companions: &[],
    read: |bytes, context| declared(lockfile::conan_lock(bytes), PackageKind::Conan, context),
};

/// Conan's list of requirements.
pub(crate) const CONAN_TEXT: Cataloger = Cataloger {
    name: "conanfile",
    what: "Conan packages that a `conanfile.txt` requires",
    evidence: &[Pattern::Named("", "conanfile.txt")],
    companions: &[],
    read: |bytes, context| declared(lockfile::conan_text(bytes), PackageKind::Conan, context),
};

/// vcpkg's manifests.
pub(crate) const VCPKG: Cataloger = Cataloger {
    name: "vcpkg-manifest",
    what: "vcpkg ports that a manifest names",
    evidence: &[Pattern::Named("", "vcpkg.json")],
    companions: &[],
    read: vcpkg,
};

/// Haskell's Stack.
pub(crate) const STACK: Cataloger = Cataloger {
    name: "stack-lock",
    what: "Haskell packages that Stack's lock file names",
    evidence: &[Pattern::Named("", "stack.yaml.lock")],
    companions: &[],
    read: |bytes, context| declared(lockfile::stack_lock(bytes), PackageKind::Hackage, context),
};

/// Haskell's Cabal.
pub(crate) const CABAL: Cataloger = Cataloger {
    name: "cabal-freeze",
    what: "Haskell packages that Cabal has frozen",
    evidence: &[Pattern::Named("", "cabal.project.freeze")],
    companions: &[],
    read: |bytes, context| declared(lockfile::cabal_freeze(bytes), PackageKind::Hackage, context),
};

/// Julia.
pub(crate) const JULIA: Cataloger = Cataloger {
    name: "julia-manifest",
    what: "Julia packages that a manifest names",
    evidence: &[Pattern::Named("", "Manifest.toml"), Pattern::Named("", "JuliaManifest.toml")],
    companions: &[],
    read: |bytes, context| declared(lockfile::julia_manifest(bytes), PackageKind::Julia, context),
};

/// OCaml's opam.
pub(crate) const OPAM: Cataloger = Cataloger {
    name: "opam-lock",
    what: "OCaml packages that opam has locked",
    evidence: &[Pattern::Ending(".opam.locked")],
    companions: &[],
    read: opam,
};

// The recipes of vcpkg itself are manifests too; nothing of them is there.
fn vcpkg(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = context.path();
    let is_recipe = ["/ports/", "/buildtrees/", "/scripts/", "/test_ports/"];
    if is_recipe.iter().any(|part| path.contains(part)) {
        return Found::default();
    }
    declared(lockfile::vcpkg_manifest(bytes), PackageKind::Vcpkg, context)
}

fn opam(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut listing: Listing = lockfile::opam(bytes);
    // The first is the project itself.
    listing.entries = listing.entries.split_off(listing.entries.len().min(1));
    declared(listing, PackageKind::Opam, context)
}
