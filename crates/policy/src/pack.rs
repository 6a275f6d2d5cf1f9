//! The policies that come with the program: readable Rego, each with its tests beside it in `packs/`.

use crate::Source;

/// Some policies under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Name, as in `--policy pack:NAME`.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! file {
    ($name:literal) => {
        (concat!("pack:", $name), include_str!(concat!("../packs/", $name)))
    };
}

/// All packs.
pub const PACKS: [Pack; 4] = [
    Pack {
        name: "baseline",
        about: "no root, no secrets, no administration ports, no fixable critical flaw, no dead release",
        files: &[file!("baseline.rego")],
    },
    Pack {
        name: "strict",
        about: "baseline, and: signed, scanned, at most 30 days old, pinned base, small, no compilers",
        files: &[file!("baseline.rego"), file!("strict.rego")],
    },
    Pack {
        name: "cis",
        about: "CIS Docker Benchmark, section 4, as far as an image tells",
        files: &[file!("cis.rego")],
    },
    Pack {
        name: "slsa-l2",
        about: "SLSA build level 2: signed image, signed provenance, trusted builder, pinned materials",
        files: &[file!("slsa-l2.rego")],
    },
];

impl Pack {
    /// The pack of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PACKS.iter().find(|pack| pack.name == name)
    }

    /// Its policies.
    pub fn sources(&self) -> Vec<Source> {
        self.files.iter().map(|(name, text)| Source::new(*name, *text)).collect()
    }
}
