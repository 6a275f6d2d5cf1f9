//! Licences as the two formats want them.

use std::collections::BTreeMap;

use sealift_model::{License, LicenseSource};
use sealift_oci::Digest;
use spdx::Expression;

use crate::text;

/// Texts of licences that the SPDX list does not have, by the name that a document gives them.
pub(crate) type Extracted = BTreeMap<String, String>;

/// The name that stands where a licence is demanded and none is known.
pub(crate) const UNKNOWN_LICENSE: &str = "LicenseRef-sealift-unknown";

/// What that name stands for.
pub(crate) const UNKNOWN_LICENSE_TEXT: &str =
    "No licence is known: no record in the image names one, and no licence text was recognised.";

/// The licence expression of a package for SPDX; what has no expression is referred to by a name.
pub(crate) fn spdx_expression<'a>(
    licenses: impl IntoIterator<Item = &'a License>,
    extracted: &mut Extracted,
) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for license in licenses {
        let part = match valid_expression(license) {
            Some(expression) => expression,
            None if license.declared.trim().is_empty() => continue,
            None => with_references(license, extracted)
                .unwrap_or_else(|| refer(&license.declared, extracted)),
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    join(&parts)
}

/// Licences of a package for CycloneDX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// None is known.
    None,
    /// One expression for all.
    Expression(String),
    /// A list of identifiers and names.
    List(Vec<(Named, LicenseSource)>),
}

/// A licence in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// An identifier of the SPDX list.
    Id(String),
    /// Any other name.
    Name(String),
}

/// The licences of a package for CycloneDX: a list as long as every one is a single licence, an expression if all
/// are expressions, and names if they are of both kinds.
pub(crate) fn choice(licenses: &[License]) -> Choice {
    let mut named = Vec::new();
    let mut expressions = Vec::new();
    let mut is_compound = false;
    for license in licenses {
        let entry = match valid_expression(license).or_else(|| compound(license)) {
            Some(expression) => {
                let is_id = spdx::license_id(&expression).is_some_and(|id| id.name == expression);
                is_compound |= !is_id;
                if !expressions.contains(&expression) {
                    expressions.push(expression.clone());
                }
                if is_id { Named::Id(expression) } else { Named::Name(expression) }
            }
            None => match text::some(&license.declared) {
                Some(name) => Named::Name(name),
                None => continue,
            },
        };
        if !named.iter().any(|(known, _)| *known == entry) {
            named.push((entry, license.source));
        }
    }
    match join(&expressions) {
        _ if named.is_empty() => Choice::None,
        Some(expression) if is_compound && expressions.len() == named.len() => {
            Choice::Expression(expression)
        }
        _ => Choice::List(named),
    }
}

// Identifiers that the validators in use do not know: they are younger than their copies of the list (or, the MPL
// one, taken for an exception). None of them is common; as a text of its own a licence is valid for everyone.
const UNCERTAIN_IDS: [&str; 48] = [
    "ALGLIB-Documentation",
    "Advanced-Cryptics-Dictionary",
    "BOLA-1.1",
    "BSD-2-Clause-pos-unchanged",
    "BSD-3-Clause-OpenWebUI",
    "BSD-3-Clause-Tso",
    "BSD-Mark-Modifications",
    "BSD-Source-Code-no-disclaimer",
    "BSD-Source-alt-GPL",
    "BSD-ask-to-endorse",
    "Brian-Gladman-3-Clause-no-conversion",
    "Buddy",
    "Bugroff",
    "CAPEC-tou",
    "CC-BY-NC-3.0-IGO",
    "ESA-PL-permissive-2.4",
    "ESA-PL-strong-copyleft-2.4",
    "ESA-PL-weak-copyleft-2.4",
    "FDK-MPEG-H",
    "GFDL-1.1-invariants",
    "GFDL-1.1-no-invariants",
    "GFDL-1.2-invariants",
    "GFDL-1.2-no-invariants",
    "GFDL-1.3-invariants",
    "GFDL-1.3-no-invariants",
    "HPND-SMC",
    "HPND-sell-variant-critical-systems",
    "Hippocratic-3.0-core",
    "ISO-permission",
    "Informatica",
    "MIT-STK",
    "MMPL-1.0.1",
    "MPL-2.0-no-copyleft-exception",
    "MVT-1.1",
    "NIST-PD-TNT",
    "OSC-1.0",
    "OSSP",
    "OpenMDW-1.0",
    "ParaType-Free-Font-1.3",
    "SGMLUG-PM",
    "TekHVC",
    "UnRAR",
    "Vixie-Cron",
    "WTFNMFPL",
    "WordNet",
    "X11-no-permit-persons",
    "atc-game",
    "hyphen-bulgarian",
];

// The expression of a licence, if it is one by the list that we know.
fn valid_expression(license: &License) -> Option<String> {
    let expression = license.spdx.as_deref()?.trim();
    Expression::parse(expression).ok()?;
    // A reference to a text that the document does not have would dangle; the other two are no licences.
    let is_no_license = words(expression).any(|word| {
        word.contains("Ref-")
            || matches!(word, "NOASSERTION" | "NONE")
            || UNCERTAIN_IDS.contains(&word)
    });
    if is_no_license {
        return None;
    }
    Some(expression.to_owned())
}

// An expression of several licences, some of them names that only a document can explain.
fn compound(license: &License) -> Option<String> {
    let expression = license.spdx.as_deref()?.trim();
    let is_whole = expression.contains(' ') && Expression::parse(expression).is_ok();
    // SPDX 2 has no references to exceptions.
    let is_usual = words(expression)
        .all(|word| !word.contains("AdditionRef-") && !matches!(word, "NOASSERTION" | "NONE"));
    (is_whole && is_usual).then(|| expression.to_owned())
}

// The same with a reference of the document in the place of each such name, so that the others keep theirs.
fn with_references(license: &License, extracted: &mut Extracted) -> Option<String> {
    let expression = compound(license)?;
    let mut written = String::new();
    for part in expression.split_inclusive([' ', '(', ')']) {
        let word = part.trim_end_matches([' ', '(', ')']);
        if word.contains("Ref-") || UNCERTAIN_IDS.contains(&word) {
            written.push_str(&refer(word, extracted));
        } else {
            written.push_str(word);
        }
        written.push_str(&part[word.len()..]);
    }
    Some(written)
}

fn words(expression: &str) -> impl Iterator<Item = &str> {
    expression.split([' ', '(', ')'])
}

fn refer(declared: &str, extracted: &mut Extracted) -> String {
    let declared = declared.trim();
    let line = text::line(declared);
    let name = line.split(' ').next().unwrap_or_default();
    let name = text::identifier(name.strip_prefix("LicenseRef-").unwrap_or(name));
    let digest = Digest::sha256(declared.as_bytes());
    let id = format!("LicenseRef-{}-{}", name.trim_matches('-'), &digest.hex()[..8]);
    extracted.insert(id.clone(), declared.to_owned());
    id
}

fn join(parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        many => {
            let wrapped: Vec<String> = many
                .iter()
                .map(|part| if part.contains(' ') { format!("({part})") } else { part.clone() })
                .collect();
            Some(wrapped.join(" AND "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licenses(pairs: &[(&str, Option<&str>)]) -> Vec<License> {
        pairs
            .iter()
            .map(|(declared, spdx)| License::declared(*declared, spdx.map(str::to_owned)))
            .collect()
    }

    #[test]
    fn for_spdx() {
        let mut extracted = Extracted::new();
        let mut check = |pairs: &[(&str, Option<&str>)], expected: Option<&str>| {
            assert_eq!(spdx_expression(&licenses(pairs), &mut extracted).as_deref(), expected);
        };
        check(&[], None);
        check(&[("Expat", Some("MIT"))], Some("MIT"));
        check(&[("", None), (" ", None)], None);
        check(
            &[("a", Some("MIT OR Apache-2.0")), ("b", Some("ISC")), ("c", Some("ISC"))],
            Some("(MIT OR Apache-2.0) AND ISC"),
        );
        check(&[("My own\nlicence", None)], Some("LicenseRef-My-0c1cadbd"));
        check(&[("x", Some("not an expression"))], Some("LicenseRef-x-2d711642"));
        check(&[("x", Some("LicenseRef-x"))], Some("LicenseRef-x-2d711642"));
        check(&[("x", Some("NOASSERTION"))], Some("LicenseRef-x-2d711642"));
        let mixed = "MIT AND (ISC OR LicenseRef-own) AND atc-game";
        let expected = "MIT AND (ISC OR LicenseRef-own-6b8a93f7) AND LicenseRef-atc-game-60329d43";
        check(&[("x", Some(mixed))], Some(expected));
        check(&[("y", Some("MIT WITH AdditionRef-own"))], Some("LicenseRef-y-a1fce436"));
        assert_eq!(extracted.len(), 5);
    }

    #[test]
    fn for_cyclonedx() {
        let declared = |named| (named, LicenseSource::Declared);
        let check = |pairs: &[(&str, Option<&str>)], expected: Choice| {
            assert_eq!(choice(&licenses(pairs)), expected);
        };
        check(&[("", None)], Choice::None);
        check(&[("Expat", Some("MIT"))], Choice::List(vec![declared(Named::Id("MIT".to_owned()))]));
        check(
            &[("a", Some("MIT OR ISC")), ("b", Some("ISC"))],
            Choice::Expression("(MIT OR ISC) AND ISC".to_owned()),
        );
        check(
            &[("a", Some("atc-game"))],
            Choice::List(vec![declared(Named::Name("a".to_owned()))]),
        );
        check(
            &[("a", Some("MIT AND LicenseRef-own"))],
            Choice::Expression("MIT AND LicenseRef-own".to_owned()),
        );
        check(
            &[("a", Some("MIT OR ISC")), ("own", None)],
            Choice::List(vec![
                declared(Named::Name("MIT OR ISC".to_owned())),
                declared(Named::Name("own".to_owned())),
            ]),
        );
    }
}
