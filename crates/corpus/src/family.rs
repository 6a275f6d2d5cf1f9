//! One parser at a time: the catalogers and inspectors of a family read an input's files, and nothing is made of what
//! they find. This is far quicker than a whole inventory, so that a fuzzer gets as deep into each of them.

use sealift_catalog::{Cataloger, INSPECTORS, Inspector, Pattern, catalogers};
use sealift_cataloger::{Context, Found};
use sealift_image::{FileFact, FileTree};

use crate::catalog::tree;
use crate::parts;

/// Parsers that are fuzzed together, by the names of their declarations.
struct Family {
    catalogers: &'static [&'static str],
    inspectors: &'static [&'static str],
}

const PYTHON: Family = Family {
    catalogers: &[
        "python-wheel",
        "python-egg",
        "python-lock",
        "pipfile-lock",
        "python-requirements",
        "conda-package",
    ],
    inspectors: &[],
};

const NODE: Family = Family {
    catalogers: &[
        "node-package",
        "npm-lock",
        "npm-installed-lock",
        "yarn-lock",
        "pnpm-lock",
        "bun-lock",
        "deno-lock",
    ],
    inspectors: &["yarn-cache"],
};

const RUBY_AND_PHP: Family = Family {
    catalogers: &[
        "ruby-gem",
        "gemfile-lock",
        "composer-installed",
        "composer-lock",
        "pear-registry",
        "wordpress",
        "wordpress-plugin",
        "wordpress-theme",
    ],
    inspectors: &[],
};

const LOCK: Family = Family {
    catalogers: &[
        "cabal-freeze",
        "cargo-lock",
        "cocoapods-lock",
        "conan-lock",
        "conanfile",
        "go-mod",
        "gradle-lock",
        "julia-manifest",
        "mix-lock",
        "nuget-config",
        "nuget-lock",
        "opam-lock",
        "pub-lock",
        "rebar-lock",
        "stack-lock",
        "swift-resolved",
        "vcpkg-manifest",
    ],
    inspectors: &[],
};

const LANGUAGE: Family = Family {
    catalogers: &[
        "conan-package",
        "dotnet-deps",
        "erlang-application",
        "haskell-package",
        "julia-package",
        "lua-rock",
        "nuget-cache",
        "opam-package",
        "perl-distribution",
        "perl-packlist",
        "prolog-pack",
        "pub-package",
        "r-package",
        "vcpkg-status",
    ],
    inspectors: &["dotnet-assembly"],
};

const SETTINGS: Family = Family {
    catalogers: &[
        "bitnami",
        "github-actions",
        "homebrew-formula",
        "sbom",
        "snap",
        "snap-content",
        "terraform-lock",
    ],
    inspectors: &[],
};

const DISTRIBUTION: Family = Family {
    catalogers: &[
        "apk",
        "dpkg",
        "dpkg-status-directory",
        "nix",
        "opkg",
        "pacman",
        "portage",
        "rpm",
        "rpm-manifest",
    ],
    inspectors: &[],
};

const JAVA: Family = Family {
    catalogers: &["java-runtime", "maven-project"],
    inspectors: &["java-archive", "graalvm-native-image"],
};

const MODELS: Family =
    Family { catalogers: &[], inspectors: &["model-gguf", "model-safetensors", "linux-kernel"] };

const BINARY: Family = Family {
    catalogers: &[],
    inspectors: &[
        "go-binary",
        "rust-binary",
        "program-signature",
        "elf-package-note",
        "pe-version",
    ],
};

/// What Python's tools install and lock.
pub fn python(bytes: &[u8]) {
    check(&PYTHON, bytes);
}

/// What Node's tools install and lock.
pub fn node(bytes: &[u8]) {
    check(&NODE, bytes);
}

/// What Ruby's and PHP's tools install and lock.
pub fn ruby_and_php(bytes: &[u8]) {
    check(&RUBY_AND_PHP, bytes);
}

/// Lock files and manifests of the other languages.
pub fn lock(bytes: &[u8]) {
    check(&LOCK, bytes);
}

/// What the other languages install.
pub fn language(bytes: &[u8]) {
    check(&LANGUAGE, bytes);
}

/// Documents and settings that name components.
pub fn settings(bytes: &[u8]) {
    check(&SETTINGS, bytes);
}

/// Databases of distributions.
pub fn distribution(bytes: &[u8]) {
    check(&DISTRIBUTION, bytes);
}

/// Java's archives, runtimes and projects.
pub fn java(bytes: &[u8]) {
    check(&JAVA, bytes);
}

/// Models, kernels and modules.
pub fn models(bytes: &[u8]) {
    check(&MODELS, bytes);
}

/// Programs.
pub fn binary(bytes: &[u8]) {
    check(&BINARY, bytes);
}

// How many packages the files show by their own paths.
fn check(family: &Family, bytes: &[u8]) -> usize {
    let size = bytes.len();
    let files = tree(bytes);
    let readers: Vec<&Cataloger> =
        catalogers().filter(|it| family.catalogers.contains(&it.name)).collect();
    let inspectors: Vec<&Inspector> =
        INSPECTORS.iter().filter(|it| family.inspectors.contains(&it.name)).collect();
    let found: Vec<Option<usize>> = files
        .bodies()
        .map(|(fact, body)| read(&readers, &inspectors, (&files, &fact, body), size))
        .collect();
    let count = found.iter().flatten().sum();
    // A fuzzer breaks the path sooner than it finds another: what is left is read as one of the family's files.
    let patterns: Vec<&Pattern> = readers.iter().flat_map(|it| it.evidence).collect();
    let is_read = found.iter().any(Option::is_some);
    let Some(first) = bytes.first().filter(|_| !is_read && !patterns.is_empty()) else {
        return count;
    };
    let path = sample(patterns[usize::from(*first) % patterns.len()]);
    let content = parts(&bytes[1..]).join(crate::SEPARATOR);
    let files = tree(&[path.as_bytes(), b"\n", &content].concat());
    for (fact, body) in files.bodies() {
        read(&readers, &inspectors, (&files, &fact, body), size);
    }
    count
}

// How many packages the file shows; `None` if no parser takes it for one of its own.
fn read(
    readers: &[&Cataloger],
    inspectors: &[&Inspector],
    (files, fact, body): (&FileTree, &FileFact, &[u8]),
    size: usize,
) -> Option<usize> {
    let context = Context::new(files, fact, None);
    let path = fact.path.as_bytes();
    let is_theirs = |it: &&&Cataloger| it.evidence.iter().any(|pattern| pattern.matches(path));
    let found = readers.iter().filter(is_theirs).map(|it| (it.read)(body, &context));
    let inspected = inspectors.iter().filter_map(|it| it.find(body, &context));
    let mut count = None;
    for found in found.chain(inspected) {
        check_found(&found, size);
        // One without a name is a project, of which only the needs are used.
        let named = found.drafts.iter().filter(|draft| !draft.package.name.is_empty());
        count = Some(count.unwrap_or(0) + named.count());
    }
    count
}

fn check_found(found: &Found, size: usize) {
    assert!(found.drafts.len() <= size, "more packages than bytes");
    for draft in &found.drafts {
        let package = &draft.package;
        assert_ne!(package.version.as_deref(), Some(""), "`{}` has an empty version", package.name);
        assert!(!package.evidence.is_empty(), "nothing shows `{}`", package.name);
    }
}

// A path that is one of these.
fn sample(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Exact(path) => (*path).to_owned(),
        Pattern::In(parent, end) | Pattern::InAny(parent, end) => format!("{parent}/x{end}"),
        Pattern::OneBelow(parent, name) => format!("{parent}/x-1/{name}"),
        Pattern::TwoBelow(parent, name) => format!("{parent}/x/y-1/{name}"),
        Pattern::Named(end, name) => format!("x-1{end}/{name}"),
        Pattern::Around(start, end) => format!("x/{start}{end}"),
        Pattern::Ending(end) => format!("x/y{end}"),
        Pattern::OneBelowAny(parts, end) => format!("{parts}/x/y{end}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use sealift_archive::RelativePath;

    use super::*;

    const FAMILIES: [(&str, &Family); 10] = [
        ("python", &PYTHON),
        ("node", &NODE),
        ("ruby_and_php", &RUBY_AND_PHP),
        ("lock", &LOCK),
        ("language", &LANGUAGE),
        ("settings", &SETTINGS),
        ("distribution", &DISTRIBUTION),
        ("java", &JAVA),
        ("models", &MODELS),
        ("binary", &BINARY),
    ];

    #[test]
    fn every_parser_is_of_one_family() {
        let known: Vec<&str> =
            catalogers().map(|it| it.name).chain(INSPECTORS.iter().map(|it| it.name)).collect();
        let listed: Vec<&str> = FAMILIES
            .iter()
            .flat_map(|(_, it)| it.catalogers.iter().chain(it.inspectors))
            .copied()
            .collect();
        let set = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(set(&known), set(&listed));
        assert_eq!(known.len(), listed.len(), "a parser is of two families");
    }

    #[test]
    fn every_seed_shows_a_package() {
        // Its resources have no product in them.
        const WITHOUT: &str = "pe_resources";
        let mut empty = Vec::new();
        for (name, family) in FAMILIES {
            let folder = format!("{}/../../fuzz/seeds/{name}", env!("CARGO_MANIFEST_DIR"));
            for seed in fs::read_dir(folder).unwrap() {
                let path = seed.unwrap().path();
                let is_exempt = path.ends_with(WITHOUT);
                if check(family, &fs::read(&path).unwrap()) == 0 && !is_exempt {
                    empty.push(path);
                }
            }
        }
        assert!(empty.is_empty(), "these show no package: {empty:?}");
    }

    #[test]
    fn samples_are_what_their_patterns_match() {
        for pattern in catalogers().flat_map(|it| it.evidence) {
            let path = sample(pattern);
            assert!(pattern.matches(path.as_bytes()), "{pattern:?} {path}");
            assert!(RelativePath::parse(path.as_bytes()).is_ok(), "{path}");
        }
    }
}
