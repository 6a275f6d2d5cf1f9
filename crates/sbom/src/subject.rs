//! What a document is about.

use sealift_model::Purl;
use sealift_oci::{Digest, Reference};

/// What a document is about, and when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Name for people: a reference, or a path.
    pub name: String,
    /// The image's reference, if it is an image.
    pub reference: Option<Reference>,
    /// Digest of the image's manifest.
    pub digest: Option<Digest>,
    /// Processor.
    pub architecture: Option<String>,
    /// Who supplies it, if that is known.
    pub supplier: Option<String>,
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
            architecture: None,
            supplier: None,
            created_secs,
        }
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
