//! Editions: which rules are in force, so that a newer program finds nothing new until somebody asks for it.

use sealift_diagnostic::Rule;

use crate::Error;

/// The editions, oldest first, with the version whose rules they have.
pub const EDITIONS: &[(&str, &str)] = &[("2026", "0.2.0")];

/// The rules up to a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    last: Vec<u32>,
}

impl Edition {
    /// An edition by its year, or by the version of this program whose rules it has.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let named = EDITIONS.iter().find(|(year, _)| *year == text.trim());
        let version = named.map_or(text.trim(), |(_, version)| version);
        match numbers(version) {
            Some(last) => Ok(Self { last }),
            None => Err(Error::UnknownEdition { name: text.chars().take(40).collect() }),
        }
    }

    /// Whether the edition has a rule.
    pub fn has(&self, rule: &Rule) -> bool {
        numbers(rule.since).is_none_or(|since| since <= self.last)
    }
}

/// `0.2.0`; a year is no version.
fn numbers(version: &str) -> Option<Vec<u32>> {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts.filter(|parts| parts.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_and_versions() {
        let old = Edition::parse("0.1.0").unwrap();
        assert_eq!(Edition::parse("2026"), Edition::parse("0.2.0"));
        let mut rule = *crate::rule("SL2001").unwrap();
        assert!(old.has(&rule));
        rule.since = "0.10.0";
        assert!(!old.has(&rule) && !Edition::parse("0.9.1").unwrap().has(&rule));
        for wrong in ["", "2025", "1", "1.x.0", "0.1.0.0"] {
            assert!(Edition::parse(wrong).is_err(), "{wrong}");
        }
    }
}
