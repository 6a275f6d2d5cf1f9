//! SUSE: its products by name, and which release of its distributions each is for.
//!
//! OSV's ecosystem is `SUSE:<product>`. A server takes its packages from the product itself and from modules, so the
//! release is the ecosystem here, `SUSE:15.5`, and the product a condition, as with Red Hat.

use sealift_model::{Affected, Ecosystem, Qualifier, QualifierKind};

use crate::csaf::{Answer, Said};
use crate::statements::{Place, Placed, entries};

/// Short name of the source of its ratings.
pub(crate) const SOURCE: &str = "suse";
/// What its record on a CVE is called, so that it is not taken for the CVE's own.
pub(crate) const PREFIX: &str = "SUSE-";

const ENTERPRISE: &str = "SUSE";

/// Moves OSV's product from the ecosystem to a condition.
pub(crate) fn split_ecosystem(ecosystem: &Ecosystem) -> Option<(Ecosystem, Qualifier)> {
    let product = ecosystem.release.as_deref().filter(|_| ecosystem.name == ENTERPRISE)?;
    let place = Ecosystem { name: ENTERPRISE.to_owned(), release: Some(release_of(product)?) };
    Some((place, Qualifier { kind: QualifierKind::Product, value: product.to_owned() }))
}

/// The entries of a document.
pub(crate) fn affected(said: &[Said]) -> Vec<Affected> {
    entries(SOURCE, said.iter().filter_map(placed).collect())
}

fn placed(said: &Said) -> Option<Placed<'_>> {
    let [package_id, .., product] = &said.ids[..] else { return None };
    let (ecosystem, product) = product_of(product)?;
    let (name, version) = match &said.package {
        Some(package) if package.kind == "rpm" => {
            let version = package.version.as_deref().filter(|version| !version.is_empty());
            (package.name.as_str(), version)
        }
        Some(_) => return None,
        None if said.answer == Answer::Fixed => {
            let (name, version) = split(package_id)?;
            (name, Some(version))
        }
        None => (package_id.as_str(), None),
    };
    let is_debug = ["-debuginfo", "-debugsource"].iter().any(|end| name.ends_with(end));
    if name.is_empty() || is_debug {
        return None;
    }
    Some(Placed {
        place: Place { ecosystem, name: name.to_owned(), module: None, product },
        answer: said.answer,
        version: version.map(str::to_owned),
        word: said.word.as_deref(),
    })
}

// Name and version of `libcurl4-32bit-8.0.1-150400.5.32.1`.
fn split(text: &str) -> Option<(&str, &str)> {
    let (rest, _) = text.rsplit_once('-')?;
    let (name, _) = rest.rsplit_once('-')?;
    Some((name, &text[name.len() + 1..]))
}

// Images, storage, managers and the like are products too. What they are made of is said of the distribution as well.
fn product_of(text: &str) -> Option<(Ecosystem, Option<String>)> {
    let ecosystem = |name: &str, release: &str| Ecosystem {
        name: name.to_owned(),
        release: Some(release.to_owned()),
    };
    if let Some(release) = text.strip_prefix("openSUSE ") {
        let is_known = release == "Tumbleweed" || release.starts_with("Leap ");
        return is_known.then(|| (ecosystem("openSUSE", release), None));
    }
    let product = text.strip_prefix("SUSE ")?;
    Some((ecosystem(ENTERPRISE, &release_of(product)?), Some(product.to_owned())))
}

// `15.5` of `Linux Enterprise Server 15 SP5-LTSS`, `Micro 5.5` of `Linux Enterprise Micro 5.5`.
fn release_of(product: &str) -> Option<String> {
    let rest = product.strip_prefix("Linux ")?;
    let rest = rest.strip_prefix("Enterprise ").unwrap_or(rest);
    let is_number =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let words: Vec<&str> = rest.split([' ', '-']).collect();
    let place = words.iter().position(|word| is_number(word))?;
    let number = words[place];
    if words[0] == "Micro" {
        return Some(format!("Micro {number}"));
    }
    let pack =
        words.get(place + 1).and_then(|word| word.strip_prefix("SP")).filter(|it| is_number(it));
    let is_whole =
        ["Server", "Desktop", "High", "Module", "Software", "Workstation", "Real", "Live"]
            .contains(&words[0]);
    is_whole.then(|| match pack {
        Some(pack) => format!("{number}.{pack}"),
        None => number.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products() {
        for (text, expected) in [
            ("SUSE Linux Enterprise Server 15 SP5", "SUSE:15.5 Linux Enterprise Server 15 SP5"),
            (
                "SUSE Linux Enterprise Server 15 SP3-LTSS",
                "SUSE:15.3 Linux Enterprise Server 15 SP3-LTSS",
            ),
            ("SUSE Linux Enterprise Server 16.0", "SUSE:16.0 Linux Enterprise Server 16.0"),
            ("SUSE Linux Enterprise Server 15", "SUSE:15 Linux Enterprise Server 15"),
            (
                "SUSE Linux Enterprise Module for Basesystem 15 SP5",
                "SUSE:15.5 Linux Enterprise Module for Basesystem 15 SP5",
            ),
            ("SUSE Linux Enterprise Micro 5.5", "SUSE:Micro 5.5 Linux Enterprise Micro 5.5"),
            ("SUSE Linux Micro 6.1", "SUSE:Micro 6.1 Linux Micro 6.1"),
            ("openSUSE Leap 15.6", "openSUSE:Leap 15.6 -"),
            ("openSUSE Tumbleweed", "openSUSE:Tumbleweed -"),
            ("SUSE Manager Server 4.3", "-"),
            ("SUSE Linux Enterprise Server", "-"),
            ("Container suse/sle15:15.5", "-"),
        ] {
            let actual = product_of(text).map_or("-".to_owned(), |(ecosystem, product)| {
                format!("{ecosystem} {}", product.as_deref().unwrap_or("-"))
            });
            assert_eq!(actual, expected, "{text}");
        }
        assert_eq!(
            split("libcurl4-32bit-8.0.1-150400.5"),
            Some(("libcurl4-32bit", "8.0.1-150400.5"))
        );
        assert_eq!(split("curl-1"), None);
    }
}
