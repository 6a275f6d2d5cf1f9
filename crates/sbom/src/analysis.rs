//! An inventory in figures: how many of what, what is missing, what does not belong into an image that runs.

use std::collections::BTreeMap;

use sealift_model::{Inventory, Package};

use crate::text;

/// An inventory in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis<'a> {
    /// Packages.
    pub packages: usize,
    /// Edges between them.
    pub relations: usize,
    /// How many of each purl type, most first.
    pub by_type: Vec<(&'a str, usize)>,
    /// How many have each licence, most first.
    pub licenses: Vec<(String, usize)>,
    /// Packages without a version.
    pub without_version: Vec<&'a Package>,
    /// Packages without a licence.
    pub without_license: Vec<&'a Package>,
    /// Packages without a supplier.
    pub without_supplier: Vec<&'a Package>,
    /// Packages without a package URL.
    pub without_purl: Vec<&'a Package>,
    /// Packages that do not belong into an image that runs.
    pub risky: Vec<(&'a Package, Risk)>,
}

/// Why a package does not belong into an image that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Compilers, headers, build tools.
    Development,
    /// Debuggers, tracers, symbols.
    Debugging,
    /// Test frameworks.
    Testing,
}

impl Risk {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Debugging => "debugging",
            Self::Testing => "testing",
        }
    }
}

/// Counts.
pub fn analyze(inventory: &Inventory) -> Analysis<'_> {
    let mut analysis = Analysis { relations: inventory.relations.len(), ..Analysis::default() };
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    let mut licenses: BTreeMap<String, usize> = BTreeMap::new();
    for (_, package) in inventory.components() {
        analysis.packages += 1;
        *types.entry(text::purl_type(package)).or_default() += 1;
        let mut named: Vec<String> = package
            .licenses
            .iter()
            .filter_map(|license| text::some(license.spdx.as_ref().unwrap_or(&license.declared)))
            .collect();
        named.sort();
        named.dedup();
        if named.is_empty() {
            analysis.without_license.push(package);
        }
        for name in named {
            *licenses.entry(name).or_default() += 1;
        }
        if package.version.as_deref().and_then(text::some).is_none() {
            analysis.without_version.push(package);
        }
        if package.supplier.is_none() {
            analysis.without_supplier.push(package);
        }
        if text::purl(package).is_none() {
            analysis.without_purl.push(package);
        }
        analysis.risky.extend(risk(package).map(|risk| (package, risk)));
    }
    analysis.by_type = types.into_iter().collect();
    analysis.by_type.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    analysis.licenses = licenses.into_iter().collect();
    analysis.licenses.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    analysis
}

const DEVELOPMENT: [&str; 22] = [
    "autoconf",
    "automake",
    "bison",
    "build-base",
    "build-essential",
    "clang",
    "cmake",
    "cpp",
    "cython",
    "flex",
    "g++",
    "gcc",
    "gdc",
    "git",
    "libtool",
    "llvm",
    "m4",
    "make",
    "meson",
    "nodemon",
    "patch",
    "ts-node",
];
const DEBUGGING: [&str; 12] = [
    "binutils",
    "debugpy",
    "delve",
    "gdb",
    "gdbserver",
    "ipdb",
    "lldb",
    "ltrace",
    "pudb",
    "strace",
    "tcpdump",
    "valgrind",
];
const TESTING: [&str; 18] = [
    "chai",
    "coverage",
    "cypress",
    "hypothesis",
    "jasmine",
    "jest",
    "junit",
    "karma",
    "mocha",
    "mock",
    "nose",
    "phpunit",
    "playwright",
    "pytest",
    "rspec",
    "sinon",
    "tox",
    "vitest",
];

fn risk(package: &Package) -> Option<Risk> {
    let name = package.name.to_lowercase();
    let last = name.rsplit(['/', ':']).next().unwrap_or(&name);
    let is_os = !matches!(text::purl_type(package), "pypi" | "npm" | "gem" | "maven" | "composer");
    let ends = |ends: &[&str]| is_os && ends.iter().any(|end| last.ends_with(end));
    // `gcc-12` and `gcc-12-x86-64-linux-gnu` are gcc; `gcc-12-base` and `libgcc` are not.
    let stem = last.split_once('-').filter(|(_, rest)| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.ends_with("-base")
    });
    let stem = stem.map_or(last, |(stem, _)| stem);
    if ends(&["-dbg", "-dbgsym", "-debuginfo", "-debugsource"]) || DEBUGGING.contains(&stem) {
        Some(Risk::Debugging)
    } else if TESTING.contains(&stem) || last.starts_with("pytest-") {
        Some(Risk::Testing)
    } else if ends(&["-dev", "-devel", "-headers"]) || DEVELOPMENT.contains(&stem) {
        Some(Risk::Development)
    } else {
        None
    }
}
