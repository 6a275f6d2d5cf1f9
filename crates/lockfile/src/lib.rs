//! What lock files and manifests of languages say: one function a format, from bytes to a [`Listing`].
//!
//! Invariants: every function is total; what it cannot read is a complaint. A file of more than [`BYTES_MAX`] bytes is
//! not read; names, numbers of entries and of needs have limits; nothing goes deeper than a constant.

mod listing;

mod lines;
mod nodes;
pub mod yaml_lines;

mod cabal;
mod conan;
mod dart;
mod dotnet;
mod elixir;
mod erlang;
mod gradle;
mod julia;
mod lua;
mod opam;
mod pods;
mod pom;
mod prolog;
mod stack;
mod swift;
mod vcpkg;

pub use cabal::cabal_freeze;
pub use conan::{conan_info, conan_lock, conan_text};
pub use dart::{pub_lock, pub_manifest};
pub use dotnet::{DepsLibrary, LibraryKind, deps_json, nuget_lock, nuspec, packages_config};
pub use elixir::mix_lock;
pub use erlang::{erlang_app, rebar_lock};
pub use gradle::gradle_lock;
pub use julia::{julia_manifest, julia_project};
pub use listing::{BYTES_MAX, Entry, Hash, HashAlgorithm, Listing, NAME_BYTES_MAX};
pub use lua::rockspec;
pub use opam::opam;
pub use pods::pod_lock;
pub use pom::{Coordinates, Dependency, Pom, pom};
pub use prolog::prolog_pack;
pub use stack::stack_lock;
pub use swift::swift_resolved;
pub use vcpkg::vcpkg_manifest;
