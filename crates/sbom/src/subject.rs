//! What a document is about.

use std::collections::BTreeMap;

use sealift_model::{License, Purl};
use sealift_oci::{Digest, Reference};
use sha2::{Digest as _, Sha512};

use crate::text;

const LABELS: &str = "org.opencontainers.image.";

/// What a document is about, and when it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Name for people: a reference, or a path.
    pub name: String,
    /// The image's reference, if it is an image.
    pub reference: Option<Reference>,
    /// Digest of the image's manifest.
    pub digest: Option<Digest>,
    /// Processor.
    pub architecture: Option<String>,
    /// Who supplies it, if that is known: `Name <mail or web address>`.
    pub supplier: Option<String>,
    /// Who answers for the document, in the same form; the tool alone if absent.
    pub creator: Option<String>,
    /// Its licence, as its maker states it.
    pub license: Option<String>,
    /// Its home page, as its maker states it.
    pub homepage: Option<String>,
    /// Digest of the image's config, which some call the image's id.
    pub config_digest: Option<Digest>,
    /// SHA-512 of the image's manifest, lower-case hexadecimal. The manifest names all content by digest, and so this
    /// hash stands for all of it.
    pub manifest_sha512: Option<String>,
    /// Time that the document states, in seconds since 1970.
    pub created_secs: i64,
}

impl Subject {
    /// An image of this reference and digest.
    pub fn image(reference: &Reference, digest: &Digest, created_secs: i64) -> Self {
        Self {
            name: reference.familiar(),
            reference: Some(reference.clone()),
            digest: Some(digest.clone()),
            created_secs,
            ..Self::default()
        }
    }

    /// Takes over what the image's labels say (OCI image-spec, annotations.md), where nothing is known yet.
    pub fn take_labels(&mut self, labels: &BTreeMap<String, String>) {
        let label = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| labels.get(&format!("{LABELS}{name}")));
            values.find_map(|value| text::some(value))
        };
        self.supplier = self.supplier.take().or_else(|| label(&["vendor", "authors"]));
        self.license = self.license.take().or_else(|| label(&["licenses"]));
        self.homepage = self.homepage.take().or_else(|| label(&["url", "source", "documentation"]));
    }

    /// Takes over the hash of the image's manifest, if the subject is that manifest.
    pub fn take_manifest(&mut self, bytes: &[u8]) {
        if self.digest.as_ref() == Some(&Digest::sha256(bytes)) {
            self.manifest_sha512 = Some(text::hex(&Sha512::digest(bytes)));
        }
    }

    /// The licence as packages have theirs.
    pub(crate) fn licenses(&self) -> Vec<License> {
        let licenses = self.license.iter();
        licenses.map(|text| License::declared(text.clone(), Some(text.clone()))).collect()
    }

    /// The subject's package URL (purl-spec, type `oci`): only an image with a digest has one.
    pub(crate) fn purl(&self) -> Option<Purl> {
        let (reference, digest) = (self.reference.as_ref()?, self.digest.as_ref()?);
        let repository = reference.repository();
        let name = repository.rsplit('/').next().unwrap_or(repository);
        let mut purl = Purl::new("oci", name);
        purl.version = Some(digest.to_string());
        purl.qualifiers
            .insert("repository_url".to_owned(), format!("{}/{repository}", reference.registry()));
        if let Some(tag) = reference.tag() {
            purl.qualifiers.insert("tag".to_owned(), tag.to_owned());
        }
        if let Some(architecture) = &self.architecture {
            purl.qualifiers.insert("arch".to_owned(), architecture.clone());
        }
        Some(purl)
    }

    /// The time as RFC 3339 in UTC.
    pub(crate) fn timestamp(&self) -> String {
        let time = jiff::Timestamp::from_second(self.created_secs);
        // Years beyond 9999 are nobody's; the epoch says "unknown" as well as anything.
        time.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
    }
}
