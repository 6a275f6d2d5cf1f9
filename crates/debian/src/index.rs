//! The packages that the suites have (Debian policy §5; `Packages` files).

use std::cmp::Ordering;
use std::collections::HashMap;

use sealift_oci::Digest;
use sealift_version::{Scheme, compare};

use crate::Error;
use crate::control::{Paragraph, Paragraphs};
use crate::relation;

/// Debian has some 70,000 packages in a suite.
const PACKAGES_MAX: usize = 1_000_000;

/// A binary package of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub architecture: &'a str,
    pub essential: bool,
    pub priority: Priority,
    pub depends: &'a str,
    pub pre_depends: &'a str,
    pub recommends: &'a str,
    pub conflicts: &'a str,
    pub breaks: &'a str,
    pub provides: &'a str,
    pub filename: &'a str,
    pub size: u64,
    pub digest: Digest,
    /// Place of its source in the recipe, counted over all suites.
    pub suite: usize,
}

/// How much a system needs a package (Debian policy §2.5), most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    Required,
    Important,
    Standard,
    Optional,
}

/// A virtual package's provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provider<'a> {
    /// Place of the candidate.
    pub candidate: usize,
    /// Version of the virtual package.
    pub version: Option<&'a str>,
}

/// All candidates.
#[derive(Debug, Default)]
pub(crate) struct Index<'a> {
    pub candidates: Vec<Candidate<'a>>,
    // Newest first; of equal versions, the suite named first.
    by_name: HashMap<&'a str, Vec<usize>>,
    providers: HashMap<&'a str, Vec<Provider<'a>>>,
}

/// One `Packages` file.
pub(crate) struct IndexText<'a> {
    pub text: &'a str,
    pub what: &'a str,
    pub suite: usize,
}

impl<'a> Index<'a> {
    /// Reads the packages that run on an architecture.
    pub(crate) fn parse(texts: &[IndexText<'a>], architecture: &str) -> Result<Self, Error> {
        let mut index = Self::default();
        for IndexText { text, what, suite } in texts {
            let mut paragraphs = Paragraphs::new(text, what);
            while let Some(paragraph) = paragraphs.next_paragraph()? {
                let candidate = candidate(&paragraph, *suite).map_err(|message| {
                    Error::Malformed { what: (*what).to_owned(), line: 0, message }
                })?;
                if matches!(candidate.architecture, "all") || candidate.architecture == architecture
                {
                    index.candidates.push(candidate);
                }
                if index.candidates.len() > PACKAGES_MAX {
                    return Err(Error::TooLarge {
                        what: format!("{what} (packages)"),
                        limit: PACKAGES_MAX as u64,
                    });
                }
            }
        }
        index.link(architecture)?;
        Ok(index)
    }

    /// The versions of a package, newest first.
    pub(crate) fn versions(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Who provides a virtual package, by priority, then by name, newest first.
    pub(crate) fn providers(&self, name: &str) -> &[Provider<'a>] {
        self.providers.get(name).map_or(&[], Vec::as_slice)
    }

    fn link(&mut self, architecture: &str) -> Result<(), Error> {
        for (place, candidate) in self.candidates.iter().enumerate() {
            self.by_name.entry(candidate.name).or_default().push(place);
            for (name, version) in provided(candidate, architecture)? {
                self.providers
                    .entry(name)
                    .or_default()
                    .push(Provider { candidate: place, version });
            }
        }
        let candidates = &self.candidates;
        for places in self.by_name.values_mut() {
            places.sort_by(|left, right| newest_first(candidates, *left, *right));
        }
        for providers in self.providers.values_mut() {
            providers.sort_by(|left, right| {
                let rank = |provider: &Provider<'_>| {
                    let candidate = &candidates[provider.candidate];
                    (candidate.priority, candidate.name)
                };
                rank(left)
                    .cmp(&rank(right))
                    .then_with(|| newest_first(candidates, left.candidate, right.candidate))
            });
        }
        Ok(())
    }
}

/// What a candidate provides: names and perhaps versions.
pub(crate) fn provided<'a>(
    candidate: &Candidate<'a>,
    architecture: &str,
) -> Result<Vec<(&'a str, Option<&'a str>)>, Error> {
    let groups = relation::parse(candidate.provides, architecture).map_err(|message| {
        Error::Malformed { what: format!("Provides of {}", candidate.name), line: 0, message }
    })?;
    let version = |relation: &relation::Relation<'a>| {
        relation.constraint.map(|constraint| constraint.version)
    };
    Ok(groups.iter().flatten().map(|relation| (relation.name, version(relation))).collect())
}

fn newest_first(candidates: &[Candidate<'_>], left: usize, right: usize) -> Ordering {
    let (newer, older) = (&candidates[left], &candidates[right]);
    // Versions were checked when they were read.
    compare(Scheme::Dpkg, older.version, newer.version)
        .unwrap_or(Ordering::Equal)
        .then(newer.suite.cmp(&older.suite))
        .then(left.cmp(&right))
}

fn candidate<'a>(paragraph: &Paragraph<'a>, suite: usize) -> Result<Candidate<'a>, String> {
    let name = paragraph.get("Package").ok_or("a package has no name")?;
    if !is_file_name(name) {
        return Err(format!("`{}` is not a package name", cut(name)));
    }
    let need = |field: &str| {
        paragraph.get(field).ok_or_else(|| format!("package `{name}` has no `{field}`"))
    };
    let version = need("Version")?;
    sealift_version::Version::parse(Scheme::Dpkg, version).map_err(|error| error.to_string())?;
    let filename = need("Filename")?;
    if filename.split('/').any(|part| matches!(part, "" | "." | "..")) || !filename.is_ascii() {
        return Err(format!("`Filename` of package `{name}` is not a relative path"));
    }
    let digest = need("SHA256")?;
    let digest = format!("sha256:{digest}").parse().map_err(|error| format!("{error}"))?;
    let size = need("Size")?;
    let size = size.parse().map_err(|_| format!("`Size` of package `{name}` is not a number"))?;
    let field = |name: &str| paragraph.get(name).unwrap_or_default();
    Ok(Candidate {
        name,
        version,
        architecture: need("Architecture")?,
        essential: field("Essential") == "yes",
        priority: match field("Priority") {
            "required" => Priority::Required,
            "important" => Priority::Important,
            "standard" => Priority::Standard,
            _ => Priority::Optional,
        },
        depends: field("Depends"),
        pre_depends: field("Pre-Depends"),
        recommends: field("Recommends"),
        conflicts: field("Conflicts"),
        breaks: field("Breaks"),
        provides: field("Provides"),
        filename,
        size,
        digest,
        suite,
    })
}

/// True for what may stand as a part of a path: package names are used as such.
pub(crate) fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with(['.', '-'])
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn package(name: &str, version: &str, more: &str) -> String {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: pool/{name}.deb\nSize: 1\n\
             SHA256: {DIGEST}\n{more}\n"
        )
    }

    #[test]
    fn newest_version_first_and_first_suite_wins_ties() {
        let old = package("a", "1.0~rc1", "") + &package("a", "1.0", "");
        let new = package("a", "1.0", "") + &package("a", "1:0", "");
        let texts = [
            IndexText { text: &old, what: "old", suite: 0 },
            IndexText { text: &new, what: "new", suite: 1 },
        ];
        let index = Index::parse(&texts, "amd64").unwrap();
        let versions: Vec<(&str, usize)> = index
            .versions("a")
            .iter()
            .map(|place| (index.candidates[*place].version, index.candidates[*place].suite))
            .collect();
        assert_eq!(versions, [("1:0", 1), ("1.0", 0), ("1.0", 1), ("1.0~rc1", 0)]);
    }

    #[test]
    fn other_architectures_are_left_out() {
        let text = package("a", "1", "").replace("amd64", "arm64");
        let index =
            Index::parse(&[IndexText { text: &text, what: "t", suite: 0 }], "amd64").unwrap();
        assert!(index.versions("a").is_empty());
    }

    #[test]
    fn refuses_fields_that_could_do_harm() {
        for text in [
            package("../a", "1", ""),
            package("a", "", ""),
            package("a", "1", "").replace("pool/", "../pool/"),
            package("a", "1", "").replace("pool/", "/pool/"),
            package("a", "1", "").replace(DIGEST, "00"),
            package("a", "1", "").replace("Size: 1", "Size: -1"),
            package("a", "1", "Provides: (= 1)"),
        ] {
            let texts = [IndexText { text: &text, what: "t", suite: 0 }];
            assert!(Index::parse(&texts, "amd64").is_err(), "{text}");
        }
    }
}
