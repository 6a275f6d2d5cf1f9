//! What an archive has under which name, for those who install from it by themselves.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;

use sealift_store::Store;

use crate::cache::Cache;
use crate::fetch::{Fetch, Progress};
use crate::index::{Index, IndexText, provided};
use crate::port::port;
use crate::suites::{Context, read_indices, verify_releases};
use crate::{Error, Options, Recipe};

/// The names of an archive's packages.
#[derive(Clone, Debug, Default)]
pub struct Names {
    newest: HashMap<String, String>,
    providers: HashMap<String, BTreeSet<String>>,
}

impl Names {
    /// The newest version of a package.
    pub fn version(&self, name: &str) -> Option<&str> {
        self.newest.get(name).map(String::as_str)
    }

    /// The packages that provide a name, themselves not called so; in the order of their names.
    pub fn providers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.providers.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The names of all packages, in no order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.newest.keys().map(String::as_str)
    }

    fn of(index: &Index<'_>, architecture: &str) -> Result<Self, Error> {
        let mut names = Self::default();
        for candidate in &index.candidates {
            if let Some(newest) = index.versions(candidate.name).first() {
                let version = index.candidates[*newest].version;
                names.newest.entry(candidate.name.to_owned()).or_insert_with(|| version.to_owned());
            }
            for (name, _) in provided(candidate, architecture)? {
                if name != candidate.name {
                    let providers = names.providers.entry(name.to_owned()).or_default();
                    providers.insert(candidate.name.to_owned());
                }
            }
        }
        Ok(names)
    }
}

/// Reads the names of the suites that a recipe names, and what the user should know of their state.
pub fn names(
    recipe: &Recipe,
    options: &Options<'_>,
    store: &Store,
    fetch: &dyn Fetch,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<(Names, Vec<String>), Error> {
    let architecture = port(&options.platform)?.architecture;
    let cache = Cache::open(store)?;
    let context = Context { options, cache: &cache, fetch, progress, cancel };
    let (suites, warnings) = verify_releases(&context, recipe)?;
    let texts = read_indices(&context, &suites, architecture)?;
    let texts: Vec<IndexText<'_>> = texts
        .iter()
        .map(|index| IndexText { text: &index.text, what: &index.what, suite: index.suite })
        .collect();
    Ok((Names::of(&Index::parse(&texts, architecture)?, architecture)?, warnings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_packages_or_provided() {
        let digest = "0".repeat(64);
        let package = |name: &str, version: &str, provides: &str| {
            format!(
                "Package: {name}\nVersion: {version}\nArchitecture: all\nProvides: {provides}\nFilename: a/{name}.deb\nSize: 1\n\
                 SHA256: {digest}\n\n"
            )
        };
        let text = [
            package("curl", "8.1-1", "http-client"),
            package("curl", "8.1-2", ""),
            package("netcat-openbsd", "1.2", "netcat"),
            package("netcat-traditional", "1.10", "netcat, nc (= 1)"),
        ]
        .concat();
        let texts = [IndexText { text: &text, what: "test", suite: 0 }];
        let names = Names::of(&Index::parse(&texts, "amd64").unwrap(), "amd64").unwrap();
        assert_eq!(names.version("curl"), Some("8.1-2"));
        assert_eq!(names.version("netcat"), None);
        let providers: Vec<&str> = names.providers("netcat").collect();
        assert_eq!(providers, ["netcat-openbsd", "netcat-traditional"]);
        assert_eq!(names.providers("curl").count(), 0);
        assert_eq!(names.all().count(), 3);
    }
}
