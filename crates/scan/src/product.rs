//! The products of Red Hat that an image's packages may be part of.

use std::collections::BTreeSet;

use sealift_database::{Damaged, Database};
use sealift_model::{Inventory, Note, PackageKind};

use crate::ecosystem::distribution;

/// Products that packages may be part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Products {
    /// Release of the distribution.
    release: String,
    /// `enterprise_linux:9::baseos`; none if it is not known where the packages come from.
    known: BTreeSet<String>,
}

/// The products of an image, by the repositories that its packages come from.
pub(crate) fn products(
    inventory: &Inventory,
    database: &Database,
    notes: &mut Vec<Note>,
) -> Result<Products, Damaged> {
    let distro = inventory.distro.as_ref();
    let ecosystem = distribution(PackageKind::Rpm, distro).ok();
    let Some(ecosystem) = ecosystem.filter(|it| it.name == "Red Hat") else {
        return Ok(Products::default());
    };
    let found = database.products(&inventory.repositories)?;
    let unknown: Vec<&str> = inventory
        .repositories
        .iter()
        .filter(|name| found.iter().all(|(known, _)| known != *name))
        .map(String::as_str)
        .collect();
    let subject = ecosystem.to_string();
    let plain = "they are judged as those of Red Hat Enterprise Linux, without extended updates \
                 and without other products";
    if inventory.repositories.is_empty() {
        let message = format!("the image does not say where its packages come from: {plain}");
        notes.push(Note { subject, message });
    } else if !unknown.is_empty() {
        let message = if found.is_empty() {
            format!("no product of its repositories is known: {plain}")
        } else {
            format!("the products of a repository are not known: {}", unknown.join(", "))
        };
        notes.push(Note { subject, message });
    }
    let known = found.into_iter().flat_map(|(_, products)| products).collect();
    Ok(Products { release: ecosystem.release.unwrap_or_default(), known })
}

impl Products {
    /// True if what is said of a product concerns these. The distribution itself always counts, for an image may have
    /// more of it than its makers have written down.
    pub(crate) fn has(&self, product: &str) -> bool {
        let first = first_parts(product);
        let plain = format!("enterprise_linux:{}", self.release);
        // The last minor release is supported for longer, for those who pay; what is repaired only there all others of it
        // have.
        let longer = format!("rhel_els:{}", self.release);
        includes(&first, &plain)
            || first == longer
            || self.known.iter().any(|known| includes(product, known))
    }
}

fn first_parts(product: &str) -> String {
    let parts: Vec<&str> = product.splitn(3, ':').take(2).collect();
    parts.join(":")
}

// True if the first names the second, or all of which it is a part. The parts of a CPE are product, version, update and
// edition; one that is left out is any. Minor releases of the distribution itself follow each other and are one.
fn includes(whole: &str, part: &str) -> bool {
    let (mut wholes, mut parts) = (whole.split(':'), part.split(':'));
    let (product, other) = (wholes.next(), parts.next());
    let is_distribution = product == Some("enterprise_linux");
    let version_of = |text: Option<&str>| {
        let text = text.unwrap_or_default();
        let major = text.split_once('.').map_or(text, |(major, _)| major);
        if is_distribution { major.to_owned() } else { text.to_owned() }
    };
    let (version, other_version) = (version_of(wholes.next()), version_of(parts.next()));
    let is_any = |text: &str| matches!(text, "" | "*");
    product == other
        && (is_any(&version) || version == other_version)
        && wholes.all(|text| {
            let other = parts.next().unwrap_or_default();
            is_any(text) || text == other
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(known: &[&str], product: &str, expected: bool) {
        let known = known.iter().map(|it| (*it).to_owned()).collect();
        let products = Products { release: "9".to_owned(), known };
        assert_eq!(products.has(product), expected, "{product} of {products:?}");
    }

    #[test]
    fn parts() {
        let base = ["enterprise_linux:9::baseos"];
        check(&base, "enterprise_linux:9", true);
        check(&base, "enterprise_linux:9::baseos", true);
        check(&base, "enterprise_linux:9.4::baseos", true);
        check(&base, "enterprise_linux:9::appstream", true);
        check(&base, "enterprise_linux:8::baseos", false);
        check(&base, "rhel_eus:9.2::baseos", false);
        check(&base, "openshift:4.12::el9", false);
        check(&base, "rhel_els:9", true);
        check(&[], "rhel_els:9::x", true);
        check(&[], "rhel_els:8", false);
        let extended = ["rhel_eus:9.2::baseos", "openshift:4.12::el9"];
        check(&extended, "enterprise_linux:9", true);
        check(&extended, "enterprise_linux:9::baseos", true);
        check(&extended, "rhel_eus:9.2::baseos", true);
        check(&extended, "rhel_eus:9.4::baseos", false);
        check(&extended, "openshift:4", false);
        check(&extended, "openshift:4.12", true);
        check(&[], "enterprise_linux:9.1", true);
        check(&[], "enterprise_linux:9::crb", true);
        check(&[], "enterprise_linux:8", false);
        check(&[], "rhel_eus:9.2::baseos", false);
        check(&[], "openshift:4.12::el9", false);
        check(&[], "", false);
        check(&base, "", false);
    }
}
