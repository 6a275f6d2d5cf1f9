//! Signatures made, read and attacked.

#![allow(clippy::unwrap_used, reason = "tests may panic outside of their functions too")]
#![allow(clippy::print_stderr, reason = "what was skipped is said")]

mod attacks;
mod foreign;
mod interop;
mod oracle;
mod signatures;
mod times;

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_crypto::certificate::{Draft, Extension, KeyUsage, Name, PURPOSE_CODE_SIGNING};
use sealift_crypto::{Certificate, PublicKey, SigningKey};
use sealift_notation::{
    EnvelopeFormat, Error, Outcome, Question, Request, RevocationLists, SigningScheme, Statement,
    StoreName, StoreType, Target, TrustStore,
};
use sealift_oci::{Descriptor, Digest, media_type};

pub(crate) const NOW: &str = "2026-11-21T12:00:00Z";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A root, an authority below it and a signer, all of P-256 but the signer.
pub(crate) struct World {
    pub(crate) root_key: SigningKey,
    pub(crate) middle_key: SigningKey,
    pub(crate) key: SigningKey,
    /// Signer first.
    pub(crate) chain: Vec<Certificate>,
    pub(crate) image: Descriptor,
}

pub(crate) fn name(common_name: &str) -> Name {
    Name::new(&[("C", "CH"), ("ST", "BE"), ("O", "Ship"), ("CN", common_name)]).unwrap()
}

pub(crate) fn authority_extensions() -> Vec<Extension> {
    let usages = [KeyUsage::CertificateSigning, KeyUsage::ListSigning];
    vec![Extension::basic_constraints(true, None), Extension::key_usage(&usages)]
}

pub(crate) fn leaf_extensions() -> Vec<Extension> {
    vec![
        Extension::basic_constraints(false, None),
        Extension::key_usage(&[KeyUsage::DigitalSignature]),
        Extension::extended_key_usage(false, &[PURPOSE_CODE_SIGNING]).unwrap(),
    ]
}

pub(crate) fn draft<'a>(
    subject: &'a Name,
    key: &'a PublicKey,
    extensions: &'a [Extension],
) -> Draft<'a> {
    Draft {
        subject,
        key,
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
        extensions,
    }
}

/// What a test asks otherwise than the others.
#[derive(Default)]
pub(crate) struct Other<'a> {
    pub(crate) statement: Option<&'a Statement>,
    pub(crate) store: Option<&'a TrustStore>,
    pub(crate) lists: Option<&'a RevocationLists>,
    pub(crate) artifact: Option<&'a Descriptor>,
    pub(crate) annotations: Option<&'a BTreeMap<String, String>>,
    pub(crate) now: Option<&'a str>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_key(SigningKey::generate_p256())
    }

    pub(crate) fn with_key(key: SigningKey) -> Self {
        Self::with_leaf(key, &leaf_extensions())
    }

    pub(crate) fn with_leaf(key: SigningKey, extensions: &[Extension]) -> Self {
        let (root_key, middle_key) = (SigningKey::generate_p256(), SigningKey::generate_p256());
        let (root_name, middle_name, leaf_name) = (name("Root"), name("Middle"), name("app"));
        let authority = authority_extensions();
        let root = draft(&root_name, &root_key.public(), &authority).self_sign(&root_key).unwrap();
        let middle =
            draft(&middle_name, &middle_key.public(), &authority).issue(&root, &root_key).unwrap();
        let leaf =
            draft(&leaf_name, &key.public(), extensions).issue(&middle, &middle_key).unwrap();
        let image = Descriptor::new(media_type::MANIFEST, Digest::sha256(b"image"), 5);
        Self { root_key, middle_key, key, chain: vec![leaf, middle, root], image }
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            media_type: self.image.media_type.clone(),
            digest: self.image.digest.clone(),
            size: self.image.size,
            annotations: BTreeMap::from([("build".to_owned(), "7".to_owned())]),
        }
    }

    pub(crate) fn sign_as(
        &self,
        format: EnvelopeFormat,
        change: impl FnOnce(&mut Request<'_>),
    ) -> Result<Vec<u8>, Error> {
        let target = self.target();
        let mut request = Request {
            format,
            scheme: SigningScheme::X509,
            target: &target,
            chain: &self.chain,
            signing_time: time("2026-11-20T12:00:00.7Z"),
            expiry: None,
            agent: "sealift/test",
        };
        change(&mut request);
        sealift_notation::sign(&request, &self.key, |_| Ok(None))
    }

    pub(crate) fn sign(&self, format: EnvelopeFormat) -> Vec<u8> {
        self.sign_as(format, |_| {}).unwrap()
    }

    /// The root in `ca:team`.
    pub(crate) fn store(&self) -> TrustStore {
        let mut store = TrustStore::default();
        store.insert(authority_store(), vec![self.chain[self.chain.len() - 1].clone()]).unwrap();
        store
    }

    pub(crate) fn verify(&self, format: EnvelopeFormat, envelope: &[u8]) -> Outcome {
        self.verify_with(format, envelope, &Other::default())
    }

    pub(crate) fn verify_with(
        &self,
        format: EnvelopeFormat,
        envelope: &[u8],
        other: &Other<'_>,
    ) -> Outcome {
        let statement = Statement::strict("team", vec![authority_store()]);
        let (store, lists) = (self.store(), RevocationLists::default());
        let annotations = BTreeMap::new();
        sealift_notation::verify(&Question {
            statement: other.statement.unwrap_or(&statement),
            store: other.store.unwrap_or(&store),
            lists: other.lists.unwrap_or(&lists),
            media_type: format.media_type(),
            envelope,
            artifact: other.artifact.unwrap_or(&self.image),
            annotations: other.annotations.unwrap_or(&annotations),
            now: time(other.now.unwrap_or(NOW)),
        })
    }

    /// Why an envelope is refused.
    pub(crate) fn refusal(&self, format: EnvelopeFormat, envelope: &[u8]) -> String {
        refusal(&self.verify(format, envelope))
    }
}

pub(crate) fn authority_store() -> StoreName {
    StoreName::new(StoreType::Authority, "team").unwrap()
}

pub(crate) fn refusal(outcome: &Outcome) -> String {
    outcome.refusal().map_or_else(|| "accepted".to_owned(), ToString::to_string)
}
