//! Which image of an index fits a platform (image-spec, image-index.md; containerd's platform matching).

use sealift_oci::{Descriptor, Platform};

use crate::{Error, Result};

/// The manifest of an index that fits a platform best; the first one among equals.
pub fn select_platform<'a>(
    manifests: &'a [Descriptor],
    wanted: &Platform,
) -> Result<&'a Descriptor> {
    let images = || manifests.iter().filter(|descriptor| !is_attestation(descriptor));
    // `max_by_key` takes the last among equals.
    let best = images()
        .rev()
        .filter_map(|descriptor| Some((fit(descriptor.platform.as_ref()?, wanted)?, descriptor)))
        .max_by_key(|(fit, _)| *fit);
    if let Some((_, descriptor)) = best {
        return Ok(descriptor);
    }
    // An index of one image without a platform leaves no choice; its config is checked by whoever cares.
    let mut all = images();
    if let (Some(only), None) = (all.next(), all.next())
        && only.platform.is_none()
    {
        return Ok(only);
    }
    Err(Error::Platform {
        wanted: wanted.to_string(),
        available: images()
            .map(|descriptor| match &descriptor.platform {
                Some(platform) => platform.to_string(),
                None => format!("{} without a platform", descriptor.digest.short()),
            })
            .collect(),
    })
}

// BuildKit puts attestations among the images, for a platform that nobody has.
fn is_attestation(descriptor: &Descriptor) -> bool {
    descriptor.annotations.contains_key("vnd.docker.reference.type")
        || descriptor
            .platform
            .as_ref()
            .is_some_and(|platform| platform.os == "unknown" && platform.architecture == "unknown")
}

// How well an image fits: `None` not at all, higher is better.
fn fit(have: &Platform, wanted: &Platform) -> Option<u32> {
    if have.os != wanted.os || have.architecture != wanted.architecture {
        return None;
    }
    if let (Some(have), Some(wanted)) = (&have.os_version, &wanted.os_version)
        && have != wanted
    {
        return None;
    }
    let default = match wanted.architecture.as_str() {
        "arm64" => Some("v8"),
        "arm" => Some("v7"),
        "amd64" => Some("v1"),
        _ => None,
    };
    let wanted = wanted.variant.as_deref().or(default);
    let have = have.variant.as_deref().or(default);
    match (have, wanted) {
        (have, wanted) if have == wanted => Some(u32::MAX),
        // An older variant runs on a newer processor, never the other way round.
        (Some(have), Some(wanted)) => {
            let level = |variant: &str| variant.strip_prefix('v')?.parse::<u32>().ok();
            let (have, wanted) = (level(have)?, level(wanted)?);
            (have < wanted).then_some(have)
        }
        (None, Some(_)) => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use sealift_oci::{Digest, media_type};

    use super::*;

    fn platform(text: &str) -> Platform {
        let mut parts = text.split('/').map(str::to_owned);
        Platform {
            os: parts.next().unwrap_or_default(),
            architecture: parts.next().unwrap_or_default(),
            variant: parts.next(),
            os_version: None,
        }
    }

    fn check(available: &[&str], wanted: &str, expected: Option<usize>) {
        let manifests: Vec<Descriptor> = available
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let digest = Digest::sha256(&[u8::try_from(index).unwrap()]);
                let mut descriptor = Descriptor::new(media_type::MANIFEST, digest, 1);
                descriptor.platform = (!text.is_empty()).then(|| platform(text));
                descriptor
            })
            .collect();
        let chosen = select_platform(&manifests, &platform(wanted)).ok();
        let place = chosen.map(|chosen| {
            manifests.iter().position(|descriptor| std::ptr::eq(descriptor, chosen)).unwrap()
        });
        assert_eq!(place, expected, "{wanted} of {available:?}");
    }

    #[test]
    fn the_best_fit_is_taken() {
        check(&["linux/arm64", "linux/amd64"], "linux/amd64", Some(1));
        check(&["linux/amd64", "linux/amd64"], "linux/amd64", Some(0));
        check(&["linux/amd64/v3", "linux/amd64/v2"], "linux/amd64", None);
        check(&["linux/amd64/v2", "linux/amd64/v3"], "linux/amd64/v3", Some(1));
        check(&["linux/amd64", "linux/amd64/v2"], "linux/amd64/v3", Some(1));
        check(&["linux/arm/v6", "linux/arm/v7", "linux/arm/v8"], "linux/arm/v7", Some(1));
        check(&["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", Some(1));
        check(&["linux/arm64/v8"], "linux/arm64", Some(0));
        check(&["unknown/unknown", "linux/amd64"], "linux/amd64", Some(1));
        check(&["windows/amd64"], "linux/amd64", None);
        check(&[""], "linux/amd64", Some(0));
        check(&["", "unknown/unknown"], "linux/amd64", Some(0));
        check(&["", ""], "linux/amd64", None);
        check(&[], "linux/amd64", None);
    }
}
