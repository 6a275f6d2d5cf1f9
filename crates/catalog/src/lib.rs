//! What is inside an image: one cataloger per package database.
//!
//! Entry: [`wanted`] says which files to keep while the layers are read, [`catalog`] makes the
//! [`Inventory`] of them. To add a cataloger, write a file with its [`Cataloger`] and name that in [`CATALOGERS`]; those of
//! distributions are in a crate of their own.
//!
//! Invariants: analyses are total, whatever cannot be read is in the notes; a cataloger is a function from bytes;
//! order of the result depends on nothing but the files.

mod classifier;
mod coverage;
mod declared;
mod distro;
mod explanation;
mod inspection;
mod link;
mod yaml;

mod bitnami;
mod buildinfo;
mod cargo_lock;
mod conda;
mod documents;
mod dotnet;
mod erlang;
mod github_actions;
mod go_binary;
mod go_mod;
mod homebrew;
mod installed;
mod java;
mod kernel;
mod known_program;
mod listed;
mod locks;
mod models;
mod node;
mod perl;
mod php;
mod python;
mod r;
mod ruby;
mod rust_binary;
mod snap;
mod terraform;
mod wordpress;
mod zip_view;

use rayon::prelude::*;
use sealift_archive::RelativePath;
use sealift_deb822 as deb822;
use sealift_image::{FileFact, FileTree, LayerFact};
use sealift_license::name as license;
use sealift_lockfile::yaml_lines;
use sealift_model::{Inventory, Layer, Note, Package};

use classifier::{CLASSIFIER, Use};
use sealift_cataloger as cataloger;
use sealift_cataloger::{Context, Found, component, supplier};
use sealift_program::bytes;

pub use explanation::{EXPLANATIONS, Explanation, Place};
pub use inspection::{INSPECTION, INSPECTORS, Inspector};
pub use sealift_cataloger::{Cataloger, Pattern};

/// All catalogers.
pub fn catalogers() -> impl Iterator<Item = &'static Cataloger> {
    sealift_distribution::CATALOGERS.iter().chain(CATALOGERS)
}

/// Those of languages, programs and documents. The order is of no importance.
const CATALOGERS: &[Cataloger] = &[
    cargo_lock::LOCK,
    bitnami::COMPONENTS,
    documents::DOCUMENTS,
    github_actions::USES,
    conda::RECORD,
    go_mod::MODULE,
    node::PACKAGE,
    node::npm_lock::HIDDEN,
    node::npm_lock::LOCK,
    node::yarn::LOCK,
    node::pnpm::LOCK,
    node::bun::LOCK,
    node::deno::LOCK,
    php::INSTALLED,
    php::LOCK,
    php::pear::REGISTRY,
    python::WHEEL,
    python::EGG,
    python::lock::TOML,
    python::lock::PIPFILE,
    python::requirements::REQUIREMENTS,
    ruby::GEM,
    ruby::lock::LOCK,
    homebrew::RECEIPT,
    snap::SNAP,
    snap::CONTENT,
    terraform::LOCK,
    wordpress::CORE,
    wordpress::PLUGIN,
    wordpress::THEME,
    dotnet::CACHE,
    dotnet::DEPS,
    erlang::APPLICATION,
    installed::CONAN,
    installed::HASKELL,
    installed::JULIA,
    installed::OPAM,
    installed::PACK,
    installed::PUB,
    installed::ROCK,
    installed::VCPKG,
    java::jvm::JVM,
    java::project::POM,
    locks::CABAL,
    locks::CONAN,
    locks::CONAN_TEXT,
    locks::GRADLE,
    locks::JULIA,
    locks::MIX,
    locks::NUGET,
    locks::NUGET_CONFIG,
    locks::OPAM,
    locks::PODS,
    locks::PUB,
    locks::REBAR,
    locks::STACK,
    locks::SWIFT,
    locks::VCPKG,
    perl::DISTRIBUTION,
    perl::PACKLIST,
    r::PACKAGE,
];

/// Changes whenever what is kept of a layer may change: made from the sources of what decides that.
pub const ANALYSIS: &str = env!("SEALIFT_ANALYSIS");

/// True for files whose content [`catalog`] looks at.
pub fn wanted(path: &RelativePath) -> bool {
    CLASSIFIER.uses(path.as_bytes()).next().is_some()
}

/// What is inside an image, by the files of its tree.
pub fn catalog(tree: &FileTree) -> Inventory {
    let (distro, mut notes) = distro::read(tree);
    // Order does not depend on the threads: results are put together as the files come.
    let extracts: Vec<_> = tree.extracts().collect();
    let bodies: Vec<_> = tree.bodies().collect();
    let context = |fact| Context::new(tree, fact, distro.as_ref());
    let programs: Vec<Found> =
        extracts.par_iter().map(|(fact, bytes)| inspection::read(bytes, &context(fact))).collect();
    let databases: Vec<Found> =
        bodies.par_iter().map(|(fact, bytes)| read_body(fact, bytes, &context(fact))).collect();
    let mut drafts = Vec::new();
    for found in programs.into_iter().chain(databases) {
        drafts.extend(found.drafts);
        notes.extend(found.notes);
    }
    let is_inspected = |path: &RelativePath| {
        tree.get(path).is_some_and(|fact| inspection::wanted(path, &fact.meta()))
    };
    notes.extend(
        tree.notes()
            .iter()
            .filter(|note| wanted(&note.path) || is_inspected(&note.path))
            .map(|note| Note { subject: format!("/{}", note.path), message: note.message.clone() }),
    );
    known_program::join(&mut drafts);
    let folders = sealift_distribution::nix_folders(tree, distro.as_ref(), &drafts);
    drafts.extend(folders.drafts);
    notes.extend(folders.notes);
    java::name_by_repository(&mut drafts, tree);
    let mut drafts = declared::settle(drafts);
    models::merge_parts(&mut drafts);
    documents::settle(&mut drafts, &mut notes);
    dotnet::assembly::settle(&mut drafts);
    java::jvm::settle(&mut drafts);
    listed::settle(&mut drafts);
    perl::settle(&mut drafts);
    notes.extend(left_out(tree));
    let mut inventory = link::link(drafts, distro, notes, tree);
    date(&mut inventory.packages, tree);
    inventory.coverage = Some(coverage::coverage(&inventory.packages, tree));
    inventory.layers = layers(tree);
    let (repositories, complaints) = buildinfo::repositories(tree);
    inventory.repositories = repositories;
    inventory.notes.extend(complaints);
    inventory
}

// BSI TR-03183-2 §5.2.2: what has no version goes by the date of its file.
fn date(packages: &mut [Package], tree: &FileTree) {
    for package in packages.iter_mut().filter(|package| package.version.is_none()) {
        let path = package.evidence.first().map(|evidence| evidence.path.as_bytes());
        let path = path.and_then(|path| RelativePath::parse(path).ok());
        let seconds = path.and_then(|path| tree.get(&path)).map(|fact| fact.mtime.secs);
        // Tools that make images anew set the time to 0, which then says nothing.
        package.modified_secs = seconds.filter(|seconds| *seconds > 0);
    }
}

// What is missing of the tree itself.
fn left_out(tree: &FileTree) -> impl Iterator<Item = Note> {
    let unread = tree.unread_layers().iter().map(|layer| Note {
        subject: format!("layer {}", layer.index),
        message: format!("what is in it is not known: {}", layer.reason),
    });
    let refused = tree
        .refused()
        .iter()
        .map(|note| Note { subject: format!("/{}", note.path), message: note.message.clone() });
    unread.chain(refused)
}

fn layers(tree: &FileTree) -> Vec<Layer> {
    let layer = |(index, fact): (usize, &LayerFact)| Layer {
        digest: fact.digest.clone(),
        diff_id: fact.diff_id.clone(),
        size_bytes: fact.size,
        instruction: None,
        unread: tree
            .unread_layers()
            .iter()
            .find(|unread| unread.index == index)
            .map(|unread| unread.reason.clone()),
    };
    tree.layers().iter().enumerate().map(layer).collect()
}

fn read_body(fact: &FileFact, bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = inspection::inspect(&fact.meta(), bytes, context);
    let mut readers: Vec<usize> = CLASSIFIER
        .uses(fact.path.as_bytes())
        .filter_map(|purpose| match purpose {
            Use::Evidence(number) => Some(number),
            Use::Companion => None,
        })
        .collect();
    readers.sort_unstable();
    readers.dedup();
    for number in readers {
        let Some(cataloger) = catalogers().nth(number) else { continue };
        let more = (cataloger.read)(bytes, context);
        found.drafts.extend(more.drafts);
        found.notes.extend(more.notes);
    }
    found
}
