//! How much of what authorities ask for an SBOM has.
//!
//! Each profile is a list of checks, and each check is one of the fields that the profile's document demands, of the
//! SBOM as a whole or of every component. `docs/sbom.md` says which section demands what.

use sealift_model::{HashAlgorithm, Inventory, Package};

use crate::party::Party;
use crate::{Subject, text};

/// A set of demands.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Name, as `--profile` has it.
    pub id: &'static str,
    /// The document that makes them.
    pub title: &'static str,
    checks: &'static [Rule],
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    id: &'static str,
    what: &'static str,
    test: Test,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    Whole(fn(&Subject, &Inventory) -> bool),
    Each(fn(&Package, &Subject, &Inventory) -> bool),
}

/// What came of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// Name of the profile.
    pub profile: &'static str,
    /// The document that makes the demands.
    pub title: &'static str,
    /// 0 to 100: the mean of what the checks found, rounded down.
    pub points: u8,
    /// In the profile's order.
    pub checks: Vec<Check>,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Name.
    pub id: &'static str,
    /// What is demanded.
    pub what: &'static str,
    /// How many components (or 1, the whole) have it.
    pub passed: usize,
    /// Of how many.
    pub total: usize,
    /// Those that do not: name and version.
    pub failing: Vec<String>,
}

impl Profile {
    /// All of them.
    pub const ALL: &'static [Self] = &[NTIA, BSI, CISA, FSCT];

    /// The profile of a name.
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|profile| profile.id == id)
    }

    /// Names and words of the checks, for the documentation.
    pub fn checks(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.checks.iter().map(|rule| (rule.id, rule.what))
    }
}

const NTIA: Profile = Profile {
    id: "ntia",
    title: "NTIA, The Minimum Elements For an SBOM (July 2021)",
    checks: &[AUTHOR, TIME, SUPPLIER, NAME, VERSION, IDENTIFIER, RELATIONS],
};

const BSI: Profile = Profile {
    id: "bsi",
    title: "BSI TR-03183-2, version 2.1.0",
    checks: &[
        AUTHOR_ADDRESS,
        TIME,
        SUBJECT_SUPPLIER,
        CREATOR_ADDRESS,
        NAME,
        VERSION,
        FILE_NAME,
        RELATIONS,
        EXPRESSION,
        SHA_512,
        IDENTIFIER,
        DOWNLOAD,
    ],
};

const CISA: Profile = Profile {
    id: "cisa",
    title: "CISA, 2025 Minimum Elements for an SBOM (draft for comment, August 2025)",
    checks: &[
        AUTHOR, TIME, SUPPLIER, NAME, VERSION, IDENTIFIER, HASH, LICENSE, RELATIONS, COMPLETE,
    ],
};

const FSCT: Profile = Profile {
    id: "fsct",
    title: "CISA, Framing Software Component Transparency, third edition (2024), minimum expected",
    checks: &[
        AUTHOR,
        TIME,
        SUBJECT,
        SUBJECT_SUPPLIER,
        SUPPLIER,
        NAME,
        VERSION,
        IDENTIFIER,
        HASH,
        LICENSE,
        COPYRIGHT,
        RELATIONS,
    ],
};

const AUTHOR: Rule = Rule {
    id: "author",
    what: "the document names who answers for it, beside its tool",
    test: Test::Whole(|subject, _| author(subject).is_some()),
};
const AUTHOR_ADDRESS: Rule = Rule {
    id: "author-address",
    what: "the document names who answers for it, with a mail or web address",
    test: Test::Whole(|subject, _| author(subject).is_some_and(|party| has_address(&party))),
};
const TIME: Rule = Rule {
    id: "time",
    what: "the document says when it was made",
    test: Test::Whole(|subject, _| subject.created_secs != 0),
};
const SUBJECT: Rule = Rule {
    id: "subject",
    what: "the document names what it is about, with a version or digest",
    test: Test::Whole(|subject, _| text::some(&subject.name).is_some() && subject.digest.is_some()),
};
const SUBJECT_SUPPLIER: Rule = Rule {
    id: "subject-supplier",
    what: "the document names who supplies what it is about",
    test: Test::Whole(|subject, _| subject.supplier.is_some()),
};
const RELATIONS: Rule = Rule {
    id: "relations",
    what: "the document says how its components depend on each other",
    test: Test::Whole(|_, inventory| {
        !inventory.relations.is_empty() || inventory.components().nth(1).is_none()
    }),
};
const COMPLETE: Rule = Rule {
    id: "complete",
    what: "nothing that was met could not be read",
    test: Test::Whole(|_, inventory| inventory.notes.is_empty()),
};
const NAME: Rule = Rule {
    id: "name",
    what: "each component has a name",
    test: Test::Each(|package, _, _| text::some(&package.name).is_some()),
};
const VERSION: Rule = Rule {
    id: "version",
    what: "each component has a version, or the date of its file if it has none",
    test: Test::Each(|package, _, _| text::version_or_date(package).is_some()),
};
const SUPPLIER: Rule = Rule {
    id: "supplier",
    what: "each component has a supplier: who made it, or the registry that it comes from",
    test: Test::Each(|package, _, inventory| {
        Party::of_package_or_registry(package, distro(inventory)).is_some()
    }),
};
const CREATOR_ADDRESS: Rule = Rule {
    id: "creator-address",
    what: "each component has a creator with a mail or web address",
    test: Test::Each(|package, _, inventory| {
        Party::to_ask(package, distro(inventory)).is_some_and(|party| has_address(&party))
    }),
};
const IDENTIFIER: Rule = Rule {
    id: "identifier",
    what: "each component has a package URL or a CPE",
    test: Test::Each(|package, _, _| text::purl(package).is_some() || !package.cpes.is_empty()),
};
const FILE_NAME: Rule = Rule {
    id: "file-name",
    what: "each component says which file shows it",
    test: Test::Each(|package, _, _| !package.evidence.is_empty()),
};
const HASH: Rule = Rule {
    id: "hash",
    what: "each component has a hash of its own",
    test: Test::Each(|package, _, _| package.hashes.iter().any(text::is_hash)),
};
const SHA_512: Rule = Rule {
    id: "sha-512",
    what: "each component has a SHA-512, its own or that of the image that it is distributed in",
    test: Test::Each(|package, subject, _| {
        let is_sha512 = |hash: &&sealift_model::Hash| hash.algorithm == HashAlgorithm::Sha512;
        subject.manifest_sha512.is_some()
            || package.hashes.iter().filter(is_sha512).any(text::is_hash)
    }),
};
const LICENSE: Rule = Rule {
    id: "license",
    what: "each component has a licence",
    test: Test::Each(|package, _, _| {
        package.licenses.iter().any(|license| text::some(&license.declared).is_some())
    }),
};
const EXPRESSION: Rule = Rule {
    id: "license-expression",
    what: "each component has a licence as an SPDX expression",
    test: Test::Each(|package, _, _| {
        !package.licenses.is_empty() && package.licenses.iter().all(|it| it.spdx.is_some())
    }),
};
const COPYRIGHT: Rule = Rule {
    id: "copyright",
    what: "each component has a copyright notice",
    test: Test::Each(|package, _, _| package.copyright.as_deref().and_then(text::some).is_some()),
};
const DOWNLOAD: Rule = Rule {
    id: "download",
    what: "each component says where it can be had",
    test: Test::Each(|package, _, _| {
        package.download_url.is_some() || text::purl(package).is_some()
    }),
};

/// Judges a document by a profile.
pub fn score(profile: &Profile, inventory: &Inventory, subject: &Subject) -> Score {
    let checks: Vec<Check> =
        profile.checks.iter().map(|rule| check(rule, inventory, subject)).collect();
    // In hundredths of a percent, each rounded down: only what is complete gives all points.
    let shares = checks.iter().map(|check| (check.passed * 10_000).checked_div(check.total));
    let sum: usize = shares.map(|share| share.unwrap_or(10_000)).sum();
    let points = sum / checks.len().max(1) / 100;
    Score {
        profile: profile.id,
        title: profile.title,
        points: u8::try_from(points).unwrap_or(100),
        checks,
    }
}

fn check(rule: &Rule, inventory: &Inventory, subject: &Subject) -> Check {
    let mut check =
        Check { id: rule.id, what: rule.what, passed: 0, total: 0, failing: Vec::new() };
    match rule.test {
        Test::Whole(test) => {
            check.total = 1;
            check.passed = usize::from(test(subject, inventory));
        }
        Test::Each(test) => {
            for (_, package) in inventory.components() {
                check.total += 1;
                if test(package, subject, inventory) {
                    check.passed += 1;
                } else {
                    let version = package.version.as_deref().unwrap_or_default();
                    check.failing.push(text::line(&format!("{} {version}", package.name)));
                }
            }
        }
    }
    check
}

fn distro(inventory: &Inventory) -> Option<&str> {
    inventory.distro.as_ref().map(|distro| distro.id.as_str())
}

fn author(subject: &Subject) -> Option<Party> {
    subject.creator.as_deref().and_then(Party::parse_either)
}

fn has_address(party: &Party) -> bool {
    party.mail.is_some() || party.url.is_some()
}
