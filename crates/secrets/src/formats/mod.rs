//! What the keys of providers look like, as one table of facts: literal parts, letters, lengths, what stands near them,
//! and sums that they carry.

mod cloud;
mod code;
mod messages;
mod money;
mod services;

use sealift_model::Severity;

/// What the keys of one kind look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Its id, `github-pat`.
    pub(crate) id: &'static str,
    /// Whose it is.
    pub(crate) provider: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// Words one of which names what it is assigned to; none if the key tells by itself.
    pub(crate) near: &'static [&'static str],
    /// How it looks; `shape` says how shapes are written.
    pub(crate) shapes: &'static [&'static str],
    /// Least entropy of the whole, in tenths of a bit a letter.
    pub(crate) entropy_tenths: u8,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What else must hold, or makes it sure.
    pub(crate) check: Check,
}

/// What a key says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Nothing more than its form.
    None,
    /// Its last six letters are the CRC-32 of what is before them, in base 62 (GitHub's and npm's tokens).
    Crc32,
    /// It is three parts of base64, the first of them a JSON object that names an algorithm.
    WebToken,
    /// It has the number of an account, in base 32.
    AwsAccount,
    /// It is a macaroon in base64.
    Macaroon,
    /// It has digits and letters.
    Mixed,
}

// Of what begins with letters that only its provider uses.
const OWN_ENTROPY: u8 = 25;

/// A key that tells by itself whose it is.
const fn key(
    id: &'static str,
    provider: &'static str,
    what: &'static str,
    shapes: &'static [&'static str],
) -> Format {
    let (near, check) = (&[] as &[&str], Check::None);
    Format {
        id,
        provider,
        what,
        near,
        shapes,
        entropy_tenths: OWN_ENTROPY,
        severity: Severity::High,
        check,
    }
}

/// A key that looks like many others, and is known by the name of what it is assigned to.
const fn near(
    id: &'static str,
    provider: &'static str,
    what: &'static str,
    near: &'static [&'static str],
    shapes: &'static [&'static str],
) -> Format {
    let check = Check::None;
    Format { id, provider, what, near, shapes, entropy_tenths: 28, severity: Severity::High, check }
}

impl Format {
    const fn entropy(self, tenths: u8) -> Self {
        Self { entropy_tenths: tenths, ..self }
    }

    const fn critical(self) -> Self {
        Self { severity: Severity::Critical, ..self }
    }

    const fn low(self) -> Self {
        Self { severity: Severity::Low, ..self }
    }

    const fn check(self, check: Check) -> Self {
        Self { check, ..self }
    }
}

/// All formats.
pub(crate) fn all() -> impl Iterator<Item = &'static Format> {
    [cloud::FORMATS, code::FORMATS, messages::FORMATS, money::FORMATS, services::FORMATS]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::shape::Shape;

    #[test]
    fn the_table_is_sound() {
        let mut seen = BTreeSet::new();
        for format in all() {
            assert!(seen.insert(format.id), "{} is there twice", format.id);
            assert!(!format.shapes.is_empty(), "{}", format.id);
            for shape in format.shapes {
                let shape = Shape::read(shape).unwrap_or_else(|| panic!("{}: {shape}", format.id));
                let anchor = shape.anchor().unwrap_or_default();
                // A run is behind what the search would find too short.
                let found = anchor.len() > 2
                    || anchor.len() == 2 && shape.letters_behind_anchor().next().is_some();
                assert!(found || !format.near.is_empty(), "{}: {anchor}", format.id);
            }
            assert!(format.near.iter().all(|word| word.len() > 2 && word.is_ascii()));
        }
        assert!(seen.len() >= 200, "{}", seen.len());
    }
}
