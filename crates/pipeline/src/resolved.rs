//! What the name of an image stands for now: as its registry says, else as the local store has it from one.

use sealift_oci::{
    Descriptor, Digest, ImageConfig, Index, Manifest, Platform, Raw, Reference, media_type,
};

use crate::{Event, Session};

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The digest.
    pub(crate) digest: Digest,
    /// The platforms that it is there for; empty if that is not said.
    pub(crate) platforms: Vec<Platform>,
}

/// Asks the registry, else the local store. What cannot be had is a warning.
pub(crate) fn named(session: &Session<'_>, reference: &Reference) -> Option<Named> {
    let reference = reference.clone().or_latest();
    match session.network.manifest(&reference) {
        Ok((descriptor, bytes)) => {
            // A config is small, and of use to whoever pulls the image next.
            let blob = |config: &Descriptor| {
                session.network.fetch_blob(session.store, &reference, config).ok()?;
                session.store.read_blob(&config.digest).ok()
            };
            Some(Named {
                platforms: platforms(&descriptor.media_type, bytes, &blob),
                digest: descriptor.digest,
            })
        }
        Err(error) => {
            let stored = session.store.resolve(&reference).ok().flatten();
            let beside = if stored.is_some() { "; the local store's digest is used" } else { "" };
            let name = reference.familiar();
            let text = format!("cannot ask for the digest of `{name}`: {error}{beside}");
            session.observer.event(Event::Warning(text));
            let descriptor = stored?;
            let blob = |config: &Descriptor| session.store.read_blob(&config.digest).ok();
            let bytes = blob(&descriptor).unwrap_or_default();
            Some(Named {
                platforms: platforms(&descriptor.media_type, bytes, &blob),
                digest: descriptor.digest,
            })
        }
    }
}

/// The platforms of an index, or of the only image; what cannot be read has none.
fn platforms(
    kind: &str,
    bytes: Vec<u8>,
    blob: &dyn Fn(&Descriptor) -> Option<Vec<u8>>,
) -> Vec<Platform> {
    if media_type::is_index(kind) {
        let Ok(index) = Raw::<Index>::parse(bytes, "image index") else { return Vec::new() };
        // BuildKit's attestations are among the images, for a platform that nobody has.
        let all = index.value().manifests.iter().filter_map(|it| it.platform.clone());
        return all.filter(|it| it.os != "unknown").collect();
    }
    let config = Raw::<Manifest>::parse(bytes, "image manifest").ok().and_then(|manifest| {
        let bytes = blob(&manifest.value().config)?;
        Raw::<ImageConfig>::parse(bytes, "image config").ok()
    });
    let platform = config.map(|config| Platform {
        architecture: config.value().architecture.clone(),
        os: config.value().os.clone(),
        os_version: None,
        variant: None,
    });
    platform.into_iter().filter(|it| !it.os.is_empty() && !it.architecture.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_of_indexes_and_images() {
        let platform = |os: &str, architecture: &str| Platform {
            architecture: architecture.to_owned(),
            os: os.to_owned(),
            os_version: None,
            variant: None,
        };
        let of = |bytes: &[u8], os: &str, architecture: &str| {
            let mut it = Descriptor::new(media_type::MANIFEST, Digest::sha256(bytes), 1);
            it.platform = Some(platform(os, architecture));
            it
        };
        let index = Index::new(vec![of(b"a", "linux", "arm64"), of(b"b", "unknown", "unknown")]);
        let bytes = Raw::encode(index).bytes().to_vec();
        let found = platforms(media_type::INDEX, bytes, &|_| None);
        assert_eq!(found, [platform("linux", "arm64")]);
        let config = ImageConfig {
            architecture: "s390x".to_owned(),
            os: "linux".to_owned(),
            ..ImageConfig::default()
        };
        let config = Raw::encode(config).bytes().to_vec();
        let descriptor = Descriptor::new(media_type::CONFIG, Digest::sha256(&config), 1);
        let manifest = Raw::encode(Manifest::new(descriptor, Vec::new())).bytes().to_vec();
        let blob = |_: &Descriptor| Some(config.clone());
        let found = platforms(media_type::MANIFEST, manifest.clone(), &blob);
        assert_eq!(found, [platform("linux", "s390x")]);
        assert!(platforms(media_type::MANIFEST, manifest, &|_| None).is_empty());
        assert!(platforms(media_type::INDEX, b"{".to_vec(), &|_| None).is_empty());
    }
}
